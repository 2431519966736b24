"""Venues that are only read, each over loopback in its own protocol with the unmodified client: what the market did is
what the feed tells, in USD, on the right side, contract by contract."""

import random
from decimal import Decimal

import pytest
from loopback_market import START_MS, at, bar, forced, interest, mark, rate
from patience import until
from read_venues import READ, ReadVenue, read_hub, read_venue

from liqbot.blocks import block_of
from liqbot.connection.client import VenueClient
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Side
from liqbot.market.feeds.backfill import past_of
from liqbot.venues.registry import VENUES, wire_of
from liqbot.venues.spec import RequestBudget
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.serving import dialect_class, serving

SECONDS = 8
PRICES = {"BTC": 50_000.0, "ETH": 2_500.0}


def told(chance: random.Random, key: str, coin: str, second: int) -> list[MarketEvent]:
    price, step = PRICES[coin] + chance.randint(-20, 20), PRICES[coin] / 1_000
    side = chance.choice((Side.LONG, Side.SHORT))
    return [
        bar(key, coin, second, (price, price + 2 * step, price - step, price + step), 1e6 * chance.randint(1, 5)),
        mark(key, coin, second, price + step / 2),
        interest(key, second, oi_usd(second), coin),
        rate(key, second, 0.01 * chance.randint(-3, 3), 4.0, coin),
        forced(key, second, side, price, 50_000.0 * chance.randint(1, 9), coin),
    ]


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", READ)
async def test_what_the_market_did_is_what_the_feed_tells(venue: str) -> None:
    chance, happened, printed = random.Random(venue), list[MarketEvent](), 0
    async with read_venue(venue) as place:
        for second in range(1, SECONDS + 1):
            rows = [row for key, coin in place.keys for row in told(chance, key, coin, second)]
            happened += rows
            await place.hub.advance(place.block(second, rows))
            printed += sum(len(place.hub.printed(key, coin)) for key, coin in place.keys)
        # Every socket arrives in its own time.
        await until(lambda: place.feed.stats.trades >= printed)
        orders = SECONDS * len(place.keys) if _tells_forced(venue) else 0
        await until(lambda: sum(one.time_ms > START_MS for one in place.sink.of(Liquidation)) >= orders)
        newest = {(row.venue, row.coin): row.mark_price for row in happened if isinstance(row, MarkPrice)}
        await until(lambda: {(row.venue, row.coin): row.mark_price for row in place.sink.of(MarkPrice)} == newest)
        # What is asked for comes in its own time.
        await until(lambda: all(
            {(row.venue, row.coin) for row in place.sink.of(kind)} == set(place.keys)
            for kind in (OpenInterest, FundingRate)
        ))
    for key, coin in place.keys:
        agrees(place, happened, key, coin)
    stats = place.feed.stats
    assert place.hub.unknown == []
    assert stats.malformed_newest == ""
    assert (stats.malformed, stats.malformed_rows, stats.reconnects, stats.misdated_trades) == (0,) * 4
    assert place.client.handler_errors == 0


def _tells_forced(venue: str) -> bool:
    return not VENUES[venue].lack("forced_orders")


def of(rows: list[MarketEvent], kind: type, key: str, coin: str) -> list:  # type: ignore[type-arg]
    """Of what happened after the market was there."""
    return [row for row in rows
            if isinstance(row, kind) and (row.venue, row.coin) == (key, coin) and row.time_ms > START_MS]


def agrees(place: ReadVenue, happened: list[MarketEvent], key: str, coin: str) -> None:
    got = list(place.sink.events)
    lot_usd = _lot_usd(place.client.venue, key, coin)
    bars, wanted = of(got, TradeBar, key, coin), of(happened, TradeBar, key, coin)
    # Trades are whole lots: each of a bar's few prints may be half a lot off, and has one at least.
    slack = 8 * len(wanted) * lot_usd
    closing = of(happened, Liquidation, key, coin) if _kind(place.client.venue).forced_in_trades else []
    for amount, sides in (("volume_usd", tuple(Side)), ("buy_usd", (Side.SHORT,))):
        # What closes a short is bought.
        total = sum(getattr(one, amount) for one in wanted) + sum(one.size_usd for one in closing if one.side in sides)
        assert sum(getattr(one, amount) for one in bars) == pytest.approx(total, abs=slack), amount
    assert (max(one.high for one in bars), min(one.low for one in bars)) == (
        max(one.high for one in wanted), min(one.low for one in wanted)
    )
    marks = {one.mark_price: one.index_price for one in of(got, MarkPrice, key, coin)}
    for one in of(happened, MarkPrice, key, coin) if "mark" in _streamed(place.client.venue) else ():
        assert one.mark_price in marks
        assert marks[one.mark_price] in (None, one.index_price) or "index" not in _streamed(place.client.venue)
    orders = of(happened, Liquidation, key, coin) if _tells_forced(place.client.venue) else []
    told_orders = of(got, Liquidation, key, coin)
    if _kind(place.client.venue).forced_at_mark:
        assert [one.side for one in told_orders] == [one.side for one in orders]
        assert {one.price for one in told_orders} <= set(marks)
        assert [one.size_usd for one in told_orders] == [pytest.approx(one.size_usd, rel=2e-3) for one in orders]
    else:
        assert [(one.side, one.price) for one in told_orders] == [(one.side, one.price) for one in orders]
        assert [one.size_usd for one in told_orders] == [pytest.approx(one.size_usd, abs=lot_usd) for one in orders]
    newest_oi = [one for one in got if isinstance(one, OpenInterest) and (one.venue, one.coin) == (key, coin)][-1]
    # The newest may be of before the beginning, when every coin cost as much as BTC.
    assert 1e9 - 25 * lot_usd <= newest_oi.oi_usd <= 1e9 + SECONDS * 1.01e7 + lot_usd
    funding = [one for one in got if isinstance(one, FundingRate) and (one.venue, one.coin) == (key, coin)][-1]
    rates = {0.01, *(one.rate_pct for one in of(happened, FundingRate, key, coin))}
    assert any(funding.rate_pct == pytest.approx(rate_pct) for rate_pct in rates)
    stage = FundingStage.SETTLEMENT if _kind(place.client.venue).publishes_settlements else FundingStage.FORECAST
    assert funding.rate_stage is stage


def _streamed(venue: str) -> set[str]:
    return {feed for stream in wire_of(venue).streams for feed in stream.feeds}


def _kind(venue: str) -> type[MarketDataDialect]:
    kind = dialect_class(venue)
    assert issubclass(kind, MarketDataDialect)
    return kind


def _lot_usd(venue: str, key: str, coin: str) -> float:
    listed = next(one for one in _kind(venue).listed if one.instrument(venue).venue == key and one.coin == coin)
    value = Decimal(listed.size) * Decimal(listed.lot)
    return float(value) if listed.inverse else float(value) * PRICES[coin] * 1.05


PAST = {"bars": TradeBar, "open_interest": OpenInterest, "funding": FundingRate}
MINUTES = 40


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", [venue for venue in READ if wire_of(venue).histories])
async def test_the_past_can_be_read(venue: str) -> None:
    hub, chance = read_hub(venue), random.Random(venue)
    keys = [(one.venue, one.coin) for one in hub.instruments]
    hub.warm(
        block_of([row for key, coin in keys for row in past_of_minute(chance, key, coin, minute)], hub.roster,
                 tick_ms=at(60 * minute))
        for minute in range(-5, MINUTES + 1)
    )
    async with serving(hub, [dialect_class(venue)(hub)]) as loop:
        client = VenueClient(VENUES[venue], loopback=loop.url, inverse=True, budget=RequestBudget(units=2_000))
        await client.open(("BTC", "ETH"))
        past = await past_of(client, wire_of(venue), hub.roster, START_MS, START_MS + MINUTES * 60_000)
        await client.close()
    assert past.missing == ()
    assert hub.unknown == []
    for history in wire_of(venue).histories:
        for key, coin in keys:
            found = [fact for fact in past.facts
                     if isinstance(fact, PAST[history.kind]) and (fact.venue, fact.coin) == (key, coin)]
            assert found, (history.kind, key, coin)
    for fact in past.facts:
        if isinstance(fact, OpenInterest):
            assert fact.oi_usd == pytest.approx(oi_usd((fact.time_ms - START_MS) // 1_000), rel=0.02)
        elif isinstance(fact, FundingRate):
            assert fact.rate_pct == pytest.approx(0.01)
        elif isinstance(fact, TradeBar):
            assert 0.985 * PRICES[fact.coin] < fact.low <= fact.high < 1.015 * PRICES[fact.coin]
            assert 5e6 * 0.9 <= fact.volume_usd <= 25e6 * 1.1


def past_of_minute(chance: random.Random, key: str, coin: str, minute: int) -> list[MarketEvent]:
    rows = told(chance, key, coin, 60 * minute)
    return [*(row for row in rows if not isinstance(row, FundingRate)), rate(key, 60 * minute, 0.01, 8.0, coin)]


def oi_usd(second: int) -> float:
    return 1e9 + second * 1e7
