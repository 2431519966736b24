"""Top floor: make what is, what should be."""
