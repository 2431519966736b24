import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.trade_bars import TradeCollector

SPAN_MS = 250
START_MS = 1_700_000_000_000


def trades(late_ms: int = 3_000) -> st.SearchStrategy[list[tuple[int, int, float, float, bool]]]:
    one = st.tuples(st.integers(0, 1), st.integers(-late_ms, 5_000), st.floats(1.0, 1e6), st.floats(0.01, 1e7),
                    st.booleans())
    return st.lists(one, max_size=60)


@given(taken=trades(), flush_every=st.integers(1, 10))
def test_nothing_is_lost_and_bars_of_a_contract_follow_each_other(
    taken: list[tuple[int, int, float, float, bool]], flush_every: int
) -> None:
    collector, bars = TradeCollector(2, SPAN_MS, FeedStats()), []
    for number, (index, offset_ms, price, size_usd, bought) in enumerate(taken):
        now_ms = START_MS + number * 40
        collector.take([(index, now_ms + offset_ms, price, size_usd, bought)], now_ms)
        if number % flush_every == 0:
            bars += collector.flush(now_ms)
    bars += collector.flush(START_MS, everything=True)
    for index in (0, 1):
        mine = [trade for trade in taken if trade[0] == index]
        got = [bar for bar in bars if bar[0] == index]
        for bought, column in ((True, 6), (False, 7)):
            assert sum(bar[column] for bar in got) == pytest.approx(sum(t[3] for t in mine if t[4] is bought))
        ends = [bar[1] for bar in got]
        assert ends == sorted(set(ends))
        assert all(end % SPAN_MS == 0 for end in ends)
        if mine:
            assert max(bar[3] for bar in got) == max(t[2] for t in mine)
            assert min(bar[4] for bar in got) == min(t[2] for t in mine)
            assert (got[0][2], got[-1][5]) == (mine[0][2], mine[-1][2])


def test_trades_of_one_span_are_one_bar_by_venue_time() -> None:
    stats = FeedStats()
    collector = TradeCollector(1, SPAN_MS, stats)
    collector.take([(0, START_MS, 10.0, 5.0, True), (0, START_MS + 249, 12.0, 7.0, False)], START_MS)
    collector.take([(0, START_MS + 250, 11.0, 1.0, True)], START_MS)
    assert collector.flush(START_MS) == [(0, START_MS + 250, 10.0, 12.0, 10.0, 12.0, 5.0, 7.0)]
    assert collector.flush(START_MS + 499) == []
    assert collector.flush(START_MS + 500) == [(0, START_MS + 500, 11.0, 11.0, 11.0, 11.0, 1.0, 0.0)]
    assert stats.late_trades == 0


def test_a_venue_an_hour_ahead_does_not_drag_its_bars_along() -> None:
    stats = FeedStats()
    collector = TradeCollector(1, SPAN_MS, stats)
    collector.take([(0, START_MS + 3_600_000, 10.0, 5.0, True)], START_MS)
    collector.take([(0, START_MS + 300, 10.0, 5.0, True)], START_MS + 300)
    assert [bar[1] for bar in collector.flush(START_MS, everything=True)] == [START_MS + 250, START_MS + 500]
    assert stats.misdated_trades == 1
