"""Jobs on a clock, beside the stages: drift, outcomes, endpoints, the registry's model, the shadow model."""
