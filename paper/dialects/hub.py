"""`Hub`: the market, its clock and the accounts behind the wire: it walks blocks, dialects and server translate."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from liqbot.blocks import KINDS, EventBlock, Roster, Rows, block_of
from liqbot.commands import Command, PlaceOrder
from liqbot.events import Event
from liqbot.instruments import Instrument
from liqbot.venues.registry import mechanics_of
from paper.dialects.accounts import VenueAccount
from paper.dialects.faults import Faults
from paper.dialects.tickers import Tickers, VenueTicker
from paper.dialects.trade_prints import Printer, TradePrint
from paper.exchange import PaperExchange, PaperParams
from paper.exchange.exchange import Happened

AHEAD_MS_MAX: Final = 1_000
"""How far a client's clock may be ahead of the venue's, as venues allow."""
FIRST_ORDER: Final = 8_389_765_000_000


class HubParams(msgspec.Struct, frozen=True):
    """How the hub behaves on the wire."""

    spread_trades: bool = True
    """Trades of a bar lie along its span; otherwise all at its end, so that a client that coalesces gets one bar."""
    on_step: bool = True
    """Traded quantities are whole steps; otherwise they are exact and add up to the block's figures."""
    wall_clock: bool = True
    """Venues' server time is the wall clock; otherwise it is the market's. Signed requests may carry either."""
    held_s_max: float = 30.0
    """How long a command may wait for market time before the venue says that it timed out."""
    settle_s_max: float = 5.0
    """How long market time waits for requests that run: beyond that they are taken to hang."""


class Outlet(Protocol):
    """Where messages leave: the server."""

    async def public(self, hub: "Hub", block: EventBlock) -> None: ...

    def private(self, hub: "Hub", account: VenueAccount, happened: Happened) -> None: ...

    def cut(self, path: str) -> None: ...

    async def flushed(self) -> None: ...

    @property
    def requests_running(self) -> int: ...

    @property
    def held(self) -> int:
        """Of those, how many wait for market time, in whichever market."""
        ...


class Follower(Protocol):
    """A market that goes where this one goes."""

    def warm(self, block: EventBlock) -> None: ...

    async def advance(self, block: EventBlock) -> None: ...

    def pace(self, speed: float) -> None: ...


class HeldTooLong(Exception):
    """Market time did not reach the command: its outcome is not known yet."""


class Hub:
    """One market, any number of venues and accounts; every account is a simulated exchange of its own."""

    def __init__(
        self, roster: Roster, instruments: Iterable[Instrument], paper: PaperParams, params: HubParams | None = None
    ) -> None:
        self.roster, self.instruments, self.paper = roster, tuple(instruments), paper
        self.params = params or HubParams()
        self.now_ms = 0
        """The market's time: the end of the last block."""
        self.before_ms = 0
        """The end of the one before it."""
        self.skew_ms = 0
        """How far every venue's clock is ahead of ours."""
        self.faults = Faults()
        self.unknown: list[str] = []
        """Everything a client requested that no dialect models; a test that ends with any has failed."""
        self.tickers = Tickers(((one.venue, one.coin) for one in self.instruments), roster)
        self.accounts: dict[tuple[str, str], VenueAccount] = {}
        self.open_positions: Callable[[], Rows] | None = None
        """Everybody's positions in a simulated market that knows them, as `paper.world.POSITIONS`: for venues where
        they are public."""
        self.outlet: Outlet | None = None
        self.followers: list[Follower] = []
        """Given every block before it is published here."""
        self.quiesce: Callable[[], Awaitable[None]] = self.settle
        """Awaited after everything that a client may react to; replace it by what knows when yours has reacted."""
        self._printers = {(one.venue, one.coin): self._printer(one) for one in self.instruments}
        self._printed: dict[tuple[str, str], list[TradePrint]] = {}
        self._held: dict[int, tuple[Command, asyncio.Future[tuple[Event, ...]]]] = {}
        self._walking: set[VenueAccount] = set()
        self._orders = FIRST_ORDER
        self._speed, self._advanced_s = 0.0, 0.0
        """Of a paced market, and when its last block came."""

    # --- what is ---------------------------------------------------------------------------------------------------

    def ticker(self, venue: str, coin: str) -> VenueTicker:
        """KeyError when it is not listed."""
        return self.tickers.of[venue, coin]

    def printed(self, venue: str, coin: str) -> list[TradePrint]:
        """The trades of this contract in the last block."""
        return self._printed.get((venue, coin), [])

    def rows_of(self, rows: Rows, venue: str, coin: str) -> Rows:
        """Those of one contract; `venue` is its venue key."""
        if not len(rows):
            return rows
        venue_code, coin_code = self.roster.venue_code(venue), self.roster.coin_code(coin)
        found: Rows = rows[(rows["venue"] == venue_code) & (rows["coin"] == coin_code)]
        return found

    def fold(self, block: EventBlock) -> None:
        """Take in what everybody may see: figures, and bars as single trades."""
        self.tickers.fold(block)
        self._printed = {}
        for (venue, coin), printer in self._printers.items() if len(block.bars) else ():
            here = block.bars["venue"] == self.roster.venue_code(venue)
            bars = block.bars[here & (block.bars["coin"] == self.roster.coin_code(coin))]
            if len(bars):
                self._printed[venue, coin] = found = list(printer.of(bars))
                self.tickers.of[venue, coin].prints.extend(found)

    def server_ms(self, skew_ms: int = 0) -> int:
        """What a venue says its time is."""
        now_ms = int(time.time() * 1000) if self.params.wall_clock else self.now_ms + self._since_ms()
        return now_ms + self.skew_ms + skew_ms

    def _since_ms(self) -> int:
        """How far a paced market has come since its last block; never to the end of the next one."""
        passed_ms = (time.monotonic() - self._advanced_s) * 1_000 * self._speed
        return min(int(passed_ms), max(0, self.now_ms - self.before_ms - 1)) if self._speed else 0

    def timely(self, stamp_ms: int, window_ms: int, skew_ms: int = 0) -> bool:
        """Whether a signed request's time is within the window. A client lives by the wall clock or by the market's,
        which may run faster: both are right."""
        clocks_ms = self.clocks_ms(skew_ms)
        return any(now_ms - window_ms <= stamp_ms <= now_ms + AHEAD_MS_MAX for now_ms in clocks_ms)

    def clocks_ms(self, skew_ms: int = 0) -> tuple[int, int]:
        """The wall's and the market's, as a venue has them."""
        ahead_ms = self.skew_ms + skew_ms
        return int(time.time() * 1000) + ahead_ms, self.now_ms + ahead_ms

    @property
    def held(self) -> int:
        """Commands that wait for market time."""
        return len(self._held)

    def note_unknown(self, venue: str, what: str) -> None:
        self.unknown.append(f"{venue}: {what}")

    def _printer(self, instrument: Instrument) -> Printer:
        step_base = float(instrument.quantity_step_base) if self.params.on_step else None
        return Printer(step_base, spread=self.params.spread_trades)

    # --- accounts --------------------------------------------------------------------------------------------------

    def open_account(
        self, venue: str, key: str, secret: str, *, passphrase: str = "", wallet_usd: Decimal | None = None
    ) -> VenueAccount:
        """An API key with a wallet of its own. ValueError for a venue where nothing is listed."""
        listed = [one for one in self.instruments if one.venue == venue]
        if not listed:
            raise ValueError(f"venue: nothing is listed on {venue!r}")
        paper = self.paper if wallet_usd is None else self.paper.model_copy(update={"wallet_usd": wallet_usd})
        mechanics = {(one.venue, one.coin): mechanics_of(one.venue, one.coin) for one in listed}
        exchange = PaperExchange(paper, listed, mechanics, self.roster)
        exchange.facts_at_start(self.now_ms)
        exchange.advance(block_of(self.tickers.summary(venue), self.roster), _nobody_reacts)
        account = VenueAccount(venue, key, secret, exchange, self.next_order, passphrase=passphrase)
        account.now_ms = self.now_ms
        self.accounts[venue, key] = account
        return account

    def account(self, venue: str, key: str) -> VenueAccount | None:
        return self.accounts.get((venue, key))

    def next_order(self) -> int:
        """The next order id; ids are unique over all accounts."""
        self._orders += 1
        return self._orders

    async def execute(
        self, account: VenueAccount, command: Command, params: Mapping[str, str] | None = None
    ) -> tuple[Event, ...]:
        """Send a command to the account's exchange and wait until it is obeyed there: the facts that answer it.

        It is effective at the account's present time plus the exchange's latency, exactly as in process: until a block
        reaches that time the request is held. `params` are the venue's own parameters of an order.
        HeldTooLong when no block came.
        """
        if isinstance(command, PlaceOrder) and command.client_id not in account.orders:
            account.record_order(command, params or {})
        answer: asyncio.Future[tuple[Event, ...]] = asyncio.get_running_loop().create_future()
        self._held[id(command)] = (command, answer)
        account.exchange.submit(command, account.now_ms)
        if not self.paper.latency_ms and account not in self._walking:
            self._obey_at_once(account)
        try:
            async with asyncio.timeout(self.params.held_s_max):
                return await answer
        except TimeoutError:
            raise HeldTooLong(f"no market time came within {self.params.held_s_max} s") from None
        finally:
            self._held.pop(id(command), None)

    async def transfer(self, account: VenueAccount, amount_usd: Decimal) -> None:
        """Deposit or withdrawal by hand. ValueError when more than what is free would be withdrawn."""
        await self.tell(account, account.exchange.transfer(account.venue, amount_usd, account.now_ms))

    async def tell(self, account: VenueAccount, facts: tuple[Event, ...]) -> None:
        """What reached the account without a command: a hand on the app, the venue's doing. Already done on its
        exchange; here it is written down and published."""
        self._tell(account, Happened(account.now_ms, facts, None))
        await self.quiesce()

    def _obey_at_once(self, account: VenueAccount) -> None:
        for happened in account.exchange.walk(EventBlock(tick_ms=account.now_ms)):
            self._tell(account, happened)

    def _tell(self, account: VenueAccount, happened: Happened) -> None:
        account.fold(happened)
        if self.outlet is not None and not self.faults.silent:
            self.outlet.private(self, account, happened)
        held = self._held.pop(id(happened.obeyed), None)
        if held is not None and not held[1].done():
            held[1].set_result(happened.facts)

    # --- time ------------------------------------------------------------------------------------------------------

    async def advance(self, block: EventBlock) -> None:
        """One block: first what happens to accounts inside it, instant by instant with time for clients to answer,
        then what the venues publish of it. Not to be called again before it is done."""
        self._cut()
        for follower in self.followers:
            await follower.advance(block)
        for account in tuple(self.accounts.values()):
            await self._walk(account, block)
        self.fold(block)
        self.before_ms, self.now_ms = self.now_ms, end_ms(block, self.now_ms)
        self._advanced_s = time.monotonic()
        if self.outlet is not None:
            await self.outlet.public(self, block)
        await self.quiesce()

    async def _walk(self, account: VenueAccount, block: EventBlock) -> None:
        self._walking.add(account)
        try:
            for happened in account.exchange.walk(block):
                self._tell(account, happened)
                await self.quiesce()
        finally:
            self._walking.discard(account)
        account.now_ms = max(account.now_ms, end_ms(block, self.now_ms))

    def warm(self, blocks: Iterable[EventBlock]) -> None:
        """History: known to REST afterwards, never streamed."""
        for block in blocks:
            for follower in self.followers:
                follower.warm(block)
            self.tickers.fold(block)
            self.before_ms, self.now_ms = self.now_ms, end_ms(block, self.now_ms)
            for account in self.accounts.values():
                account.exchange.advance(block, _nobody_reacts)
                account.now_ms = self.now_ms

    async def run(
        self, blocks: Iterable[EventBlock], speed: float, for_s: float | None = None, begin_ms: int = 0
    ) -> None:
        """Paced: `speed` market seconds per wall second (0: as fast as it goes), without waiting for clients.
        `begin_ms`: the market's time when this is called; 0: that of its first block."""
        self.pace(speed)
        for follower in self.followers:
            follower.pace(speed)
        loop, first_ms = asyncio.get_running_loop(), begin_ms or self.now_ms
        started_s = loop.time()
        for block in blocks:
            elapsed_s = loop.time() - started_s
            if for_s is not None and elapsed_s >= for_s:
                return
            first_ms = first_ms or end_ms(block, 0)
            due_s = (end_ms(block, self.now_ms) - first_ms) / 1000 / speed if speed else 0.0
            await asyncio.sleep(max(0.0, min(due_s, for_s if for_s is not None else due_s) - elapsed_s))
            await self.advance(block)

    def pace(self, speed: float) -> None:
        """From now on nobody is waited for, and time passes between blocks."""
        self.quiesce = _do_not_wait
        self._speed, self._advanced_s = speed, time.monotonic()

    async def settle(self) -> None:
        """Until everything sent has left and every request that runs is only waiting for market time."""
        if self.outlet is None:
            return
        deadline_s = time.monotonic() + self.params.settle_s_max
        await self.outlet.flushed()
        calm = 0
        while calm < 3 and time.monotonic() < deadline_s:
            await asyncio.sleep(0.001)
            calm = calm + 1 if self.outlet.requests_running <= self.outlet.held else 0

    def _cut(self) -> None:
        while self.faults.cuts:
            path = self.faults.cuts.pop(0)
            if self.outlet is not None:
                self.outlet.cut(path)


def _nobody_reacts(facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
    """What happens before a client is there."""
    del facts, time_ms
    return ()


async def _do_not_wait() -> None:
    """A paced market waits for nobody."""
    await asyncio.sleep(0)


def end_ms(block: EventBlock, now_ms: int) -> int:
    """When a block that begins at `now_ms` is over."""
    ends_ms = [int(rows["time_ms"][-1]) for kind in KINDS if len(rows := block.rows(kind))]
    return max(now_ms, block.tick_ms or 0, *ends_ms)
