"""Lighter: positions of accounts that trade, read one by one over loopback through the unmodified client."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from edge_sink import Gathered
from loopback_market import at, bar, interest, mark
from patience import until
from read_venues import read_hub
from wire_recordings import recorded_as

from liqbot.blocks import block_of
from liqbot.connection.client import VenueClient
from liqbot.events import FeedUp, OpenPosition
from liqbot.instruments import Side
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import AccountReadingParams, FeedParams
from liqbot.venues.lighter import accounts
from liqbot.venues.lighter.messages import parse
from liqbot.venues.parsing import MalformedMessage, WireBook, WireContract
from liqbot.venues.public_accounts import AccountPosition
from liqbot.venues.registry import VENUES, wire_of
from paper.dialects.lighter.accounts import AccountHolding
from paper.dialects.lighter.dialect import LighterDialect
from paper.dialects.serving import serving

PRICE = 50_000.0


def book_of(*ids: str) -> WireBook:
    return WireBook("lighter", [WireContract(symbol_id=one, symbol=one, venue_key="lighter", coin=one) for one in ids])


def held(side: Side, price: float | None, quantity: float = 2.0, coin: str = "BTC") -> AccountHolding:
    return AccountHolding(coin=coin, side=side, quantity_base=quantity, entry_price=PRICE, liquidation_price=price)


async def test_accounts_are_learnt_from_trades_and_told_at_the_venue_s_own_prices() -> None:
    hub, wire = read_hub("lighter"), wire_of("lighter")
    assert wire.positions is not None
    unhurried = msgspec.structs.replace(wire, positions=msgspec.structs.replace(wire.positions, reads_min=None))
    dialect = LighterDialect(hub)
    dialect.accounts.hold(72_056, held(Side.LONG, 45_500.5), held(Side.SHORT, 2_900.0, 40.0, "ETH"))
    dialect.accounts.hold(281_474_976_626_509, held(Side.SHORT, 56_123.0, 3.0))
    dialect.accounts.hold(9, held(Side.LONG, None, 9.0))
    params = FeedParams(flush_ms=20, accounts=AccountReadingParams(enabled=True, weight_min=1_000, snapshot_s=5))
    async with serving(hub, [dialect]) as loop:
        client, sink = VenueClient(VENUES["lighter"], loopback=loop.url), Gathered(hub.roster)
        feed = VenueFeed(client, unhurried, hub.roster, lambda: hub.now_ms, params)
        task = asyncio.create_task(feed.run(sink))
        try:
            await until(lambda: feed.listening)
            for second in range(1, 99):
                rows = [row for coin, price in (("BTC", PRICE), ("ETH", 2_500.0)) for row in (
                    bar("lighter", coin, second, (price,) * 4), mark("lighter", coin, second, price))]
                await hub.advance(block_of([*rows, interest("lighter", second, 1e9)], hub.roster, tick_ms=at(second)))
                if feed.stats.account_reads >= 6:
                    break
                await asyncio.sleep(0.05)
            feed._reader.publish()  # type: ignore[union-attr]
            feed.flush(sink)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.close()
    assert {(one.coin, one.side, one.price, round(one.size_usd)) for one in sink.of(OpenPosition)} == {
        ("BTC", Side.LONG, 45_500.5, 100_000), ("ETH", Side.SHORT, 2_900.0, 100_000),
        ("BTC", Side.SHORT, 56_123.0, 150_000),
    }  # fmt: skip
    assert feed.stats.unpriced_usd == pytest.approx(450_000.0)
    assert (feed.stats.account_failures, hub.unknown) == (0, [])
    assert len(sink.said(FeedUp, "position")) == 2


def test_recorded_trades_name_both_accounts() -> None:
    book, found = book_of("1"), set[str]()
    book.wants_parties = True
    for raw, _ in recorded_as("lighter", "map lighter trade", lambda one: "/trade" in one["type"]):
        found |= {name for _, _, name, _ in parse(raw, book).parties}
    assert {"72056", "27927", "281474976626509", "281474976600615"} <= found
    assert all(accounts.is_account(name) for name in found)


def row(**changes: Any) -> dict[str, Any]:
    return {"market_id": 1, "sign": 1, "position": "0.5", "position_value": "25000.5", "liquidation_price": "45500.5",
            "symbol": "BTC"} | changes


def answered(*rows: Any) -> dict[str, Any]:
    return {"code": 200, "accounts": [{"index": 7, "positions": list(rows)}]}


@pytest.mark.parametrize(
    ("one", "position"),
    [
        (row(), AccountPosition(0, Side.LONG, 25_000.5, 45_500.5)),
        (row(sign=-1, liquidation_price="0"), AccountPosition(0, Side.SHORT, 25_000.5, None)),
        (row(position="0.00000", position_value="0.000000", liquidation_price="0"), None),
        (row(market_id=99, position="page"), None),
    ],
)  # fmt: skip
def test_a_position_is_read_with_its_side_and_price(one: Any, position: AccountPosition | None) -> None:
    assert accounts.positions(answered(one), book_of("1")) == (() if position is None else (position,))


@pytest.mark.parametrize("one", [
    row(sign=2), row(sign=None), row(position="page"), row(position_value="0"), row(liquidation_price=None),
    row(market_id="x"), None, 7,
])  # fmt: skip
def test_one_that_cannot_be_read_makes_the_whole_answer_malformed(one: Any) -> None:
    """Left out it would count as closed."""
    for payload in (answered(row(), one), json.loads("{}"), {"accounts": [None]}):
        with pytest.raises(MalformedMessage):
            accounts.positions(payload, book_of("1"))
