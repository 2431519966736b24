"""The ledger that a simulated house keeps, on a disk that locks, fills and hangs, ends as its journal says."""

import pytest

from liqbot.ledger.background import LedgerThread
from liqbot.ledger.observation import Observation
from paper.simulate import books, run
from paper.simulate.books import RunningLedger

TROUBLED = (0, 31)
TROUBLE_SHARE, WAITING_MAX = 0.1, 30
"""More trouble and less room than in a campaign, so that two seeds show it all."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[RunningLedger]:
    """Every ledger that a run has kept."""
    found: list[RunningLedger] = []

    class Noted(RunningLedger):
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            found.append(self)

    monkeypatch.setattr(run, "RunningLedger", Noted)
    monkeypatch.setattr(run, "AUDIT_EVERY", 1)
    monkeypatch.setattr(books, "_TROUBLE_SHARE", TROUBLE_SHARE)
    monkeypatch.setattr(books, "WAITING_MAX", WAITING_MAX)
    return found


@pytest.mark.long
def test_it_ends_as_the_journal_says(kept: list[RunningLedger]) -> None:
    outcomes = [run.simulate(seed) for seed in TROUBLED]
    assert [outcome.violation for outcome in outcomes] == [None, None]
    assert len(kept) == len(TROUBLED)
    assert sum(one.troubles for one in kept) > 0
    assert sum(one.left_behind for one in kept) > 0
    assert sum(outcome.restarts for outcome in outcomes) > 0


@pytest.mark.drawn
def test_one_that_loses_records_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(self: LedgerThread, observation: Observation, wait_s: float = 0.0) -> None:
        del wait_s
        if len(self._waiting) < 40:
            self._waiting.append(observation)
            self._put_seq = max(self._put_seq, observation.seq)

    monkeypatch.setattr(LedgerThread, "put", put)
    monkeypatch.setattr(LedgerThread, "_has_gap", lambda *_: False)
    violation = run.simulate(TROUBLED[0]).violation
    assert violation is not None
    assert violation.law == "LEDGER"
    assert "not what the journal says" in violation.what
