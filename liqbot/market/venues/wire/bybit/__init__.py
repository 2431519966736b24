"""Bybit on the wire (v5): USDT and inverse perpetuals."""
