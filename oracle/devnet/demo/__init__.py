"""`make demo`: the main job from end to end on a local chain, told as it happens."""
