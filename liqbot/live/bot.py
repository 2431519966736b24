"""The parts of a house on real venues: clients and account edge from the settings, books on disk, the live market."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from liqbot import hung_calls, places
from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.connection.unified_library import library_version
from liqbot.execution.edge.account import AccountEdge
from liqbot.exits import Exit
from liqbot.instruments import Instrument
from liqbot.journal.errors import JournalStuckError
from liqbot.journal.lock import WriterLock
from liqbot.live import credentials
from liqbot.live.admission import Admission, LaterAdmission, asked, remembered, require_same_account
from liqbot.live.dry_run import DryRunBroker
from liqbot.observers.registry import require_known
from liqbot.private_files import make_private_directory
from liqbot.runtime.account_lock import only_one
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.last_known import CONTRACTS_NAME, last_known
from liqbot.runtime.live_loop import CommandSink, Runtime
from liqbot.runtime.live_market import LiveMarket, closed, history_from_ms
from liqbot.runtime.process import BEGAN_S, beat, wall_ms
from liqbot.runtime.running import RunningHouse, facts_into
from liqbot.runtime.storage import Storage, opened
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import TradingAdapter

DRY: Final = "dry"
_log = structlog.get_logger(__name__)


async def trade(
    settings: Settings, data: Path, access: Access, *, dry_run: bool = False, for_s: float | None = None
) -> Exit:
    """Until stopped. ExpectedError for everything that a user can mend before it runs."""
    data = data / DRY if dry_run else data
    require_known(settings.observers.enabled)
    require_free(data)
    adapter = credentials.trading_adapter_for(settings)
    trading = credentials.trading_client(settings, access)
    clients = credentials.public_clients(settings)
    roster = Roster(settings.venues, settings.coins)
    known = last_known(data, library_version())
    held = known is not None and known.may_hold
    try:
        loading = asyncio.create_task(trading.load())  # in a thread, while the journal is read
        if known is not None and held:
            _log.warning("a position may be open: protection comes first", account=known.account)
            admission = await remembered(known, settings, trading)
        else:
            admission = await _asked(settings, access, trading, adapter, clients)
        place = f"{settings.mode} {admission.account} {settings.network.loopback}"
        with (
            contextlib.nullcontext() if dry_run else only_one(place, data),
            opened(data, settings, admission.account, roster, admission.instruments) as storage,
        ):
            await loading
            if admission.contracts is not None:
                await trading.open_again(admission.contracts)
                await require_same_account(admission.account, settings, trading, adapter)
            else:
                _keep_contracts(storage, trading.contracts)
            inbox = Inbox()
            engine = storage.recovered.engine
            edge = AccountEdge(
                trading, adapter, admission.instruments, facts_into(inbox), wall_ms, storage.journal.stamp.journal_id,
                period_s=settings.network.reconcile_s, since_ms=storage.recovered.fills_since_ms or wall_ms(),
                watched=lambda: engine.desk.resting_stops(engine.account.positions),
                check_s=settings.network.protect_check_s, at_once=held, began_s=BEGAN_S,
            )
            broker = DryRunBroker(edge) if dry_run else edge.broker
            house = live_house(settings, data, roster, admission.instruments, storage, inbox, broker)
            later = LaterAdmission(
                admission, settings, access, trading, adapter, facts_into(inbox), partial(_keep_contracts, storage)
            )
            return await run_live(
                house, inbox, settings, data, roster, clients, storage, account=edge, for_s=for_s,
                later=later if held else None,
            )
    finally:
        await closed({**clients, f"{settings.trade_venue} account": trading})


async def _asked(
    settings: Settings, access: Access, trading: VenueClient, adapter: TradingAdapter, clients: dict[str, VenueClient]
) -> Admission:
    """With the market's venues opened beside. ExpectedError in one line."""
    market_open = asyncio.create_task(_opened(clients, settings))
    try:
        admission = await asked(settings, access, trading, adapter)
        await market_open
    except VenueError as error:
        raise credentials.one_line(error) from None
    finally:
        market_open.cancel()
    return admission


def _keep_contracts(storage: Storage, contracts: bytes) -> None:
    """For a start that begins with protection."""
    journal = storage.journal
    with contextlib.suppress(JournalStuckError):  # such a start asks the venue for them then
        journal.save_snapshot(CONTRACTS_NAME, journal.last_seq, library_version(), contracts, wait_s=0.0)


def live_house(
    settings: Settings, data: Path, roster: Roster, instruments: Sequence[Instrument], storage: Storage, inbox: Inbox,
    broker: CommandSink,
) -> House[Runtime]:
    """The house of whatever runs on real venues, with an account or without one."""
    parts = Parts(
        settings, roster, instruments, storage.journal.stamp.journal_id,
        loop=lambda engine, observers: Runtime(
            engine, storage.journal, broker, inbox, observers, protective_wait_ms=settings.journal.protective_wait_ms
        ),
        engine=storage.recovered.engine, journal=storage.journal, ledger=storage.ledger, data=data, checks=(beat,),
        without=tuple(one.name for one in hung_calls.read(data) if one.kind == hung_calls.OBSERVER),
    )  # fmt: skip
    return assembled(parts, max(wall_ms(), storage.recovered.last_ms))


async def run_live(
    house: House[Runtime], inbox: Inbox, settings: Settings, data: Path, roster: Roster,
    clients: dict[str, VenueClient], storage: Storage, *, account: AccountEdge | None, for_s: float | None,
    later: LaterAdmission | None = None,
) -> Exit:
    """Until stopped. ExpectedError when a halt forbids to begin. `later` runs beside the market."""
    running = RunningHouse(
        house, inbox, settings, data, wall_ms, journal=storage.journal, account=account, for_s=for_s,
        records_run_again=storage.recovered.records,
    )  # fmt: skip
    since_ms = history_from_ms(settings, house.engine, storage.recovered.last_ms, wall_ms())
    market = LiveMarket(
        clients, roster, wall_ms, settings.feeds, since_ms=since_ms, after=running.may_begin,
        held=lambda: bool(house.engine.account.positions),
    )
    running.show_feeds(market.stats)
    return await running.run(_MarketBeside(market, later) if later is not None else market)


class _MarketBeside:
    """The market, and what is asked once protection stands."""

    def __init__(self, market: LiveMarket, later: LaterAdmission) -> None:
        self._market, self._later = market, later

    async def run(self, inbox: Inbox) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._market.run(inbox))
            await self._market.admitted.wait()
            await self._later.run()


async def _opened(clients: dict[str, VenueClient], settings: Settings) -> None:
    await LiveMarket(clients, Roster(settings.venues, settings.coins), wall_ms, settings.feeds, since_ms=None).open(
        settings.coins
    )


def require_free(data: Path) -> None:
    """Fails at once, before any venue is asked, when another process writes the journal."""
    path = places.journal_path(data)
    make_private_directory(path.parent)
    WriterLock(path).release()
