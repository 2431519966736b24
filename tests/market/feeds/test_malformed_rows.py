"""What venues send that cannot be: counted piece by piece, logged seldom, and never a fact of the market."""

from typing import Any

import structlog

from liqbot.events import MarkPrice, OpenInterest
from liqbot.market.feeds.fact_times import FactTimes
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.malformed_rows import FIELDS_MAX, QUIET_MS, MalformedRows
from liqbot.market.feeds.trade_bars import AHEAD_MS_MAX, DAY_MS, TradeCollector
from liqbot.venues.parsing import MalformedMessage, WireBook

NOW_MS = 1_700_000_000_000


class Clock:
    now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def lines(logged: list[Any]) -> list[Any]:
    return [one for one in logged if one["event"] == "malformed market data"]


def test_a_field_is_logged_once_a_minute_and_counted_always() -> None:
    stats, clock, book = FeedStats(), Clock(), WireBook("bybit", ())
    rows = MalformedRows(stats, clock)
    with structlog.testing.capture_logs() as logged:
        for number in range(1, 5_001):
            book.reject(book.malformed("publicTrade p", "", {"p": "", "s": "BTCUSDT"}))
            if number % 100 == 0:
                rows.take(book)
    (line,) = lines(logged)
    assert (line["field"], line["value"]) == ("publicTrade p", "''")
    assert "BTCUSDT" in line["sample"]
    assert (stats.malformed_rows, stats.malformed) == (5_000, 0)
    clock.now_ms += QUIET_MS
    with structlog.testing.capture_logs() as logged:
        rows.message(MalformedMessage("bybit", "publicTrade p", "x"))
    (line,) = lines(logged)
    assert line["since_last"] == 4_999
    assert stats.malformed == 1


def test_a_venue_that_makes_names_up_fills_neither_memory_nor_log() -> None:
    stats, rows = FeedStats(), MalformedRows(FeedStats(), Clock())
    with structlog.testing.capture_logs() as logged:
        for number in range(3 * FIELDS_MAX):
            rows.message(MalformedMessage("okx", f"field {number}", 0))
    assert len(lines(logged)) == FIELDS_MAX
    assert stats.malformed == 0


def test_what_is_not_of_this_time_is_no_fact() -> None:
    stats, book = FeedStats(), WireBook("okx", ())
    mark = MarkPrice(time_ms=NOW_MS, venue="okx", coin="BTC", mark_price=1.0)
    interest = OpenInterest(time_ms=NOW_MS + AHEAD_MS_MAX + 1, venue="okx", coin="BTC", oi_usd=1.0)
    timely = FactTimes(stats).timely(
        [mark, interest, *(OpenInterest(time_ms=time_ms, venue="okx", coin="BTC", oi_usd=1.0)
                           for time_ms in (1, NOW_MS - DAY_MS, NOW_MS + DAY_MS, 4_000_000_000_000))], NOW_MS, book,
    )
    assert [fact.time_ms for fact in timely] == [NOW_MS, NOW_MS]
    assert stats.misdated_facts == 1
    with structlog.testing.capture_logs() as logged:
        MalformedRows(stats, Clock()).take(book)
    assert stats.malformed_rows == 4
    assert len(lines(logged)) == 1


def test_a_trade_of_another_year_is_in_no_bar() -> None:
    stats = FeedStats()
    collector = TradeCollector(1, 250, stats)
    old, new = (0, 1_000, 5.0, 1.0, True), (0, NOW_MS + 2 * DAY_MS, 500.0, 1.0, True)
    collector.take([new, (0, NOW_MS, 100.0, 1.0, True), old, new, (0, NOW_MS + 10, 101.0, 1.0, True)], NOW_MS)
    ((_, end_ms, opened, high, low, close, buy_usd, _),) = collector.flush(NOW_MS, everything=True)
    assert (end_ms, opened, high, low, close, buy_usd) == (NOW_MS + 250, 100.0, 101.0, 100.0, 101.0, 2.0)
    assert stats.malformed_rows == 3
    collector.take([old], NOW_MS)
    assert collector.flush(NOW_MS, everything=True) == []
