"""liqbot: a headless trading bot on a live liquidation map."""

__version__ = "0.1.0"
