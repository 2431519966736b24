"""The account on the simulated Bybit, who may use it, and the venue's troubles as the unmodified client meets them."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from bybit_place import BTC, ENTRY, BybitPlace, bybit_place
from ccxt.base import errors
from endpoint_proofs import unproved
from patience import patiently, until

from liqbot.commands import SetLeverage
from paper.dialects.bybit.dialect import BybitDialect
from paper.dialects.faults import Kind

BALANCE = "GET /v5/account/wallet-balance"
UNIFIED = {"accountType": "UNIFIED"}


@pytest.fixture
async def place() -> AsyncIterator[BybitPlace]:
    async with bybit_place() as made:
        await made.client.load_markets()
        yield made


async def test_every_endpoint_and_topic_names_its_evidence(place: BybitPlace) -> None:
    dialect = BybitDialect(place.hub)
    assert unproved([*dialect.routes(), *dialect.topics()], dialect.evidence) == []


# --- settings --------------------------------------------------------------------------------------------------------


async def test_margin_mode_and_leverage_are_set_and_read_back(place: BybitPlace) -> None:
    client = place.client
    assert (await client.fetch_margin_mode(BTC))["marginMode"] == "cross"
    assert (await client.set_margin_mode("isolated"))["retMsg"] == "Request accepted"
    assert (await client.set_margin_mode("isolated"))["retCode"] == 0
    assert (await client.fetch_margin_mode(BTC))["marginMode"] == "isolated"
    await client.set_leverage(20, BTC)
    assert (await client.fetch_leverage(BTC))["longLeverage"] == 20
    with pytest.raises(errors.BadRequest, match="110043"):
        await client.set_leverage(20, BTC)
    with pytest.raises(errors.BadRequest, match=r"110013.*maxLeverage \[100\]"):
        await client.set_leverage(101, BTC)
    with pytest.raises(errors.NoChange, match="110025"):
        await client.set_position_mode(False, BTC)
    assert (await client.fetch_leverage(BTC))["longLeverage"] == 20


async def test_leverage_by_hand_and_a_deposit_are_told(place: BybitPlace) -> None:
    await place.client.set_margin_mode("isolated")
    place.tap()
    watching = asyncio.create_task(place.client.watch_balance())
    await place.subscribed("wallet")
    await place.hub.execute(place.account, SetLeverage("bybit", "BTC", 7))
    await place.hub.transfer(place.account, Decimal(500))
    assert (await patiently(watching))["USDT"]["total"] == 10_500
    assert (await place.client.fetch_leverage(BTC))["longLeverage"] == 7


async def test_an_account_in_hedge_mode_is_brought_to_one_way(place: BybitPlace) -> None:
    client = place.client
    place.account.hedge_mode = True
    await client.set_margin_mode("isolated")
    named = {"category": "linear", "symbol": "BTCUSDT"}
    rows = (await client.privateGetV5PositionList(named))["result"]["list"]
    assert [one["positionIdx"] for one in rows] == [1, 2]
    with pytest.raises(errors.BadRequest, match="position idx"):
        await client.create_order(BTC, "market", "buy", 0.1)
    await client.set_position_mode(False, BTC)
    rows = (await client.privateGetV5PositionList(named))["result"]["list"]
    assert [one["positionIdx"] for one in rows] == [0]


async def test_the_key_says_what_it_may_do(place: BybitPlace) -> None:
    key = (await place.client.privateGetV5UserQueryApi())["result"]
    assert (key["uta"], "Withdraw" in key["permissions"]["Wallet"]) == (1, False)
    place.account.may_withdraw, place.account.may_trade = True, False
    key = (await place.client.privateGetV5UserQueryApi())["result"]
    assert ("Withdraw" in key["permissions"]["Wallet"], key["readOnly"]) == (True, 1)
    with pytest.raises(errors.PermissionDenied, match="10005"):
        await place.client.create_order(BTC, "market", "buy", 0.1)
    assert (await place.client.fetch_trading_fee(BTC))["taker"] == 0.00055


async def test_demo_trading_works_without_the_key_request(place: BybitPlace) -> None:
    demo = place.another(demo=True)
    assert (await demo.fetch_balance())["USDT"]["total"] == 10_000
    with pytest.raises(errors.ExchangeError, match="10032"):
        await demo.privateGetV5UserQueryApi()


async def test_history_beyond_seven_days_is_refused(place: BybitPlace) -> None:
    day_ms, now_ms = 86_400_000, place.account.now_ms
    query = {"category": "linear", "startTime": now_ms - 8 * day_ms, "endTime": now_ms}
    for read in (place.client.privateGetV5ExecutionList, place.client.privateGetV5OrderHistory):
        with pytest.raises(errors.BadRequest, match="7 days"):
            await read(query)


async def test_executions_come_in_pages(place: BybitPlace) -> None:
    await place.ready()
    for number in range(3):
        await place.client.create_order(BTC, "market", "buy", 0.001, None, {"clientOrderId": f"{ENTRY}{number}"})
        await place.tick()
    query: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "limit": 2}
    first = (await place.client.privateGetV5ExecutionList(query))["result"]
    second = (await place.client.privateGetV5ExecutionList(query | {"cursor": first["nextPageCursor"]}))["result"]
    names = [one["orderLinkId"] for one in [*first["list"], *second["list"]]]
    assert names == [f"{ENTRY}2", f"{ENTRY}1", f"{ENTRY}0"]
    assert second["nextPageCursor"] == ""


# --- who may ask -----------------------------------------------------------------------------------------------------


async def test_a_wrong_secret_and_a_wrong_key_are_told_apart(place: BybitPlace) -> None:
    with pytest.raises(errors.AuthenticationError, match="10004"):
        await place.another(secret="wrong").privateGetV5AccountWalletBalance(UNIFIED)
    stranger = place.another()
    stranger.apiKey = "nobody"
    with pytest.raises(errors.AuthenticationError, match="10003"):
        await stranger.privateGetV5AccountWalletBalance(UNIFIED)


@pytest.mark.parametrize(("key", "secret", "code"), [("nobody", "x", "10003"), (None, "wrong", "10004")])
async def test_a_socket_with_a_wrong_key_or_secret_is_refused(
    place: BybitPlace, key: str | None, secret: str, code: str
) -> None:
    stranger = place.another(secret=secret, enableUnifiedMargin=False, enableUnifiedAccount=True)
    stranger.apiKey = key or stranger.apiKey
    await stranger.load_markets()
    with pytest.raises(errors.AuthenticationError, match=code):
        await patiently(stranger.watch_orders(BTC))
    assert all(not socket.topics for socket in place.server.sockets)


async def test_a_clock_out_of_step_is_refused(place: BybitPlace) -> None:
    for skew_ms in (60_000, -60_000):
        place.hub.faults.next(BALANCE, Kind.SKEW_MS, skew_ms)
        with pytest.raises(errors.InvalidNonce, match=r"10002.*recv_window\[5000\]"):
            await place.client.privateGetV5AccountWalletBalance(UNIFIED)
    place.hub.skew_ms = 60_000
    with pytest.raises(errors.InvalidNonce, match="10002"):
        await place.client.privateGetV5AccountWalletBalance(UNIFIED)
    client = place.another(enableUnifiedMargin=False, enableUnifiedAccount=True)
    with pytest.raises(errors.AuthenticationError, match="expires"):
        await patiently(client.watch_orders(BTC))


# --- trouble ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected", "words"),
    [
        (Kind.HTTP_429, 0, errors.RateLimitExceeded, "10006"),
        (Kind.HTTP_429, 403, errors.RateLimitExceeded, "10018"),
        (Kind.HTTP_429, 2, errors.ExchangeError, "too many requests"),
        (Kind.HTTP_5XX, 502, errors.ExchangeNotAvailable, "502"),
        (Kind.MAINTENANCE, 0, errors.ExchangeError, "10016"),
        (Kind.MAINTENANCE, 503, errors.ExchangeNotAvailable, "503"),
    ],
)
async def test_the_venues_troubles_have_their_own_shapes(
    place: BybitPlace, kind: Kind, value: int, expected: type[Exception], words: str
) -> None:
    place.hub.faults.next(BALANCE, kind, value)
    with pytest.raises(expected, match=words):
        await place.client.privateGetV5AccountWalletBalance(UNIFIED)
    assert (await place.client.privateGetV5AccountWalletBalance(UNIFIED))["retCode"] == 0


async def test_a_limited_key_is_told_until_when(place: BybitPlace) -> None:
    place.hub.faults.next(BALANCE, Kind.HTTP_429)
    with pytest.raises(errors.RateLimitExceeded):
        await place.client.privateGetV5AccountWalletBalance(UNIFIED)
    headers = {name.lower(): value for name, value in place.client.last_response_headers.items()}
    assert headers["x-bapi-limit-status"] == "0"
    assert int(headers["x-bapi-limit-reset-timestamp"]) > place.hub.server_ms()


async def test_a_cut_socket_is_dialled_again_and_logged_in_anew(place: BybitPlace) -> None:
    await place.client.set_margin_mode("isolated")
    place.tap()
    watching = asyncio.create_task(place.client.watch_orders(BTC))
    await place.subscribed("order")
    place.hub.faults.next("/v5/private", Kind.DISCONNECT_WS)
    await place.tick()
    with pytest.raises(errors.NetworkError):
        await patiently(watching)
    await until(lambda: not place.server.sockets)
    watching = asyncio.create_task(place.client.watch_orders(BTC))
    await place.subscribed("order")
    await place.client.create_order(BTC, "market", "buy", 0.1, None, {"clientOrderId": ENTRY})
    assert (await patiently(watching))[-1]["clientOrderId"] == ENTRY
