"""The composition: settings become clients, feeds, broker and runtime; the journal becomes an engine; then it runs."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from liqbot import places
from liqbot.blocks import EventBlock, Roster
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.control import protocol
from liqbot.control.commands import CLOSED, PAUSED, STOPPED_FLAT, ControlHandler
from liqbot.engine import Engine, Step
from liqbot.events import Event, Flatten, Resume
from liqbot.execution.edge.account import AccountEdge
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.lock import WriterLock
from liqbot.live import credentials
from liqbot.live.dry_run import DryRunBroker
from liqbot.live.watching import Bookkeeping, Keeping, logged
from liqbot.market.feeds.feed import VenueFeed
from liqbot.runtime.assembly import opening_facts
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import CommandSink, Observer, Runtime
from liqbot.runtime.live_market import LiveMarket, Surroundings, closed
from liqbot.runtime.process import notify, only_one, stop_on_signals, wall_ms
from liqbot.runtime.storage import Storage, opened
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError

QUIET_S: Final = 3.0
"""How long an orderly end waits for the venue's answers to what has been sent."""
FOLDED_S: Final = 0.02
RECORDS_MAX: Final = 500
"""More records than this were run again: a snapshot is made at once."""
DRY: Final = "dry"
_log = structlog.get_logger(__name__)


async def trade(
    settings: Settings, data: Path, access: Access, *, dry_run: bool = False, for_s: float | None = None
) -> Exit:
    """Until stopped. ExpectedError for everything that a user can mend before it runs."""
    data = data / DRY if dry_run else data
    require_free(data)
    recipe = credentials.trading_adapter_for(settings)
    trading = credentials.trading_client(settings, access)
    clients = credentials.public_clients(settings)
    roster = Roster(settings.venues, settings.coins)
    try:
        market_open = asyncio.create_task(_opened(clients, settings))
        try:
            await trading.open(settings.coins)
            rights = await credentials.check_permissions(trading, recipe, with_money=access == "live")
            await market_open
        except VenueError as error:
            raise credentials.one_line(error) from None
        finally:
            market_open.cancel()
        account = credentials.account_of(rights, settings)
        place = f"{settings.mode} {account} {settings.network.loopback}"
        instruments = trading.instruments(settings.coins)
        with (
            contextlib.nullcontext() if dry_run else only_one(place),
            opened(data, settings, account, roster, instruments) as books,
        ):
            bot = Bot(settings, data, roster, clients, books, for_s=for_s)
            bot.begin(instruments)
            since_ms = books.recovered.fills_since_ms or wall_ms()
            edge = AccountEdge(
                trading, recipe, instruments, bot.tell, wall_ms, books.journal.stamp.journal_id,
                period_s=settings.network.reconcile_s, since_ms=since_ms,
            )
            return await bot.run(edge, DryRunBroker(edge) if dry_run else edge.broker)
    finally:
        await closed({**clients, f"{settings.trade_venue} account": trading})


async def _opened(clients: dict[str, VenueClient], settings: Settings) -> None:
    await LiveMarket(clients, Roster(settings.venues, settings.coins), wall_ms, settings.feeds, since_ms=None).open(
        settings.coins
    )


def require_free(data: Path) -> None:
    """Fails at once, before any venue is asked, when another process writes the journal."""
    path = places.journal_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    WriterLock(path).release()


class Bot:
    """A house that runs. With an account it trades; without one it only looks."""

    def __init__(
        self, settings: Settings, data: Path, roster: Roster, clients: dict[str, VenueClient], books: Storage, *,
        for_s: float | None, around: Surroundings | None = None, observers: Sequence[Observer] = (),
    ) -> None:
        """`around` replaces wall clock and Ticks; `observers` look on beside the house's own."""
        around = around or Surroundings(wall_ms)
        self._settings, self._data, self._roster, self._books = settings, data, roster, books
        self._clock, self._observers = around.clock, tuple(observers)
        self._clients, self._for_s = clients, for_s
        self.engine: Engine = books.recovered.engine
        self.inbox = Inbox()
        self._stop = asyncio.Event()
        self._edge: AccountEdge | None = None
        self._exit: ExpectedError | None = None
        self._opening: tuple[Event, ...] = ()
        self._hand = ControlHandler(data, settings, self.engine, self._clock, self._stop, self._more)
        self._market = LiveMarket(
            clients, roster, self._clock, settings.feeds, since_ms=self._backfill_ms(), after=self._may_begin,
            ticker=around.ticker, wire=around.wire,
        )

    @property
    def feeds(self) -> Mapping[str, VenueFeed]:
        """By venue."""
        return self._market.feeds

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    def tell(self, facts: tuple[Event, ...]) -> None:
        """From the edges to the engine."""
        self.inbox.put(EventBlock(facts=facts))

    def begin(self, instruments: Sequence[Any]) -> None:
        """What every start writes first, and what was left for it on disk."""
        now_ms = max(self._clock(), self._books.recovered.last_ms)
        journal_id = self._books.journal.stamp.journal_id
        facts: list[Event] = list(opening_facts(self._settings, self._roster, journal_id, instruments, now_ms))
        flat = not self.engine.account.positions
        if protocol.drop_latch(self._data, protocol.RESUME):
            facts.append(Resume(time_ms=now_ms, reason="resumed by hand while stopped"))
        elif self.engine.account.halted == STOPPED_FLAT and flat:
            facts.append(Resume(time_ms=now_ms, reason="started again after an orderly end"))
        why = protocol.read_latch(self._data, protocol.PANIC)
        if why:
            facts.append(Flatten(time_ms=now_ms, reason=f"panic: {why}"))
        self._opening = tuple(facts)

    async def run(self, edge: AccountEdge | None, broker: CommandSink) -> Exit:
        """ExpectedError when a halt forbids to begin."""
        self._edge = edge
        books = Bookkeeping(self._books.ledger)
        keeping = Keeping(self._books.journal, books, self._settings.journal)
        observers: tuple[Observer, ...] = (books, keeping, logged, _alive, *self._observers)
        runtime = Runtime(self.engine, self._books.journal, broker, self.inbox, observers)
        await runtime.process(EventBlock(facts=self._opening))
        if self._books.recovered.records > RECORDS_MAX:
            # The next start, however soon, begins here.
            keeping.keep(self.engine, self._books.journal.last_seq)
        over = asyncio.Event()
        stop_on_signals(self._stop)
        ending = asyncio.create_task(self._end(over))
        try:
            await runtime.run([self._hand, self._market, *([_Account(edge)] if edge is not None else [])], over)
        finally:
            ending.cancel()
            notify("STOPPING=1")
        keeping.keep(self.engine, self._books.journal.last_seq)
        if self._exit is not None:
            raise self._exit
        return Exit.OK

    async def _end(self, over: asyncio.Event) -> None:
        """Waits for a reason to stop, then for answers that are due."""
        try:
            await asyncio.wait_for(self._stop.wait(), self._for_s)
        except TimeoutError:
            _log.info("time is up")
        loop = asyncio.get_running_loop()
        until_s = loop.time() + QUIET_S
        while self._edge is not None and self._edge.orders.submitting and loop.time() < until_s:  # noqa: ASYNC110 -- brief
            await asyncio.sleep(FOLDED_S)
        over.set()

    # --- the way in -----------------------------------------------------------------------------------------------

    async def _may_begin(self) -> bool:
        """After the account has been read in full: False when nothing is held and a halt stands."""
        if self._edge is not None:
            await self._edge.ready()
            venue = self._settings.trade_venue
            while not all(self._reconciled(venue, coin) for coin in self._settings.coins):  # noqa: ASYNC110 -- brief
                await asyncio.sleep(FOLDED_S)
        why = self._halted()
        if why and self._hand.flat:
            self._exit = ExpectedError(
                f"halted: {why}; look first, then lift it with: liqbot resume --data {self._data}", Exit.HALTED
            )
            self._stop.set()
            return False
        if why:
            _log.warning("halted with a position: it is managed, nothing is entered", reason=why)
        notify("READY=1")
        _log.info("begins", mode=self._settings.mode, venue=self._settings.trade_venue,
                  coins=",".join(self._settings.coins), equity_usd=str(self.engine.account.equity_usd))
        return True

    def _reconciled(self, venue: str, coin: str) -> bool:
        holding = self.engine.account.holding(venue, coin)
        return holding is not None and holding.reconciled

    def _halted(self) -> str:
        account = self.engine.account
        by_hand = account.halted.startswith((PAUSED, CLOSED))  # wanted: the house runs, and enters nothing
        if account.halted and not by_hand:
            return account.halted
        if account.drawdown.peak_latched:
            return f"drawdown of {account.drawdown.drawdown_pct:.2f} % from the highest equity"
        return ""

    def _backfill_ms(self) -> int | None:
        """From where history is missing; None when it is not wanted, or when a position is waiting for its Ticks."""
        hours = self._settings.network.backfill_h
        if not hours or self.engine.account.positions:
            return None
        return max(self._books.recovered.last_ms, self._clock() - int(hours * 3_600_000))

    # --- status ---------------------------------------------------------------------------------------------------

    def _more(self) -> dict[str, Any]:
        edge, trouble = self._edge, self._books.journal.trouble
        return {
            "data": str(self._data),
            "journal_trouble": str(trouble) if trouble is not None else None,
            "inbox": {"steps_waiting": self.inbox.steps_waiting, "merged_rows": self.inbox.merged_rows},
            "feeds": {venue: _counts(feed.stats) for venue, feed in self._market.feeds.items()},
            "account_read": edge is not None and edge.reconciler.ready.is_set(),
            "orders_under_way": len(edge.orders.submitting) if edge is not None else 0,
        }


class _Account:
    """The account's edge as a feed: its facts come through `tell`."""

    def __init__(self, edge: AccountEdge) -> None:
        self._edge = edge

    async def run(self, inbox: Inbox) -> None:
        del inbox
        await self._edge.run()


def _counts(stats: Any) -> dict[str, int]:
    names = ("messages", "trades", "facts", "forced_orders", "malformed", "reconnects", "silences")
    return {name: getattr(stats, name) for name in names}


def _alive(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
    del seq, step, engine
    if block.tick_ms is not None:
        notify("WATCHDOG=1")
