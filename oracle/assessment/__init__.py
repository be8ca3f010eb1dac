"""The domain: what is asked, what is known, what is answered. Pure values and rules, no I/O."""
