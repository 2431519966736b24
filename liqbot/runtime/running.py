"""A house that runs: served over its control socket, admitted once its account is read, ended in order.

The same for real venues and simulated ones; a mode gives the assembled house and the source of its market.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from liqbot import events, hung_calls
from liqbot.blocks import EventBlock
from liqbot.control import protocol
from liqbot.control.commands import ControlHandler
from liqbot.control.doors import Doors
from liqbot.control.panic_latch import panic_reason
from liqbot.control.status import is_flat
from liqbot.events import MANAGE_ONLY_HALTS, PASSING_HALTS, Event, Flatten, Halt, HaltCode, Resume, StrategyDisabled
from liqbot.execution.edge.account import AccountEdge
from liqbot.execution.edge.rescue import Rescue
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal
from liqbot.log import LINES
from liqbot.market.feeds.clock import TickClock
from liqbot.risk.thin_coins import labelled
from liqbot.runtime.assembly import House
from liqbot.runtime.call_meter import CallTimer
from liqbot.runtime.ending import ENDING_S_MAX, EndingAct, EndingDecision, Unsettled, unsettled
from liqbot.runtime.hang_watch import HangWatch
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.process import notify, signals_end_it, stop_on_signals
from liqbot.runtime.pump import Feed, Watched, error_of
from liqbot.settings import Settings

SEEN_OFF_S: Final = 3.0
"""How long the last commands of a loop that has ended may take."""
RESCUE_S: Final = 10.0
"""How long the account's edge goes on alone when the loop has failed."""
MARGIN_S: Final = 20.0
"""What the service manager grants beyond the limit of the ending: books are closed in it."""
FOLDED_S: Final = 0.02
TURN_S: Final = 0.1
DID_NOT_RETURN: Final = "a call did not return the last time, or starts that called it ended without order repeatedly"
RECORDS_MAX: Final = 500
"""More records than this were run again: a snapshot is made at once."""
_log = structlog.get_logger(__name__)


NO_HALTS: Final[Mapping[HaltCode, str]] = {}


class ServedLoop(Protocol):
    """Takes from the inbox what feeds put there, and gives it to the engine."""

    async def run(self, feeds: Sequence[Feed], stop: asyncio.Event) -> None: ...

    async def process(self, block: EventBlock) -> object: ...

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""

    def enter_nothing(self) -> None:
        """From this instant on nothing that adds risk leaves."""


def facts_into(inbox: Inbox) -> Callable[[tuple[Event, ...]], None]:
    """How an edge hands its facts to the engine."""
    return lambda facts: inbox.put(EventBlock(facts=facts))


class RunningHouse:
    """One house in one process. `interrupted`: a signal ended it."""

    def __init__(
        self, house: House[Any], inbox: Inbox, settings: Settings, data: Path, clock: Callable[[], int], *,
        journal: Journal, account: AccountEdge | None = None, for_s: float | None = None, records_run_again: int = 0,
        halts: Mapping[HaltCode, str] = NO_HALTS,
    ) -> None:
        """`house` has a `ServedLoop`. `clock` gives UTC milliseconds, of the market where that is simulated; `for_s`
        counts from when the house has begun to run. `account` is the edge of a real one.
        `halts`: why nothing may be entered from the start, as far as nothing forbids it anyway."""
        self._halts = halts
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
        self._ending: EndingDecision | None = None
        self._market_over = self._source_failed = False
        self._failure: BaseException | None = None
        self._naked: tuple[str, ...] = ()
        self._refusal: ExpectedError | None = None
        self._feed_stats: Callable[[], Mapping[str, Any]] = dict
        self._control = ControlHandler(data, settings, self.engine, clock, self._stop, self._more)
        self._doors = Doors(settings, self._control.answer)

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""
        return self._loop.steps_waiting

    def stop(self) -> None:
        """The market is over: an end that waits for answers on their way, and for nothing that would have to fill."""
        self._market_over = True
        self._stop.set()

    def show_feeds(self, stats: Callable[[], Mapping[str, Any]]) -> None:
        """Whose counts `status` reports, by venue."""
        self._feed_stats = stats

    async def run(self, source: Feed) -> Exit:
        """Until stopped, the time is up, the source has ended, or a part of the house has failed: then its error is
        raised once the ending is over. ExpectedError when a halt forbids to begin, or a position is left naked."""
        self._doors.open(held=not is_flat(self.engine, self._settings))
        stop_on_signals(self._interrupt, self._hung_up)
        self._watch.start()
        turning = asyncio.create_task(self._turn())
        try:
            await self._loop.process(EventBlock(facts=(*self._house.opening, *self._left_on_disk())))
            if self._records_run_again > RECORDS_MAX:
                self._flush()  # the next start, however soon, begins here
            await self._served(source)
            self._flush()
        except BaseExceptionGroup as group:
            raise _expected(group) or group from group
        finally:
            turning.cancel()
            self._house.observers.close()
            self._watch.stop()
            self._doors.close()
        for error in (self._failure, self._refusal):
            if error is not None:
                raise (_expected(error) or error) if isinstance(error, BaseExceptionGroup) else error
        if self._naked:
            raise ExpectedError("\n".join(f"UNPROTECTED: {one}" for one in self._naked), Exit.UNPROTECTED)
        return Exit.OK

    async def _served(self, source: Feed) -> None:
        """The account's edge lives longer than the loop: what that decides last still leaves."""
        over = asyncio.Event()
        account = asyncio.create_task(self._account.run()) if self._account is not None else None
        if account is not None:
            account.add_done_callback(self._part_ended)
        ending = asyncio.create_task(self._end())
        ending.add_done_callback(self._part_ended)
        ending.add_done_callback(lambda _: over.set())
        try:
            served = [Watched(one, self._failed) for one in (self._control, *self._doors.feeds)]
            await self._loop.run([*served, _Source(self, source)], over)
        except BaseExceptionGroup:
            await self._rescue()
            raise
        finally:
            ending.cancel()
            notify("STOPPING=1")
            await self._close_account(account)

    async def _rescue(self) -> None:
        """The loop has failed: the edge protects on its own what it can."""
        if self._account is not None:
            self._say(await Rescue(self._account, self.engine.order_manager).run(RESCUE_S))

    async def _close_account(self, running: "asyncio.Task[None] | None") -> None:
        if self._account is None or running is None:
            return
        loop, hurried = asyncio.get_running_loop(), self._ending is not None and self._ending.hurried
        until_s = loop.time() + (0.0 if hurried else SEEN_OFF_S)
        while self._account.orders.submitting and loop.time() < until_s:  # noqa: ASYNC110 -- brief
            await asyncio.sleep(FOLDED_S)
        running.cancel()
        await asyncio.wait((running,))
        await self._account.close()

    async def _turn(self) -> None:
        """Says that the loop goes round."""
        while True:
            self._watch.turn()
            await asyncio.sleep(TURN_S)

    def _flush(self) -> None:
        self._house.observers.flush(self._journal.last_seq, self.engine)

    # --- the way out ----------------------------------------------------------------------------------------------

    def _interrupt(self) -> None:
        """A first signal begins the ending, a second one ends it at once, a third one kills."""
        self.interrupted = True
        self._stop.set()
        if self._ending is None:
            self._ending = self._begin_ending("signal")
            return
        _log.error("second signal: ending at once, whatever is under way")
        self._ending.hurry()
        signals_end_it()

    def _hung_up(self) -> None:
        """Nobody looks on any more: said as often as it may be, it ends the house once."""
        if self._ending is None:
            self._interrupt()

    def _failed(self, error: BaseException) -> None:
        """A part of the house has ended of an error of the program: the house ends, and raises it then."""
        _log.error("a part of the house has failed: ending", error=repr(error))
        self._failure = self._failure or error
        self._stop.set()

    def _part_ended(self, part: "asyncio.Task[None]") -> None:
        error = None if part.cancelled() else part.exception()
        if error is not None:
            self._failed(error)

    def source_ended(self, error: BaseException | None) -> None:
        """No market any more, and no Ticks: after an error an ending makes its own."""
        self._source_failed, self._market_over = error is not None, self._market_over or error is None
        if error is not None:
            self._failed(error)
        self._stop.set()

    def _begin_ending(self, reason: str) -> EndingDecision:
        """From this instant on nothing is entered."""
        self._loop.enter_nothing()
        notify(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int((ENDING_S_MAX + MARGIN_S) * 1_000_000)}")
        if self._account is not None:
            self._inbox.put(EventBlock(facts=(events.Ending(time_ms=self._clock(), reason=f"ending: {reason}"),)))
        return EndingDecision(asyncio.get_running_loop().time(), market_over=self._market_over)

    async def _end(self) -> None:
        """Over once there is a reason to stop and nothing is under way any more."""
        try:
            async with asyncio.timeout(self._for_s):
                await self._stop.wait()
        except TimeoutError:
            _log.info("time is up")
        if self._ending is None:
            self._ending = self._begin_ending("asked to" if self._failure is None else "after an error")
        ticks = asyncio.create_task(TickClock(self._clock).run(self._inbox)) if self._source_failed else None
        left, loop = self._unsettled(), asyncio.get_running_loop()
        while (act := self._ending.next(loop.time(), left)) is not EndingAct.OVER:
            if act is EndingAct.FLATTEN:
                reason = "ending: no confirmed stop"
                flatten = Flatten(time_ms=self._clock(), reason=reason, code=HaltCode.OPERATOR_STOP)
                self._inbox.put(EventBlock(facts=(flatten,)))
            await asyncio.sleep(FOLDED_S)
            left = self._unsettled()
        if ticks is not None:
            ticks.cancel()
        if not self._market_over:
            for one in left.under_way:
                _log.warning("ended before it was settled", what=one)
            self._say(left.open)

    def _unsettled(self) -> Unsettled:
        """Without an account at a venue nothing is: its exchange ends with the house."""
        account = self._account
        if account is None:
            return Unsettled()
        edges = [f"{client_id}: its answer is on the way" for client_id in sorted(account.orders.submitting)]
        if self.steps_waiting:
            edges.append(f"{self.steps_waiting} steps wait for the disk")
        if not self._inbox.empty:
            edges.append("facts that were not folded")
        return unsettled(
            self.engine, at_the_edges=tuple(edges), account_read=account.reconciler.ready.is_set()
        )

    def _say(self, naked: tuple[str, ...]) -> None:
        self._naked = naked
        for one in naked:
            _log.error("ENDED UNPROTECTED: look at the venue, or start again", what=one)

    # --- the way in -----------------------------------------------------------------------------------------------

    def _left_on_disk(self) -> tuple[Event, ...]:
        """What was decided while no process ran here."""
        now_ms = self._house.opening[-1].time_ms
        facts: list[Event] = []
        account = self.engine.account
        if not account.halted or account.halt_code in PASSING_HALTS:
            facts += [Halt(time_ms=now_ms, reason=reason, code=code) for code, reason in self._halts.items()]
        facts += self._hung(now_ms)
        if protocol.take_latch(self._data, protocol.RESUME):
            hung_calls.forget(self._data)
            reason = "resumed by hand while stopped"
            facts.append(Resume(time_ms=now_ms, reason=reason, code=HaltCode.OPERATOR_RESUME))
        elif account.halt_code is HaltCode.OPERATOR_STOP and not account.positions:
            reason = "started again after an orderly end"
            facts.append(Resume(time_ms=now_ms, reason=reason, code=HaltCode.STARTED_AGAIN))
        why = panic_reason(self._data)
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
            lifted = f"look first, then lift it with: liqbot resume --data {self._data}"
            if self.engine.account.halt_code is HaltCode.LADDER:
                lifted = "no resume lifts that"
            self._refusal = ExpectedError(f"halted: {why}; {lifted}", Exit.HALTED)
            self._stop.set()
            return False
        if why:
            _log.warning("halted with a position: it is managed, nothing is entered", reason=why)
        self._name_what_is_not_ours()
        notify("READY=1")
        if "log" in self._house.observers.names:
            _log.info("begins", mode=self._settings.mode, venue=self._settings.trade_venue,
                      coins=labelled(self._settings.coins), equity_usd=str(self.engine.account.equity_usd))
        return True

    def _name_what_is_not_ours(self) -> None:
        for coin in self._settings.coins:
            holding = self.engine.account.holding(self._settings.trade_venue, coin)
            if holding is not None and holding.unexplained_base:
                _log.warning("a position that this journal does not know: left alone, nothing is entered beside it; "
                             "liqbot adopt takes it over", coin=coin, base=str(holding.unexplained_base))

    def _reconciled(self) -> bool:
        venue = self._settings.trade_venue
        holdings = [self.engine.account.holding(venue, coin) for coin in self._settings.coins]
        return all(holding is not None and holding.reconciled for holding in holdings)

    def _halted(self) -> str:
        """A reason not to begin; a pause by hand is none: such a house runs, and enters nothing."""
        account = self.engine.account
        if account.halted and account.halt_code not in MANAGE_ONLY_HALTS:
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
            **self._doors.stats(),
            "account_read": account.reconciler.ready.is_set() if account is not None else self._reconciled(),
            "account_told": account.notices if account is not None else {},
            "orders_under_way": len(account.orders.submitting) if account is not None else 0,
            "observers": {"working": list(self._house.observers.names), "trouble": self._house.observers.troubles},
        }


class _Source:
    """A source whose end is the end of the house."""

    def __init__(self, house: RunningHouse, source: Feed) -> None:
        self._house, self._source = house, source

    async def run(self, inbox: Inbox) -> None:
        self._house.source_ended(await error_of(self._source, inbox))


def _expected(group: BaseExceptionGroup[BaseException]) -> ExpectedError | None:
    """What a user can mend, out of the errors of several tasks."""
    for error in group.exceptions:
        found = _expected(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, ExpectedError):
            return found
    return None
