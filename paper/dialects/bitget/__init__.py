"""Bitget's protocol: classic accounts (v2) and the public streams of unified ones (v3)."""
