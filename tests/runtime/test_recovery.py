"""Recovery: from a snapshot or from the beginning, whole or cut off, the engine is the one that went down."""

from pathlib import Path

import msgspec
import pytest
from short_life import INSTRUMENTS, MARKET, SETTINGS, STEPS, written

from liqbot.exits import ExpectedError
from liqbot.journal import Journal
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, from_journal
from liqbot.runtime.recovery import recover


@pytest.mark.drawn(singly=True)
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


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize(("ledger_seq", "first"), [(None, 92), (91, 92), (90, 32), (31, 32), (30, 92)])
def test_it_begins_at_the_newest_snapshot_that_the_ledger_has_reached(
    ledger_seq: int | None, first: int, tmp_path: Path
) -> None:
    """So that the ledger is told of everything it misses; one that misses more than that is made anew elsewhere."""
    path, seen = tmp_path / "journal.sqlite", []
    before = written(path, snapshot_at=30, and_at=90)
    found = recover(
        path, SETTINGS, MARKET.roster, INSTRUMENTS, lambda record, _step, _engine: seen.append(record.seq),
        ledger_seq=ledger_seq,
    )  # fmt: skip
    assert seen[0] == first
    assert found.engine.snapshot() == before


@pytest.mark.parametrize(("snapshot_at", "ledger_seq", "few", "compiled"), [
    (90, None, 100, False), (90, None, 10, True), (None, None, 10, True), (90, 91, 100, True),
])
def test_few_records_are_run_again_plainly_when_a_position_waits(
    snapshot_at: int | None, ledger_seq: int | None, few: int, compiled: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loading the compiled fold takes as long as a thousand records of the plain one; a ledger can wait for that."""
    path = tmp_path / "journal.sqlite"
    before = written(path, snapshot_at=snapshot_at)
    loaded: list[bool] = []
    monkeypatch.setattr("liqbot.runtime.recovery.use_compiled", lambda: loaded.append(True))
    monkeypatch.setattr("liqbot.runtime.recovery.PLAIN_FOLDS_MAX", few)
    found = recover(path, SETTINGS, MARKET.roster, INSTRUMENTS, lambda *_: None, ledger_seq=ledger_seq)
    assert bool(loaded) == compiled
    assert found.engine.snapshot() == before


@pytest.mark.drawn(singly=True, dear=True)
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


@pytest.mark.drawn(singly=True)
def test_todays_settings_hold_after_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    written(path, snapshot_at=60)
    changed = SETTINGS.model_copy(update={"risk": SETTINGS.risk.model_copy(update={"leverage_max": 1})})
    found = recover(path, changed, MARKET.roster, INSTRUMENTS, lambda *_: None)
    assert found.engine._limits.leverage_max == 1


@pytest.mark.drawn(singly=True)
def test_other_instruments_are_a_matter_of_configuration(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    written(path, snapshot_at=60)
    other = [msgspec.structs.replace(one, coin="ETH") for one in INSTRUMENTS]
    with pytest.raises(ExpectedError, match="--data"):
        recover(path, SETTINGS, MARKET.roster, other, lambda *_: None)
