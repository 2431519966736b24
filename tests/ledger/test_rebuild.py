"""A ledger made anew from a journal is the one that was written the first time."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from ledger_story import story
from patience import PATIENCE_S
from sqlalchemy import select

from liqbot.blocks import EventBlock, Roster
from liqbot.exits import ExpectedError
from liqbot.journal import Journal
from liqbot.ledger import LedgerWriter, Observation
from liqbot.ledger.connect import engine_for
from liqbot.ledger.rebuild import rebuild
from liqbot.ledger.tables import TABLES, core
from liqbot.market.mark_ratio import same_market


class Told:
    """A step of the story."""

    def __init__(self, observation: Observation) -> None:
        self.time_ms = observation.time_ms
        self.verdicts, self.decisions = observation.verdicts, observation.decisions
        self.commands, self.whales = observation.commands, observation.whales
        self.feeds = observation.feeds

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode([self.verdicts, self.decisions, self.commands])


class Account:
    """As it was when the observation was taken; the story values nothing."""

    def __init__(self, observation: Observation) -> None:
        self.changes, self.cash = observation.changes, observation.cash
        self.equity_usd = Decimal(10_000)


class Teller:
    """An engine that answers as in the story."""

    account: Account

    def __init__(self) -> None:
        self._story: Iterator[Observation] = story()
        self.views: Any = ()
        self.order_manager = SimpleNamespace(no_longer_naked=())
        self.mark_of = same_market
        self.unrecorded = ()

    def on_block(self, block: EventBlock, recorded: object = None) -> Told:
        del recorded
        observation = next(self._story)
        assert block.facts == observation.facts
        self.views, self.account = observation.views, Account(observation)
        return Told(observation)

    def snapshot(self) -> bytes:
        return b""

    def restore(self, snapshot: bytes) -> None:
        assert snapshot == b""


def rows(url: str) -> dict[str, list[Any]]:
    engine = engine_for(url)
    with engine.connect() as connection:
        tables = map(core, TABLES)
        found = {table.name: connection.execute(select(table).order_by(table.c.id)).fetchall() for table in tables}
    engine.dispose()
    return found


@pytest.fixture
def lived(tmp_path: Path) -> Callable[[], tuple[Path, str]]:
    def live() -> tuple[Path, str]:
        path, url = tmp_path / "journal.sqlite", f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        engine = Teller()
        with (
            Journal.open(path, mode="paper", account="sim", roster=Roster(("binance", "bybit"), ("BTC",))) as journal,
            LedgerWriter(url, journal.stamp.journal_id) as ledger,
        ):
            observe = ledger.observer("paper")
            for observation in story():
                block = EventBlock(
                    facts=observation.facts, liquidations=observation.liquidations, tick_ms=observation.tick_ms
                )
                seq = journal.append(block, "paper", observation.seq)
                step = engine.on_block(block)
                journal.record(seq, step)
                observe(seq, block, step, engine)
        return path, url

    return live


@pytest.mark.drawn(singly=True)
def test_rebuilt_is_the_same_in_place_and_elsewhere(lived: Callable[[], tuple[Path, str]], tmp_path: Path):
    path, url = lived()
    first = rows(url)
    assert len(first["trade"]) == 1
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    for target in (elsewhere, url, url):
        assert rebuild(path, lambda *_: Teller(), target, snapshot_version="1") == len(list(story()))
        assert rows(target) == first


def test_rows_of_another_journal_are_not_thrown_away(lived: Callable[[], tuple[Path, str]]):
    path, url = lived()
    LedgerWriter(url, "other1").close()
    with pytest.raises(ExpectedError, match="other1"):
        rebuild(path, lambda *_: Teller(), url, snapshot_version="1")
    assert len(rows(url)["trade"]) == 1


def test_a_journal_that_has_lost_its_beginning_cannot_rebuild(lived: Callable[[], tuple[Path, str]]):
    path, url = lived()
    with Journal.open(path, mode="paper", account="sim", roster=Roster(("binance", "bybit"), ("BTC",))) as journal:
        journal.save_snapshot("engine", 10, "1", b"")
        journal.retain(days=0, max_bytes=10**12).result(PATIENCE_S)
    with pytest.raises(ExpectedError, match="backup"):
        rebuild(path, lambda *_: Teller(), url, snapshot_version="1")
    assert len(rows(url)["trade"]) == 1
