"""Binance on the wire: USD-margined and coin-margined perpetuals."""
