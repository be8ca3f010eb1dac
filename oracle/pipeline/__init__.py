"""A request's way from the chain's log to the chain's answer: one short file a stage, one worker that runs them."""
