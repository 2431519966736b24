"""A house that runs: served over its control socket, admitted once its account is read, ended in order.

The same for real venues and simulated ones; a mode gives the assembled house and the source of its market.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from liqbot import hung_calls
from liqbot.blocks import EventBlock
from liqbot.control import protocol
from liqbot.control.commands import ControlHandler
from liqbot.control.status import is_flat
from liqbot.events import OPERATOR_HALTS, Event, Flatten, HaltCode, Resume, StrategyDisabled
from liqbot.execution.edge.account import AccountEdge
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal
from liqbot.log import LINES
from liqbot.runtime.assembly import House
from liqbot.runtime.call_meter import CallTimer
from liqbot.runtime.hang_watch import HangWatch
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.process import notify, stop_on_signals
from liqbot.runtime.pump import Feed
from liqbot.settings import Settings

QUIET_S: Final = 3.0
"""How long an orderly end waits for the venue's answers to what has been sent."""
FOLDED_S: Final = 0.02
TURN_S: Final = 0.1
DID_NOT_RETURN: Final = "a call did not return the last time, and the process was ended for it"
RECORDS_MAX: Final = 500
"""More records than this were run again: a snapshot is made at once."""
_log = structlog.get_logger(__name__)


class ServedLoop(Protocol):
    """Takes from the inbox what feeds put there, and gives it to the engine."""

    async def run(self, feeds: Sequence[Feed], stop: asyncio.Event) -> None: ...

    async def process(self, block: EventBlock) -> object: ...

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""


def facts_into(inbox: Inbox) -> Callable[[tuple[Event, ...]], None]:
    """How an edge hands its facts to the engine."""
    return lambda facts: inbox.put(EventBlock(facts=facts))


class RunningHouse:
    """One house in one process. `interrupted`: a signal ended it."""

    def __init__(
        self, house: House[Any], inbox: Inbox, settings: Settings, data: Path, clock: Callable[[], int], *,
        journal: Journal, account: AccountEdge | None = None, for_s: float | None = None, records_run_again: int = 0,
    ) -> None:
        """`house` has a `ServedLoop`. `clock` gives UTC milliseconds, of the market where that is simulated; `for_s`
        counts from when the house has begun to run. `account` is the edge of a real one."""
        self._house, self._inbox, self._settings, self._data, self._clock = house, inbox, settings, data, clock
        self._journal, self._account, self._for_s, self._records_run_again = journal, account, for_s, records_run_again
        self._loop: ServedLoop = house.loop
        self.engine = house.engine
        self._watch, files = HangWatch(data), {one.name: one.sha256 for one in settings.signals.own}
        self.engine.guard.meter = CallTimer(
            settings.signals.call_ms_max, facts_into(inbox), clock, watch=self._watch, files=files
        )
        house.observers.watch = self._watch
        self.interrupted = False
        self._stop = asyncio.Event()
        self._refusal: ExpectedError | None = None
        self._feed_stats: Callable[[], Mapping[str, Any]] = dict
        self._control = ControlHandler(data, settings, self.engine, clock, self._stop, self._more)

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""
        return self._loop.steps_waiting

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    def show_feeds(self, stats: Callable[[], Mapping[str, Any]]) -> None:
        """Whose counts `status` reports, by venue."""
        self._feed_stats = stats

    async def run(self, source: Feed) -> Exit:
        """Until stopped, the time is up, or the source has ended. ExpectedError when a halt forbids to begin."""
        over = asyncio.Event()
        stop_on_signals(self._interrupt)
        self._watch.start()
        turning = asyncio.create_task(self._turn())
        try:
            await self._loop.process(EventBlock(facts=(*self._house.opening, *self._left_on_disk())))
            if self._records_run_again > RECORDS_MAX:
                self._flush()  # the next start, however soon, begins here
            ending = asyncio.create_task(self._end(over))
            try:
                await self._loop.run(self._feeds(source), over)
            finally:
                ending.cancel()
                notify("STOPPING=1")
            self._flush()
        except BaseExceptionGroup as group:
            raise _expected(group) or group from group
        finally:
            turning.cancel()
            self._house.observers.close()
            self._watch.stop()
        if self._refusal is not None:
            raise self._refusal
        return Exit.OK

    def _feeds(self, source: Feed) -> list[Feed]:
        account = [_AccountFeed(self._account)] if self._account is not None else []
        return [self._control, _ToTheEnd(source, self._stop), *account]

    async def _turn(self) -> None:
        """Says that the loop goes round."""
        while True:
            self._watch.turn()
            await asyncio.sleep(TURN_S)

    def _flush(self) -> None:
        self._house.observers.flush(self._journal.last_seq, self.engine)

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop.set()

    async def _end(self, over: asyncio.Event) -> None:
        """Waits for a reason to stop, then for answers that are due."""
        try:
            await asyncio.wait_for(self._stop.wait(), self._for_s)
        except TimeoutError:
            _log.info("time is up")
        loop = asyncio.get_running_loop()
        until_s = loop.time() + QUIET_S
        while self._under_way and loop.time() < until_s:  # noqa: ASYNC110 -- brief
            await asyncio.sleep(FOLDED_S)
        over.set()

    @property
    def _under_way(self) -> bool:
        """Commands wait for the disk, or orders for the venue's answer."""
        return self._account is not None and bool(self._account.orders.submitting or self.steps_waiting)

    # --- the way in -----------------------------------------------------------------------------------------------

    def _left_on_disk(self) -> tuple[Event, ...]:
        """What was decided while no process ran here."""
        now_ms = self._house.opening[-1].time_ms
        facts: list[Event] = []
        account = self.engine.account
        facts += self._hung(now_ms)
        if protocol.drop_latch(self._data, protocol.RESUME):
            hung_calls.forget(self._data)
            reason = "resumed by hand while stopped"
            facts.append(Resume(time_ms=now_ms, reason=reason, code=HaltCode.OPERATOR_RESUME))
        elif account.halt_code is HaltCode.OPERATOR_STOP and not account.positions:
            reason = "started again after an orderly end"
            facts.append(Resume(time_ms=now_ms, reason=reason, code=HaltCode.STARTED_AGAIN))
        why = protocol.read_latch(self._data, protocol.PANIC)
        if why:
            facts.append(Flatten(time_ms=now_ms, reason=f"panic: {why}", code=HaltCode.PANIC))
        return tuple(facts)

    def _hung(self, now_ms: int) -> list[Event]:
        """Strategies that did not return the last time, as long as their file is the same."""
        files = {(one.name, one.sha256) for one in self._settings.signals.own}
        hung = [one for one in hung_calls.read(self._data) if (one.name, one.sha256) in files]
        return [StrategyDisabled(time_ms=now_ms, strategy=one.name, reason=DID_NOT_RETURN) for one in hung]

    async def may_begin(self) -> bool:
        """Once the account has been read in full: False when nothing is held and a halt stands. A source waits for it
        before it gives anything."""
        if self._account is not None:
            await self._account.ready()
            while not self._reconciled():  # noqa: ASYNC110 -- brief
                await asyncio.sleep(FOLDED_S)
        why = self._halted()
        if why and is_flat(self.engine, self._settings):
            self._refusal = ExpectedError(
                f"halted: {why}; look first, then lift it with: liqbot resume --data {self._data}", Exit.HALTED
            )
            self._stop.set()
            return False
        if why:
            _log.warning("halted with a position: it is managed, nothing is entered", reason=why)
        notify("READY=1")
        if "log" in self._house.observers.names:
            _log.info("begins", mode=self._settings.mode, venue=self._settings.trade_venue,
                      coins=",".join(self._settings.coins), equity_usd=str(self.engine.account.equity_usd))
        return True

    def _reconciled(self) -> bool:
        venue = self._settings.trade_venue
        holdings = [self.engine.account.holding(venue, coin) for coin in self._settings.coins]
        return all(holding is not None and holding.reconciled for holding in holdings)

    def _halted(self) -> str:
        """A reason not to begin; a pause by hand is none: such a house runs, and enters nothing."""
        account = self.engine.account
        if account.halted and account.halt_code not in OPERATOR_HALTS:
            return account.halted
        if account.drawdown.peak_latched:
            return f"drawdown of {account.drawdown.drawdown_pct:.2f} % from the highest equity"
        return ""

    # --- status ---------------------------------------------------------------------------------------------------

    def _more(self) -> dict[str, Any]:
        account, trouble = self._account, self._journal.trouble
        return {
            "data": str(self._data),
            "journal_trouble": str(trouble) if trouble is not None else None,
            "steps_waiting_for_disk": self.steps_waiting,
            "log_lines_dropped": LINES.dropped,
            "inbox": {"steps_waiting": self._inbox.steps_waiting, "merged_rows": self._inbox.merged_rows},
            "feeds": {venue: msgspec.structs.asdict(stats) for venue, stats in self._feed_stats().items()},
            "account_read": account.reconciler.ready.is_set() if account is not None else self._reconciled(),
            "orders_under_way": len(account.orders.submitting) if account is not None else 0,
            "observers": {"working": list(self._house.observers.names), "trouble": self._house.observers.troubles},
        }


class _ToTheEnd:
    """A source whose end is the end of the house."""

    def __init__(self, source: Feed, stop: asyncio.Event) -> None:
        self._source, self._stop = source, stop

    async def run(self, inbox: Inbox) -> None:
        await self._source.run(inbox)
        self._stop.set()


class _AccountFeed:
    """The account's edge as a feed: its facts come through `facts_into`."""

    def __init__(self, edge: AccountEdge) -> None:
        self._edge = edge

    async def run(self, inbox: Inbox) -> None:
        del inbox
        await self._edge.run()


def _expected(group: BaseExceptionGroup[BaseException]) -> ExpectedError | None:
    """What a user can mend, out of the errors of several tasks."""
    for error in group.exceptions:
        found = _expected(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, ExpectedError):
            return found
    return None
