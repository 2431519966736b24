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
from paper.dialects.hyperliquid.account import HyperAccounts
from paper.dialects.hyperliquid.evidence import EVIDENCE
from paper.dialects.hyperliquid.market import HyperMarket
from paper.dialects.hyperliquid.names import (
    INFO_PATH,
    VENUE,
    HyperNames,
    HyperRefused,
    Info,
    body_of,
    kind_of,
    unprocessable,
)
from paper.dialects.hyperliquid.orders import HyperActions
from paper.dialects.hyperliquid.payloads import HyperRows
from paper.dialects.hyperliquid.stream import PATTERNS, HyperStream
from paper.dialects.hyperliquid.user_stream import USER_PATTERNS, HyperUserStream
from paper.dialects.hyperliquid.wallets import PublicWallets
from paper.exchange.exchange import Happened

SOCKET_PATH: Final = "/ws"


class HyperliquidDialect(Dialect):
    """Two addresses: one for questions, one for signed actions; what is meant stands in the body."""

    venue: ClassVar[str] = VENUE
    hosts: ClassVar[tuple[str, ...]] = ("api.hyperliquid.xyz", "api.hyperliquid-testnet.xyz")
    practice_hosts: ClassVar[frozenset[str]] = frozenset(("api.hyperliquid-testnet.xyz",))
    evidence: ClassVar[tuple[Evidence, ...]] = EVIDENCE
    time_address: ClassVar[str] = "api.hyperliquid.xyz/info"
    sample_key: ClassVar[tuple[str, str] | None] = ("0x" + "a1" * 20, "0x" + "11" * 32)
    time_body: ClassVar[str] = '{"type":"exchangeStatus"}'

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._names = HyperNames(hub)
        self.wallets = PublicWallets(self._names)
        """Whose positions are public: nobody's before somebody says so."""
        self._market = HyperMarket(self._names)
        self._stream = HyperStream(self._names, self._market, self.wallets)
        rows = HyperRows(self._names)
        self._accounts = HyperAccounts(self._names, rows, self.wallets)
        self._actions = HyperActions(self._names, self._accounts)
        self._user = HyperUserStream(rows, self._accounts)

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
            **self._account_routes(),
        }

    def _account_routes(self) -> Mapping[str, Handler]:
        accounts, actions = self._accounts, self._actions
        return {
            "POST /info clearinghouseState": _answering(accounts.state),
            "POST /info activeAssetData": _answering(accounts.asset),
            "POST /info userRole": _answering(accounts.role),
            "POST /info userAbstraction": _answering(accounts.abstraction),
            "POST /info extraAgents": _answering(accounts.agents),
            "POST /info orderStatus": _answering(accounts.order),
            "POST /info frontendOpenOrders": _answering(accounts.resting),
            "POST /info historicalOrders": _answering(accounts.past),
            "POST /info userFillsByTime": _answering(accounts.fills),
            "POST /info userFunding": _answering(accounts.funding),
            "POST /info userNonFundingLedgerUpdates": _answering(accounts.moved),
            "POST /exchange order": actions.acting(actions.order),
            "POST /exchange cancel": actions.acting(actions.cancel),
            "POST /exchange cancelByCloid": actions.acting(actions.cancel_named),
            "POST /exchange updateLeverage": actions.acting(actions.leverage),
        }

    def not_found(self, request: Request) -> HttpAnswer:
        return unprocessable(HyperRefused()) if request.path == INFO_PATH else HttpAnswer(b"", 404)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        """Too many requests: HTTP 429 with `null`. Maintenance: the gateway's 502."""
        if fault.kind is Kind.REFUSED:
            kind = kind_of(request)
            response = {"type": kind, "data": {"statuses": [{"error": f"refused {fault.value}"}]}}
            return HttpAnswer({"status": "ok", "response": response})
        if fault.kind is Kind.MAINTENANCE:
            return HttpAnswer(b"<html><body>502 Bad Gateway</body></html>", 502, {"Content-Type": "text/html"})
        headers = {"Retry-After": str(fault.value)} if fault.value else {}
        return HttpAnswer(b"null", 429, {"Content-Type": "application/json"} | headers)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return (*PATTERNS, *USER_PATTERNS, "ws subscribe", "ws unsubscribe", "ws ping")

    def opened(self, socket: Socket) -> bool:
        return socket.path == SOCKET_PATH

    async def on_message(self, socket: Socket, text: str) -> None:
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
        public = self._stream.topic(subscription)
        topic = public or self._user.topic(subscription)
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
            (self._stream if public else self._user).first(socket, topic)

    def public(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterable[tuple[str, bytes]]:
        return self._stream.published(block, wanted)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        return self._user.messages(account, happened)


def _answering(answer: Info) -> Handler:
    async def handle(request: Request) -> HttpAnswer:
        try:
            return HttpAnswer(answer(body_of(request)))
        except HyperRefused as refused:
            return unprocessable(refused)

    return handle


def _acknowledge(socket: Socket, method: str, subscription: dict[str, Any]) -> None:
    socket.send_json({"channel": "subscriptionResponse", "data": {"method": method, "subscription": subscription}})


def _error(socket: Socket, words: str) -> None:
    socket.send_json({"channel": "error", "data": words})


DIALECT: Final = HyperliquidDialect
