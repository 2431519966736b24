"""Bitget spoken by the simulated exchange: USDT perpetuals of a classic account (v2), public streams of v3."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.bitget.account import BitgetAccountRequests
from paper.dialects.bitget.errors import DEMO_HOST, VENUE, BitgetGate, BitgetNames, BitgetRefused
from paper.dialects.bitget.evidence import EVIDENCE
from paper.dialects.bitget.market import BitgetPublicRequests
from paper.dialects.bitget.orders import BitgetOrderRequests
from paper.dialects.bitget.stream import CLASSIC, PUBLIC, BitgetPublicStream
from paper.dialects.bitget.stream import PATTERNS as PUBLIC_PATTERNS
from paper.dialects.bitget.user_stream import CHANNELS, PRIVATE, BitgetUserStream, topic_of
from paper.dialects.bitget.user_stream import PATTERNS as PRIVATE_PATTERNS
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.evidence import Evidence
from paper.dialects.faults import WireFault
from paper.dialects.http import HttpAnswer, Request, Socket, op_and_args
from paper.dialects.hub import Hub
from paper.exchange.exchange import Happened

_LOGIN_CODES: Final = {
    "40006": 30011, "40012": 30012, "40005": 30013, "40008": 30014, "40009": 30015, "40099": 30011, "40085": 30002,
}


class BitgetDialect(Dialect):
    """Margin mode and leverage are a contract's, position mode and key the account's. `demo_keys` are API keys of demo
    trading, `unified_keys` those of unified accounts: to them all that is private here is closed, and says so."""

    venue: ClassVar[str] = VENUE
    hosts: ClassVar[tuple[str, ...]] = ("api.bitget.com", "ws.bitget.com", DEMO_HOST)
    practice_hosts: ClassVar[frozenset[str]] = frozenset((DEMO_HOST,))
    practice_header: ClassVar[tuple[str, str]] = ("paptrading", "1")
    evidence: ClassVar[tuple[Evidence, ...]] = EVIDENCE
    time_address: ClassVar[str] = "api.bitget.com/api/v2/public/time"
    demo_keys_differ: ClassVar[bool] = True

    def __init__(self, hub: Hub, demo_keys: Iterable[str] = (), unified_keys: Iterable[str] = ()) -> None:
        super().__init__(hub)
        self.demo_keys.update(demo_keys)
        self.unified_keys = set(unified_keys)
        self._names = BitgetNames(hub)
        self._gate = BitgetGate(self._names, self.demo_keys, self.unified_keys)
        self._market = BitgetPublicRequests(self._names)
        self._account = BitgetAccountRequests(self._names)
        self._orders = BitgetOrderRequests(self._names)
        self._stream = BitgetPublicStream(self._names, self._market)
        self._user = BitgetUserStream(self._names)

    # --- requests --------------------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        gate, market = self._gate, self._market
        return {
            "GET /api/v2/public/time": gate.clock,
            "GET /api/v2/spot/public/coins": gate.public(market.nothing),
            "GET /api/v2/spot/public/symbols": gate.public(market.nothing),
            "GET /api/v2/margin/currencies": gate.public(market.nothing),
            "GET /api/v2/mix/market/contracts": gate.public(market.contracts),
            "GET /api/v2/mix/market/ticker": gate.public(market.classic_ticker),
            "GET /api/v2/mix/market/open-interest": gate.public(market.open_interests),
            "GET /api/v2/mix/market/candles": gate.public(market.candles),
            "GET /api/v2/mix/market/history-candles": gate.public(market.past_candles),
            "GET /api/v2/mix/market/history-fund-rate": gate.public(market.past_funding),
            "GET /api/v2/mix/market/merge-depth": gate.public(market.book),
            "GET /api/v2/mix/market/fills": gate.public(market.trades),
            "GET /api/v2/mix/market/fills-history": gate.public(market.trades),
            "GET /api/v3/market/tickers": gate.public(market.tickers),
            "GET /api/v3/market/current-fund-rate": gate.public(market.funding_now),
            "GET /api/v3/market/position-tier": gate.public(market.tiers),
            **self._account_routes(),
            **self._order_routes(),
        }

    def _account_routes(self) -> Mapping[str, Handler]:
        signed, account = self._gate.signed, self._account
        return {
            "GET /api/v2/spot/account/info": signed(account.key),
            "GET /api/v3/account/settings": signed(account.settings_of_unified, unified=True),
            "GET /api/v2/mix/account/account": signed(account.balance),
            "GET /api/v2/mix/account/accounts": signed(account.balances),
            "GET /api/v2/mix/account/bill": signed(account.bills),
            "POST /api/v2/mix/account/set-leverage": signed(account.set_leverage, trades=True),
            "POST /api/v2/mix/account/set-margin-mode": signed(account.set_margin_mode, trades=True),
            "POST /api/v2/mix/account/set-position-mode": signed(account.set_position_mode, trades=True),
            "GET /api/v2/mix/position/single-position": signed(account.position),
            "GET /api/v2/mix/position/all-position": signed(account.positions),
            "GET /api/v2/mix/position/adlRank": signed(account.adl_ranks),
        }

    def _order_routes(self) -> Mapping[str, Handler]:
        signed, orders = self._gate.signed, self._orders
        return {
            "POST /api/v2/mix/order/place-order": signed(orders.place, trades=True),
            "POST /api/v2/mix/order/place-tpsl-order": signed(orders.place_plan, trades=True),
            "POST /api/v2/mix/order/cancel-order": signed(orders.cancel, trades=True),
            "POST /api/v2/mix/order/cancel-plan-order": signed(orders.cancel_plans, trades=True),
            "GET /api/v2/mix/order/detail": signed(orders.detail),
            "GET /api/v2/mix/order/orders-pending": signed(orders.pending),
            "GET /api/v2/mix/order/orders-history": signed(orders.history),
            "GET /api/v2/mix/order/orders-plan-pending": signed(orders.plans_pending),
            "GET /api/v2/mix/order/orders-plan-history": signed(orders.plans_history),
            "GET /api/v2/mix/order/fills": signed(orders.fills),
        }

    def not_found(self, request: Request) -> HttpAnswer:
        return self._gate.refusal(BitgetRefused("40404", "Request URL NOT FOUND", 404), request)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        return self._gate.trouble(fault, request)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return (*PUBLIC_PATTERNS, *PRIVATE_PATTERNS, "ws login", "ws subscribe", "ws unsubscribe", "ws ping")

    def opened(self, socket: Socket) -> bool:
        return socket.path in (PUBLIC, CLASSIC, PRIVATE)

    async def on_message(self, socket: Socket, text: str) -> None:
        if text == "ping":
            socket.send("pong")
            return
        request = op_and_args(text)
        if request is None:
            _complain(socket, 30016, "Param error")
            return
        op, args = request
        if op == "login" and socket.path == PRIVATE:
            self._login(socket, args[0] if args else {})
        elif op in ("subscribe", "unsubscribe"):
            for arg in args:
                self._subscription(socket, op, arg)
        else:
            self.hub.note_unknown(self.venue, f"ws op {op}")
            _complain(socket, 30003, "Invalid op")

    def _login(self, socket: Socket, login: dict[str, Any]) -> None:
        try:
            socket.account = self._gate.logged_in(socket, login)
        except BitgetRefused as refused:
            _complain(socket, _LOGIN_CODES.get(refused.code, 30005), refused.text)
            return
        socket.send_json({"event": "login", "code": 0})

    def _subscription(self, socket: Socket, op: str, arg: dict[str, Any]) -> None:
        """Acknowledged argument by argument; what holds now follows the acknowledgement."""
        if socket.path == PRIVATE:
            self._private(socket, op, arg)
            return
        topic = self._stream.topic(socket.path, arg)
        if topic is None:
            self._refuse_unknown(socket, op, arg)
            return
        _take(socket, op, topic.name, arg)
        if op == "subscribe":
            self._stream.first(socket, topic)

    def _private(self, socket: Socket, op: str, arg: dict[str, Any]) -> None:
        if arg.get("channel") not in CHANNELS or arg.get("instType") != "USDT-FUTURES":
            self._refuse_unknown(socket, op, arg)
        elif socket.account is None:
            _complain(socket, 30004, "User not logged in", {"op": op, "arg": arg})
        else:
            _take(socket, op, topic_of(arg["channel"]), arg)

    def _refuse_unknown(self, socket: Socket, op: str, arg: dict[str, Any]) -> None:
        what = ",".join(f"{name}:{value}" for name, value in arg.items())
        self.hub.note_unknown(self.venue, f"ws {socket.path} {what}")
        _complain(socket, 30001, f"{what} doesn't exist", {"op": op, "arg": arg})

    def public(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterable[tuple[str, bytes]]:
        return self._stream.published(block, wanted)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        return self._user.messages(account, happened)


def _take(socket: Socket, op: str, topic: str, arg: dict[str, Any]) -> None:
    if op == "unsubscribe":
        socket.topics.pop(topic, None)
    else:
        socket.topics[topic] = ""
    socket.send_json({"event": op, "arg": arg})


def _complain(socket: Socket, code: int, words: str, more: Mapping[str, Any] | None = None) -> None:
    socket.send_json({"event": "error", "code": code, "msg": words, **(more or {})})


DIALECT: Final = BitgetDialect
