"""`MarketDataDialect`: a venue that is only read. It supplies answers, subscriptions and messages; rows, their order in
time, units and trouble are done here."""

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Instrument, Side, venue_key
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Dialect, Handler
from paper.dialects.evidence import Evidence
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import Hub
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract
from paper.dialects.trade_prints import TradePrint
from paper.exchange.exchange import Happened

Answer = Callable[[Request], Any]
"""What a request is answered with: anything JSON; RequestRefused for what the venue refuses."""
Messages = Iterable[tuple[str, Any]]
"""(topic, message): JSON, or bytes as they are."""
_Timed = tuple[int, int, MarketContract, Callable[[], Messages]]
_QUOTES, _TRADES, _FORCED = range(3)
"""Order within the same millisecond: forced orders are valued with marks, and come after what moved the price."""


class RequestRefused(Exception):
    """The venue's own answer to a request that it does not serve, in its own shape."""

    def __init__(self, body: Any, status: int = 400) -> None:
        super().__init__(f"{status} {body}")
        self.answer = HttpAnswer(body, status)


class MarketDataDialect(Dialect):
    """How the shape of its messages is known stands in `VenueSpec.evidence`, feed by feed: it speaks what that says."""

    takes_orders: ClassVar[bool] = False
    evidence: ClassVar[tuple[Evidence, ...]] = ()
    listed: ClassVar[tuple[ListedContract, ...]]
    """Its contracts, those of every coin and kind that can be served."""
    forced_in_trades: ClassVar[bool] = False
    """Its forced orders are published as trades that count like any other."""
    forced_at_mark: ClassVar[bool] = False
    """Its forced orders are published without a price: they are worth what the mark says."""
    stream_paths: ClassVar[tuple[str, ...]]
    """Paths at which websockets are opened."""
    publishes_settlements: ClassVar[bool] = False
    """A rate is the one that was paid last, not the one that will be."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        known = hub.tickers.of
        self.contracts = [
            MarketContract(one, self.venue, known[key], on_step=hub.params.on_step)
            for one in self.listed if (key := (venue_key(self.venue, one.contract), one.coin)) in known
        ]
        self.by_id = {one.id: one for one in self.contracts}

    @classmethod
    def listed_instruments(cls, coins: Iterable[str], venue_keys: Iterable[str] = ()) -> list[Instrument]:
        """What a hub must list so that this venue can be served; `venue_keys` empty: all its contracts."""
        wanted, keys = set(coins), set(venue_keys)
        found = [one.instrument(cls.venue) for one in cls.listed if one.coin in wanted]
        return [one for one in found if not keys or one.venue in keys]

    # --- what a venue supplies ---------------------------------------------------------------------------------------

    @abc.abstractmethod
    def answers(self) -> Mapping[str, Answer]:
        """`"GET /api/v4/contracts"` -> what answers; paths with an id in them are one entry per contract."""

    @abc.abstractmethod
    def receive(self, socket: Socket, message: Any) -> bool:
        """A message of the client's, decoded (text that is no JSON as it is): acknowledge, answer a ping, `subscribe`.
        False for what the venue does not know."""

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        """Trades of the same millisecond, of a contract; amounts are `contract.traded(print_)`."""
        del contract, prints
        return ()

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        """Figures updated at `contract.figures.time_ms`: of `mark` (with the index), `open_interest`, `funding`.
        All that is known by then is in `contract.figures`."""
        del contract, updated
        return ()

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        """One forced order."""
        del contract, order
        return ()

    # --- what it may use ---------------------------------------------------------------------------------------------

    def subscribe(self, socket: Socket, topic: str, state: str = "") -> None:
        """From now on this connection gets what is published under the topic."""
        for contract in self.contracts if topic not in socket.topics else ():
            contract.figures = contract.now
        socket.topics[topic] = state

    def contract(self, name: Any) -> MarketContract:
        """By the venue's id; RequestRefused where it is not listed."""
        found = self.by_id.get(str(name))
        if found is None:
            raise RequestRefused(self.refusal(f"unknown contract {name!r}"))
        return found

    def refusal(self, words: str) -> Any:
        """The body by which the venue refuses a request."""
        return {"message": words}

    # --- the rest of a dialect ---------------------------------------------------------------------------------------

    def routes(self) -> Mapping[str, Handler]:
        return {endpoint: _handler(answer) for endpoint, answer in self.answers().items()}

    def topics(self) -> Iterable[str]:
        return ()

    def not_found(self, request: Request) -> HttpAnswer:
        return HttpAnswer(self.refusal(f"no such path: {request.path}"), 404)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        del request
        if fault.kind is Kind.HTTP_429:
            return HttpAnswer(self.refusal("too many requests"), 429, {"Retry-After": str(fault.value or 1)})
        return HttpAnswer(self.refusal("unavailable"), 503 if fault.kind is Kind.MAINTENANCE else 400)

    def opened(self, socket: Socket) -> bool:
        return socket.path in self.stream_paths

    async def on_message(self, socket: Socket, text: str) -> None:
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = text
        if not self.receive(socket, message):
            self.hub.note_unknown(self.venue, f"ws {socket.path} {text[:200]}")

    def private(self, account: VenueAccount, happened: Happened) -> Iterable[tuple[str, bytes]]:
        del account, happened
        return ()

    def public(self, block: EventBlock, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
        events = [one for contract in self.contracts for one in self._events(contract, block)]
        events.sort(key=lambda one: one[:2])
        for _, _, _, tell in events:
            for topic, message in tell():
                if topic in wanted:
                    yield topic, message if isinstance(message, bytes) else msgspec.json.encode(message)

    def _events(self, contract: MarketContract, block: EventBlock) -> Iterator[_Timed]:
        yield from self._quoted(contract, block)
        together: list[TradePrint] = []
        for print_ in self.hub.printed(contract.venue_key, contract.coin):
            if together and print_.time_ms != together[0].time_ms:
                yield together[0].time_ms, _TRADES, contract, _later(self._traded, contract, tuple(together))
                together = []
            together.append(print_)
        if together:
            yield together[0].time_ms, _TRADES, contract, _later(self._traded, contract, tuple(together))
        for row in self._ours(block.liquidations, contract).tolist():
            amount = max(contract.amount(row[5], row[4]), contract.lot)
            order = ForcedPrint(row[0], Side(row[3]), row[4], row[5], amount)
            yield row[0], _FORCED, contract, _later(self.forced, contract, order)

    def _quoted(self, contract: MarketContract, block: EventBlock) -> Iterator[_Timed]:
        """Rows of the same time are one change."""
        changes: dict[int, dict[str, tuple[Any, ...]]] = {}
        kinds = (("mark", block.marks), ("open_interest", block.open_interest), ("funding", block.funding))
        for kind, rows in kinds:
            for row in self._ours(rows, contract).tolist():
                changes.setdefault(row[0], {})[kind] = row
        for time_ms, change in changes.items():
            yield time_ms, _QUOTES, contract, _later(self._changed, contract, time_ms, change)

    def _traded(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        contract.figures.last_price = prints[-1].price
        return self.trades(contract, prints)

    def _changed(self, contract: MarketContract, time_ms: int, change: dict[str, tuple[Any, ...]]) -> Messages:
        figures = contract.figures
        figures.time_ms = time_ms
        if "mark" in change:
            mark, index = change["mark"][3:5]
            figures.mark_price, figures.index_price = mark, index if index == index else mark
        if "open_interest" in change:
            figures.oi_usd = change["open_interest"][3]
        if "funding" in change:
            figures.rate_pct, figures.interval_h = change["funding"][3:5]
        return self.quotes(contract, frozenset(change))

    def _ours(self, rows: Rows, contract: MarketContract) -> Rows:
        return self.hub.rows_of(rows, contract.venue_key, contract.coin)


def _later(tell: Callable[..., Messages], *args: Any) -> Callable[[], Messages]:
    """Told in its turn: figures are as of then."""
    return lambda: tell(*args)


def _handler(answer: Answer) -> Handler:
    async def handled(request: Request) -> HttpAnswer:
        try:
            return HttpAnswer(answer(request))
        except RequestRefused as refused:
            return refused.answer

    return handled
