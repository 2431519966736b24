"""Taking over what an earlier journal, or somebody's hand, left on the account: shown first, then written down, put
under a stop of ours at once, and only then freed of the old orders."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from liqbot.blocks import EventBlock, Roster
from liqbot.connection.client import VenueClient
from liqbot.connection.endpoints import Access
from liqbot.engine import Engine
from liqbot.events import Event, HaltCode, JournalAdopted, PositionAdopted, Resume
from liqbot.execution import client_order_id
from liqbot.execution.edge.account import AccountEdge, traded_on
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.live import credentials
from liqbot.live.bot import account_edge, live_house, require_free
from liqbot.risk.limits import RiskLimits
from liqbot.runtime.account_lock import only_one
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.process import wall_ms
from liqbot.runtime.running import RunningHouse
from liqbot.runtime.storage import Storage, opened
from liqbot.settings import Settings
from liqbot.signals.strategies import cascade
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES
from liqbot.venues.trading import OrderReport, PositionReport, TradedContract, TradingAdapter

TAKING_S_MAX: Final = 45.0
TICK_S: Final = 1.0
LIQUIDATION_SHARE: Final = Decimal("0.5")
"""A stop lies no farther than this share of the way to the liquidation price."""
Say = Callable[[str], None]


class Found(msgspec.Struct, frozen=True):
    """What one contract holds that is not ours."""

    traded: TradedContract
    position: PositionReport
    orders: tuple[OrderReport, ...]
    last_price: Decimal

    @property
    def side(self) -> Side:
        return Side.LONG if self.position.signed_base > 0 else Side.SHORT

    @property
    def coin(self) -> str:
        return self.traded.instrument.coin


async def adopt(settings: Settings, data: Path, access: Access, confirmed: str, say: Say) -> Exit:
    """`confirmed` names the account; anything else only shows what there is. ExpectedError as `trade` has it."""
    alone_s = require_free(data)
    adapter = credentials.trading_adapter_for(settings)
    client = credentials.trading_client(settings, access)
    try:
        try:
            await client.open(settings.coins)
            rights = await credentials.check_permissions(
                client, adapter, with_money=access == "live", accept_unknown=settings.network.accept_unknown_rights
            )
        except VenueError as error:
            raise credentials.one_line(error) from None
        account = credentials.account_of(rights, settings)
        place = f"{settings.mode} {account} {settings.network.loopback}"
        roster, instruments = Roster(settings.venues, settings.coins), client.instruments(settings.coins)
        with only_one(place, data), opened(data, settings, account, roster, instruments) as storage:
            work = _Adoption(settings, data, client, adapter, storage, say, alone_s)
            await work.look()
            work.show(account)
            if not work.anything:
                return Exit.OK
            if confirmed != account:
                say(f"nothing was changed; to take it over: --yes '{account}'")
                return Exit.OK if not confirmed else Exit.USAGE
            return await work.take(roster)
    finally:
        await client.close()


class _Adoption:
    """One account and the books that it is taken into."""

    def __init__(
        self, settings: Settings, data: Path, client: VenueClient, adapter: TradingAdapter, storage: Storage, say: Say,
        alone_s: float,
    ) -> None:
        self._settings, self._data, self._client, self._adapter = settings, data, client, adapter
        self._storage, self._say, self._alone_s = storage, say, alone_s
        self._engine: Engine = storage.recovered.engine
        self._traded = [traded_on(client, one) for one in client.instruments(settings.coins)]
        self._found: list[Found] = []
        self._journals: dict[str, int] = {}
        """Journals of others, with the time of their newest order."""

    @property
    def anything(self) -> bool:
        return bool(self._found or self._journals)

    async def look(self) -> None:
        """Reads only."""
        try:
            for traded in self._traded:
                await self._look_at(traded)
            await self._look_for_journals()
        except VenueError as error:
            raise credentials.one_line(error) from None

    async def _look_at(self, traded: TradedContract) -> None:
        instrument = traded.instrument
        position = await self._adapter.position(self._client, traded)
        resting = await self._adapter.resting(self._client, traded)
        others = tuple(one for one in resting if client_order_id.journal_of(one.client_id) not in self._ours)
        ours = self._engine.account.position(instrument.venue, instrument.coin)
        if ours is not None:
            self._say(f"{instrument.coin}: a position of our own is open; what lies beside it is for a hand to close")
            return
        if position.signed_base:
            ticker = await self._client.call("fetch_ticker", instrument.symbol)
            self._found.append(Found(traded, position, others, Decimal(str(ticker["last"]))))

    async def _look_for_journals(self) -> None:
        marks = VENUES[self._settings.trade_venue].marks
        if marks is None:
            return
        for mark in await marks.recent(self._client, self._traded, everywhere=True):
            journal_id = client_order_id.journal_of(mark.client_id)
            if journal_id and journal_id not in self._ours:
                self._journals[journal_id] = max(self._journals.get(journal_id, 0), mark.time_ms)

    @property
    def _ours(self) -> set[str]:
        return self._engine.order_manager.journals

    # --- shown ----------------------------------------------------------------------------------------------------

    def show(self, account: str) -> None:
        say = self._say
        say(f"account {account}, into journal {self._storage.journal.stamp.journal_id} in {self._data}")
        for journal_id, newest_ms in self._journals.items():
            age_min = max(0, (wall_ms() - newest_ms) // 60_000)
            say(f"journal   {journal_id}: another liqbot, its newest order is {age_min:,} min old; it must have ended")
        for one in self._found:
            self._show(one)
        if not self.anything:
            say("nothing to take over")

    def _show(self, one: Found) -> None:
        held, stop_price = one.position, stop_for(one, self._settings.risk)
        self._say(
            f"position  {one.side.word} {abs(held.signed_base)} {one.coin} at {held.entry_price}, {held.leverage:g}x "
            f"{'isolated' if held.isolated else 'cross'}, liquidation {held.liquidation_price or '-'}; the price is "
            f"{one.last_price}, our stop would be {stop_price}"
        )
        for order in one.orders:
            what = f"trigger {order.trigger_price}" if order.trigger_price else "limit"
            whose = client_order_id.journal_of(order.client_id)
            fate = "cancelled once our stop is there" if whose else "left as it is: not by a liqbot"
            self._say(f"order     {order.client_id or order.venue_order_id} {order.quantity_base} {what}; {fate}")
        if held.leverage > self._settings.risk.leverage_max or not held.isolated:
            limit = self._settings.risk.leverage_max
            self._say(f"CLOSED    {one.coin}: ours are isolated, at most {limit}x; so it is closed at market at once")

    # --- taken ----------------------------------------------------------------------------------------------------

    async def take(self, roster: Roster) -> Exit:
        """Until every position is under a stop of ours and the other journals' orders are gone."""
        settings, storage, inbox = self._settings, self._storage, Inbox()
        instruments, kin = self._client.instruments(settings.coins), {*self._ours, *self._journals}
        edge = account_edge(
            settings, self._client, instruments, storage, inbox, None, kin, at_once=False, alone_s=self._alone_s
        )
        house = live_house(settings, self._data, roster, instruments, storage, inbox, edge.broker)
        running = RunningHouse(house, inbox, settings, self._data, wall_ms, journal=storage.journal, account=edge)
        feed = _Taking(edge, house.engine, self.facts)
        ended = await running.run(feed)
        for coin in feed.lacking():
            self._say(f"NOT DONE  {coin}: no confirmed stop of ours, or old orders still rest; look at the venue")
        if ended is Exit.OK and not feed.lacking():
            self._say("taken over: every position is under a stop of ours; go on with liqbot start")
            return Exit.OK
        return Exit.FAILED

    def facts(self) -> tuple[Event, ...]:
        """What is written down; positions first, so that no old stop goes before ours is there."""
        now_ms, settings = wall_ms(), self._settings
        hold_ms = settings.signals.of(cascade.STRATEGY).max_hold_ms
        positions = [
            PositionAdopted(
                time_ms=now_ms, venue=settings.trade_venue, coin=one.coin, side=one.side,
                quantity_base=abs(one.position.signed_base), entry_price=one.position.entry_price,
                stop_price=stop_for(one, settings.risk), exit_by_ms=now_ms + hold_ms,
                strategy=cascade.STRATEGY.name, reason="taken over by hand",
            )
            for one in self._found
        ]
        journals = [JournalAdopted(time_ms=now_ms, journal_id=one, reason="by hand") for one in self._journals]
        foreign = self._engine.account.halt_code is HaltCode.FOREIGN_ORDERS
        why = "what another liqbot left was taken over"
        resumed = [Resume(time_ms=now_ms, reason=why, code=HaltCode.OPERATOR_RESUME)] if foreign else []
        return (*positions, *journals, *resumed)


class _Taking:
    """A feed: the facts of the adoption, once the account has been read, and Ticks until all is as it should be."""

    def __init__(self, edge: AccountEdge, engine: Engine, facts: Callable[[], Sequence[Event]]) -> None:
        self._edge, self._engine, self._facts = edge, engine, facts

    async def run(self, inbox: Inbox) -> None:
        await self._edge.ready()
        await asyncio.sleep(TICK_S)
        inbox.put(EventBlock(facts=tuple(self._facts()), tick_ms=wall_ms()))
        loop = asyncio.get_running_loop()
        until_s = loop.time() + TAKING_S_MAX
        while loop.time() < until_s:
            await asyncio.sleep(TICK_S)
            if not self.lacking():
                return
            inbox.put(EventBlock(tick_ms=wall_ms()))

    def lacking(self) -> list[str]:
        """Coins whose position has no confirmed stop over all of it, or where orders that were inherited still rest."""
        account, order_manager = self._engine.account, self._engine.order_manager
        found: list[str] = []
        for traded in self._edge.traded:
            venue, coin = traded.instrument.venue, traded.instrument.coin
            position, book = account.position(venue, coin), order_manager.book(venue, coin)
            naked = position is not None and book.confirmed_base(position.side) < position.quantity_base
            if naked or book.orphaned:
                found.append(coin)
        return found


def stop_for(found: Found, limits: RiskLimits) -> Decimal:
    """Of the stops that protect it already, the nearest; else at the widest distance that our own trades may have, and
    in any case well before the liquidation price."""
    side, price, instrument = found.side, found.last_price, found.traded.instrument
    sign = int(side)
    wanted = [price - sign * price * Decimal(str(limits.stop_pct_max)) / 100]
    wanted += [
        order.trigger_price for order in found.orders
        if order.reduce_only and order.trigger_price is not None and sign * (price - order.trigger_price) > 0
    ]
    liquidation_price = found.position.liquidation_price
    if liquidation_price is not None and sign * (price - liquidation_price) > 0:
        wanted.append(price - (price - liquidation_price) * LIQUIDATION_SHARE)
    return instrument.round_stop(side, max(wanted, key=lambda one: sign * one))

