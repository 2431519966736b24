"""Bars become prints that say the same: prices in path order, volume and taker split to a step, times in the bar."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.blocks import DTYPES, Rows
from paper.dialects.trade_prints import Printer, plain

prices = st.floats(1.0, 100_000.0).map(lambda value: round(value, 1) or 1.0)


@st.composite
def bars(draw: st.DrawFn) -> Rows:
    opened, close, first, second = (draw(prices) for _ in range(4))
    high, low = max(opened, close, first, second), min(opened, close, first, second)
    volume_usd = draw(st.floats(0.01, 1e8))
    share = draw(st.one_of(st.just(float("nan")), st.floats(0.0, 1.0)))
    span_ms = draw(st.sampled_from([0, 1, 250, 1_000, 60_000]))
    row = (1_000_000, 0, 0, span_ms, opened, high, low, close, volume_usd, volume_usd * share, volume_usd * (1 - share))
    return np.array([row], DTYPES["bars"])


@given(bars(), st.booleans())
def test_exact_prints_coalesce_to_the_bar_again(rows: Rows, spread: bool) -> None:
    row = rows[0]
    printed = list(Printer(None, spread=spread).of(rows))
    assert (printed[0].price, printed[-1].price) == (row["open"], row["close"])
    assert max(one.price for one in printed) == row["high"]
    assert min(one.price for one in printed) == row["low"]
    assert sum(one.price * one.quantity_base for one in printed) == pytest.approx(row["volume_usd"])
    bought = sum(one.price * one.quantity_base for one in printed if one.taker_buys)
    wanted = row["volume_usd"] / 2 if np.isnan(row["buy_usd"]) else row["buy_usd"]
    assert bought == pytest.approx(wanted, abs=1e-6 * row["volume_usd"])
    times = [one.time_ms for one in printed]
    assert times == sorted(times)
    assert all(row["time_ms"] - max(row["span_ms"] - 1, 0) <= time_ms <= row["time_ms"] for time_ms in times)
    if not spread:
        assert set(times) == {int(row["time_ms"])}


@given(bars(), st.sampled_from(["0.001", "0.01", "1"]))
def test_prints_on_the_step_are_off_by_no_more_than_their_steps(rows: Rows, step: str) -> None:
    row = rows[0]
    printed = list(Printer(float(step), spread=True).of(rows))
    assert {one.price for one in printed} == {row["open"], row["high"], row["low"], row["close"]}
    for one in printed:
        assert one.quantity_base > 0
        assert Decimal(plain(one.quantity_base)) % Decimal(step) == 0
    total = sum(one.price * one.quantity_base for one in printed)
    # Half a step per side is rounded away; a price that would not be seen at all costs a whole one.
    assert abs(total - row["volume_usd"]) <= len(printed) * row["high"] * float(step) * (1 + 1e-9)


def test_print_numbers_go_on_over_bars() -> None:
    row = (1_000, 0, 0, 1_000, 10.0, 10.0, 10.0, 10.0, 100.0, 100.0, 0.0)
    printer = Printer(0.1, spread=True)
    rows = np.array([row, row], DTYPES["bars"])
    assert [(one.number, one.quantity_base) for one in printer.of(rows)] == [(1, 10.0), (2, 10.0)]


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.decimals(-(10**12), 10**12, places=9)))
def test_plain_numbers_lose_nothing_and_have_no_exponent(value: float | Decimal) -> None:
    text = plain(value)
    assert not set(text) - set("-0123456789.")
    assert type(value)(text) == value
    assert text != "-0"
