"""A house whose journal refuses records for a while, and takes them again: what is run again is what was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_rows import ledger_rows
from random_market import ROSTER, eager_settings, random_market

from liqbot import __version__
from liqbot.blocks import EventBlock
from liqbot.code_version import this_code
from liqbot.engine import Engine, Step
from liqbot.events import Fill, JournalGap
from liqbot.journal import Journal
from liqbot.journal.errors import JournalStuckError
from liqbot.ledger import LedgerWriter
from liqbot.ledger.observation import observation_of
from liqbot.ledger.rebuild import rebuild
from liqbot.observers.snapshots import SnapshotObserver
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.runtime.recovery import recover
from liqbot.settings.params import JournalParams
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop

SEED, BLOCKS = 9, 400
SETTINGS = eager_settings(SEED)
LISTED = paper_instruments("binance", ("BTC",))
REFUSED = ((90, 100), (184, 300), (200, 201), (206, 330))
SOME_REFUSED = [
    one if one == (184, 300) else pytest.param(one, marks=pytest.mark.long) for one in REFUSED
]
"""Over an exit; from an entry's fill on; nothing but a price; over an exit, an entry and its exit."""


class Refusing(Journal):
    """Its queue is full when the test says so."""

    full = False
    refused = 0

    def append(self, block: EventBlock, source: str, source_seq: int, wait_s: float | None = None) -> int:
        if self.full:
            self.refused += 1
            raise JournalStuckError("journal: full")
        return super().append(block, source, source_seq, wait_s)

    def save_gap(self, version: str, state: Callable[[], bytes], wait_s: float | None = None) -> None:
        if self.full:
            raise JournalStuckError("journal: full")
        super().save_gap(version, state, wait_s)


class Lived:
    """A house that has traded over a journal which refused the blocks of `refused`, with a ledger kept all along."""

    def __init__(self, folder: Path, refused: tuple[int, int]) -> None:
        self.path, self.url = folder / "journal.sqlite", f"sqlite:///{folder / 'ledger.sqlite'}"
        exchange = exchange_of(SETTINGS, ROSTER, LISTED)
        with (
            Refusing.open(self.path, mode="paper", account="x", roster=ROSTER) as journal,
            LedgerWriter(self.url, journal.stamp.journal_id) as ledger,
        ):
            def observe(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
                ledger.observe(observation_of(seq, block, step, engine).kept())

            journal_id = journal.stamp.journal_id
            self.engine = engine_of(SETTINGS, ROSTER, journal_id, LISTED)
            house = SimLoop(self.engine, exchange, journal=journal, observers=(observe,), source="inbox")
            house.open(opening_facts(SETTINGS, ROSTER, exchange, journal_id=journal_id, time_ms=1, instruments=LISTED))
            for number, block in enumerate(random_market(SEED, BLOCKS)):
                journal.full = refused[0] <= number < refused[1]
                house.step(block)
            self.refused_calls = journal.refused
            journal.wait_durable()
            with journal.reader() as reader:
                facts = [fact for record in reader.records(facts_only=True) for fact in record.block.facts]
        self.fills = sum(isinstance(fact, Fill) for fact in facts)
        self.gaps = [fact for fact in facts if isinstance(fact, JournalGap)]

    def booked_fills(self) -> int:
        return len(ledger_rows(self.url)["fill"])


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize("refused", SOME_REFUSED)
def test_a_ledger_kept_while_records_were_refused_is_the_one_made_from_the_journal(
    tmp_path: Path, refused: tuple[int, int]
) -> None:
    lived = Lived(tmp_path, refused)
    kept = ledger_rows(lived.url)
    assert lived.gaps
    assert len(kept["trade"]) > 1
    rebuild(lived.path, recorded_engine, lived.url, snapshot_version=snapshot_version())
    assert ledger_rows(lived.url) == kept


@pytest.mark.long
def test_fills_without_a_record_have_their_rows(tmp_path: Path) -> None:
    lived = Lived(tmp_path, (90, 100))
    assert lived.booked_fills() > lived.fills
    assert "JOURNAL_GAP" in {row[4] for row in ledger_rows(lived.url)["incident"]}


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize("refused", SOME_REFUSED)
def test_the_same_steps_come_again_after_a_gap(tmp_path: Path, refused: tuple[int, int]) -> None:
    lived = Lived(tmp_path, refused)
    replayed = replay(lived.path, recorded_engine, this_code(__version__, 1), snapshot_version=snapshot_version())
    assert (replayed.equality, replayed.steps_other_bytes) == (Equality.IDENTICAL, 0)


@pytest.mark.long
def test_a_restart_knows_what_was_refused(tmp_path: Path) -> None:
    lived = Lived(tmp_path, (90, 100))
    found = recover(lived.path, SETTINGS, ROSTER, LISTED, lambda *_: None)
    assert found.engine.snapshot() == lived.engine.snapshot()


def test_no_snapshot_is_saved_of_a_state_beyond_the_journal(tmp_path: Path) -> None:
    with Refusing.open(tmp_path / "journal.sqlite", mode="paper", account="x", roster=ROSTER) as journal:
        journal_id = journal.stamp.journal_id
        exchange = exchange_of(SETTINGS, ROSTER, LISTED)
        engine: Engine = engine_of(SETTINGS, ROSTER, journal_id, LISTED)
        house = SimLoop(engine, exchange, journal=journal)
        house.open(opening_facts(SETTINGS, ROSTER, exchange, journal_id=journal_id, time_ms=1, instruments=LISTED))
        observer = SnapshotObserver(journal, None, JournalParams(), snapshot_version())
        saved: list[bool] = []
        for number, block in enumerate(random_market(SEED, 6)):
            journal.full = 2 <= number < 4
            house.step(block)
            before = observer._saved_seq
            observer.save(journal.last_seq, engine)
            saved.append(observer._saved_seq > before)
        assert saved == [True, True, False, False, True, True]
