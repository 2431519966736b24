"""A backtest leaves snapshots: a map of any time is the one that the whole journal gives, and few ticks are folded."""

import sqlite3
from pathlib import Path

import pytest

from liqbot import places
from liqbot.blocks import block_of
from liqbot.journal import JournalReader
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, begin_of, from_journal
from liqbot.runtime.assembly import snapshot_version
from liqbot.settings import settings_model
from paper.backtest.run import backtest
from paper.backtest.snapshots import TICK_COST
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape
from tests.builders.market_rows import START_MS, RandomMarket

MARKET = RandomMarket(seed=4, venues=("binance", "bybit"), span_ms=60_000)
STEPS, EVERY = 90, 7
CHOICE = Choice(None, None, ())


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("paper.backtest.snapshots.FOLDED_MAX", EVERY * (TICK_COST + 2))
    blocks = [block_of(rows, MARKET.roster, tick_ms=tick_ms) for tick_ms, rows in MARKET.steps(STEPS)]
    write_tape(tmp_path / "tape.parquet", blocks, MARKET.roster)
    backtest(read_tape(tmp_path / "tape.parquet"), settings_model()(), profile="x", data=tmp_path)
    return places.journal_path(tmp_path)


def maps(path: Path) -> list[object]:
    asked = (*range(START_MS, START_MS + STEPS * MARKET.span_ms, 11 * MARKET.span_ms), START_MS + 1_000_000_000, None)
    return [from_journal(path, MapQuery(at_ms=at_ms), CHOICE).reading.record for at_ms in asked]


@pytest.mark.drawn
def test_a_map_of_any_time_is_the_one_that_the_whole_journal_gives(journal: Path) -> None:
    near = maps(journal)
    with sqlite3.connect(journal) as connection:
        assert connection.execute("DELETE FROM snapshot").rowcount >= STEPS // EVERY
    assert near == maps(journal)


@pytest.mark.drawn
def test_few_ticks_are_folded_for_it_wherever_it_lies(journal: Path) -> None:
    with JournalReader(journal) as reader:
        last_seq = reader.last_seq
        assert next(reader.snapshots(SNAPSHOT_NAME, snapshot_version())).seq == last_seq, "the last step too"
        for at_ms in range(START_MS + EVERY * MARKET.span_ms, START_MS + STEPS * MARKET.span_ms, MARKET.span_ms):
            ticks = [one for one in reader.records(begin_of(reader, at_ms).from_seq, reader.seq_at(at_ms))
                     if one.block.tick_ms is not None]
            assert len(ticks) <= EVERY
