"""Hyperliquid's perpetuals spoken by the simulated exchange."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final

import msgspec

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.evidence import Evidence
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.dialects.hyperliquid.evidence import EVIDENCE
from paper.dialects.hyperliquid.market import HyperMarket
from paper.dialects.hyperliquid.names import (
    INFO_PATH,
    VENUE,
    HyperNames,
    HyperRefused,
    Info,
    Params,
    Row,
    asked,
    kind_of,
    unprocessable,
    whole,
)
from paper.dialects.hyperliquid.stream import PATTERNS, HyperStream
from paper.dialects.hyperliquid.wallets import PublicWallets
from paper.exchange.exchange import Happened

SOCKET_PATH: Final = "/ws"
FILLS_MAX: Final = 2_000


class HyperliquidDialect(Dialect):
    """Two addresses: one for questions, one for signed actions; what is meant stands in the body."""

    venue: ClassVar[str] = VENUE
    hosts: ClassVar[tuple[str, ...]] = ("api.hyperliquid.xyz", "api.hyperliquid-testnet.xyz")
    evidence: ClassVar[tuple[Evidence, ...]] = EVIDENCE
    time_address: ClassVar[str] = "api.hyperliquid.xyz/info"
    time_body: ClassVar[str] = '{"type":"exchangeStatus"}'

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._names = HyperNames(hub)
        self.wallets = PublicWallets(self._names)
        """Whose positions are public: nobody's before somebody says so."""
        self._market = HyperMarket(self._names)
        self._stream = HyperStream(self._names, self._market, self.wallets)

    def endpoint(self, request: Request) -> str:
        return f"{request.endpoint} {kind_of(request)}".strip()

    # --- requests --------------------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        market = self._market
        return {
            "POST /info exchangeStatus": _answering(market.status),
            "POST /info meta": _answering(market.meta),
            "POST /info metaAndAssetCtxs": _answering(market.contexts),
            "POST /info allMids": _answering(market.mids),
            "POST /info l2Book": _answering(market.book),
            "POST /info candleSnapshot": _answering(market.candles),
            "POST /info fundingHistory": _answering(market.funding),
            "POST /info clearinghouseState": _answering(self._state),
            "POST /info userFillsByTime": _answering(self._fills),
        }

    def _state(self, params: Params) -> Row:
        return self.wallets.state(_wallet(params))

    def _fills(self, params: Params) -> list[Row]:
        span = whole(params, "startTime", 0), whole(params, "endTime", 10**15)
        return self.wallets.history(_wallet(params), *span, FILLS_MAX)

    def not_found(self, request: Request) -> HttpAnswer:
        return unprocessable(HyperRefused()) if request.path == INFO_PATH else HttpAnswer(b"", 404)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        """Too many requests: HTTP 429 with `null`. Maintenance: the gateway's 502."""
        del request
        if fault.kind is Kind.MAINTENANCE:
            return HttpAnswer(b"<html><body>502 Bad Gateway</body></html>", 502, {"Content-Type": "text/html"})
        headers = {"Retry-After": str(fault.value)} if fault.value else {}
        return HttpAnswer(b"null", 429, {"Content-Type": "application/json"} | headers)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return (*PATTERNS, "ws subscribe", "ws unsubscribe", "ws ping")

    def opened(self, socket: Socket) -> bool:
        return socket.path == SOCKET_PATH

    async def heard(self, socket: Socket, text: str) -> None:
        try:
            message = msgspec.json.decode(text)
            method, subscription = message.get("method"), message.get("subscription")
        except (msgspec.DecodeError, AttributeError):
            method, subscription = None, None
        if method == "ping":
            socket.send_json({"channel": "pong"})
        elif method in ("subscribe", "unsubscribe") and isinstance(subscription, dict):
            self._subscribe(socket, method, subscription)
        else:
            self.hub.note_unknown(self.venue, f"ws {text[:200]}")
            _error(socket, f"Error parsing JSON into valid websocket request: {text[:200]}")

    def _subscribe(self, socket: Socket, method: str, subscription: dict[str, Any]) -> None:
        topic = self._stream.topic(subscription)
        if not topic:
            self.hub.note_unknown(self.venue, f"ws {method} {subscription}")
            _error(socket, f"Invalid subscription {msgspec.json.encode(subscription).decode()}")
        elif method == "subscribe" and topic in socket.topics:
            _error(socket, f"Already subscribed: {msgspec.json.encode(subscription).decode()}")
        elif method == "unsubscribe":
            socket.topics.pop(topic, None)
            _acknowledge(socket, method, subscription)
        else:
            _acknowledge(socket, method, subscription)
            socket.topics[topic] = ""
            self._stream.first(socket, topic)

    def public(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterable[tuple[str, bytes]]:
        return self._stream.published(block, wanted)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        del account, happened
        return ()


def _answering(answer: Info) -> Handler:
    async def handle(request: Request) -> HttpAnswer:
        try:
            return HttpAnswer(answer(asked(request)))
        except HyperRefused as refused:
            return unprocessable(refused)

    return handle


def _wallet(params: Params) -> str:
    user = params.get("user")
    if not isinstance(user, str) or len(user) != 42 or not user.startswith("0x"):
        raise HyperRefused
    return user.lower()


def _acknowledge(socket: Socket, method: str, subscription: dict[str, Any]) -> None:
    socket.send_json({"channel": "subscriptionResponse", "data": {"method": method, "subscription": subscription}})


def _error(socket: Socket, words: str) -> None:
    socket.send_json({"channel": "error", "data": words})


DIALECT: Final = HyperliquidDialect
