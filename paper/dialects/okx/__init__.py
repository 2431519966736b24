"""The simulated exchange in OKX's protocol."""
