"""ApeX as a dialect of the simulated exchange, market data only."""
