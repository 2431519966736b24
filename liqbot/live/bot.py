"""The parts of a house on real venues: clients and account edge from the settings, books on disk, the live market."""

import asyncio
import contextlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from liqbot import hung_calls, places
from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.connection.unified_library import library_version
from liqbot.control.chat import require_chat
from liqbot.control.webhook import require_secret
from liqbot.events import Event, HaltCode
from liqbot.execution.edge.account import AccountEdge
from liqbot.execution.edge.presence import AccountPresence
from liqbot.exits import Exit
from liqbot.hung_calls import HungCall
from liqbot.instruments import Instrument
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.lock import WriterLock
from liqbot.ledger.later import FedLedger, LaterLedger
from liqbot.live import credentials
from liqbot.live.admission import Admission, LaterAdmission, admission_of, remembered, require_same_account
from liqbot.live.collector import require_collected
from liqbot.live.dry_run import DryRunBroker
from liqbot.live.ladder import NOTHING_ASKED, Climb, rung_of
from liqbot.live.one_account import account_taken
from liqbot.live.stop_canary import StopCanary
from liqbot.market.feeds.ports import NO_RAW_SINK, RawSink
from liqbot.observers.observer import OnStep
from liqbot.observers.registry import require_known
from liqbot.private_files import make_private_directory
from liqbot.runtime import crash_count
from liqbot.runtime.account_lock import only_one
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.clock_watch import ClockWatch
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.runtime.earlier_process import over_since_s
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.last_known import CONTRACTS_NAME, last_known
from liqbot.runtime.listing_file import ListingFile
from liqbot.runtime.live_loop import CommandSink, First, Runtime, nothing_first
from liqbot.runtime.live_market import LiveMarket, closed, followed_feed, history_from_ms
from liqbot.runtime.process import beat, wall_ms
from liqbot.runtime.pump import Work
from liqbot.runtime.rungs import recording
from liqbot.runtime.running import NO_HALTS, RunningHouse, facts_into
from liqbot.runtime.storage import Storage, opened
from liqbot.settings import Settings
from liqbot.settings.model import TEST_MODES
from liqbot.signals.strategy import Strategy
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import TradingAdapter

DRY: Final = "dry"
_log = structlog.get_logger(__name__)


async def trade(
    settings: Settings, data: Path, access: Access, *, dry_run: bool = False, for_s: float | None = None,
    halts: Mapping[HaltCode, str] = NO_HALTS, climb: Climb = NOTHING_ASKED,
) -> Exit:
    """Until stopped. ExpectedError for everything that a user can mend before it runs. `halts`: why nothing may be
    entered from the start; `climb`: what the ladder of conduct found."""
    data = data / DRY if dry_run else data
    require_known(settings.observers.enabled)
    outside = _Outside(
        settings, data, access, dry_run, climb, require_free(data), credentials.trading_adapter_for(settings),
        credentials.trading_client(settings, access), credentials.public_clients(settings),
    )
    known = last_known(data, library_version())
    held = known is not None and known.may_hold
    require_collected(settings, data, held=held)
    if not held:
        require_secret(settings.webhook)
        require_chat(settings.chat)
    try:
        loading = asyncio.create_task(outside.trading.load())  # in a thread, while the journal is read
        if known is not None and held:
            _log.warning("a position may be open: protection comes first", account=known.account)
            admission = await remembered(known, settings, outside.trading)
        else:
            admission = await _asked(outside)
        place = f"{settings.mode} {admission.account} {settings.network.loopback}"
        with (
            contextlib.nullcontext() if dry_run else only_one(place, data),
            _counted(data, settings.signals.own) as crashes,
            opened(data, settings, admission.account, outside.roster, admission.instruments, in_haste=held) as storage,
        ):
            await loading
            halts = {**_because_of(crashes), **halts}
            return await _traded(outside, admission, storage, held=held, halts=halts, for_s=for_s)
    finally:
        await closed({**outside.clients, f"{settings.trade_venue} account": outside.trading})


class _Outside(NamedTuple):
    """What a start has to do with, and how it may."""

    settings: Settings
    data: Path
    access: Access
    dry_run: bool
    climb: Climb
    alone_s: float
    """See `require_free`."""
    adapter: TradingAdapter
    trading: VenueClient
    clients: dict[str, VenueClient]

    @property
    def roster(self) -> Roster:
        return Roster(self.settings.venues, self.settings.coins)


@contextlib.contextmanager
def _counted(data: Path, own: Sequence[Strategy]) -> Iterator[int]:
    """How many starts before this one ended without order; this one has, when it is left in a way that was foreseen.
    After repeated crashes no strategy of the user's own is called either: it may be the reason."""
    crashes = crash_count.begun(data, wall_ms())
    if crash_count.why_no_entries(crashes):
        called = (HungCall(hung_calls.STRATEGY, one.name, one.sha256) for one in own)
        with contextlib.suppress(OSError):  # a disk that refuses keeps no start from protecting
            hung_calls.write(data, *called, durable=False)
    yield crashes
    crash_count.ended(data)


def _because_of(crashes: int) -> dict[HaltCode, str]:
    why = crash_count.why_no_entries(crashes)
    return {HaltCode.REPEATED_CRASHES: why} if why else {}


async def _traded(
    outside: _Outside, admission: Admission, storage: Storage, *, held: bool, halts: Mapping[HaltCode, str],
    for_s: float | None,
) -> Exit:
    await _contracts_known(outside, admission, storage)
    taken = account_taken(outside.settings, admission, storage, outside.trading, held=held)
    async with contextlib.nullcontext() if outside.dry_run else taken as presence:
        with contextlib.nullcontext(()) if outside.dry_run else _days_of(outside) as counts:
            return await _on_account(outside, admission, storage, presence, counts, held=held, halts=halts, for_s=for_s)


def _days_of(outside: _Outside) -> contextlib.AbstractContextManager[tuple[OnStep, ...]]:
    """Records that it runs."""
    return recording(outside.settings, rung_of(outside.access), wall_ms)


async def _contracts_known(outside: _Outside, admission: Admission, storage: Storage) -> None:
    if admission.contracts is None:
        _keep_contracts(storage, outside.trading.contracts)
        return
    await outside.trading.open_again(admission.contracts)
    await require_same_account(admission.account, outside.settings, outside.trading, outside.adapter)


async def _on_account(
    outside: _Outside, admission: Admission, storage: Storage, presence: AccountPresence | None,
    counts: tuple[OnStep, ...], *, held: bool, halts: Mapping[HaltCode, str], for_s: float | None,
) -> Exit:
    settings, trading, adapter = outside.settings, outside.trading, outside.adapter
    inbox, watch = Inbox(), ClockWatch()
    edge = account_edge(
        settings, trading, admission.instruments, storage, inbox, presence, at_once=held, alone_s=outside.alone_s
    )
    house = live_house(
        settings, outside.data, outside.roster, admission.instruments, storage, inbox,
        DryRunBroker(edge) if outside.dry_run else edge.broker, first=lambda _block: _first_facts(watch, edge),
        checks=counts, facts=outside.climb.facts,
    )
    if not held:
        edge.alerts.key(admission.key_expires_ms)
    later = LaterAdmission(
        admission, settings, outside.access, trading, adapter, facts_into(inbox), partial(_keep_contracts, storage),
        edge.alerts.key,
    )
    canary = StopCanary(edge, trading, house.opening[-1].time_ms)
    flies = settings.network.stop_canary and not (held or outside.dry_run)
    return await run_live(
        house, inbox, settings, outside.data, outside.roster, outside.clients, storage, account=edge, for_s=for_s,
        beside=Beside(during=(watch.run,), before=canary.run if flies else None, after=later.run if held else None),
        halts=halts,
    )


def account_edge(
    settings: Settings, trading: VenueClient, instruments: Sequence[Instrument], storage: Storage, inbox: Inbox,
    presence: AccountPresence | None, kin: Container[str] | None = None, *, at_once: bool, alone_s: float,
) -> AccountEdge:
    """Of the books' journal; orders of its earlier names, and those of `kin`, raise no alarm. `alone_s` as
    `require_free` has it."""
    engine = storage.recovered.engine
    return AccountEdge(
        trading, credentials.trading_adapter_for(settings), instruments, facts_into(inbox), wall_ms,
        storage.journal.stamp.journal_id, period_s=settings.network.reconcile_s,
        since_ms=storage.recovered.fills_since_ms or wall_ms(),
        watched=lambda: engine.order_manager.resting_stops(engine.account.positions),
        check_s=settings.network.protect_check_s, at_once=at_once, began_s=alone_s, presence=presence,
        kin=engine.order_manager.journals if kin is None else kin,
        trading_mark_s=settings.network.trading_mark_s if settings.mode in TEST_MODES else None,
        request_share=settings.network.request_share,
    )


async def _asked(outside: _Outside) -> Admission:
    """With the market's venues opened beside. ExpectedError in one line."""
    market_open = asyncio.create_task(_opened(outside.clients, outside.settings))
    try:
        admission = await admission_of(outside.settings, outside.access, outside.trading, outside.adapter)
        await market_open
    except VenueError as error:
        raise credentials.one_line(error) from None
    finally:
        market_open.cancel()
    return admission


def _first_facts(watch: ClockWatch, edge: AccountEdge) -> tuple[Event, ...]:
    """When time was lost: that the account is to be read again before anything is judged."""
    found = watch.taken()
    if not found:
        return ()
    _log.error("time was lost: the account is read again first", reason=found)
    return edge.reconciler.doubt(found)


def _keep_contracts(storage: Storage, contracts: bytes) -> None:
    """For a start that begins with protection."""
    journal = storage.journal
    with contextlib.suppress(JournalStuckError):  # such a start asks the venue for them then
        journal.save_snapshot(CONTRACTS_NAME, journal.last_seq, library_version(), contracts, wait_s=0.0)


def live_house(
    settings: Settings, data: Path, roster: Roster, instruments: Sequence[Instrument], storage: Storage, inbox: Inbox,
    broker: CommandSink, *, first: First = nothing_first, checks: Sequence[OnStep] = (),
    facts: Callable[[int], tuple[Event, ...]] = NOTHING_ASKED.facts,
) -> House[Runtime]:
    """The house of whatever runs on real venues, with an account or without one. `first` as `Runtime` has it; `facts`
    gives what the journal has to know at that time beside who we are."""
    time_ms = max(wall_ms(), storage.recovered.last_ms)
    parts = Parts(
        settings, roster, instruments, storage.journal.stamp.journal_id,
        loop=lambda engine, observers: Runtime(
            engine, storage.journal, broker, inbox, observers, protective_wait_ms=settings.journal.protective_wait_ms,
            first=first,
        ),
        engine=storage.recovered.engine, journal=storage.journal, ledger=storage.ledger, data=data,
        in_haste=storage.in_haste,
        test_market=settings.mode in TEST_MODES,
        checks=(beat, *checks), account_facts=facts(time_ms),
        without=tuple(one.name for one in hung_calls.read(data) if one.kind == hung_calls.OBSERVER),
    )  # fmt: skip
    return assembled(parts, time_ms)


class Beside(NamedTuple):
    """What else is done: `before` the market begins and after the account was read, `during` it, and once it has
    begun."""

    during: Sequence[Work] = ()
    before: Work | None = None
    after: Work | None = None


async def run_live(
    house: House[Runtime], inbox: Inbox, settings: Settings, data: Path, roster: Roster,
    clients: dict[str, VenueClient], storage: Storage, *, account: AccountEdge | None, for_s: float | None,
    beside: Beside | None = None, halts: Mapping[HaltCode, str] = NO_HALTS, raw: RawSink = NO_RAW_SINK,
) -> Exit:
    """Until stopped. ExpectedError when a halt forbids to begin. `halts`: why nothing may be entered from the start."""
    beside = beside or Beside()
    running = RunningHouse(
        house, inbox, settings, data, wall_ms, journal=storage.journal, account=account, for_s=for_s,
        records_run_again=storage.recovered.records, halts=halts,
    )  # fmt: skip
    since_ms = history_from_ms(settings, house.engine, storage.recovered.last_ms, wall_ms())
    followed = followed_feed(
        settings, roster, wall_ms, house.engine, storage.journal.path, storage.recovered.last_ms
    )

    async def may_begin() -> bool:
        begins = await running.may_begin()
        if begins and beside.before is not None:
            await beside.before()
        return begins

    market = LiveMarket(
        clients, roster, wall_ms, settings.feeds, since_ms=since_ms, after=may_begin,
        held=lambda: bool(house.engine.account.positions), raw=raw, followed=followed, memory=ListingFile(data),
    )
    running.show_feeds(market.stats)
    return await running.run(_MarketBeside(market, beside, storage.ledger))


class _MarketBeside:
    """The market with what runs as long as it does."""

    def __init__(self, market: LiveMarket, beside: Beside, ledger: FedLedger) -> None:
        self._market, self._beside, self._ledger = market, beside, ledger

    async def run(self, inbox: Inbox) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for work in (*self._beside.during, self._then)]
            await self._market.run(inbox)
            for task in tasks:
                task.cancel()

    async def _then(self) -> None:
        await self._market.admitted.wait()
        await asyncio.to_thread(use_compiled)  # what a start in haste has left for now
        if isinstance(self._ledger, LaterLedger):
            self._ledger.begin()
        if self._beside.after is not None:
            await self._beside.after()


async def _opened(clients: dict[str, VenueClient], settings: Settings) -> None:
    await LiveMarket(clients, Roster(settings.venues, settings.coins), wall_ms, settings.feeds, since_ms=None).open(
        settings.coins
    )


def require_free(data: Path) -> float:
    """Fails at once, before any request to a venue, when another process writes the journal. Since when none has, on
    the loop's clock, as far as is known."""
    path = places.journal_path(data)
    make_private_directory(path.parent)
    since_s = over_since_s(data)
    WriterLock(path).release()
    return since_s
