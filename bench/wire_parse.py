"""How fast messages of the three venues are read, on one core.

The yardstick is the unmodified unified client reading the same messages in the same run, as its socket would hand them
over. The messages are a mix drawn with the seed: trades (one a message, the usual case), marks, forced orders. Figures
are per second of processor time, best of the rounds; ratios travel between machines, absolutes do not.

    python bench/wire_parse.py [--messages 30000] [--rounds 3] [--seed 1]
"""

import argparse
import functools
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ccxt.pro
from ccxt.async_support.base.ws.client import Client

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "builders"))
sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from public_venue import VENUES, forced, mark, trade

from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import wire_of

GOAL_PER_S = 600_000.0
UNIFIED_SHARE = 0.1
"""The unified client reads this share of the messages; it is slow."""


def messages(venue: str, count: int, seed: int) -> list[str]:
    chance, price, found = random.Random(seed), 60_000.0, []
    for _ in range(count):
        price = round(price * (1 + chance.gauss(0, 1e-5)), 1)
        kind = chance.random()
        if kind < 0.97:
            found.append(trade(venue, price, round(chance.expovariate(5) + 0.001, 3), bought=chance.random() < 0.5))
        elif kind < 0.99:
            found.append(mark(venue, price))
        else:
            found.append(forced(venue, price, round(chance.expovariate(1) + 0.001, 3), long=chance.random() < 0.5))
    return found


def book_of(venue: str) -> WireBook:
    name = "BTC-USDT-SWAP" if venue == "okx" else "BTCUSDT"
    units = 0.01 if venue == "okx" else 1.0
    return WireBook(venue, [WireContract(symbol_id=name, symbol="BTC/USDT:USDT", venue_key=venue, coin="BTC",
                                         contract_units=units)])


def best_s(once: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        once()
        found.append(time.process_time() - began)
    return min(found)


def ours(venue: str, raw: Sequence[str]) -> None:
    book, parse = book_of(venue), wire_of(venue).parse
    for message in raw:
        parse(message, book)


def unified(venue: str, raw: Sequence[str]) -> None:
    """Through the socket's own entrance, with every option as it comes."""
    exchange = getattr(ccxt.pro, venue)()
    name = "BTC-USDT-SWAP" if venue == "okx" else "BTCUSDT"
    exchange.set_markets([exchange.safe_market_structure(market(name, venue))])
    client = socket_of(exchange)
    for message in raw:
        client.handle_text_or_binary_message(message)


def market(name: str, venue: str) -> dict[str, Any]:
    return {
        "id": name, "lowercaseId": name.lower(), "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT",
        "settle": "USDT", "baseId": "BTC", "quoteId": "USDT", "settleId": "USDT", "type": "swap", "spot": False,
        "swap": True,
        "future": False, "option": False, "contract": True, "linear": True, "inverse": False, "active": True,
        "contractSize": 0.01 if venue == "okx" else 1.0, "precision": {"amount": 0.001, "price": 0.1}, "limits": {},
        "margin": False, "subType": "linear", "info": {},
    }


def socket_of(exchange: Any) -> Any:
    url = {"binance": "wss://fstream.binance.com/market/ws/0", "bybit": "wss://stream.bybit.com/v5/public/linear",
           "okx": "wss://ws.okx.com:443/ws/v5/public"}[exchange.id]
    return Client(url, exchange.handle_message, lambda *_: None, lambda *_: None, lambda *_: None, {})


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    for venue in VENUES:
        raw = messages(venue, asked.messages, asked.seed)
        few = raw[: max(1, int(len(raw) * UNIFIED_SHARE))]
        mine = len(raw) / best_s(functools.partial(ours, venue, raw), asked.rounds)
        theirs = len(few) / best_s(functools.partial(unified, venue, few), asked.rounds)
        yield Figure(work=f"messages parsed and normalised, {venue}", value=mine, unit="per CPU second",
                     goal=GOAL_PER_S, beside="ccxt, unmodified", beside_value=theirs)


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=1)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
