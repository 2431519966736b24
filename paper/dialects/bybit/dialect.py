"""Bybit v5 (USDT perpetuals of a unified account) spoken by the simulated exchange."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final

import msgspec

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.bybit.account import AccountRequests
from paper.dialects.bybit.attached_stops import TradingStop
from paper.dialects.bybit.errors import VENUE, BybitGate, BybitNames, BybitRefused, signature
from paper.dialects.bybit.evidence import EVIDENCE
from paper.dialects.bybit.history import Executions, HistoryRequests
from paper.dialects.bybit.market import PublicRequests, TickerFields
from paper.dialects.bybit.orders import OrderRequests
from paper.dialects.bybit.payloads import Rows
from paper.dialects.bybit.stream import PATTERNS as PUBLIC_PATTERNS
from paper.dialects.bybit.stream import PublicStream
from paper.dialects.bybit.user_stream import PATTERNS as PRIVATE_PATTERNS
from paper.dialects.bybit.user_stream import TOPICS, BybitUserStream
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.evidence import Evidence
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.exchange.exchange import Happened

PUBLIC_PATH: Final = "/v5/public/linear"
PRIVATE_PATH: Final = "/v5/private"
LOGIN_MS_MAX: Final = 60_000
"""How far ahead the end of a login's validity may lie."""
ADDRESS_LIMIT: Final = 403


class BybitDialect(Dialect):
    """Positions, leverage and orders of one linear category; margin mode and key are the account's."""

    venue: ClassVar[str] = VENUE
    hosts: ClassVar[tuple[str, ...]] = (
        "api.bybit.com", "api-testnet.bybit.com", "api-demo.bybit.com",
        "stream.bybit.com", "stream-testnet.bybit.com", "stream-demo.bybit.com",
    )  # fmt: skip
    practice_hosts: ClassVar[frozenset[str]] = frozenset(
        ("api-testnet.bybit.com", "api-demo.bybit.com", "stream-testnet.bybit.com", "stream-demo.bybit.com")
    )
    evidence: ClassVar[tuple[Evidence, ...]] = EVIDENCE
    time_address: ClassVar[str] = "api.bybit.com/v5/market/time"

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._names = BybitNames(hub)
        self._door = BybitGate(self._names)
        fields = TickerFields(self._names)
        rows = Rows(self._names)
        executions = Executions(rows)
        self._market = PublicRequests(self._names, fields)
        self._orders = OrderRequests(self._names, rows)
        self._account = AccountRequests(self._names, rows)
        self._trading_stop = TradingStop(self._names)
        self._history = HistoryRequests(self._names, executions)
        self._stream = PublicStream(self._names, fields, self._market)
        self._user = BybitUserStream(self._names, rows, executions)

    # --- requests --------------------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        door, market = self._door, self._market
        return {
            "GET /v5/market/time": door.clock,
            "GET /v5/system/status": door.public(market.status),
            "GET /v5/market/instruments-info": door.public(market.instruments),
            "GET /v5/market/tickers": door.public(market.tickers),
            "GET /v5/market/orderbook": door.public(market.book),
            "GET /v5/market/recent-trade": door.public(market.trades),
            "GET /v5/market/kline": door.public(market.candles),
            "GET /v5/market/open-interest": door.public(market.open_interest),
            "GET /v5/market/funding/history": door.public(market.funding),
            "GET /v5/market/risk-limit": door.public(market.risk_limits),
            **self._private_routes(),
        }

    def _private_routes(self) -> Mapping[str, Handler]:
        door, account, orders, history = self._door, self._account, self._orders, self._history
        return {
            "GET /v5/user/query-api": door.signed(account.key, demo=False),
            "GET /v5/asset/coin/query-info": door.signed(account.coins, demo=False),
            "GET /v5/account/info": door.signed(account.info),
            "GET /v5/account/wallet-balance": door.signed(account.wallet),
            "GET /v5/account/fee-rate": door.signed(account.fees),
            "GET /v5/account/transaction-log": door.signed(history.transactions),
            "POST /v5/account/set-margin-mode": door.signed(account.set_margin_mode, trades=True),
            "GET /v5/position/list": door.signed(account.positions),
            "POST /v5/position/set-leverage": door.signed(account.set_leverage, trades=True),
            "POST /v5/position/trading-stop": door.signed(self._trading_stop.set, trades=True),
            "POST /v5/position/switch-mode": door.signed(account.switch_mode, trades=True),
            "POST /v5/order/create": door.signed(orders.create, trades=True),
            "POST /v5/order/cancel": door.signed(orders.cancel, trades=True),
            "POST /v5/order/cancel-all": door.signed(orders.cancel_all, trades=True),
            "GET /v5/order/realtime": door.signed(orders.realtime),
            "GET /v5/order/history": door.signed(orders.history),
            "GET /v5/execution/list": door.signed(history.executions),
        }

    def not_found(self, request: Request) -> HttpAnswer:
        return self._door.refusal(BybitRefused(10017, "Route not found."), request, 404)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        """Too many requests of a key: an ordinary answer with an error code (`value` 0). Of an address: HTTP 403
        (`value` 403). Any other `value`: the gateway's own 429, in a shape that is not the venue's, with Retry-After.
        Maintenance: `value` 0 an ordinary answer with an error code, any other the gateway's 503."""
        if fault.kind is Kind.REFUSED:
            return self._door.refusal(BybitRefused(fault.value, "refused"), request)
        if fault.kind is Kind.MAINTENANCE:
            if fault.value:
                return HttpAnswer(
                    b"<html><body>503 Service Unavailable</body></html>", 503, {"Content-Type": "text/html"}
                )
            return self._door.refusal(BybitRefused(10016, "System error. Please try again later."), request)
        if fault.value == ADDRESS_LIMIT:
            return self._door.refusal(BybitRefused(10018, "Exceeded the IP Rate Limit."), request, ADDRESS_LIMIT)
        if fault.value:
            return HttpAnswer({"error": "too many requests"}, 429, {"Retry-After": str(fault.value)})
        answer = self._door.refusal(BybitRefused(10006, "Too many visits. Exceeded the API Rate Limit."), request)
        reset_ms = self.hub.server_ms() + 1_000
        limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": str(reset_ms)}
        return msgspec.structs.replace(answer, headers=limits)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return (*PUBLIC_PATTERNS, *PRIVATE_PATTERNS, "ws auth", "ws subscribe", "ws unsubscribe", "ws ping")

    def opened(self, socket: Socket) -> bool:
        return socket.path in (PUBLIC_PATH, PRIVATE_PATH)

    async def on_message(self, socket: Socket, text: str) -> None:
        try:
            message = msgspec.json.decode(text)
            operation, args = message.get("op", ""), message.get("args") or []
        except (msgspec.DecodeError, AttributeError):
            operation, args, message = "", [], {}
        if operation == "ping":
            self._pong(socket, message)
        elif operation == "auth" and socket.path == PRIVATE_PATH:
            self._login(socket, args)
        elif operation in ("subscribe", "unsubscribe"):
            self._subscribe(socket, operation, [str(topic) for topic in args], message)
        else:
            self.hub.note_unknown(self.venue, f"ws {text[:200]}")
            self._acknowledge(socket, str(operation), message, "error:invalid op")

    def _pong(self, socket: Socket, message: Mapping[str, Any]) -> None:
        if socket.path == PUBLIC_PATH:
            self._acknowledge(socket, "ping", message, words="pong")
            return
        pong = {"op": "pong", "args": [str(self.hub.server_ms())], "conn_id": _connection(socket)}
        socket.send_json(_numbered(message) | pong)

    def _login(self, socket: Socket, args: list[Any]) -> None:
        """Signed is `GET/realtime` and the end of the login's validity."""
        key, expires, sign = (str(arg) for arg in (*args, "", "", "")[:3])
        account = self.hub.account(self.venue, key)
        ahead_ms = LOGIN_MS_MAX - 1_000
        refusal = ""
        if account is None:
            refusal = "Invalid apikey"
        elif not expires.isdigit() or not self.hub.timely(int(expires) - ahead_ms, ahead_ms):
            refusal = "Params Error: expires is out of date"
        elif signature(f"GET/realtime{expires}", account.secret) != sign:
            refusal = "Invalid sign"
        if refusal:
            code = 10003 if account is None else 10004
            socket.send_json(
                {"op": "auth", "success": False, "retCode": code, "retMsg": refusal, "connId": _connection(socket)}
            )
            return
        socket.account = account
        socket.send_json({"success": True, "ret_msg": "", "op": "auth", "conn_id": _connection(socket)})

    def _subscribe(self, socket: Socket, operation: str, topics: list[str], message: Mapping[str, Any]) -> None:
        """All of them or none."""
        private = socket.path == PRIVATE_PATH
        if private and socket.account is None:
            self._acknowledge(socket, operation, message, "Request not authorized")
            return
        strange = [topic for topic in topics if not (topic in TOPICS if private else self._stream.knows(topic))]
        if strange:
            self.hub.note_unknown(self.venue, f"ws {socket.path} {', '.join(strange)}")
            self._acknowledge(socket, operation, message, f"Invalid topic: {strange[0]}")
            return
        self._acknowledge(socket, operation, message, words="" if private else operation)
        for topic in topics:
            if operation == "unsubscribe":
                socket.topics.pop(topic, None)
            else:
                socket.topics[topic] = ""
                if not private:
                    self._stream.first(socket, topic)

    def _acknowledge(
        self, socket: Socket, operation: str, message: Mapping[str, Any], error: str = "", *, words: str = ""
    ) -> None:
        reply = {"success": not error, "ret_msg": error or words, "conn_id": _connection(socket)}
        socket.send_json(reply | _numbered(message) | {"op": operation})

    def public(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterable[tuple[str, bytes]]:
        return self._stream.published(block, wanted)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        return self._user.messages(account, happened)


def _connection(socket: Socket) -> str:
    return f"{id(socket):016x}"


def _numbered(message: Mapping[str, Any]) -> dict[str, str]:
    """The request's own id, echoed as text."""
    return {"req_id": str(message["req_id"])} if "req_id" in message else {}


DIALECT: Final = BybitDialect
