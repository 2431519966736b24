"""Recorded markets: their format, how they are read, written and checked."""
