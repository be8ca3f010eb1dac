"""All settings, typed: one file a section, and where their values come from."""
