"""Paper sessions: on the simulated market, on a tape, on live data, over the wire."""
