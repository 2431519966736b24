"""Hyperliquid spoken by the simulated exchange."""
