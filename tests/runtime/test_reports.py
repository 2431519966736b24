"""A live market with a venue whose open interest is in a file: valued with what another venue tells over the wire."""

import asyncio
from pathlib import Path

import pytest
from edge_sink import Gathered
from loopback_market import at, bar, interest, mark, rate
from patience import until
from read_venues import read_hub

from liqbot.blocks import Roster, block_of
from liqbot.connection.client import VenueClient
from liqbot.events import OpenInterest
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.live_market import LiveMarket
from liqbot.venues.registry import VENUES
from paper.dialects.serving import dialect_class, serving

PRICE = 50_000.0


async def test_what_a_report_tells_is_worth_what_others_pay_now(tmp_path: Path) -> None:
    report = tmp_path / "cot.csv"
    report.write_text("report_date,market_code,open_interest\n2026-08-04,133741,20000\n")
    hub = read_hub("deribit")
    hub.warm([block_of([row for one in hub.instruments for row in (
        bar(one.venue, one.coin, 0, (PRICE,) * 4), mark(one.venue, one.coin, 0, PRICE),
        interest(one.venue, 0, 1e9, one.coin), rate(one.venue, 0, 0.01, 8.0, one.coin),
    )], hub.roster, tick_ms=at(0))])
    async with serving(hub, [dialect_class("deribit")(hub)]) as loop:
        client = VenueClient(VENUES["deribit"], loopback=loop.url, inverse=True)
        roster = Roster(("deribit:coin", "cme"), ("BTC",))
        params = FeedParams(flush_ms=20, reports={"cme": str(report)})
        market = LiveMarket({"deribit": client}, roster, lambda: hub.now_ms, params, since_ms=None)
        sink = Gathered(roster)
        task = asyncio.create_task(market.run(sink))  # type: ignore[arg-type]
        try:
            await until(lambda: task.done() or [row for row in sink.of(OpenInterest) if row.venue == "cme"])
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()
    assert (market.stats()["cme"].facts, market.stats()["cme"].poll_failures) == (1, 0)
    (told,) = [row for row in sink.of(OpenInterest) if row.venue == "cme"]
    assert told.oi_usd == pytest.approx(20_000 * 5.0 * PRICE)
