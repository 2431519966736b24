"""`Dialect`: what a venue's wire protocol must supply to be served; the server and the hub do the rest."""

import abc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar

from liqbot.blocks import EventBlock
from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.evidence import Evidence
from paper.dialects.faults import WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.exchange.exchange import Happened

Handler = Callable[[Request], Awaitable[HttpAnswer]]


class Dialect(abc.ABC):
    """One venue's protocol. Stateless but for what it must remember per connection or listen key.

    A handler that meets something it does not model calls `self.hub.unknown(...)` and answers as the venue answers an
    unknown or unsupported request; it never invents.
    """

    venue: ClassVar[str]
    """The venue key of its main linear perpetuals in market blocks (`binance`)."""
    hosts: ClassVar[tuple[str, ...]]
    """Original hosts it answers for: REST and websocket, live, testnet and demo."""
    evidence: ClassVar[tuple[Evidence, ...]]
    time_address: ClassVar[str]
    """Host and path of the venue's clock: what a person can try first."""
    takes_orders: ClassVar[bool] = True
    """Whether it has accounts and orders; False where only its market data is spoken."""
    time_body: ClassVar[str] = ""
    """What must be posted there, in JSON; empty where it is only fetched."""
    sample_key: ClassVar[tuple[str, str] | None] = None
    """Key and secret of a pretended account, where they have a form; None: any two words will do."""
    demo_keys_differ: ClassVar[bool] = False
    """Whether the venue tells keys of demo trading from others."""
    practice_hosts: ClassVar[frozenset[str]] = frozenset()
    """Those of `hosts` that are the test network's or the demo's alone."""
    practice_header: ClassVar[tuple[str, str]] = ("", "")
    """Name and value of the header by which a request means the demo at a host that both share."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.practice: bool | None = None
        """It answers what is asked of the test access alone, or (False) of production alone, where these are two
        markets (`paper.dialects.practice`); None: there is one market, whoever asks."""
        self.demo_keys: set[str] = set()
        """Keys of demo trading, where the venue tells them from others."""
        self.instruments: dict[str, Instrument] = {one.coin: one for one in hub.instruments if one.venue == self.venue}
        """Its listed contracts by coin."""

    def meant_for(self, host: str, headers: Mapping[str, str]) -> bool:
        """Whether a request or a websocket, by its original host and lower-case headers, is this dialect's."""
        name, value = self.practice_header
        meant = host in self.practice_hosts or (bool(name) and headers.get(name) == value)
        return self.practice is None or self.practice is meant

    def endpoint(self, request: Request) -> str:
        """How handlers, faults, evidence and records name a request, where its path does not say what is requested."""
        return request.endpoint

    @abc.abstractmethod
    def routes(self) -> Mapping[str, Handler]:
        """`"POST /fapi/v1/order"` -> handler. The key is `endpoint(request)`; there are no path parameters."""

    @abc.abstractmethod
    def topics(self) -> Iterable[str]:
        """Patterns of the websocket topics it publishes, as evidence names them: `ws <symbol>@aggTrade`."""

    @abc.abstractmethod
    def not_found(self, request: Request) -> HttpAnswer:
        """How the venue answers a path it does not know. The server has recorded it as unknown already."""

    @abc.abstractmethod
    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        """The venue-shaped answer for `http_429` and `maintenance`."""

    @abc.abstractmethod
    def opened(self, socket: Socket) -> bool:
        """A websocket was opened at `socket.path`. False when the venue has no such path (the server refuses it)."""

    @abc.abstractmethod
    async def on_message(self, socket: Socket, text: str) -> None:
        """A text message: subscribe, login, ping. Acknowledge with `socket.send`, note topics in `socket.topics`."""

    @abc.abstractmethod
    def public(self, block: EventBlock, wanted: set[str]) -> Iterable[tuple[str, bytes]]:
        """(topic, message) for the venue's rows of this block, in order of time, only for topics somebody wants."""

    @abc.abstractmethod
    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        """(topic, message) for what happened to an account, which has been folded already. Goes to the sockets of
        this account that have the topic."""

    def frame(self, socket: Socket, topic: str, message: bytes) -> bytes:
        """Last touch per connection, for venues that wrap messages by how a client connected."""
        del socket, topic
        return message
