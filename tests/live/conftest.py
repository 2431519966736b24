"""What whole houses in tests have in common."""

import pytest

from liqbot.control import webhook
from liqbot.ledger import background
from liqbot.runtime import ending
from tests.builders.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def _a_busy_machine_hurries_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an end waits before it closes what is naked, and before it is over, is proven where time is the test's
    own (`tests/runtime/test_ending.py`); here a stop whose word is late would be taken for none, and a ledger that is
    still being written for one that cannot be."""
    monkeypatch.setattr(ending, "FLATTEN_AFTER_S", PATIENCE_S)
    monkeypatch.setattr(ending, "ENDING_S_MAX", 2 * PATIENCE_S)
    monkeypatch.setattr(webhook, "ANSWER_S", PATIENCE_S)
    monkeypatch.setattr(background, "CLOSE_S_MAX", PATIENCE_S)
