"""Websockets that the unified client has no method for: subscribed, kept alive, given up, lost and opened anew."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from loopback_market import at, forced, mark
from patience import PATIENCE_S, until
from read_venues import read_venue

from liqbot.blocks import block_of
from liqbot.connection import raw_streams
from liqbot.connection.raw_streams import RawStreams
from liqbot.events import FeedDown, FeedUp, Liquidation, MarkPrice
from liqbot.instruments import Side
from liqbot.venues.errors import VenueUnreachable
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import RawSocket, Stream
from paper.dialects.faults import Kind

BTC = WireContract(symbol_id="BTC-PERP", symbol="BTC/USD:USD", venue_key="here", coin="BTC")
Behaviour = Callable[[web.WebSocketResponse], Any]


def spec(**more: Any) -> RawSocket:
    return RawSocket(
        url=lambda contracts: f"wss://stream.here.com/{contracts[0].coin.lower()}",
        subscribe=lambda contracts: ({"op": "subscribe", "id": contracts[0].symbol_id},), **more,
    )


class Place:
    """A server at the venue's rewritten address. `do` is what it does with a connection before it listens."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.texts: list[str] = []
        self.heard: list[tuple[str | bytes, str]] = []
        self.turns = 0
        self.do: Behaviour | None = None
        self.autoping = True
        self.open: list[web.WebSocketResponse] = []
        self.streams: RawStreams = None  # type: ignore[assignment]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        socket = web.WebSocketResponse(autoping=self.autoping)
        await socket.prepare(request)
        self.open.append(socket)
        if self.do is not None:
            await self.do(socket)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.texts.append(message.data)
        self.open.remove(socket)
        return socket

    async def turn(self) -> None:
        self.turns += 1

    def watched(self, how: RawSocket, on_url: Callable[[str], None] | None = None) -> asyncio.Task[None]:
        return asyncio.create_task(self.streams.watch(how, (BTC,), on_url))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    made.streams = RawStreams(
        "here", {"stream.here.com": "eu.here.com"}, f"http://127.0.0.1:{port}", made.turn,
        lambda raw, url: made.heard.append((raw, url)),
    )
    yield made
    await made.streams.close()
    await runner.cleanup()


async def test_it_is_dialled_at_the_rewritten_address_in_its_turn_and_subscribes(place: Place) -> None:
    urls: list[str] = []
    task = place.watched(spec(), urls.append)
    await until(lambda: place.texts)
    assert place.paths == ["/eu.here.com/btc"]
    assert [msgspec.json.decode(text) for text in place.texts] == [{"op": "subscribe", "id": "BTC-PERP"}]
    assert urls == list(place.streams.urls)
    assert place.turns == 1
    assert not task.done()
    task.cancel()


async def test_subscriptions_of_one_address_share_a_connection(place: Place) -> None:
    tasks = [place.watched(spec()) for _ in range(3)]
    await until(lambda: len(place.texts) == 3)
    assert len(place.paths) == 1
    await place.open[0].close()
    for task in tasks:
        with pytest.raises(VenueUnreachable, match=r"here: no answer from eu\.here\.com: the connection ended"):
            await task
    assert place.streams.urls == ()


async def test_messages_come_unpacked_and_pings_are_answered(place: Place) -> None:
    async def speak(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(gzip.compress(b'{"ping":7}'))
        await socket.send_str('{"trade":1}')

    def pong(raw: str | bytes) -> Any:
        told = msgspec.json.decode(raw)
        return {"pong": told["ping"]} if "ping" in told else None

    place.do = speak
    task = place.watched(spec(answer=pong, ping=lambda: "ping", ping_s=0.05))
    await until(lambda: len(place.heard) == 2 and place.texts.count("ping") >= 2)
    assert [raw for raw, _ in place.heard] == [b'{"ping":7}', '{"trade":1}']
    assert '{"pong":7}' in place.texts
    task.cancel()


async def test_what_is_given_up_ends_its_watches_at_once_and_the_next_one_dials_anew(place: Place) -> None:
    task = place.watched(spec())
    await until(lambda: place.texts)
    place.streams.drop(place.streams.urls, "silent")
    with pytest.raises(VenueUnreachable, match="silent"):
        await task
    again = place.watched(spec())
    await until(lambda: len(place.texts) == 2)
    assert len(place.paths) == 2
    await until(lambda: len(place.open) == 1)
    again.cancel()


async def test_a_connection_that_answers_no_ping_is_half_open_and_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_streams, "HEARTBEAT_S", 0.1)
    place.autoping = False
    with pytest.raises(VenueUnreachable):
        await place.watched(spec())


@pytest.mark.parametrize(("packed", "reason"), [
    (b"\x1f\x8b broken", "while decompressing"),
    (b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 8, "while decompressing"),
    (gzip.compress(b'{"a":1}')[:-9], "cut short"),
    (gzip.compress(bytes(raw_streams.MESSAGE_BYTES_MAX + 1)), "larger than"),
], ids=["header", "body", "cut", "bomb"])
async def test_broken_packing_ends_the_connection_and_not_the_listener_alone(
    place: Place, packed: bytes, reason: str
) -> None:
    async def speak(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(packed)

    place.do = speak
    with pytest.raises(VenueUnreachable, match=reason):
        await place.watched(spec())


async def test_a_message_that_its_taker_fails_on_ends_the_connection_and_not_the_listener_alone(place: Place) -> None:
    def stumbling(raw: str | bytes, url: str) -> None:
        raise RecursionError(url[:1] + str(raw)[:1])

    async def speak(socket: web.WebSocketResponse) -> None:
        await socket.send_str("[" * 10)

    place.do, place.streams._on_message = speak, stumbling
    with pytest.raises(VenueUnreachable, match="RecursionError"):
        await asyncio.wait_for(place.watched(spec()), PATIENCE_S)


async def test_an_address_where_nobody_listens_is_tried_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    async def turn() -> None:
        turns.append(1)

    monkeypatch.setattr(raw_streams, "ATTEMPTS_MAX", 2)
    streams = RawStreams("here", {}, "http://127.0.0.1:1", turn, lambda *_: None)
    with pytest.raises(VenueUnreachable, match=r"here: no answer from stream\.here\.com: ClientConnectorError"):
        await streams.watch(spec(), (BTC,))
    await streams.close()
    assert len(turns) == 2


def test_a_stream_has_a_method_or_a_dial() -> None:
    with pytest.raises(ValueError, match="stream of trades: either `method` or `socket` is right"):
        Stream(feeds=("trades",))
    with pytest.raises(ValueError, match="either `method` or `socket`"):
        Stream(feeds=("trades",), method="watch_trades", socket=spec())


# --- in a feed --------------------------------------------------------------------------------------------------------


async def test_a_cut_is_a_gap_that_is_told_and_closed() -> None:
    async with read_venue("gate") as place:
        assert "/fx-ws.gateio.ws/v4/ws/usdt" in " ".join(place.client.raw.urls)
        place.hub.faults.next("/v4/ws/usdt", Kind.DISCONNECT_WS)
        await place.hub.advance(place.block(1, []))
        await until(lambda: place.sink.said(FeedDown, "liquidation"))
        await until(lambda: place.feed.listening and place.feed.stats.resyncs)
        await place.hub.advance(place.block(2, [forced("gate", 2, Side.SHORT, 50_000.0, 250_000.0)]))
        await until(lambda: place.sink.of(Liquidation))
        await until(lambda: len(place.sink.said(FeedUp, "liquidation")) > len(place.keys))
    down, up = place.sink.said(FeedDown, "liquidation"), place.sink.said(FeedUp, "liquidation")
    assert {(fact.venue, fact.coin) for fact in down} == {("gate", "BTC"), ("gate", "ETH")}  # type: ignore[attr-defined]
    assert len(up) == len(place.keys) + len(down)
    assert place.hub.unknown == []


async def test_a_socket_whose_silence_says_nothing_goes_with_one_whose_silence_is_a_fault() -> None:
    async with read_venue("gate") as place:
        place.hub.now_ms += 3_600_000  # Marks come every second: an hour without any is none.
        await until(lambda: place.sink.said(FeedDown, "liquidation") and place.feed.stats.silences)
        assert {fact.reason.rpartition(" ")[2] for fact in place.sink.said(FeedDown, "liquidation")  # type: ignore[union-attr]
                } == {"silent"}
        await until(lambda: place.feed.listening and place.client.raw.urls)
        await place.hub.advance(block_of([forced("gate", 3_700, Side.LONG, 50_000.0, 1e5)], place.roster))
        await until(lambda: place.sink.of(Liquidation)[-1].size_usd == pytest.approx(1e5))


async def test_a_subscription_that_carries_no_feed_goes_with_its_socket() -> None:
    async with read_venue("coinbase") as place:
        place.hub.now_ms += 3_600_000
        await until(lambda: place.sink.said(FeedDown, "mark") and place.feed.stats.silences)
        await until(lambda: place.feed.listening)
        await place.hub.advance(block_of([mark("coinbase", "BTC", 3_700, 50_321.0)], place.roster))
        await until(lambda: place.sink.of(MarkPrice)[-1].time_ms == at(3_700))


async def test_one_that_was_heard_meanwhile_stays() -> None:
    async with read_venue("gate") as place:
        rows = [forced(key, 5, Side.LONG, 50_000.0, 1e5, coin) for key, coin in place.keys]
        place.hub.now_ms = at(4)
        await place.hub.advance(block_of(rows, place.roster))
        await until(lambda: sum(one.time_ms == at(5) for one in place.sink.of(Liquidation)) == len(place.keys))
        place.hub.now_ms += 3_600_000
        await until(lambda: place.sink.said(FeedDown, "mark") and place.feed.stats.silences)
        assert not place.sink.said(FeedDown, "liquidation")
