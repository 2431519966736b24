"""A close that is learnt long after the venue's word closed the position: it must not close what was opened since."""

from decimal import Decimal

import pytest

from liqbot.accounting.positions import Holding
from liqbot.instruments import Side

D = Decimal


def fill(holding: Holding, time_ms: int, quantity: str, *, reduces: bool, side: Side = Side.LONG) -> None:
    holding.fill(
        side, reduces=reduces, price=D(100), quantity_base=D(quantity), time_ms=time_ms
    )


def read(holding: Holding, time_ms: int, signed: str) -> None:
    holding.snapshot(D(signed))
    holding.reconcile(time_ms)


@pytest.fixture
def reopened() -> Holding:
    """Stopped out at 50 without hearing of it; the venue's word at 60; in again at 70, and the venue confirms it."""
    holding = Holding("binance", "BTC")
    fill(holding, 10, "1", reduces=False)
    read(holding, 60, "0")
    assert holding.signed_base == 0
    fill(holding, 70, "0.4", reduces=False)
    read(holding, 80, "0.4")
    return holding


def test_the_late_fill_of_the_old_stop_leaves_the_new_position_alone(reopened):
    fill(reopened, 50, "1", reduces=True)
    assert reopened.signed_base == D("0.4")
    assert reopened.unexplained_base == 0


def test_a_close_of_the_new_position_closes_it_though_the_old_one_was_never_explained(reopened):
    fill(reopened, 90, "0.4", reduces=True)
    assert reopened.signed_base == 0


def test_before_the_venue_confirms_anything_the_next_close_is_the_one_that_was_missed():
    holding = Holding("binance", "BTC")
    fill(holding, 10, "1", reduces=False)
    read(holding, 60, "0")
    fill(holding, 70, "0.4", reduces=False)
    fill(holding, 75, "1", reduces=True)
    assert holding.signed_base == D("0.4")


def test_what_was_settled_twice_counts_from_the_last_time(reopened):
    read(reopened, 100, "0")
    fill(reopened, 110, "0.7", reduces=False)
    read(reopened, 120, "0.7")
    fill(reopened, 95, "0.4", reduces=True)
    assert reopened.signed_base == D("0.7")
    fill(reopened, 130, "0.7", reduces=True)
    assert reopened.signed_base == 0
