"""Bytes of the ledger's own state per flush: what changed, beside the whole state at once.

    python bench/ledger.py [--trades 3000] [--every 20]

A long fold of round trips with their orders, verdicts and decisions, flushed every so many trades. The yardstick is the
state in one piece, encoded at every flush, as the ledger wrote it before it kept entries; it held the ids of facts
folded before too, which are the account's now, so the ids are added to the yardstick.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.events import Balance, Event, Fill, OrderAccepted
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter, Observation, WriteLimits
from liqbot.risk.account import Account
from liqbot.risk.limits import RiskLimits

START_MS = 1_750_000_000_000
HERE = {"venue": "binance", "coin": "BTC"}
FILLS_REMEMBERED = 4_000


def steps(trades: int) -> Iterator[tuple[int, tuple[Event, ...], tuple[PlaceOrder, ...]]]:
    """(time, facts, commands): an entry, its stop, and the fills of both, over and over."""
    yield START_MS, (Balance(time_ms=START_MS, venue="binance", coin="", wallet_usd=Decimal(10_000)),), ()
    for number in range(trades):
        time_ms = START_MS + 60_000 * (number + 1)
        for purpose, price in ((Purpose.ENTRY, "60000"), (Purpose.STOP, "60010")):
            reduces = purpose is not Purpose.ENTRY
            client_id = f"abc123{purpose.value}{number:06}"
            order = PlaceOrder(
                client_id, "binance", "BTC", number, purpose, OrderKind.MARKET, Side.LONG, Decimal("0.1"), reduces
            )
            accepted = OrderAccepted(time_ms=time_ms, **HERE, client_id=client_id, venue_order_id=str(number))
            fill = Fill(
                time_ms=time_ms, **HERE, client_id=client_id, fill_id=client_id, side=Side.LONG, reduces=reduces,
                price=Decimal(price), quantity_base=Decimal("0.1"), fee=Decimal(3),
            )
            yield time_ms, (), (order,)
            yield time_ms + 1, (accepted, fill), ()


def run(trades: int, every: int) -> dict[str, float]:
    account, ids, whole_bytes, flushes = Account(RiskLimits()), [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{pathlib.Path(folder) / 'ledger.sqlite'}"
        with LedgerWriter(url, "abc123", WriteLimits()) as ledger:
            started_s = time.perf_counter()
            for seq, (time_ms, facts, commands) in enumerate(steps(trades), 1):
                account.begin_block()
                for fact in facts:
                    account.on_fact(fact)
                    if isinstance(fact, Fill):
                        ids.append(f"binance|BTC|{fact.fill_id}")
                del ids[:-FILLS_REMEMBERED]
                ledger.observe(Observation(
                    seq=seq, time_ms=time_ms, source="bench", facts=facts, changes=account.changes, commands=commands,
                    equity_usd=account.equity_usd, cash=account.cash,
                ))
                if seq % (4 * every) == 0:
                    ledger.flush()
                    flushes += 1
                    whole_bytes += len(msgspec.msgpack.encode((ledger._fold.state, ids)))
            seconds, written = time.perf_counter() - started_s, ledger.state_bytes
    return {
        "flushes": flushes, "state_bytes_per_flush": written / flushes, "whole_bytes_per_flush": whole_bytes / flushes,
        "ratio": whole_bytes / written, "observations_per_s": 4 * trades / seconds,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trades", type=int, default=3_000)
    parser.add_argument("--every", type=int, default=20, help="trades between two flushes")
    given = parser.parse_args()
    json.dump(run(given.trades, given.every), sys.stdout, indent=2)
    sys.stdout.write("\n")
