"""Statistics of trades by hand, and what their intervals must hold."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.backtest.planned_trips import TripLine
from paper.backtest.strategy_stats import BOTH, TradeSample, difference, expectancy, stats_of
from paper.backtest.strategy_table import strategy_table

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
R = st.floats(-3.0, 5.0)


def trip(day: int, r: float | None, side: str = "long", **more: Any) -> TripLine:
    known: dict[str, Any] = {
        "venue": "binance", "coin": "BTC", "side": side, "strategy": "cascade", "decision_id": day,
        "opened_ms": day * DAY_MS, "closed_ms": day * DAY_MS + HOUR_MS, "entry_price": Decimal(1),
        "exit_price": Decimal(1), "quantity_base": Decimal(1), "gross_usd": Decimal(0), "fees_usd": Decimal(0),
        "funding_usd": Decimal(0), "net_usd": Decimal(str(50 * (r or 0.0))), "r_multiple": r, "ended_by": "order",
        "mae_r": -0.5, "mfe_r": 1.5, "costs_r": 0.1, "exit_reason": "stop",
    }  # fmt: skip
    return TripLine(**(known | more))


def test_a_table_by_hand() -> None:
    """Two longs of +2 and -1, a short of -1, one still open: expectancy 0, gains of 2 over losses of 2."""
    trips = [
        trip(0, 2.0, exit_reason="take"), trip(1, -1.0), trip(2, -1.0, "short"),
        trip(3, None, closed_ms=None, exit_reason=""),
    ]  # fmt: skip
    both, longs, shorts = stats_of(trips, 4 * DAY_MS)
    assert (both.side, longs.side, shorts.side) == (BOTH, "long", "short")
    assert (both.trades, longs.trades, shorts.trades) == (3, 2, 1)
    assert both.expectancy_r.value == pytest.approx(0.0)
    assert longs.expectancy_r.value == pytest.approx(0.5)
    assert both.profit_factor == pytest.approx(1.0)
    assert shorts.profit_factor == 0.0
    assert both.win_rate_pct == pytest.approx(100 / 3)
    assert both.exposure_pct == pytest.approx(100 * 3 / 96)
    assert (both.mae_r, both.mfe_r, both.costs_r, both.net_usd) == pytest.approx((-0.5, 1.5, 0.1, 0.0))
    assert both.exits == {"stop": 2, "take": 1}
    lines = strategy_table((both, longs, shorts), ["grab_reverse"]).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "  cascade ended by stop 2, take 1"
    assert any(line.startswith("grab_reverse") for line in lines)


def test_one_day_is_one_piece_of_evidence() -> None:
    """Ten trades of one day draw together: the interval is as wide as that of one trade a day, not of ten."""
    same = TradeSample((0,) * 10 + (DAY_MS,) * 10, (1.0,) * 10 + (-1.0,) * 10)
    found = expectancy(same)
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)


@pytest.mark.drawn(singly=True)
@given(st.lists(st.tuples(st.integers(0, 20), R), min_size=1, max_size=40))
def test_an_interval_holds_the_mean_and_a_sample_equals_itself(drawn: list[tuple[int, float]]) -> None:
    sample = TradeSample(tuple(day * DAY_MS for day, _ in drawn), tuple(r for _, r in drawn))
    found = expectancy(sample)
    assert found.value == pytest.approx(sum(r for _, r in drawn) / len(drawn))
    assert min(sample.r_multiples) - 1e-9 <= found.low <= found.high <= max(sample.r_multiples) + 1e-9
    same = difference(sample, sample)
    assert (same.value, same.low, same.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


def test_without_trades_there_is_nothing_to_say() -> None:
    assert stats_of([], DAY_MS) == ()
    nothing = difference(TradeSample(), TradeSample((0,), (1.0,)))
    assert nothing.value != nothing.value
