"""OKX on the wire (v5): USDT and coin-margined swaps."""
