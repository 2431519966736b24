"""Bitfinex's market data, spoken by the simulated exchange."""
