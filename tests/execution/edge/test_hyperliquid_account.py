"""Hyperliquid over loopback where it is unlike others: nobody signs a question, and a key is an API wallet's."""

import pytest
from pydantic import SecretStr

from liqbot import events
from liqbot.commands import Purpose
from liqbot.connection.client import Credentials, VenueClient
from liqbot.exits import ExpectedError
from liqbot.live.credentials import check_permissions
from liqbot.venues.hyperliquid.client_ids import client_id_of, cloid_of
from liqbot.venues.registry import VENUES, trading_of
from paper.dialects.hyperliquid.signing import address_of, keccak256
from tests.builders.loopback_broker import rig
from tests.builders.venue_keys import secret_of, wrong_secret_of
from tests.execution.edge.test_broker import long_of

VENUE = "hyperliquid"


async def test_where_reading_needs_no_key_a_wrong_one_halts_with_the_first_order() -> None:
    async with rig(VENUE, secret=wrong_secret_of(VENUE)) as one:
        await one.send(one.engine.order(Purpose.ENTRY))
        await one.until(events.OrderRejected)
        (halt,) = one.engine.of(events.Halt)
        assert "key refused" in halt.reason
        assert "does not exist" in halt.reason
        with pytest.raises(ExpectedError, match=r"this key may not trade .*no API wallet of this account"):
            await check_permissions(one.client, trading_of(VENUE), with_money=True)
        assert one.hub.unknown == []


async def test_the_key_of_the_account_s_owner_is_refused_because_it_may_withdraw() -> None:
    owner = address_of(secret_of(VENUE))
    client = VenueClient(VENUES[VENUE], credentials=Credentials(SecretStr(owner), SecretStr(secret_of(VENUE))))
    with pytest.raises(ExpectedError, match="this key may withdraw"):
        await check_permissions(client, trading_of(VENUE), with_money=False)
    await client.close()


async def test_an_api_wallet_may_trade_and_move_nothing_and_says_when_it_ends() -> None:
    async with rig(VENUE) as one:
        rights = await check_permissions(one.client, trading_of(VENUE), with_money=True)
        assert (rights.may_withdraw, rights.may_transfer, rights.may_trade) == (False, False, True)
        assert (rights.account, rights.expires_ms) == (one.account.key, 4_000_000_000_000)


async def test_nothing_is_asked_or_approved_that_nobody_ordered() -> None:
    """The unified client would approve a fee for its makers before the first order, and again with every other."""
    async with rig(VENUE) as one:
        await long_of(one)
        acts = [entry.endpoint for entry in one.loop.server.log if entry.endpoint.startswith("POST /exchange")]
        assert acts == ["POST /exchange updateLeverage", "POST /exchange order"]
        assert one.hub.unknown == []
        assert all("builder" not in entry.body for entry in one.loop.server.log)


async def test_an_order_says_until_when_it_may_be_carried_out_and_is_signed_with_that() -> None:
    async with rig(VENUE) as one:
        await long_of(one)
        (sent,) = [entry.body for entry in one.loop.server.log if entry.endpoint == "POST /exchange order"]
        assert '"expiresAfter":' in sent
        one.hub.skew_ms = 60_000
        late = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(late)
        await one.until(events.OrderRejected, late.client_id)
        assert late.client_id not in one.account.orders


async def test_a_market_order_is_bounded_by_the_other_side_of_the_book() -> None:
    async with rig(VENUE) as one:
        await long_of(one)
        exit_ = one.engine.order(Purpose.EXIT)
        await one.send(exit_)
        await one.until(events.OrderAccepted, exit_.client_id)
        prices = [one.account.orders[name].params["p"] for name in one.account.orders]
        # Best ask 50,001 and best bid 50,000; five percent beyond.
        assert prices == ["52501", "47500"]


async def test_an_entry_without_a_book_is_refused_unsent() -> None:
    async with rig(VENUE) as one:
        await one.leverage()
        await one.until(events.LeverageConfirmed, count=2)
        empty = b'{"coin":"BTC","time":1767225600000,"levels":[[],[]]}'
        one.hub.faults.next("POST /info l2Book", "changed", change=lambda _: empty)
        entry = one.engine.order(Purpose.ENTRY)
        await one.send(entry)
        (refused,) = await one.until(events.OrderRejected, entry.client_id)
        assert refused.code == "MarketOrderNoLiquidity"
        assert not one.endpoints("POST /exchange order")


@pytest.mark.parametrize("own", ["eabc12300000001", "x", "a" * 16, "0000000000000000"])
def test_our_names_come_back_from_their_bytes(own: str) -> None:
    assert client_id_of(cloid_of(own)) == own
    assert len(cloid_of(own)) == 34


def test_names_of_others_stay_as_they_are() -> None:
    foreign = "0xe8d5fd7ebbb4c3cff4d1803472a11463"
    assert (client_id_of(foreign), cloid_of(foreign), client_id_of(None)) == (foreign, foreign, "")
    for wrong in ("A", "a-b", "a" * 17, ""):
        with pytest.raises(ValueError, match="client_id"):
            cloid_of(wrong)


def test_the_venue_s_hash_and_curve_are_the_standards() -> None:
    """Keccak-256 of nothing; and the address of the private key 1, as the standards' own examples have them."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert address_of("1") == "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
