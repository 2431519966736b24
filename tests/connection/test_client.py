import asyncio
import contextlib
import decimal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S
from pydantic import SecretStr

from liqbot.connection.client import Credentials, VenueClient
from liqbot.connection.endpoints import at_loopback
from liqbot.connection.rate_limit import RateLimiter
from liqbot.venues.errors import (
    ClockSkew,
    NeverSent,
    OutcomeUnknown,
    VenueAuth,
    VenueBusy,
    VenueError,
    VenueMaintenance,
    VenueRefused,
    VenueUnreachable,
)
from liqbot.venues.registry import VENUES as SPECS
from liqbot.venues.spec import RequestBudget
from liqbot.venues.trading import Channel, Dispatch

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEYS = Credentials(SecretStr("key-3141"), SecretStr("secret-2718"), SecretStr("pass-1618"))
OPTIONS = {"enableUnifiedAccount": True, "enableUnifiedMargin": False}


@contextlib.asynccontextmanager
async def answered(
    answer: Answering, venue: str = "binance", options: Mapping[str, object] = OPTIONS
) -> AsyncIterator[tuple[VenueClient, list[str]]]:
    """A client whose venue answers every request alike, and the requests it got."""
    requests: list[str] = []

    async def any_path(request: web.Request) -> web.StreamResponse:
        requests.append(request.path)
        return await answer(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", any_path)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = VenueClient(SPECS[venue], loopback=f"http://127.0.0.1:{runner.addresses[0][1]}", credentials=KEYS,
                         timeout_ms=700 if answer is endless else 60_000, options=options)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("liqbot.connection.client.RETRYING_S_MAX", PATIENCE_S)  # attempts are counted here
            yield client, requests
    finally:
        await client.close()
        await runner.cleanup()


def saying(body: str, status: int = 200, **headers: str) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, headers=headers, content_type="application/json")

    return answer


async def dropped(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


PLACE = {"binance": "fapiPrivatePostOrder", "bybit": "privatePostV5OrderCreate", "okx": "privatePostTradeOrder"}


async def placed(client: VenueClient) -> VenueError:
    with pytest.raises(VenueError) as raised:
        await client.call(PLACE[client.venue], {"symbol": "BTCUSDT"}, retry="never", channel="priority")
    assert client.venue in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "secret-2718" not in str(raised.value)
    return raised.value


@pytest.mark.drawn(singly=True)
def test_importing_the_door_does_not_load_the_library_behind_it() -> None:
    code = "import sys, liqbot.connection.client, liqbot.market.feeds.feed; print('ccxt' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("venue", PLACE)
@pytest.mark.parametrize("answer", [dropped, endless, saying("", 503)], ids=["dropped", "too late", "503"])
async def test_a_lost_answer_to_an_order_is_an_unknown_outcome_and_never_sent_again(
    venue: str, answer: Answering
) -> None:
    async with answered(answer, venue) as (client, requests):
        assert type(await placed(client)) is OutcomeUnknown
        assert len(requests) == 1


async def test_an_order_that_never_left_is_not_unknown() -> None:
    client = VenueClient(SPECS["okx"], loopback="http://127.0.0.1:9", credentials=KEYS)
    error = await placed(client)
    assert isinstance(error, VenueUnreachable)
    assert error.host == "www.okx.com"
    await client.close()


@pytest.mark.parametrize("venue", PLACE)
async def test_reads_are_tried_again_and_then_name_venue_and_host(venue: str) -> None:
    async with answered(saying("", 503), venue) as (client, requests):
        with pytest.raises(VenueUnreachable) as raised:
            await client.call("fetch_time")
        assert venue in str(raised.value)
        hosts = {"binance": "fapi.binance.com", "bybit": "api.bybit.com", "okx": "www.okx.com"}
        assert raised.value.host == hosts[venue]
        assert len(requests) == 3


@pytest.mark.parametrize("answer", [dropped, endless, saying("", 503)], ids=["dropped", "too late", "503"])
async def test_what_signs_a_request_is_not_in_the_message(answer: Answering) -> None:
    async with answered(answer) as (client, _):
        with pytest.raises(VenueError) as raised:
            await client.call("fapiPrivateV2GetBalance", retry="never")
        assert "/fapi/v2/balance" in str(raised.value)
        assert "signature" not in str(raised.value)


async def test_a_read_that_comes_through_the_second_time() -> None:
    answers = [saying("", 503), saying('{"serverTime": 1499827319559}')]

    async def in_turn(request: web.Request) -> web.StreamResponse:
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)

    async with answered(in_turn) as (client, requests):
        assert await client.call("fetch_time") == 1_499_827_319_559
        assert len(requests) == 2


REFUSALS = [
    ("binance", 429, '{"code":-1003,"msg":"Too many requests"}', VenueBusy),
    ("bybit", 429, "slow down", VenueBusy),
    ("bybit", 429, '{"error": "slow down"}', VenueBusy),
    ("bybit", 200, '{"retCode":10006,"retMsg":"Too many visits!"}', VenueBusy),
    ("okx", 429, '{"msg":"Too Many Requests","code":"50011"}', VenueBusy),
    ("binance", 400, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', ClockSkew),
    ("bybit", 200, '{"retCode":10002,"retMsg":"invalid request, please check your server timestamp"}', ClockSkew),
    ("okx", 401, '{"msg":"Timestamp request expired","code":"50102"}', ClockSkew),
    ("binance", 401, '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', VenueAuth),
    ("bybit", 200, '{"retCode":10004,"retMsg":"error sign!"}', VenueAuth),
    ("okx", 401, '{"msg":"Invalid Sign","code":"50113"}', VenueAuth),
    ("okx", 503, '{"code":"50001","msg":"Service temporarily unavailable."}', VenueMaintenance),
]


@pytest.mark.parametrize(("venue", "status", "body", "kind"), REFUSALS)
async def test_what_venues_say_becomes_one_of_few_errors(
    venue: str, status: int, body: str, kind: type[VenueError]
) -> None:
    async with answered(saying(body, status), venue) as (client, requests):
        assert type(await placed(client)) is kind
        assert len(requests) == 1


@pytest.mark.parametrize(("venue", "body", "code", "reason"), [
    ("binance", '{"code":-2019,"msg":"Margin is insufficient."}', "-2019", "Margin is insufficient."),
    ("bybit", '{"retCode":110007,"retMsg":"ab not enough for new order","result":{}}', "110007",
     "ab not enough for new order"),
    ("okx", '{"code":"1","msg":"All operations failed","data":[{"clOrdId":"a","sCode":"51008","sMsg":"Insufficient"}]}',
     "51008", "Insufficient"),
], ids=PLACE)
async def test_a_refusal_keeps_the_venues_own_code_and_words(venue: str, body: str, code: str, reason: str) -> None:
    async with answered(saying(body, 400 if venue == "binance" else 200), venue) as (client, _):
        error = await placed(client)
        assert isinstance(error, VenueRefused)
        assert (error.code, error.reason, error.kind) == (code, reason, "InsufficientFunds")


async def test_too_many_requests_close_the_normal_channel_but_not_the_priority_one() -> None:
    answers = [saying("{}", 429, **{"Retry-After": "40"})]

    async def first_busy(request: web.Request) -> web.StreamResponse:
        return await (answers.pop() if answers else saying('{"serverTime": 1}'))(request)

    async with answered(first_busy) as (client, requests):
        with pytest.raises(VenueBusy) as raised:
            await client.call("fetch_time", retry="never")
        assert raised.value.retry_after_s == 40
        normal = asyncio.create_task(client.call("fetch_time"))
        await client.call("fetch_time", channel="priority")
        assert not normal.done()
        normal.cancel()
        assert len(requests) == 2


async def test_a_stop_does_not_wait_behind_a_queue_of_reads() -> None:
    limiter = RateLimiter(RequestBudget(units=10, period_s=600, priority_share=0.2))
    reads = [asyncio.create_task(limiter.acquire("normal", 1)) for _ in range(40)]
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await limiter.acquire("priority", 1)
    assert sum(read.done() for read in reads) <= 8
    for read in reads:
        read.cancel()


async def test_what_protects_may_use_all_that_is_free_and_what_it_depends_on_leaves_some() -> None:
    limiter = RateLimiter(RequestBudget(units=10, period_s=600, priority_share=0.2))
    async with asyncio.timeout(PATIENCE_S):
        await limiter.acquire("urgent", 9)
    assert [limiter.room(channel) for channel in ("normal", "urgent", "priority")] == [0, 0, 1]
    await limiter.acquire("priority", 1)
    assert limiter.room("priority") == 0


@given(st.lists(st.tuples(st.sampled_from(("normal", "order", "urgent", "priority")), st.integers(1, 40)), max_size=30))
def test_reads_never_take_what_is_kept(asked: list[tuple[Channel, int]]) -> None:
    async def taken() -> dict[Channel, int]:
        limiter, taken = RateLimiter(RequestBudget(units=50, period_s=600, priority_share=0.2)), Counter[Channel]()
        for channel, weight in asked:
            if weight <= limiter.room(channel):
                await limiter.acquire(channel, weight)
                taken[channel] += weight
        return taken

    found = asyncio.run(taken())
    assert found["normal"] <= 40
    assert found["normal"] + found["urgent"] + found["order"] <= 47
    assert sum(found.values()) <= 50


async def test_weight_is_so_many_units_of_the_budget() -> None:
    limiter = RateLimiter(RequestBudget(units=10, period_s=600, priority_share=0.2))
    await limiter.acquire("normal", 8)
    ninth = asyncio.create_task(limiter.acquire("normal", 1))
    await asyncio.wait([ninth], timeout=0.1)
    assert not ninth.done()
    ninth.cancel()


async def test_a_share_of_the_budget_lasts_as_much_longer() -> None:
    budget = RequestBudget(units=10, period_s=0.05, priority_share=0.2)
    loop = asyncio.get_running_loop()
    for share, period_s in ((0.1, 0.5), (0.5, 0.1)):
        limiter, began_s = RateLimiter(budget.shared(share)), loop.time()
        await limiter.acquire("normal", 8)
        await limiter.acquire("normal", 1)
        assert loop.time() - began_s >= period_s


@pytest.mark.parametrize(("venue", "access"), [("binance", "testnet"), ("okx", "testnet"), ("kucoin", "demo")])
def test_a_place_that_does_not_exist_is_refused_with_those_that_do(venue: str, access: str) -> None:
    client = VenueClient(SPECS[venue], access=access)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{venue} has no '{access}'; it offers live"):
        _ = client.exchange


@pytest.mark.parametrize(("venue", "access", "host"), [
    ("binance", "demo", "demo-fapi.binance.com"), ("bybit", "testnet", "api-testnet.bybit.com"),
    ("bybit", "demo", "api-demo.bybit.com"), ("okx", "demo", "www.okx.com"), ("okx", "live", "www.okx.com"),
])
async def test_access_decides_where_requests_go(venue: str, access: str, host: str) -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        seen[request.path.split("/")[1]] = request.headers.get("x-simulated-trading", "")
        return web.json_response({})

    async with answered(answer, venue) as (client, _):
        client.access = access  # type: ignore[assignment]
        with contextlib.suppress(VenueError):
            await client.call(PLACE[venue], {"symbol": "BTCUSDT"}, retry="never")
    assert seen == {host: "1" if (venue, access) == ("okx", "demo") else ""}


def test_every_address_is_rewritten_with_its_host_in_front() -> None:
    urls = {"rest": "https://{hostname}/api", "ws": {"linear": "wss://ws.okx.com:443/ws/v5"}, "nothing": None}
    assert at_loopback(urls, "http://127.0.0.1:8080", "www.okx.com") == {
        "rest": "http://127.0.0.1:8080/www.okx.com/api",
        "ws": {"linear": "ws://127.0.0.1:8080/ws.okx.com/ws/v5"},
        "nothing": None,
    }


def test_credentials_do_not_show_themselves() -> None:
    assert "2718" not in repr(KEYS) + str(vars(KEYS))


async def test_the_library_does_not_change_how_our_money_is_rounded() -> None:
    """It sets the caller's rounding to half up whenever it formats a number."""
    async with answered(saying("{}")) as (client, _):

        async def formats_a_number() -> str:
            return str(client.exchange.decimal_to_precision("0.125", 1, 2))

        client.exchange.formats_a_number = formats_a_number
        assert await client.call("formats_a_number") == "0.13"
    assert decimal.getcontext().rounding == decimal.ROUND_HALF_EVEN


# --- until when an order may be carried out ---------------------------------------------------------------------------


async def test_okx_is_told_until_when_an_order_may_be_carried_out_in_a_header_and_nothing_else_is() -> None:
    told: dict[str, tuple[str | None, str]] = {}

    async def noting(request: web.Request) -> web.StreamResponse:
        told[request.path.rpartition("/")[2]] = request.headers.get("expTime"), await request.text()
        return web.Response(text='{"code": "0", "data": [{"sCode": "0"}]}', content_type="application/json")

    signed: list[float] = []
    dispatch = Dispatch(3_000, lambda: signed.append(time.time()))
    order = {"instId": "BTC-USDT-SWAP"}
    async with answered(noting, "okx") as (client, _):
        await client.call("privatePostTradeOrder", dict(order), retry="never", dispatch=dispatch)
        await client.call("privatePostTradeBatchOrders", [dict(order)], retry="never", dispatch=dispatch)
        await client.call("privatePostTradeOrderAlgo", dict(order), retry="never", dispatch=dispatch)
        await client.call("privatePostTradeCancelOrder", dict(order), retry="never")
    assert {path: header is not None for path, (header, _) in told.items()} == {
        "order": True, "batch-orders": True, "order-algo": False, "cancel-order": False,
    }
    assert not any("expTime" in body for _, body in told.values())
    assert abs(int(told["order"][0] or 0) - (signed[0] * 1_000 + 3_000)) < 1_000
    assert len(signed) == 3


@pytest.mark.parametrize("venue", ["binance", "bybit"])
async def test_elsewhere_the_request_says_by_its_window_how_long_it_is_good(venue: str) -> None:
    headers: list[dict[str, str]] = []

    async def noting(request: web.Request) -> web.StreamResponse:
        headers.append(dict(request.headers) | dict(request.query) | dict(await request.post()))
        return web.Response(text='{"retCode": 0, "result": {}}', content_type="application/json")

    async with answered(noting, venue, SPECS[venue].trading.options) as (client, _):
        dispatch = Dispatch(3_000, lambda: None)
        await client.call(PLACE[venue], {"symbol": "BTCUSDT"}, retry="never", dispatch=dispatch)
    window = {"binance": "recvWindow", "bybit": "X-BAPI-RECV-WINDOW"}[venue]
    assert headers[0][window] == str(SPECS[venue].trading.valid_ms)
    assert not any(name.lower() == "exptime" for name in headers[0])


async def test_an_order_whose_turn_does_not_come_is_given_up_and_never_sent() -> None:
    async with answered(saying("{}")) as (client, requests):
        client._limiter.hold(30.0)
        signed: list[bool] = []
        dispatch = Dispatch(3_000, lambda: signed.append(True), turn_ms_max=100)
        with pytest.raises(NeverSent, match="not sent"):
            await client.call(PLACE["binance"], {"symbol": "BTCUSDT"}, retry="never", dispatch=dispatch)
        assert (requests, signed) == ([], [])
        patient = Dispatch(3_000, lambda: signed.append(True))
        await client.call(PLACE["binance"], {}, retry="never", channel="priority", dispatch=patient)
        assert (len(requests), signed) == (1, [True])


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("body", ["null", "{}", "[]", '{"code":"0","data":[]}'])
@pytest.mark.parametrize("venue", [name for name, spec in SPECS.items() if spec.trading is not None])
async def test_a_list_of_contracts_that_is_nonsense_leaves_those_that_are_loaded(venue: str, body: str) -> None:
    async with answered(saying(body), venue) as (client, _):
        main = client.exchange.safe_market_structure({"id": "BTC", "symbol": client.symbols(("BTC",))["BTC"]})
        await client.open_again(msgspec.json.encode([main]))
        loaded = client.contracts
        opening = asyncio.create_task(client.open(("BTC",)))
        while not opening.done():  # between two attempts an order may have to be placed
            assert client.contracts == loaded
            await asyncio.sleep(0.01)
        with pytest.raises(VenueError):
            await opening
        assert client.contracts == loaded


async def test_what_the_library_cancels_is_a_lost_connection_and_what_we_cancel_is_cancelled() -> None:
    waited = list[asyncio.Future[None]]()

    async def waits() -> None:
        waited.append(asyncio.get_running_loop().create_future())
        await waited[-1]

    async with answered(saying("")) as (client, _):
        client.exchange.watch_orders = waits
        for cancelled_by in ("library", "us"):
            task = asyncio.create_task(client.watch("watch_orders"))
            await asyncio.sleep(0)
            (waited[-1] if cancelled_by == "library" else task).cancel()
            await asyncio.wait((task,))
            assert task.cancelled() is (cancelled_by == "us")
            if cancelled_by == "library":
                assert isinstance(task.exception(), VenueUnreachable)
