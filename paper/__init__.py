"""The same house with no money in it: simulated venues, simulated markets, tapes. Imports liqbot, never the reverse."""
