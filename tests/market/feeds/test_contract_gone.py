"""A market that a venue closes, renames or changes while it is read is reported as that, not as silence for ever."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from patience import until
from read_venues import ReadVenue, bar, read_venue

from liqbot.blocks import EventBlock
from liqbot.events import CodeVersion, FeedDown, FeedUp, FundingRate, MarkPrice
from liqbot.market.feeds.listing_watch import ListingWatch
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.listing_file import ListingFile
from liqbot.venues.parsing import WireBook, WireContract
from paper.dialects.market_data.contracts import MarketContract
from paper.dialects.market_data.dialect import MarketDataDialect
from tests.market.test_agreement import House


async def silent_hours(place: ReadVenue) -> None:
    """The clock goes on and nothing is said."""
    while True:
        place.hub.now_ms += 3_600_000
        await asyncio.sleep(0.2)


def reasons(place: ReadVenue) -> list[str]:
    return [fact.reason for fact in place.sink.said(FeedDown, "mark")]  # type: ignore[union-attr]


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("gone", [True, False])
async def test_it_is_looked_up_once_silence_has_lasted(gone: bool) -> None:
    async with read_venue("gate") as place:
        (room,) = place.loop.server._all
        assert isinstance(room.dialect, MarketDataDialect)
        if gone:
            room.dialect.contracts = [one for one in room.dialect.contracts if one.id != "BTC_USDT"]
        hours = asyncio.create_task(silent_hours(place))
        try:
            if gone:
                await until(lambda: any("BTC/USDT:USDT is not listed" in reason for reason in reasons(place)))
            else:
                asked = [one for one in place.loop.server.log if one.endpoint.endswith("usdt/contracts")]
                await until(lambda: len([one for one in place.loop.server.log
                                         if one.endpoint.endswith("usdt/contracts")]) > len(asked))
        finally:
            hours.cancel()
    assert any("not listed" in reason for reason in reasons(place)) is gone
    assert any("silent" in reason for reason in reasons(place))


# --- changed while it is read --------------------------------------------------------------------------------

OFTEN = FeedParams(flush_ms=20, inferred=True, listing_check_min=0.005)
VENUES_READ = ("gate", "htx", "kucoin", "mexc", "phemex", "bingx")


def room_of(place: ReadVenue) -> MarketDataDialect:
    (room,) = place.loop.server._all
    assert isinstance(room.dialect, MarketDataDialect)
    return room.dialect


def news(place: ReadVenue, feed: str, coin: str = "BTC") -> list[str]:
    """What was reported of the main contract, in order: reasons, and "up"."""
    return [
        fact.reason if isinstance(fact, FeedDown) else "up" for block in place.sink.blocks for fact in block.facts
        if isinstance(fact, FeedDown | FeedUp) and fact.feed == feed
        and (fact.venue, fact.coin) == (place.client.venue, coin)
    ]


def relist(dialect: MarketDataDialect, coin: str = "BTC", **changes: str) -> MarketContract:
    """The main contract of a coin under other terms, as the venue lists and names it from now on."""
    contract = next(one for one in dialect.contracts if one.coin == coin and not one.listed.contract)
    contract.listed = msgspec.structs.replace(contract.listed, **changes)
    dialect.by_id = {one.id: one for one in dialect.contracts}
    return contract


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES_READ)
async def test_one_that_is_closed_is_reported_once_and_again_when_it_is_back(venue: str) -> None:
    async with read_venue(venue, params=OFTEN) as place:
        dialect = room_of(place)
        listed = dialect.contracts
        dialect.contracts = [one for one in listed if one.coin != "BTC" or one.listed.contract]
        await until(lambda: news(place, "listing"))
        await asyncio.sleep(1.0)
        assert len(news(place, "listing")) == 1
        assert "BTC/USDT:USDT is not listed any more" in news(place, "listing")[0]
        assert news(place, "listing", "ETH") == []
        dialect.contracts = listed
        await until(lambda: len(news(place, "listing")) == 2)
        assert news(place, "listing")[1] == "up"


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES_READ)
async def test_another_tick_is_reported_with_both_numbers_and_the_market_read_on(venue: str) -> None:
    async with read_venue(venue, params=OFTEN) as place:
        tick = relist(room_of(place), tick="0.5" if venue != "bingx" else "0.01").listed.tick
        await until(lambda: news(place, "terms"))
        await asyncio.sleep(0.8)
        (reason,) = news(place, "terms")
        assert f"became {tick}" in reason
        assert "price tick" in reason
        assert news(place, "listing") == []


@pytest.mark.parametrize("venue", ["gate", "mexc"])
async def test_one_that_is_renamed_is_read_under_its_new_name(venue: str) -> None:
    async with read_venue(venue, params=OFTEN) as place:
        dialect, before = room_of(place), len(place.sink.of(MarkPrice))
        contract = next(one for one in dialect.contracts if one.coin == "BTC" and not one.listed.contract)
        old, new = contract.id, contract.id.replace("BTC", "XBT")
        with pytest.MonkeyPatch.context() as patch:
            # The unified client names it by base and quote: what it is of does not change with its id.
            made = place.client.listed

            async def listed() -> object:
                return [row | {"id": new} if row["id"] == old else row for row in await made()]

            patch.setattr(place.client, "listed", listed)
            await until(lambda: news(place, "terms"))
            assert f"renamed from {old} to {new}" in news(place, "terms")[0]
            await until(lambda: len(place.sink.said(FeedUp, "mark")) > 2)
        assert len(place.sink.of(MarkPrice)) >= before


async def test_one_of_another_size_is_not_read_in_wrong_units() -> None:
    async with read_venue("gate", params=OFTEN) as place:
        relist(room_of(place), size="0.001")
        await until(lambda: any("this version does not read" in one for one in news(place, "trades")))
        assert any("contract size 0.0001 became 0.001" in one for one in news(place, "terms"))
        assert any("contract size 0.001, expected 0.0001" in one for one in news(place, "listing"))
        before = place.feed.stats.trades
        await place.hub.advance(place.block(5, [bar("gate", "BTC", 5, (50_000.0,) * 4)]))
        await asyncio.sleep(0.5)
        assert place.feed.stats.trades == before


# --- what is compared --------------------------------------------------------------------------------


def listing(**changes: object) -> list[dict[str, object]]:
    row: dict[str, object] = {
        "id": "BTC_USDT", "symbol": "BTC/USDT:USDT", "contractSize": 0.0001, "active": True,
        "precision": {"price": 0.1},
    }
    return [row | changes, {"symbol": None}, {"id": "ETH_USDT", "symbol": "ETH/USDT:USDT"}]


BOOK = WireBook("gate", [
    WireContract(symbol_id="BTC_USDT", symbol="BTC/USDT:USDT", venue_key="gate", coin="BTC", contract_units=0.0001,
                 inverse=False, open_interest_two_sided=False)
])


@pytest.mark.parametrize(
    ("changes", "feed", "words", "anew"),
    [
        ({"active": False}, "listing", "does not trade", False),
        ({"symbol": "X/USDT:USDT"}, "listing", "is not listed", False),
        ({"id": "XBT_USDT"}, "terms", "renamed from BTC_USDT to XBT_USDT", True),
        ({"contractSize": 0.01}, "terms", "contract size 0.0001 became 0.01", True),
        ({"precision": {"price": 0.5}}, "terms", "price tick 0.1 became 0.5", False),
        ({"contractSize": None, "precision": {}, "active": None}, "", "", False),
    ],
)  # fmt: skip
def test_what_differs_is_named_once(changes: dict[str, object], feed: str, words: str, anew: bool) -> None:
    watch = ListingWatch(lambda: 7)
    assert watch.begin(listing(), BOOK, {}) == []
    said, again = watch.compare(listing(**changes), BOOK)
    assert again is anew
    down = [one for one in said if isinstance(one, FeedDown)]
    assert [(one.feed, words in one.reason) for one in down] == ([(feed, True)] if feed else [])
    assert watch.compare(listing(**changes), BOOK) == ([], False)
    back, _ = watch.compare(listing(), BOOK)
    assert [type(one) for one in back if one.feed == "listing"] == ([FeedUp] if feed == "listing" else [])


@pytest.mark.parametrize("nonsense", [None, [], {}, "page", [None, 1, {"id": ""}]])
def test_a_list_of_nothing_says_nothing(nonsense: object) -> None:
    watch = ListingWatch(lambda: 7)
    watch.begin(listing(), BOOK, {})
    assert watch.compare(nonsense, BOOK) == ([], False)


def test_what_changed_between_two_runs_is_reported_at_the_next_start(tmp_path: Path) -> None:
    first = ListingWatch(lambda: 7)
    first.begin(listing(), BOOK, ListingFile(tmp_path).terms("gate"))
    ListingFile(tmp_path).keep("gate", first.terms)
    again = ListingWatch(lambda: 8).begin(listing(precision={"price": 0.5}), BOOK, ListingFile(tmp_path).terms("gate"))
    assert [type(one) for one in again] == [FeedDown, FeedUp]
    assert "price tick 0.1 became 0.5" in again[0].reason  # type: ignore[union-attr]
    (tmp_path / "listings.json").write_text("{")
    assert ListingFile(tmp_path).terms("gate") == {}


def test_an_interval_that_lasts_is_reported_one_that_flickers_is_not() -> None:
    watch = ListingWatch(lambda: 7)

    def rate(interval_h: float) -> list[FeedUp | FeedDown]:
        return watch.rated(FundingRate(time_ms=1, venue="gate", coin="BTC", rate_pct=0.01, interval_h=interval_h))

    assert [rate(hours) for hours in (8.0, 4.0, 8.0, 4.0, 4.0, 8.0)] == [[]] * 6
    said = [one for _ in range(5) for one in rate(4.0)]
    assert [type(one) for one in said] == [FeedDown, FeedUp]
    assert "8 h became 4 h" in said[0].reason  # type: ignore[union-attr]


@pytest.mark.parametrize("feed", ["listing", "terms"])
def test_the_traded_contract_in_other_terms_is_not_entered_until_the_next_start(feed: str) -> None:
    house = House().run(3, binance=100.0, bybit=100.0, okx=100.0)
    down = FeedDown(time_ms=house.now_ms, venue="binance", coin="BTC", feed=feed, reason="another tick")
    house.engine.on_block(EventBlock(facts=(down,)))
    house.run(2, binance=100.0, bybit=100.0, okx=100.0)
    assert house.view.contract_trouble == "another tick"
    assert house.health("binance").reasons == ("another tick",)
    house.engine.on_block(EventBlock(facts=(CodeVersion(time_ms=house.now_ms, version="1", platform="here"),)))
    house.run(2, binance=100.0, bybit=100.0, okx=100.0)
    assert house.view.contract_trouble == ("" if feed == "terms" else "another tick")
