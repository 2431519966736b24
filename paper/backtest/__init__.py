"""A tape through the whole house, and the report about it."""
