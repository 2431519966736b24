"""The house on real venues: who may start it, how it recovers, what runs in it, and how it is stopped from outside."""
