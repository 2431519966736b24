"""The liquidation map and what is read from it: clusters, thin zones, sweeps, drift, history."""
