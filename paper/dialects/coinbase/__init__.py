"""Coinbase US spoken by the simulated exchange: market data only."""
