"""The simulated exchange in Binance's protocol."""
