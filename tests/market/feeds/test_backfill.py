import msgspec
import pytest
from market_events import market_events
from public_venue import PublicVenue

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import FundingRate, OpenInterest, TradeBar
from liqbot.instruments import FundingStage
from liqbot.market.feeds.backfill import backfilled_blocks, past_of
from liqbot.venues.bybit import responses as bybit
from liqbot.venues.okx import responses as okx
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of

START_MS = 1_700_000_100_000
ROSTER = Roster(("binance", "bybit", "okx"), ("BTC",))


def book_of(venue: str, units: float, *, two_sided: bool = False) -> WireBook:
    return WireBook(venue, [WireContract(symbol_id="BTC", symbol="BTC/USDT:USDT", venue_key=venue, coin="BTC",
                                         contract_units=units, open_interest_two_sided=two_sided)])


async def test_pages_of_the_past_become_backfilled_steps() -> None:
    async with PublicVenue() as server:
        client = VenueClient(SPECS["binance"], loopback=server.url)
        await client.open(("BTC",))
        wire = wire_of("binance")
        short = tuple(msgspec.structs.replace(one, rows_max=7) if one.kind == "bars" else one for one in wire.histories)
        past = await past_of(client, msgspec.structs.replace(wire, histories=short), ROSTER, START_MS,
                             START_MS + 20 * 300_000)
        assert past.missing == ()
        assert sum("klines" in request for request in server.requests) == 3
        bars = [fact for fact in past.facts if isinstance(fact, TradeBar)]
        assert [bar.time_ms for bar in bars] == [START_MS + (n + 1) * 300_000 for n in range(20)]
        assert (bars[0].volume_usd, bars[0].buy_usd, bars[0].sell_usd) == (1_000.0, 600.0, 400.0)
        blocks = list(backfilled_blocks(past.facts, ROSTER))
        assert all(block.backfilled and block.tick_ms is not None for block in blocks)
        ticks = [block.tick_ms or 0 for block in blocks]
        assert ticks == sorted(set(ticks))
        assert sum(block.market_rows for block in blocks) == len(past.facts)
        assert all(event.time_ms <= (block.tick_ms or 0) for block in blocks for event in market_events(block, ROSTER))
        await client.close()


async def test_what_cannot_be_read_is_named_and_the_rest_is_given() -> None:
    async with PublicVenue() as server:
        client = VenueClient(SPECS["okx"], loopback=server.url)
        await client.open(("BTC",))
        past = await past_of(client, wire_of("okx"), ROSTER, START_MS, START_MS + 300_000)
        assert past.facts == []
        assert [line.split(":")[0] for line in past.missing] == [
            "okx BTC bars", "okx BTC open_interest", "okx BTC funding"
        ]
        await client.close()


def test_coins_of_the_past_are_worth_what_they_were_worth_then() -> None:
    book = book_of("bybit", 1.0, two_sided=True)
    assert bybit.past_open_interest(
        {"result": {"list": [{"openInterest": "10", "timestamp": str(START_MS)}]}}, book, 0
    ) == []
    (bar,) = bybit.bars({"result": {"list": [
        [str(START_MS - 300_000), "100", "110", "90", "105", "3", "310"]]}}, book, 0)
    assert isinstance(bar, TradeBar)
    assert (bar.time_ms, bar.volume_usd, bar.buy_usd) == (START_MS, 310.0, None)
    payload = {"result": {"list": [
        {"openInterest": "10", "timestamp": str(START_MS)},
        {"openInterest": "10", "singleOpenInterest": "5", "timestamp": str(START_MS)}]}}
    assert bybit.past_open_interest(payload, book, 0) == 2 * [
        OpenInterest(time_ms=START_MS, venue="bybit", coin="BTC", oi_usd=525.0)
    ]


def test_rows_of_okx() -> None:
    book = book_of("okx", 0.01)
    row = [str(START_MS), "100", "110", "90", "105", "300", "3", "310", "1"]
    (bar,) = okx.bars({"code": "0", "data": [row]}, book, 0)
    assert isinstance(bar, TradeBar)
    assert (bar.time_ms, bar.close, bar.volume_usd) == (START_MS + 300_000, 105.0, 310.0)
    (held,) = okx.past_open_interest({"data": [[str(START_MS), "2800", "28", "2800000"]]}, book, 0)
    assert isinstance(held, OpenInterest)
    assert held.oi_usd == 2_800_000.0


def test_the_interval_of_a_payment_is_the_time_since_the_one_before() -> None:
    hour_ms = 3_600_000
    paid = book_of("okx", 0.01).paid(0, [(START_MS + 12 * hour_ms, 0.0002), (START_MS, 0.0001),
                                         (START_MS + 8 * hour_ms, 0.0001)])
    assert [fact.interval_h for fact in paid if isinstance(fact, FundingRate)] == [8.0, 8.0, 4.0]
    assert paid[2].rate_pct == pytest.approx(0.02)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("hours", "intervals_h"),
    [
        ([0, 8, 24, 32], [8, 8, 8, 8]),  # one is missing
        ([0, 4, 8, 16, 20], [8, 4, 4, 4, 4]),
        ([0, 8, 16, 24, 28, 32], [8, 8, 8, 8, 4, 4]),  # the interval changed
        ([0, 4, 8, 16, 24], [8, 4, 4, 8, 8]),
        ([0, 72], [8, 8]),
    ],
)
def test_a_payment_that_is_missing_makes_no_interval_longer(hours: list[int], intervals_h: list[int]) -> None:
    book = book_of("okx", 0.01)
    paid = book.paid(0, [(START_MS + hour * 3_600_000 + 6, 0.0001) for hour in hours])
    assert [fact.interval_h for fact in paid if isinstance(fact, FundingRate)] == intervals_h
    assert {fact.rate_stage for fact in paid if isinstance(fact, FundingRate)} == {FundingStage.SETTLEMENT}
    (told,) = book.funding(0, START_MS, 0.0001)
    assert isinstance(told, FundingRate)
    assert told.rate_stage is FundingStage.FORECAST
