"""Positions of accounts, read one by one over loopback: exact bins, within a budget and bounds, forced orders."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from edge_sink import Gathered
from loopback_market import PRICE, at, bar, block, flat, hub_of, interest, mark
from patience import until

from liqbot.blocks import Roster, joined
from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown, FeedUp, Liquidation, MarkPrice, OpenPosition
from liqbot.instruments import Side
from liqbot.market.feeds.account_reader import FAILURES_MAX
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import AccountReadingParams, FeedParams
from liqbot.market.feeds.tracked_accounts import AGAIN_MS, TrackedAccounts
from liqbot.venues.public_accounts import AccountPosition
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.registry import wire_of
from paper.dialects.faults import Kind
from paper.dialects.hub import Hub
from paper.dialects.hyperliquid.dialect import HyperliquidDialect
from paper.dialects.hyperliquid.wallets import WalletFill, WalletPosition, wallet_of
from paper.dialects.serving import serving
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments
from paper.world import World, WorldParams
from paper.world.params import CrowdParams
from tests.test_whale_news import house

VENUE = "hyperliquid"
READ, FILLS = "POST /info clearinghouseState", "POST /info userFillsByTime"
FAST = AccountReadingParams(enabled=True, weight_min=1_000, snapshot_s=5)


class Fed:
    """A feed of the simulated venue, and what it told."""

    def __init__(self, hub: Hub, dialect: HyperliquidDialect, feed: VenueFeed, sink: Gathered) -> None:
        self.hub, self.dialect, self.feed, self.sink = hub, dialect, feed, sink
        self.second = 0

    async def second_of(self, price: float = PRICE) -> None:
        self.second += 1
        await self.hub.advance(block(
            self.second, bar(VENUE, "BTC", self.second, (price,) * 4), mark(VENUE, "BTC", self.second, price),
            *flat(VENUE, "ETH", self.second, 2_500.0), interest(VENUE, self.second, 1e9),
        ))

    def asked(self, endpoint: str) -> int:
        server = self.hub.outlet
        return [one.endpoint for one in server.log].count(endpoint)  # type: ignore[union-attr]


@contextlib.asynccontextmanager
async def fed(params: AccountReadingParams, *held: WalletPosition) -> AsyncIterator[Fed]:
    """One wallet for each position given."""
    hub, roster = hub_of(VENUE), Roster((VENUE,), ("BTC", "ETH"))
    hub.warm([block(0, interest(VENUE, 0, 1e9))])
    dialect = HyperliquidDialect(hub)
    for number, one in enumerate(held):
        dialect.wallets.hold(wallet_of(number), one)
    async with serving(hub, [dialect]) as loopback:
        client, sink = VenueClient(SPECS[VENUE], loopback=loopback.url), Gathered(roster)
        feed = VenueFeed(client, wire_of(VENUE), roster, lambda: hub.now_ms, FeedParams(flush_ms=20, accounts=params))
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: feed.listening)
            yield Fed(hub, dialect, feed, sink)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()


def long(price: float | None, quantity: float = 2.0, coin: str = "BTC") -> WalletPosition:
    return WalletPosition(coin=coin, side=Side.LONG, quantity_base=quantity, entry_price=PRICE, liquidation_price=price)


def short(price: float, quantity: float = 3.0) -> WalletPosition:
    return WalletPosition(coin="BTC", side=Side.SHORT, quantity_base=quantity, entry_price=PRICE,
                          liquidation_price=price)


@pytest.mark.drawn(singly=True)
async def test_wallets_are_learnt_from_trades_and_told_at_their_exact_prices() -> None:
    held = (long(45_000.5), short(56_123.0), long(2_000.25, 40.0, "ETH"), long(None, 9.0), long(49_000.0, 0.01))
    async with fed(FAST, *held) as one:
        while one.feed.stats.account_reads < 8:
            await one.second_of()
        one.feed._reader.publish()  # type: ignore[union-attr]
        one.feed.flush(one.sink)
        reportable = {(fact.coin, fact.side, fact.price, round(fact.size_usd)) for fact in one.sink.of(OpenPosition)}
        assert reportable == {
            ("BTC", Side.LONG, 45_000.5, 100_000), ("BTC", Side.SHORT, 56_123.0, 150_000),
            ("ETH", Side.LONG, 2_000.25, 100_000),
        }
        # The one that no mark liquidates has no bin; the one of 500 USD is too small.
        assert one.feed.stats.unpriced_usd == pytest.approx(450_000.0)
        assert len(one.sink.said(FeedUp, "position")) == 2
        assert one.hub.unknown == []


async def test_nothing_is_asked_unless_the_profile_says_so() -> None:
    async with fed(AccountReadingParams(), long(45_000.0), short(55_000.0)) as one:
        for _ in range(3):
            await one.second_of()
        await asyncio.sleep(0.2)
        assert (one.asked(READ), one.feed.stats.accounts, one.sink.of(OpenPosition)) == (0, 0, [])


async def test_an_account_that_is_named_is_read_without_a_trade() -> None:
    named = AccountReadingParams(enabled=True, names=(wallet_of(0), "no wallet"))
    async with fed(named, long(45_000.0)) as one:
        await until(lambda: one.asked(READ) >= 1)
        assert (one.feed.stats.accounts, one.feed.stats.account_failures) == (0, 0)


async def test_reading_keeps_to_its_budget_and_its_number_of_accounts() -> None:
    params = AccountReadingParams(enabled=True, weight_min=240, accounts_max=10)
    async with fed(params, *(long(40_000.0 + number) for number in range(60))) as one:
        for _ in range(40):
            await one.second_of()
        loop = asyncio.get_running_loop()
        begun_s, before = loop.time(), one.asked(READ)
        await asyncio.sleep(2.0)
        # Two of weight a reading: two readings a second, and one that may have been under way.
        assert one.asked(READ) - before <= 2.0 * (loop.time() - begun_s) + 1
        assert one.feed.stats.accounts <= 10


@pytest.mark.drawn(singly=True)
async def test_a_forced_order_is_found_among_the_fills_of_its_wallet() -> None:
    async with fed(FAST, long(49_000.0, 4.0), short(60_000.0)) as one:
        while one.feed.stats.account_reads < 3:
            await one.second_of()
        one.dialect.wallets.hold(wallet_of(0))
        closing = WalletFill(coin="BTC", buys=False, price=48_950.0, quantity_base=4.0, time_ms=at(one.second + 1),
                             start_base=4.0, liquidated=wallet_of(0), number=7)
        others = WalletFill(coin="BTC", buys=True, price=48_900.0, quantity_base=1.0, time_ms=at(one.second + 1),
                            start_base=0.0, liquidated=wallet_of(5), number=8)
        one.dialect.wallets.filled(wallet_of(0), closing)
        one.dialect.wallets.filled(wallet_of(0), others)
        one.second += 11
        await one.second_of(48_990.0)
        await until(lambda: one.sink.of(Liquidation))
        (reportable,) = one.sink.of(Liquidation)
        assert (reportable.side, reportable.coin, reportable.price, reportable.size_usd) == (
            Side.LONG, "BTC", 48_950.0, pytest.approx(4.0 * 48_950.0)
        )
        assert (one.asked(FILLS), one.feed.stats.forced_orders) == (1, 1)


@pytest.mark.drawn(singly=True)
async def test_a_position_closed_by_its_owner_is_no_forced_order() -> None:
    async with fed(FAST, long(49_000.0, 4.0), short(60_000.0)) as one:
        while one.feed.stats.account_reads < 3:
            await one.second_of()
        one.dialect.wallets.hold(wallet_of(0))
        reads = one.feed.stats.account_reads
        while one.feed.stats.account_reads < reads + 4:
            await one.second_of(49_500.0)
        assert (one.asked(FILLS), one.sink.of(Liquidation)) == (0, [])


@pytest.mark.drawn(singly=True)
async def test_positions_are_down_while_they_cannot_be_read_and_up_again_afterwards() -> None:
    async with fed(FAST, long(45_000.0), short(55_000.0)) as one:
        one.hub.faults.next(READ, Kind.CHANGED, times=3 * FAILURES_MAX, change=lambda _: b'{"assetPositions":7}')
        while not one.sink.said(FeedDown, "position"):
            await one.second_of()
            await asyncio.sleep(0.02)
        one.feed._reader.publish()  # type: ignore[union-attr]
        assert one.sink.of(OpenPosition) == []
        reads = one.feed.stats.account_reads
        while one.feed.stats.account_reads < reads + 4:
            await one.second_of()
        one.feed._reader.publish()  # type: ignore[union-attr]
        one.feed.flush(one.sink)
        assert len(one.sink.of(OpenPosition)) == 2


@pytest.mark.drawn(singly=True)
async def test_the_map_has_them_in_exact_bins_says_what_share_is_covered_and_follows_whales() -> None:
    whale = long(49_500.0, 60.0)
    async with fed(FAST, whale, short(56_000.0, 2_000.0)) as one:
        while one.feed.stats.account_reads < 3:
            await one.second_of()
        one.feed.flush(one.sink, everything=True)
        before, one.sink.blocks = one.sink.blocks, []
        one.feed._reader.publish()  # type: ignore[union-attr]
        await one.second_of()
        await until(lambda: one.sink.of(MarkPrice))
        one.feed.flush(one.sink, everything=True)
        engine = house()
        engine.on_block(msgspec.structs.replace(joined(before), tick_ms=at(one.second - 1)))
        step = engine.on_block(msgspec.structs.replace(joined(one.sink.blocks), tick_ms=at(one.second)))
    assert [(news.change, news.whale.price, round(news.whale.usd)) for news in step.whales] == [
        ("near", pytest.approx(49_500.0, rel=1e-3), 3_000_000)
    ]
    (health,) = engine.market.venue_health("BTC", at(one.second))
    # 1e9 of open interest on either side.
    assert (health.measured_long_share, health.measured_short_share) == (
        pytest.approx(0.003, rel=0.01), pytest.approx(0.1, rel=0.01)
    )


@pytest.mark.drawn(singly=True)
async def test_the_traders_of_a_simulated_market_are_told_as_they_are() -> None:
    params = WorldParams(
        step_ms=60_000, days=0.1, burn_in_days=0.3, backfill_days=0.05,
        crowd=CrowdParams(positions=300, share_of_oi=0.5),
    )
    world = World(params, 4)
    hub = Hub(world.roster, paper_instruments(VENUE, ("BTC",)), PaperParams(latency_ms=0))
    hub.warm(world.backfill())
    hub.open_positions = world.positions
    dialect, roster = HyperliquidDialect(hub), Roster((VENUE,), ("BTC",))
    code, there = world.roster.venue_code(VENUE), set[tuple[int, float]]()
    async with serving(hub, [dialect]) as loopback:
        client, sink = VenueClient(SPECS[VENUE], loopback=loopback.url), Gathered(roster)
        feed = VenueFeed(client, wire_of(VENUE), roster, lambda: hub.now_ms, FeedParams(flush_ms=20, accounts=FAST))
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: feed.listening)
            for block_ in world.blocks():
                await hub.advance(block_)
                there |= {(row[3], row[6]) for row in world.positions().tolist() if row[1] == code}
                if feed.stats.account_reads >= 10:
                    break
                await asyncio.sleep(0.1)
            feed._reader.publish()  # type: ignore[union-attr]
            feed.flush(sink)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()
    reportable = sink.of(OpenPosition)
    assert len(reportable) >= 3
    assert {(fact.side.value, fact.price) for fact in reportable} <= there
    assert hub.unknown == []


# --- whom to read next ------------------------------------------------------------------------------------------------


def book(**params: float) -> TrackedAccounts:
    return TrackedAccounts(AccountReadingParams.model_validate({"enabled": True} | params))


def met(accounts: TrackedAccounts, now_ms: int, **usd: float) -> None:
    accounts.meet([(0, now_ms, name, size) for name, size in usd.items()], now_ms)


def held(usd: float, price: float | None = 45_000.0, side: Side = Side.LONG) -> tuple[AccountPosition, ...]:
    return (AccountPosition(0, side, usd, price),)


def read(accounts: TrackedAccounts, now_ms: int, usd: float = 0.0, price: float = 45_000.0) -> str:
    account = accounts.next(now_ms)
    assert account is not None
    accounts.read(account, held(usd, price) if usd else (), now_ms)
    return account.name


def test_the_largest_come_first_and_in_the_end_everybody() -> None:
    accounts = book()
    met(accounts, 0, small=1e3, large=1e6, middle=1e5)
    assert [read(accounts, 10_000) for _ in range(3)] == ["large", "middle", "small"]
    assert {read(accounts, 20_000) for _ in range(3)} == {"large", "middle", "small"}


def test_who_was_not_read_for_long_comes_before_who_is_a_little_larger() -> None:
    accounts = book()
    met(accounts, 0, one=2e5, other=1e5)
    assert read(accounts, 10_000, 2e5) == "one"
    assert read(accounts, 11_000, 1e5) == "other"
    met(accounts, 12_000, one=1.0)
    assert accounts.next(60_000) is not None


def test_beyond_the_most_those_that_hold_and_trade_least_are_forgotten() -> None:
    accounts = book(accounts_max=10)
    for number in range(1, 40):
        met(accounts, number, **{f"n{number}": float(number)})
    assert len(accounts) <= 10
    assert accounts.next(100_000).name == "n39"  # type: ignore[union-attr]


@pytest.mark.parametrize(("side", "price", "low", "high", "first"), [
    (Side.LONG, 45_000.0, 44_999.0, 46_000.0, True), (Side.LONG, 45_000.0, 45_001.0, 46_000.0, False),
    (Side.SHORT, 55_000.0, 54_000.0, 55_001.0, True), (Side.SHORT, 55_000.0, 54_000.0, 54_999.0, False),
])
def test_whose_price_the_mark_has_reached_comes_before_all(
    side: Side, price: float, low: float, high: float, *, first: bool
) -> None:
    accounts = book()
    met(accounts, 0, whale=1e8, near=1e4)
    for _ in range(2):
        account = accounts.next(1_000)
        assert account is not None
        accounts.read(account, held(1e8 if account.name == "whale" else 1e4, price if account.name == "near" else None,
                                    side), 1_000)
    accounts.mark(0, 50_000.0, 50_000.0, 2_000)
    accounts.mark(0, low, high, 1_000 + AGAIN_MS)
    found = accounts.next(1_000 + AGAIN_MS)
    assert found is not None
    assert (found.name == "near") is first
    assert accounts.read(found, (), 20_000) is first


def test_a_position_beyond_its_price_that_the_venue_keeps_starves_nobody() -> None:
    accounts = book()
    met(accounts, 0, kept=1e4, other=1e3)
    names = []
    for second in range(1, 30):
        accounts.mark(0, 44_000.0, 44_000.0, second * 1_000)
        account = accounts.next(second * 1_000)
        assert account is not None
        accounts.read(account, held(1e4) if account.name == "kept" else (), second * 1_000)
        names.append(account.name)
    assert names.count("other") >= 10


def test_what_was_not_read_again_is_told_no_more() -> None:
    accounts = book(stale_min=5)
    met(accounts, 0, one=1e5)
    read(accounts, 1_000, 1e5)
    assert len(list(accounts.reportable(0, 2_000))) == 1
    assert list(accounts.reportable(1, 2_000)) == []
    assert list(accounts.reportable(0, 1_000 + 300_000)) == []
