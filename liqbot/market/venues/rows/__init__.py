"""The rows themselves; rows know nothing of each other."""
