"""The market at a block: price feeds, their rounds, and what they say of the coin."""
