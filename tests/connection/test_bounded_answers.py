"""Answers without an end, packed ones that grow, and ones that send us elsewhere."""

import contextlib
import gzip

import pytest
from aiohttp import web

from liqbot.connection import bounded_answers
from liqbot.venues.errors import OutcomeUnknown, VenueUnreachable
from tests.connection.test_client import Answering, answered, placed

MAX = 100_000


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_answers, "ANSWER_BYTES_MAX", MAX)


def counting(sent: list[int]) -> Answering:
    """A body without an end, and how much of it was taken."""
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"1," * 5_000)
                sent.append(10_000)
        return response

    return answer


async def packed(_: web.Request) -> web.StreamResponse:
    body = gzip.compress(b"[" + b"1," * MAX + b"1]")
    assert len(body) < MAX / 10
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


async def test_a_body_without_an_end_is_given_up_and_the_connection_with_it() -> None:
    sent = list[int]()
    async with answered(counting(sent)) as (client, _):
        with pytest.raises(VenueUnreachable):
            await client.call("fapiPublicGetTime")
    assert sum(sent) < 3 * 50 * MAX, "what lies in buffers on the way, three times"


async def test_what_grows_in_unpacking_is_given_up() -> None:
    async with answered(packed) as (client, requests):
        with pytest.raises(VenueUnreachable):
            await client.call("fapiPublicGetTime")
        assert len(requests) == 3, "asked again, as after any answer that broke off"


async def test_a_long_answer_within_the_limit_is_read() -> None:
    body = b'{"serverTime": 1, "more": "' + b"x" * (MAX - 100) + b'"}'

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(body), content_type="application/json",
                            headers={"Content-Encoding": "gzip"})

    async with answered(answer) as (client, _):
        assert (await client.call("fapiPublicGetTime"))["serverTime"] == 1


def elsewhere(status: int, to: str) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text="here", content_type="application/json") if request.path == "/there" else web.Response(
            status=status, headers={"Location": to}
        )

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("act", ["read", "write"])
async def test_nobody_is_sent_elsewhere_with_a_signed_request(status: int, act: str) -> None:
    async with answered(elsewhere(status, "/there")) as (client, requests):
        if act == "write":
            assert isinstance(await placed(client), OutcomeUnknown)
            assert len(requests) == 1
        else:
            with pytest.raises(VenueUnreachable):
                await client.call("fapiPublicGetTime")
        assert "/there" not in requests


