"""MEXC's wire protocol, market data only."""
