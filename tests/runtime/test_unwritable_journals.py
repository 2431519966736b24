"""One block through the live loop beside a real journal that cannot be written, hangs, or is full."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from liqbot.blocks import EventBlock, Roster
from liqbot.commands import Command, adds_risk
from liqbot.journal import Journal, JournalLimits
from liqbot.journal.errors import JournalStuckError
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from tests.builders.patience import PATIENCE_S
from tests.test_house_glue import COMMANDS, Speaker

ROSTER = Roster(("binance",), ("BTC",))
REDUCTIONS = [command for command in COMMANDS if not adds_risk(command)]


class Counter:
    """A broker."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    async def send(self, commands: Sequence[Command], now_ms: int) -> None:
        del now_ms
        self.sent += commands


class Hanging(Journal):
    """Its disk takes what is written and never says that it is there: fsync does not return."""

    def durable(self, seq: int | None = None) -> Future[None]:
        del seq
        return Future()


async def sent_beside(journal: Journal) -> list[Command]:
    """What leaves of everything that the engine wants."""
    broker = Counter()
    runtime = Runtime(Speaker(), journal, broker, Inbox())  # type: ignore[arg-type]
    work = asyncio.create_task(runtime.process(EventBlock(tick_ms=1)))
    await asyncio.wait((work,), timeout=PATIENCE_S)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return broker.sent


def opened(kind: type[Journal], path: Path, **limits: int) -> Journal:
    return kind.open(path, mode="demo", account="x", roster=ROSTER, limits=JournalLimits(**limits))


async def test_beside_a_journal_that_writes_everything_leaves(tmp_path: Path) -> None:
    with opened(Journal, tmp_path / "journal.sqlite") as journal:
        assert await sent_beside(journal) == list(COMMANDS)


async def test_beside_a_journal_that_hangs_only_what_adds_risk_stays(tmp_path: Path) -> None:
    with opened(Hanging, tmp_path / "journal.sqlite") as journal:
        assert await sent_beside(journal) == REDUCTIONS


def fill(journal: Journal) -> None:
    """Until it takes no more."""
    for number in range(1, 100):
        journal.append(EventBlock(tick_ms=number), "inbox", number)


async def test_beside_a_full_journal_only_what_adds_risk_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(Journal, path, commit_ms=5, queue_rows_max=4, stuck_after_ms=100) as journal:
        other = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalStuckError):
            fill(journal)
        assert await sent_beside(journal) == REDUCTIONS
        other.close()
