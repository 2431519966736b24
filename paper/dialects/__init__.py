"""The simulated exchange in the venues' own wire protocols on loopback, so that unmodified clients trade on it."""
