"""Open interest from a file: told once a report, at today's price, and what is wrong with the file is a feed that is
down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from edge_sink import Gathered
from patience import until

from liqbot.blocks import Roster
from liqbot.events import FeedDown, FeedUp, OpenInterest
from liqbot.market.feeds.report_feed import ReportFeed
from liqbot.venues.registry import VENUES

HEAD = "report_date,market_code,open_interest\n"
WEEK = "2026-08-04,133741,20000\n2026-08-04,146021,1000\n"
NOW_MS = 1_786_000_000_000
ROSTER = Roster(("binance", "cme"), ("BTC",))


@contextlib.asynccontextmanager
async def fed(path: Path, price_of: Callable[[str], float | None]) -> AsyncIterator[Gathered]:
    sink = Gathered(ROSTER)
    task = asyncio.create_task(ReportFeed(VENUES["cme"], path, ROSTER, lambda: NOW_MS, 0.01, price_of).run(sink))
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_report_is_told_once_and_the_next_one_again(tmp_path: Path) -> None:
    path = tmp_path / "cot.csv"
    path.write_text(HEAD + WEEK)
    async with fed(path, lambda _coin: 60_000.0) as sink:
        await until(lambda: sink.of(OpenInterest))
        await asyncio.sleep(0.05)
        told = OpenInterest(time_ms=NOW_MS, venue="cme", coin="BTC", oi_usd=20_000 * 5.0 * 60_000.0)
        assert sink.of(OpenInterest) == [told]
        assert len(sink.said(FeedUp, "open_interest")) == 1
        path.write_text(HEAD + WEEK + "2026-08-11,133741,21000\n")
        await until(lambda: len(sink.of(OpenInterest)) == 2)
    assert [row.oi_usd for row in sink.of(OpenInterest)] == [6e9, 6.3e9]


async def test_it_waits_for_somebody_to_know_a_price(tmp_path: Path) -> None:
    path, prices = tmp_path / "cot.csv", dict[str, float]()
    path.write_text(HEAD + WEEK)
    async with fed(path, prices.get) as sink:
        await until(lambda: sink.said(FeedUp, "open_interest"))
        assert sink.of(OpenInterest) == []
        prices["BTC"] = 50_000.0
        await until(lambda: sink.of(OpenInterest))
    assert [row.oi_usd for row in sink.of(OpenInterest)] == [5e9]


async def test_a_file_that_is_missing_or_not_right_is_said_once_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "cot.csv"
    async with fed(path, lambda _coin: 60_000.0) as sink:
        await until(lambda: sink.said(FeedDown, "open_interest"))
        path.write_text(HEAD + "2026-08-04,133741,many\n")
        await asyncio.sleep(0.05)
        (down,) = sink.said(FeedDown, "open_interest")
        assert "No such file" in down.reason
        path.write_text(HEAD + WEEK)
        await until(lambda: sink.of(OpenInterest))
        path.write_text(HEAD + "2026-08-11,133741,many\n")
        await until(lambda: len(sink.said(FeedDown, "open_interest")) == 2)
    assert "line 2, open_interest: 'many' is no number of contracts" in sink.said(FeedDown, "open_interest")[1].reason


def test_a_venue_without_a_report_has_no_such_feed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"feeds\.reports: bybit has no report"):
        ReportFeed(VENUES["bybit"], tmp_path, ROSTER, lambda: NOW_MS, 1.0, lambda _coin: None)
