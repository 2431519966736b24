"""Answers that hang, stall, drip, break or are nonsense, as a client meets them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from loopback_market import hub_of, quiet
from patience import PATIENCE_S, patiently, until

from paper.dialects.faults import Kind, Suffering
from paper.dialects.nonsense import WAYS
from paper.dialects.serving import Loopback, dialects_of, serving

PATH = "/fapi.binance.com/fapi/v1/exchangeInfo"
ENDPOINT = "GET /fapi/v1/exchangeInfo"


@pytest.fixture
async def loop() -> AsyncIterator[Loopback]:
    hub = hub_of("binance")
    await hub.advance(quiet(1, "binance"))
    async with serving(hub, dialects_of(hub, ["binance"])) as served:
        yield served


async def asked(loop: Loopback) -> bytes:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session,
        session.get(loop.url + PATH) as answer,
    ):
        return await answer.read()


@pytest.mark.parametrize("kind", [Kind.HANG_REQUEST, Kind.HANG_ANSWER, Kind.STALL])
async def test_a_connection_is_held_without_an_answer_until_the_client_lets_go(loop: Loopback, kind: Kind) -> None:
    loop.hub.faults.next(ENDPOINT, kind)
    hanging = asyncio.create_task(asked(loop))
    await until(lambda: loop.hub.faults.suffered)
    await patiently(loop.hub.settle())  # the market does not wait for who hangs
    assert msgspec.json.decode(await asked(loop))["symbols"]
    assert not hanging.done()
    hanging.cancel()
    assert [fault.kind for _, fault in loop.hub.faults.suffered] == [kind]


async def test_a_body_breaks_in_the_middle(loop: Loopback) -> None:
    loop.hub.faults.next(ENDPOINT, Kind.CUT_BODY)
    with pytest.raises(aiohttp.ClientPayloadError):
        await asked(loop)


async def test_a_body_that_drips_is_whole(loop: Loopback) -> None:
    whole = msgspec.json.decode(await asked(loop))
    loop.hub.faults.next(ENDPOINT, Kind.DRIP, 200)
    began_s = time.monotonic()
    assert msgspec.json.decode(await asked(loop))["symbols"] == whole["symbols"]
    assert time.monotonic() - began_s >= 0.15


def test_every_way_of_nonsense_makes_another_body() -> None:
    body = msgspec.json.encode({"code": "0", "data": [{"px": "1", "sz": "2"}], "msg": ""})
    for way in WAYS:
        for seed in range(50):
            changed = way(body, random.Random(seed))
            assert changed != body, (way.__name__, seed)
            assert changed == way(body, random.Random(seed))
            way(b"", random.Random(seed))
            way(b"plain text", random.Random(seed))


async def test_a_seed_makes_the_same_trouble_for_the_same_requests(loop: Loopback) -> None:
    def drawn(seed: int) -> list[str]:
        faults = hub_of("binance").faults
        faults.suffer(Suffering(seed, share=0.3))
        return [f"{fault.kind} {fault.value}" if (fault := faults.take(f"GET /{number}")) is not None else ""
                for number in range(400)]

    assert drawn(5) == drawn(5) != drawn(6)
    kinds = {line.split(" ")[0] for line in drawn(5)}
    assert {"hang_answer", "stall", "cut_body", "drip", "changed", "drop_answer", "http_429"} <= kinds
    # Served, everything but what was drawn stays whole.
    loop.hub.faults.suffer(Suffering(3, share=0.5, hang_ms=50))
    whole = 0
    for _ in range(30):
        try:
            whole += bool(msgspec.json.decode(await asked(loop)).get("symbols"))
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, AttributeError):
            continue
    assert 5 < whole < 30
    assert len(loop.hub.faults.suffered) >= 5
