"""Deploying this project's contracts from the package alone: what is wanted, what was done, and what is still to do."""
