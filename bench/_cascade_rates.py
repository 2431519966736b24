"""How much a cascade sends: an assumption for each venue, with where it comes from.

Usual: BTCUSDT on Binance printed 6,118 trades in 179 s (a raw recording of 2024-08-08), 34 a second. Every other
contract is taken to print in proportion to its volume of 24 hours, as an aggregator's list of 2025-11-14 has it;
contracts that it does not list print once a second. Cascade: 20 times as much. The liquidation of 2025-10-10 ran 10.9
times as fast for 40 minutes as in the hours around it (Amberdata's account of it, published after 2025-10-10).
Forced orders: one for ten trades where a venue tells all of them, one a second and contract where it tells a sample.
"""

from typing import Final

BINANCE_BTC_TRADES_S: Final = 6_118 / 179.0
BINANCE_BTC_MUSD: Final = 32_184.0
CASCADE: Final = 20.0
UNLISTED_TRADES_S: Final = 1.0
TRADES_FORCED: Final = 10.0
MARKS_S: Final = 2.0
"""Marks of a contract a second; venues document one (Binance, Aster) to ten (Deribit)."""
OPEN_INTEREST_S, FUNDING_S = 3.0, 10.0

VOLUMES_MUSD: Final[dict[str, tuple[float, float]]] = {
    # venue key: (BTC, ETH), million USD in 24 hours
    "binance": (32_184, 31_423), "mexc": (22_366, 4_525), "gate": (15_229, 15_667), "bybit": (15_225, 10_404),
    "okx": (14_707, 22_286), "coinbase": (9_702, 1_129), "hyperliquid": (9_248, 3_874), "bitget": (7_467, 6_199),
    "bingx": (3_310, 2_922), "cryptocom": (3_233, 1_492), "deribit:coin": (2_188, 542), "kucoin": (1_506, 1_288),
    "htx": (1_044, 1_921), "krakenfutures": (669, 264), "dydx": (542, 175), "bitfinex": (70, 20),
}


def usual_trades_s(venue_key: str, coin: str) -> float:
    """Trades of a contract in a usual second."""
    volumes = VOLUMES_MUSD.get(venue_key)
    if volumes is None:
        return UNLISTED_TRADES_S
    share = volumes[0 if coin == "BTC" else 1] / BINANCE_BTC_MUSD
    return max(0.1, BINANCE_BTC_TRADES_S * share)
