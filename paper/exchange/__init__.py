"""A simulated perpetual exchange: pure, on a virtual clock, with the money counted to the micro-dollar."""

from paper.exchange.exchange import PaperExchange
from paper.exchange.params import PaperParams

__all__ = ["PaperExchange", "PaperParams"]
