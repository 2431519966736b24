"""A journal of a short life of a real engine, with or without a snapshot in it."""

from decimal import Decimal
from pathlib import Path

from liqbot.blocks import EventBlock, block_of
from liqbot.events import Balance, BiasSet, Halt, LeverageConfirmed, PositionSnapshot, Reconciled
from liqbot.instruments import Side
from liqbot.journal import Journal
from liqbot.runtime.assembly import engine_of, opening_facts, snapshot_version
from liqbot.settings import settings_model
from paper.sessions.listings import paper_instruments
from tests.builders.market_rows import START_MS, RandomMarket

SETTINGS = settings_model()(mode="demo", coins=("BTC",), venues=("binance", "bybit"), trade_venue="binance")
MARKET = RandomMarket(seed=3, venues=("binance", "bybit"), marks=True, span_ms=1_000)
INSTRUMENTS = paper_instruments("binance", ("BTC",))
STEPS = 120


def account_facts(time_ms: int) -> EventBlock:
    here = {"time_ms": time_ms, "venue": "binance", "coin": "BTC"}
    return EventBlock(facts=(
        Balance(**here, wallet_usd=Decimal(10_000)),
        LeverageConfirmed(**here, leverage=3.0, isolated=True),
        PositionSnapshot(**here, side=Side.LONG, quantity_base=Decimal(0), entry_price=Decimal(0), leverage=3.0,
                         isolated=True),
        Reconciled(**here),
    ))  # fmt: skip


def written(
    path: Path, *, snapshot_at: int | None, and_at: int | None = None, version: str = snapshot_version()
) -> bytes:
    """A journal of a short life; gives the engine's last state."""
    with Journal.open(path, mode="demo", account="x", roster=MARKET.roster) as journal:
        engine = engine_of(SETTINGS, MARKET.roster, journal.stamp.journal_id, INSTRUMENTS)
        facts = opening_facts(SETTINGS, MARKET.roster, journal.stamp.journal_id, INSTRUMENTS, START_MS)
        blocks = [EventBlock(facts=facts), account_facts(START_MS)]
        blocks += [block_of(rows, MARKET.roster, tick_ms=time_ms) for time_ms, rows in MARKET.steps(STEPS)]
        blocks.append(EventBlock(facts=(Halt(time_ms=START_MS + 10**6, reason="paused: x"),
                                        BiasSet(time_ms=START_MS + 10**6, coin="BTC", side=Side.LONG,
                                                until_ms=START_MS + 10**7, why="x"))))  # fmt: skip
        for number, block in enumerate(blocks):
            seq = journal.append(block, "inbox", number)
            journal.record(seq, engine.on_block(block))
            if number in {snapshot_at, and_at}:
                journal.save_snapshot("engine", seq, version, engine.snapshot())
        return engine.snapshot()
