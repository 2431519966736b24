"""Binance USD-M futures on the wire: its REST and websocket protocol over the simulated exchange."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.binance import evidence as binance_evidence
from paper.dialects.binance import stream as binance_stream
from paper.dialects.binance import user_stream
from paper.dialects.binance.account import BinanceAccounts
from paper.dialects.binance.book import BinanceBooks
from paper.dialects.binance.elsewhere import BinanceElsewhere
from paper.dialects.binance.errors import VENUE, BinanceGate, BinanceNames, Params
from paper.dialects.binance.market import BinanceMarket
from paper.dialects.binance.orders import BinanceOrders
from paper.dialects.binance.records import BinanceRecords
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.exchange.exchange import Happened

_ROOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "/public": ("public",), "/market": ("market",), "/private": ("private",), "": ("public",),
}
"""What each root of the live streams carries: since 2026-04-23 the former one, without a name, carries what `/public`
does (the venue's notice `Important-WebSocket-Change-Notice`)."""
_ROOTS_OF_PRACTICE: Final = {**_ROOTS, "": ("public", "market", "private")}
"""Of the demo and test environments, where the former root is what it was."""
_LIVE_STREAMS: Final = "fstream.binance.com"
LISTEN_KEY: Final = "listenKey"


class BinanceDialect(Dialect):
    """Perpetuals settled in USDT, isolated margin, one-way mode."""

    venue = VENUE
    hosts = (
        "fapi.binance.com", "fstream.binance.com", "api.binance.com", "demo-fapi.binance.com",
        "testnet.binancefuture.com", "fstream.binancefuture.com", "dapi.binance.com",
    )  # fmt: skip
    practice_hosts = frozenset(("demo-fapi.binance.com", "testnet.binancefuture.com", "fstream.binancefuture.com"))
    evidence = binance_evidence.EVIDENCE
    time_address = "fapi.binance.com/fapi/v1/time"

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._names = BinanceNames(hub)
        self._books = BinanceBooks(self._names)
        self._listening: dict[str, VenueAccount] = {}
        """Accounts by listen key."""

    # --- requests --------------------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        door = BinanceGate(self._names)
        parts = [
            BinanceMarket(self._names, door, self._books),
            *(part(self._names, door) for part in (BinanceOrders, BinanceAccounts, BinanceRecords, BinanceElsewhere)),
        ]
        routes: dict[str, Handler] = {"GET /fapi/v1/time": self._time}
        for method in ("POST", "PUT", "DELETE"):
            routes[f"{method} /fapi/v1/{LISTEN_KEY}"] = door.keyed(getattr(self, f"_{method.lower()}_listen_key"))
        for part in parts:
            routes.update(part.routes())
        return routes

    async def _time(self, request: Request) -> HttpAnswer:
        return HttpAnswer({"serverTime": self.hub.server_ms(request.skew_ms)})

    async def _post_listen_key(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """The same key as long as it lives."""
        del params
        key = next((key for key, owner in self._listening.items() if owner is account), None) or secrets.token_hex(32)
        self._listening[key] = account
        return HttpAnswer({LISTEN_KEY: key})

    async def _put_listen_key(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        key = next((key for key, owner in self._listening.items() if owner is account), None)
        if key is None:
            return HttpAnswer({"code": -1125, "msg": "This listenKey does not exist."}, 400)
        return HttpAnswer({LISTEN_KEY: key})

    async def _delete_listen_key(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        self._listening = {key: owner for key, owner in self._listening.items() if owner is not account}
        return HttpAnswer()

    def not_found(self, request: Request) -> HttpAnswer:
        return HttpAnswer({"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}, 404)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        del request
        if fault.kind is Kind.REFUSED:
            return HttpAnswer({"code": fault.value, "msg": "refused"}, 400)
        if fault.kind is Kind.HTTP_429:
            text = "Too many requests; current limit of IP is 2400 requests per minute."
            return HttpAnswer({"code": -1003, "msg": text}, 429, {"Retry-After": str(fault.value or 1)})
        return HttpAnswer({"code": 1, "msg": "System is under maintenance."}, 503)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return (*binance_stream.PATTERNS, *(f"ws {name}" for name in user_stream.EVENTS))

    def opened(self, socket: Socket) -> bool:
        """`<root>/ws`, `<root>/ws/<name>` or `<root>/stream?streams=<names>`; a listen key is a name, too."""
        root, carried = self._root(socket)
        if carried is None:
            return False
        rest, query = socket.path.removeprefix(root).strip("/"), parse_qs(socket.query)
        if rest == "stream":
            return self._streams([name for text in query.get("streams", ()) for name in text.split("/")], socket,
                                 "combined")
        names = [name for name in rest.removeprefix("ws").split("/") if name]
        owner = self._listening.get((query.get(LISTEN_KEY) or names or [""])[0])
        if owner is not None and "private" in carried:
            wanted = [name for text in query.get("events", ()) for name in text.split("/")]
            socket.account = owner
            socket.topics.update(dict.fromkeys(wanted or user_stream.EVENTS, ""))
            return True
        # ccxt counts its sockets by a number behind the path.
        streams = [name for name in names if not name.isdigit()]
        return not query.get(LISTEN_KEY) and root != "/private" and self._streams(streams, socket, "")

    def _streams(self, names: list[str], socket: Socket, frame: str) -> bool:
        if not self._all_known(names, socket):
            return False
        socket.topics.update(dict.fromkeys(names, frame))
        return True

    def _root(self, socket: Socket) -> tuple[str, tuple[str, ...] | None]:
        """The root that a socket was opened at and what it carries; None: the venue has no such path."""
        roots = _ROOTS if socket.host == _LIVE_STREAMS else _ROOTS_OF_PRACTICE
        for root, carried in roots.items():
            if socket.path.startswith((f"{root}/ws", f"{root}/stream")):
                return root, carried
        return "", None

    def _all_known(self, streams: Iterable[str], socket: Socket) -> bool:
        carried = self._root(socket)[1] or ()
        return all(binance_stream.known(stream, self._names, carried) for stream in streams)

    async def on_message(self, socket: Socket, text: str) -> None:
        try:
            request: Any = msgspec.json.decode(text)
        except msgspec.DecodeError:
            socket.send_json({"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}})
            return
        method, streams, number = request.get("method"), request.get("params") or [], request.get("id")
        if method == "SUBSCRIBE" and self._all_known(streams, socket):
            socket.topics.update(dict.fromkeys(streams, ""))
            socket.send_json({"result": None, "id": number})
        elif method == "UNSUBSCRIBE":
            for stream in streams:
                socket.topics.pop(stream, None)
            socket.send_json({"result": None, "id": number})
        elif method == "LIST_SUBSCRIPTIONS":
            socket.send_json({"result": list(socket.topics), "id": number})
        else:
            self.hub.note_unknown(self.venue, f"ws {socket.path} {text}")
            problem = {"code": 2, "msg": "Invalid request: not modelled by this simulated venue, or not at this root"}
            socket.send_json({"error": problem, "id": number})

    def public(self, block: EventBlock, wanted: set[str]) -> Iterable[tuple[str, bytes]]:
        return binance_stream.published(block, wanted, self._names, self._books)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        return user_stream.messages(account, happened, self._names)

    def frame(self, socket: Socket, topic: str, message: bytes) -> bytes:
        """Connections to `/stream` get the name of the stream around each message."""
        if socket.topics[topic] != "combined":
            return message
        return b'{"stream":"' + topic.encode() + b'","data":' + message + b"}"


DIALECT: Final = BinanceDialect
