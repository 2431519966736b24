"""Kraken Futures spoken by the simulated exchange: market data only."""
