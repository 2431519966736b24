"""Recovery: from a snapshot or from the beginning, whole or cut off, the engine is the one that went down."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from liqbot.blocks import EventBlock, block_of
from liqbot.events import Balance, BiasSet, Halt, LeverageConfirmed, PositionSnapshot, Reconciled
from liqbot.exits import ExpectedError
from liqbot.instruments import Side
from liqbot.journal import Journal
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, from_journal
from liqbot.runtime.assembly import SNAPSHOT_VERSION, engine_of, opening_facts
from liqbot.runtime.recovery import recover
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


def written(path: Path, *, snapshot_at: int | None, version: str = SNAPSHOT_VERSION) -> bytes:
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
            if number == snapshot_at:
                journal.save_snapshot("engine", seq, version, engine.snapshot())
        return engine.snapshot()


@pytest.mark.parametrize("snapshot_at", [None, 1, 60, STEPS + 1])
def test_the_engine_comes_back_byte_for_byte(tmp_path: Path, snapshot_at: int | None) -> None:
    path = tmp_path / "journal.sqlite"
    before = written(path, snapshot_at=snapshot_at)
    seen: list[int] = []
    found = recover(path, SETTINGS, MARKET.roster, INSTRUMENTS, lambda record, _step, _engine: seen.append(record.seq))
    assert found.engine.snapshot() == before
    assert found.records == len(seen) == (STEPS + 3 if snapshot_at is None else STEPS + 2 - snapshot_at)
    assert seen == list(range(STEPS + 4 - len(seen), STEPS + 4))
    assert found.engine.account.halted == "paused: x"


def test_a_snapshot_of_another_shape_is_passed_over(tmp_path: Path) -> None:
    """Left by the code before an upgrade: recovery and the map run the journal again instead of reading it."""
    path = tmp_path / "journal.sqlite"
    before = written(path, snapshot_at=60, version="0.1.0 state 3")
    found = recover(path, SETTINGS, MARKET.roster, INSTRUMENTS, lambda *_: None)
    assert found.engine.snapshot() == before
    assert found.records == STEPS + 3
    other = tmp_path / "other.sqlite"
    written(other, snapshot_at=60)
    first, second = (from_journal(each, MapQuery(), Choice()).reading.record for each in (path, other))
    assert first == second


def test_a_new_journal_gives_a_new_engine(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal.open(path, mode="demo", account="x", roster=MARKET.roster).close()
    found = recover(path, SETTINGS, MARKET.roster, INSTRUMENTS, lambda *_: None)
    assert (found.records, found.last_ms, found.fills_since_ms) == (0, 0, 0)


def test_todays_settings_hold_after_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    written(path, snapshot_at=60)
    changed = SETTINGS.model_copy(update={"risk": SETTINGS.risk.model_copy(update={"leverage_max": 1})})
    found = recover(path, changed, MARKET.roster, INSTRUMENTS, lambda *_: None)
    assert found.engine._limits.leverage_max == 1


def test_other_instruments_are_a_matter_of_configuration(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    written(path, snapshot_at=60)
    other = [msgspec.structs.replace(one, coin="ETH") for one in INSTRUMENTS]
    with pytest.raises(ExpectedError, match="--data"):
        recover(path, SETTINGS, MARKET.roster, other, lambda *_: None)
