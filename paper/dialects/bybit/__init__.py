"""The simulated exchange in Bybit's protocol."""
