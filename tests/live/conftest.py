"""What whole houses in tests have in common."""

import pytest

from liqbot.control import webhook
from liqbot.ledger import background
from liqbot.runtime import ending
from tests.builders.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def _a_busy_machine_hurries_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is still being written would be taken for one that cannot be, a house that is slow for one that
    does not answer. Both limits are tried where they are what a test is about."""
    monkeypatch.setattr(webhook, "ANSWER_S", PATIENCE_S)
    monkeypatch.setattr(background, "CLOSE_S_MAX", PATIENCE_S)


@pytest.fixture
def unhurried_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end that waits long for the word of a stop. After how long it closes what is naked, and is over, is proven
    where time is the test's own (`tests/runtime/test_ending.py`)."""
    monkeypatch.setattr(ending, "FLATTEN_AFTER_S", PATIENCE_S / 2)
    monkeypatch.setattr(ending, "ENDING_S_MAX", PATIENCE_S / 2)
