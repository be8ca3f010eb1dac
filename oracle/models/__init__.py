"""What serves: the network, its integers, its policy, explanations, and the registry of model folders."""
