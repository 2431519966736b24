"""OKX v5, USDT-margined perpetual swaps: requests, public, private and business websockets, live and demo trading."""

import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final

import msgspec

from liqbot.blocks import EventBlock
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.evidence import Evidence
from paper.dialects.faults import WireFault
from paper.dialects.http import HttpAnswer, Request, Socket, op_and_args
from paper.dialects.hub import HeldTooLong, Hub
from paper.dialects.okx.account import OkxAccount
from paper.dialects.okx.auth import DEMO_HOSTS, asker, expired, logged_in
from paper.dialects.okx.channels import PATHS, PUBLIC, arg_of, patterns, place_of
from paper.dialects.okx.errors import (
    EXPIRED,
    NO_PERMISSION,
    NOT_JSON,
    TIMEOUT,
    OkxRefused,
    OkxTrouble,
    faulty,
    no_such_path,
    parameter,
    refused,
)
from paper.dialects.okx.evidence import EVIDENCE
from paper.dialects.okx.listing import Swaps
from paper.dialects.okx.market import OkxMarket, Read
from paper.dialects.okx.orders import OkxOrders
from paper.dialects.okx.pushes import Pushes
from paper.dialects.okx.stream import Streams
from paper.exchange.exchange import Happened

PrivateRead = Callable[[VenueAccount, Mapping[str, str]], HttpAnswer]
Write = Callable[[VenueAccount, Any], Awaitable[HttpAnswer]]

_OBJECT: Final = dict[str, Any]
_OBJECTS: Final = list[dict[str, Any]]
_MAY_EXPIRE: Final = ("POST /api/v5/trade/order", "POST /api/v5/trade/batch-orders")
_PAGES: Final = "instType instFamily uly instId ordType state after before begin end limit"


class OkxDialect(Dialect):
    """`demo_keys` are API keys of demo trading: they work only with the header `x-simulated-trading: 1` and on the demo
    websockets, as the other keys work only without."""

    venue: ClassVar[str] = "okx"
    hosts: ClassVar[tuple[str, ...]] = (
        "www.okx.com", "aws.okx.com", "ws.okx.com", "ws.okx.com:443", "ws.okx.com:8443", "wsaws.okx.com", *DEMO_HOSTS,
    )
    practice_hosts: ClassVar[frozenset[str]] = frozenset(DEMO_HOSTS)
    practice_header: ClassVar[tuple[str, str]] = ("x-simulated-trading", "1")
    evidence: ClassVar[tuple[Evidence, ...]] = EVIDENCE
    time_address: ClassVar[str] = "www.okx.com/api/v5/public/time"
    demo_keys_differ: ClassVar[bool] = True

    def __init__(self, hub: Hub, demo_keys: Iterable[str] = ()) -> None:
        super().__init__(hub)
        self.demo_keys.update(demo_keys)
        self._swaps = Swaps(self.instruments)
        self._market = OkxMarket(hub, self.venue, self._swaps)
        self._streams = Streams(hub, self.venue, self._swaps)
        self._books = OkxAccount(hub, self.venue, self._swaps)
        self._orders = OkxOrders(hub, self.venue, self._swaps)
        self._pushes = Pushes(self._swaps)

    # --- requests --------------------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        return {
            "GET /api/v5/public/time": self._market.time,
            **{endpoint: self._public(read, names) for endpoint, (read, names) in self._market.reads().items()},
            **{endpoint: self._private(read, names) for endpoint, (read, names) in self._reads().items()},
            **{endpoint: self._write(write, kind) for endpoint, (write, kind) in self._writes().items()},
        }

    def _reads(self) -> dict[str, tuple[PrivateRead, str]]:
        """Endpoint -> what answers it, and the parameters that it takes."""
        books, orders = self._books, self._orders
        bills = "instType instId ccy mgnMode ctType type subType after before begin end limit"
        return {
            "GET /api/v5/account/balance": (books.balance, "ccy"),
            "GET /api/v5/account/config": (books.config, ""),
            "GET /api/v5/asset/currencies": (books.currencies, "ccy"),
            "GET /api/v5/account/positions": (books.positions, "instType instId"),
            "GET /api/v5/account/leverage-info": (books.leverage, "instId mgnMode"),
            "GET /api/v5/account/trade-fee": (books.fees, "instType instId instFamily uly"),
            "GET /api/v5/account/bills": (books.recent_bills, bills),
            "GET /api/v5/account/bills-archive": (books.bills, bills),
            "GET /api/v5/trade/order": (orders.order, "instId ordId clOrdId"),
            "GET /api/v5/trade/orders-pending": (orders.pending, _PAGES),
            "GET /api/v5/trade/orders-history": (orders.history, _PAGES),
            "GET /api/v5/trade/fills": (orders.fills, _PAGES + " ordId"),
            "GET /api/v5/trade/fills-history": (orders.fills, _PAGES + " ordId"),
            "GET /api/v5/trade/order-algo": (orders.algo, "instId algoId algoClOrdId"),
            "GET /api/v5/trade/orders-algo-pending": (orders.algos_pending, _PAGES + " algoId"),
            "GET /api/v5/trade/orders-algo-history": (orders.algos_history, _PAGES + " algoId"),
        }

    def _writes(self) -> dict[str, tuple[Write, Any]]:
        """Endpoint -> what carries it out, and the kind of JSON that it takes."""
        books, orders = self._books, self._orders
        return {
            "POST /api/v5/account/set-leverage": (books.set_leverage, _OBJECT),
            "POST /api/v5/account/set-position-mode": (books.set_position_mode, _OBJECT),
            "POST /api/v5/trade/order": (orders.place, _OBJECT),
            "POST /api/v5/trade/batch-orders": (orders.place_all, _OBJECTS),
            "POST /api/v5/trade/cancel-order": (orders.cancel, _OBJECT),
            "POST /api/v5/trade/cancel-batch-orders": (orders.cancel_all, _OBJECTS),
            "POST /api/v5/trade/order-algo": (orders.place_algo, _OBJECT),
            "POST /api/v5/trade/cancel-algos": (orders.cancel_algos, _OBJECTS),
        }

    def _params(self, request: Request, names: str) -> dict[str, str]:
        """Refused, and noted, when the request brings a parameter that is not modelled here."""
        params = request.params
        for name in params:
            if name not in names.split():
                self.hub.note_unknown(self.venue, f"{request.endpoint} with {name}={params[name]}")
                raise OkxRefused(parameter(name))
        return params

    def _public(self, read: Read, names: str) -> Handler:
        async def handler(request: Request) -> HttpAnswer:
            try:
                return read(self._params(request, names))
            except OkxRefused as refusal:
                return refused(refusal.trouble)

        return handler

    def _private(self, read: PrivateRead, names: str) -> Handler:
        async def handler(request: Request) -> HttpAnswer:
            try:
                return read(self._asker(request), self._params(request, names))
            except OkxRefused as refusal:
                return refused(refusal.trouble)

        return handler

    def _write(self, write: Write, kind: Any) -> Handler:
        async def handler(request: Request) -> HttpAnswer:
            try:
                account = self._asker(request)
                if request.endpoint in _MAY_EXPIRE and expired(self.hub, request):
                    return refused(EXPIRED)
                return await write(_allowed(account), msgspec.convert(request.json, kind))
            except OkxRefused as refusal:
                return refused(refusal.trouble)
            except (msgspec.DecodeError, msgspec.ValidationError):
                return refused(NOT_JSON)
            except HeldTooLong:
                return refused(TIMEOUT)

        return handler

    def _asker(self, request: Request) -> VenueAccount:
        return asker(self.hub, self.venue, request, self.demo_keys)

    def not_found(self, request: Request) -> HttpAnswer:
        del request
        return no_such_path()

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        del request
        return faulty(fault)

    # --- websockets ------------------------------------------------------------------------------------------------

    def topics(self) -> Iterable[str]:
        return patterns()

    def opened(self, socket: Socket) -> bool:
        return socket.path in PATHS

    async def on_message(self, socket: Socket, text: str) -> None:
        if text == "ping":
            socket.send("pong")
            return
        request = op_and_args(text)
        if request is None:
            _complain(socket, OkxTrouble("60012", f"Invalid request: {text}"))
            return
        op, args = request
        if op == "login":
            self._login(socket, args[0] if args else {})
        elif op in ("subscribe", "unsubscribe"):
            for arg in args:
                self._subscription(socket, op, arg)
        else:
            self.hub.note_unknown(self.venue, f"ws op {op}")
            _complain(socket, OkxTrouble("60012", f"Invalid request: {text}"))

    def _login(self, socket: Socket, login: dict[str, Any]) -> None:
        try:
            socket.account = logged_in(self.hub, self.venue, socket, login, self.demo_keys)
        except OkxRefused as refusal:
            _complain(socket, refusal.trouble)
            return
        socket.send_json({"event": "login", "code": "0", "msg": "", "connId": _connection(socket)})

    def _subscription(self, socket: Socket, op: str, requested: dict[str, Any]) -> None:
        """Acknowledged argument by argument; what holds now follows the acknowledgement."""
        channel = str(requested.get("channel", ""))
        place = place_of(channel)
        if place is None:
            self.hub.note_unknown(self.venue, f"ws channel {channel}")
        arg = arg_of(requested, self._swaps) if place == socket.path else None
        if arg is None:
            what = ",".join(f"{name}:{value}" for name, value in requested.items())
            _complain(socket, OkxTrouble("60018", f"Wrong URL or {what} doesn't exist. Please use the correct URL, "
                                               "channel and parameters referring to API document."))
            return
        if place != PUBLIC and socket.account is None:
            _complain(socket, OkxTrouble("60011", "Please log in"))
            return
        if op == "unsubscribe":
            socket.topics.pop(arg.topic, None)
        else:
            socket.topics[arg.topic] = ""
        socket.send_json({"event": op, "arg": requested, "connId": _connection(socket)})
        if op == "subscribe":
            account = socket.account
            now = self._streams.at_once(arg) if account is None else self._pushes.at_once(account, arg)
            if now is not None:
                socket.send(now)

    def public(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterable[tuple[str, bytes]]:
        return self._streams.messages(block, wanted)

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        return self._pushes.of(account, happened)


def _allowed(account: VenueAccount) -> VenueAccount:
    if not account.may_trade:
        raise OkxRefused(NO_PERMISSION)
    return account


def _complain(socket: Socket, trouble: OkxTrouble) -> None:
    socket.send_json(
        {"event": "error", "code": trouble.code, "msg": trouble.message, "connId": _connection(socket)})


def _connection(socket: Socket) -> str:
    """Eight hexadecimal digits, as the venue names connections."""
    return f"{zlib.crc32(f'{socket.host}{socket.path}'.encode()):08x}"


DIALECT: Final = OkxDialect
