"""The parts of a house on real venues: clients and account edge from the settings, books on disk, the live market."""

import asyncio
import contextlib
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Final

from liqbot import places
from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.execution.edge.account import AccountEdge
from liqbot.execution.edge.presence import AccountPresence
from liqbot.exits import Exit
from liqbot.instruments import Instrument
from liqbot.journal.lock import WriterLock
from liqbot.live import credentials
from liqbot.live.dry_run import DryRunBroker
from liqbot.live.one_account import account_taken
from liqbot.observers.registry import require_known
from liqbot.runtime.account_lock import only_one
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import CommandSink, Runtime
from liqbot.runtime.live_market import LiveMarket, closed, history_from_ms
from liqbot.runtime.process import beat, wall_ms
from liqbot.runtime.running import RunningHouse, facts_into
from liqbot.runtime.storage import Storage, opened
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import TradingAdapter

DRY: Final = "dry"


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
    try:
        market_open = asyncio.create_task(_opened(clients, settings))
        try:
            await trading.open(settings.coins)
            permissions = await credentials.check_permissions(trading, adapter, with_money=access == "live")
            await market_open
        except VenueError as error:
            raise credentials.one_line(error) from None
        finally:
            market_open.cancel()
        account = credentials.account_of(permissions, settings)
        place = f"{settings.mode} {account} {settings.network.loopback}"
        instruments = trading.instruments(settings.coins)
        with (
            contextlib.nullcontext() if dry_run else only_one(place, data),
            opened(data, settings, account, roster, instruments) as storage,
        ):
            async with account_taken(settings, account, storage, trading, instruments, dry_run=dry_run) as presence:
                inbox = Inbox()
                edge = account_edge(settings, trading, adapter, instruments, storage, inbox, presence)
                broker = DryRunBroker(edge) if dry_run else edge.broker
                house = live_house(settings, data, roster, instruments, storage, inbox, broker)
                return await run_live(house, inbox, settings, data, roster, clients, storage, account=edge, for_s=for_s)
    finally:
        await closed({**clients, f"{settings.trade_venue} account": trading})


def account_edge(
    settings: Settings, trading: VenueClient, adapter: TradingAdapter, instruments: Sequence[Instrument],
    storage: Storage, inbox: Inbox, presence: AccountPresence | None, kin: Container[str] | None = None,
) -> AccountEdge:
    """Of the books' journal; orders of its earlier names, and those of `kin`, raise no alarm."""
    return AccountEdge(
        trading, adapter, instruments, facts_into(inbox), wall_ms, storage.journal.stamp.journal_id,
        period_s=settings.network.reconcile_s, since_ms=storage.recovered.fills_since_ms or wall_ms(),
        presence=presence, kin=storage.recovered.engine.desk.journals if kin is None else kin,
    )


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
    )  # fmt: skip
    return assembled(parts, max(wall_ms(), storage.recovered.last_ms))


async def run_live(
    house: House[Runtime], inbox: Inbox, settings: Settings, data: Path, roster: Roster,
    clients: dict[str, VenueClient], storage: Storage, *, account: AccountEdge | None, for_s: float | None,
) -> Exit:
    """Until stopped. ExpectedError when a halt forbids to begin."""
    running = RunningHouse(
        house, inbox, settings, data, wall_ms, journal=storage.journal, account=account, for_s=for_s,
        records_run_again=storage.recovered.records,
    )  # fmt: skip
    since_ms = history_from_ms(settings, house.engine, storage.recovered.last_ms, wall_ms())
    market = LiveMarket(
        clients, roster, wall_ms, settings.feeds, since_ms=since_ms, after=running.may_begin
    )
    running.show_feeds(market.stats)
    return await running.run(market)


async def _opened(clients: dict[str, VenueClient], settings: Settings) -> None:
    await LiveMarket(clients, Roster(settings.venues, settings.coins), wall_ms, settings.feeds, since_ms=None).open(
        settings.coins
    )


def require_free(data: Path) -> None:
    """Fails at once, before any venue is asked, when another process writes the journal."""
    path = places.journal_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    WriterLock(path).release()
