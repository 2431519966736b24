"""The strategies, one file each; they know nothing of each other."""
