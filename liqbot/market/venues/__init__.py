"""One row per venue: what it lists, how it speaks, how it liquidates."""
