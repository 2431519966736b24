"""How a price walks through a bar."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from liqbot.instruments import Side
from paper.exchange.price_path import PathBar, PathLeg, PathMark, course

NO_MARK = PathMark(0, 0.0)


def walk(bars, marks=(), *, side=Side.LONG, from_ms=0, last_price=0.0, last_mark=NO_MARK, gap_ms=5_000):
    return course(
        bars, marks, adverse_to=side, from_ms=from_ms, last_price=last_price, last_mark=last_mark,
        mark_gap_ms_max=gap_ms,
    )


def visited(legs: list[PathLeg], kind: str) -> list[float]:
    return [leg.end_price for leg in legs if getattr(leg, kind)]


def test_what_harms_us_comes_first():
    bar = PathBar(3_000, 3_000, 100.0, 110.0, 90.0, 105.0)
    assert visited(walk([bar]), "trades") == [100.0, 90.0, 110.0, 105.0]
    assert visited(walk([bar], side=Side.SHORT), "trades") == [100.0, 110.0, 90.0, 105.0]
    assert [leg.end_ms for leg in walk([bar])] == [0.0, 1_000.0, 2_000.0, 3_000.0]


def test_a_gap_visits_only_its_end():
    gap = walk([PathBar(1_000, 1_000, 90.0, 90.0, 90.0, 90.0)], last_price=100.0)[0]
    assert (gap.start_price, gap.end_price, gap.jump) == (100.0, 90.0, True)
    assert gap.reaches(0, 95.0, falling=True, through=False) == 0
    assert gap.reaches(0, 100.0, falling=False, through=False) is None


def test_without_marks_traded_prices_carry_the_mark():
    legs = walk([PathBar(3_000, 3_000, 100.0, 110.0, 90.0, 105.0)])
    assert visited(legs, "marks") == visited(legs, "trades")


def test_dense_marks_step_the_mark_and_traded_prices_do_not():
    bar = PathBar(3_000, 1_000, 100.0, 110.0, 90.0, 105.0)
    legs = walk(
        [bar], [PathMark(2_500, 101.0), PathMark(3_000, 102.0)], from_ms=2_000, last_mark=PathMark(2_000, 100.0)
    )
    assert visited(legs, "marks") == [101.0, 102.0]
    assert [leg.start_ms for leg in legs if leg.marks] == [2_500.0, 3_000.0]
    assert visited(legs, "trades")[-1] == 105.0


def test_sparse_marks_do_not_hide_the_inside_of_a_bar():
    bar = PathBar(3_600_000, 3_600_000, 100.0, 110.0, 90.0, 105.0)
    legs = walk([bar], [PathMark(3_600_000, 104.0)], last_mark=PathMark(1, 100.0))
    assert visited(legs, "marks") == [100.0, 90.0, 110.0, 105.0, 104.0]


PRICES = st.integers(50, 150).map(float)


@st.composite
def bars_and_marks(draw):
    bars, at_ms = [], 0
    for _ in range(draw(st.integers(0, 4))):
        span_ms = draw(st.integers(0, 3_000))
        at_ms += span_ms + draw(st.integers(0, 500))
        four = draw(st.lists(PRICES, min_size=4, max_size=4))
        bars.append(PathBar(at_ms, span_ms, four[0], max(four), min(four), four[3]))
    marks = [PathMark(draw(st.integers(1, 8_000)), draw(PRICES)) for _ in range(draw(st.integers(0, 4)))]
    return bars, sorted(marks, key=lambda mark: mark.time_ms)


@given(bars_and_marks(), st.sampled_from(Side), st.sampled_from([0, 1_000, 10_000]))
def test_legs_join_in_time_and_price_whatever_the_rows(rows, side, gap_ms):
    bars, marks = rows
    legs = walk(bars, marks, side=side, gap_ms=gap_ms)
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(legs))
    assert all(leg.start_ms <= leg.end_ms for leg in legs)
    traded = [leg for leg in legs if leg.trades]
    assert all(one.end_price == two.start_price for one, two in pairwise(traded))
    assert {bar.low for bar in bars} | {bar.high for bar in bars} <= set(visited(legs, "trades"))
    assert {mark.price for mark in marks} <= set(visited(legs, "marks"))


@given(PRICES, PRICES, PRICES, st.booleans(), st.booleans(), st.integers(0, 1_000))
def test_a_level_is_reached_when_the_price_is_there(start, end, level, falling, through, from_ms):
    leg = PathLeg(0.0, 1_000.0, start, end, trades=True, marks=True)
    when = leg.reaches(from_ms, level, falling=falling, through=through)
    sign = 1 if falling else -1
    rest = (leg.price_at(from_ms), end)
    worst = min(sign * price for price in rest)
    assert (when is not None) == (worst < sign * level if through else worst <= sign * level)
    if when is not None:
        assert from_ms <= when <= 1_000
        assert sign * leg.price_at(when) <= sign * level + 1e-6
