"""What the commands do: one file a subject; `oracle/cli.py` is their list."""
