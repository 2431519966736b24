"""How a test market's mark compares with the map's: robust against one absurd tick, and honest about its age."""

import market_views as mv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.events import JournalOpened, TradingMark
from liqbot.market.mark_ratio import (
    PAIR_MS_MAX,
    SAME_MARKET,
    SAMPLES_MAX,
    SAMPLES_MIN,
    WINDOW_MS,
    MarkRatio,
    MarkRatioFold,
)

VENUE, COIN, START_MS = "bybit", "BTC", 1_800_000_000_000


def opened(*, test_market: bool = True) -> MarkRatioFold:
    fold = MarkRatioFold(VENUE)
    fold.on_fact(
        JournalOpened(
            time_ms=START_MS, journal_id="abc123", mode="testnet", venues=(VENUE,), coins=(COIN,),
            test_market=test_market,
        )
    )
    return fold


def fed(fold: MarkRatioFold, *ratios: float, from_ms: int = START_MS, every_ms: int = 2_000, **view: object) -> int:
    """Compared one after another; when the last one was."""
    time_ms = from_ms
    for ratio in ratios:
        time_ms += every_ms
        told(fold, time_ms, mv.MARK * ratio)
        fold.on_tick(time_ms, (mv.a_view(time_ms=time_ms, **{"mark_price": mv.MARK, "age_ms": 0} | view),))
    return time_ms


def told(fold: MarkRatioFold, time_ms: int, price: float, venue: str = VENUE) -> None:
    fold.on_fact(TradingMark(time_ms=time_ms, venue=venue, coin=COIN, mark_price=price))


def test_with_money_the_ratio_is_one_whatever_is_published() -> None:
    fold = opened(test_market=False)
    fed(fold, 1.3, 1.3, 1.3, 1.3)
    assert fold.of(COIN, START_MS) == SAME_MARKET
    assert (SAME_MARKET.deviation_pct, SAME_MARKET.spread_pct) == (0.0, 0.0)


def test_few_comparisons_are_no_ratio() -> None:
    fold = opened()
    now_ms = fed(fold, *[1.02] * (SAMPLES_MIN - 1))
    assert fold.of(COIN, now_ms) == MarkRatio(samples=SAMPLES_MIN - 1)
    now_ms = fed(fold, 1.02, from_ms=now_ms)
    assert fold.of(COIN, now_ms).ratio == pytest.approx(1.02, abs=1e-7)


@given(
    usual=st.lists(st.floats(1.0195, 1.0205), min_size=SAMPLES_MIN, max_size=30),
    absurd=st.one_of(st.floats(1e-6, 0.9), st.floats(1.1, 1e5)),
    at=st.integers(0, 30),
)
def test_one_absurd_tick_moves_no_ratio_and_is_seen_while_it_is_the_newest(
    usual: list[float], absurd: float, at: int
) -> None:
    fold = opened()
    now_ms = fed(fold, *usual[:at], absurd, *usual[at:])
    found = fold.of(COIN, now_ms)
    assert 1.0195 <= round(found.ratio, 4) <= 1.0205
    newest_is_absurd = at >= len(usual)
    assert (found.spread_pct > 5.0) is newest_is_absurd
    assert (found.deviation_pct > 5.0) is newest_is_absurd


@given(ratios=st.lists(st.floats(0.5, 2.0), min_size=SAMPLES_MIN, max_size=40))
def test_the_ratio_lies_within_the_newest_comparisons(ratios: list[float]) -> None:
    fold = opened()
    now_ms = fed(fold, *ratios)
    newest = ratios[-SAMPLES_MAX:]
    assert min(newest) - 1e-6 <= fold.of(COIN, now_ms).ratio <= max(newest) + 1e-6


def test_it_grows_old_and_old_comparisons_are_forgotten() -> None:
    fold = opened()
    now_ms = fed(fold, 1.02, 1.02, 1.02)
    assert fold.of(COIN, now_ms + 40_000).age_ms == 40_000.0
    later_ms = fed(fold, 1.05, from_ms=now_ms + WINDOW_MS)
    assert not fold.of(COIN, later_ms).known, "what was before the gap says nothing of now"


def test_marks_too_far_apart_in_time_are_not_compared() -> None:
    fold = opened()
    now_ms = fed(fold, 1.02, 1.02, 1.02, age_ms=PAIR_MS_MAX + 1)
    assert fold.of(COIN, now_ms).samples == 0, "production's mark is old"
    told(fold, now_ms, mv.MARK * 1.02)
    late_ms = now_ms + PAIR_MS_MAX + 1
    fold.on_tick(late_ms, (mv.a_view(time_ms=late_ms, mark_price=mv.MARK, age_ms=0),))
    assert fold.of(COIN, late_ms).samples == 0, "the test market's is"


def test_a_mark_that_is_ahead_of_the_map_waits_until_missed_ticks_are_made_up_for() -> None:
    fold = opened()
    now_ms = START_MS + 60_000
    told(fold, now_ms, mv.MARK * 1.02)
    for time_ms in range(START_MS, now_ms + 1_000, 1_000):
        fold.on_tick(time_ms, (mv.a_view(time_ms=time_ms, mark_price=mv.MARK, age_ms=0),))
        assert fold.of(COIN, time_ms).samples == (now_ms - time_ms <= PAIR_MS_MAX)


def test_other_venues_and_nonsense_count_for_nothing() -> None:
    fold = opened()
    for time_ms in range(START_MS, START_MS + 10_000, 1_000):
        told(fold, time_ms, 50_000.0, venue="okx")
        told(fold, time_ms, 0.0)
        fold.on_tick(time_ms, (mv.a_view(time_ms=time_ms, mark_price=mv.MARK, age_ms=0),))
    assert fold.of(COIN, START_MS + 10_000).samples == 0


def test_it_survives_a_restart() -> None:
    fold, again = opened(), MarkRatioFold(VENUE)
    now_ms = fed(fold, 1.02, 1.021, 1.022)
    told(fold, now_ms, mv.MARK)
    again.load_state(fold.state())
    assert again.of(COIN, now_ms) == fold.of(COIN, now_ms)
    assert again.state() == fold.state()
    assert again.test_market
