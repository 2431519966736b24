"""A paper session in which everything goes over the wire: the simulated market is served on loopback in the venues' own
protocols, and the house hears it, reads its past and trades on it through the unmodified client, as it would live."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import SecretStr

from liqbot.connection.client import Credentials, VenueClient
from liqbot.engine import Engine
from liqbot.execution.edge.account import AccountEdge
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.live.credentials import one_line
from liqbot.observers.observer import Observer, OnStep
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.live_market import LiveMarket, closed, history_from_ms
from liqbot.runtime.process import beat
from liqbot.runtime.running import RunningHouse, facts_into
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES, trading_of
from liqbot.venues.spec import RequestBudget
from liqbot.venues.streams import VenueWire
from paper.dialects.hub import Hub, HubParams
from paper.dialects.serving import dialect_class, dialects_of, serving, traded
from paper.params import PaperSection
from paper.sessions.listings import paper_instruments
from paper.sessions.over_wire_clock import MarketTime, Waiting, hastened
from paper.sessions.session import FreshStorage, SessionMarket

KEY: Final = "simulated-key"
WORD: Final = "simulated"
"""No secret: it opens a pretended account on this machine, as long as this process runs."""
_BUDGET: Final = RequestBudget(units=2_000)
_RECONCILE_S: Final = 1.0
_WICK_MINUTE: Final = 4.0
"""The first wick comes soon: a session over the wire is watched for a minute, start included."""
_FUNDING_S: Final = 60
"""Venues send the funding rate about once a minute; a feed that is silent for longer is dialled again."""


def key_and_word(venue: str) -> tuple[str, str]:
    """In the form that the venue has them."""
    return dialect_class(venue).sample_key or (KEY, WORD)


class Wired(msgspec.Struct):
    """What a finished session leaves behind for whoever looks."""

    hub: Hub
    engine: Engine
    interrupted: bool
    """A signal ended it."""


def spoken_only(settings: Settings) -> Settings:
    """The same settings, with a simulated market of those venues whose protocols are spoken. ExpectedError when the
    venue to trade on is none of them."""
    if settings.trade_venue not in traded():
        raise ExpectedError(
            f"trade_venue: {settings.trade_venue!r} is not spoken over the wire; one of {', '.join(traded())}",
            Exit.CONFIG,
        )
    section = settings.section(PaperSection)
    venues = tuple(venue for venue in section.world.venues if venue.venue in traded())
    shocks, wick_minute = section.world.shocks, section.world.shocks.first_wick_minute
    if wick_minute is not None:
        shocks = shocks.model_copy(update={"first_wick_minute": min(wick_minute, _WICK_MINUTE)})
    world = section.world.model_copy(update={"venues": venues, "funding_every_s": _FUNDING_S, "shocks": shocks})
    name = next(name for name in type(settings).model_fields if getattr(settings, name) is section)
    return settings.model_copy(update={name: section.model_copy(update={"world": world})})


def run_wired(
    market: SessionMarket, settings: Settings, data: Path, storage: FreshStorage, console: Observer | None, *,
    speed: float, for_s: float | None, checks: Sequence[OnStep] = (),
) -> Wired:
    """Until the time is up, the market is over, or somebody stops it. `market.history` is read up to its end."""
    hub = _hub(market, settings)
    session = _Session(hub, market, settings, data, storage, (*checks, beat))
    running = asyncio.run(session.run(console, speed=speed, for_s=for_s))
    return Wired(hub, running.engine, running.interrupted)


def _hub(market: SessionMarket, settings: Settings) -> Hub:
    venues = [venue for venue in market.roster.venues if venue in traded()]
    section = settings.section(PaperSection)
    prices = section.world.start_prices
    listed = [one for venue in venues for one in paper_instruments(venue, settings.coins, prices)]
    hub = Hub(market.roster, listed, section.exchange, HubParams(wall_clock=True))
    hub.warm(market.history)
    hub.now_ms = max(hub.now_ms, market.live_ms)
    return hub


class _Counted(VenueClient):
    """Knows how many of its requests wait for their answer."""

    running = 0

    async def call(self, method: str, *args: Any, **more: Any) -> Any:
        self.running += 1
        try:
            return await super().call(method, *args, **more)
        finally:
            self.running -= 1


class _Session:
    """Server, clients and house, all in one loop."""

    def __init__(
        self, hub: Hub, market: SessionMarket, settings: Settings, data: Path, storage: FreshStorage,
        checks: Sequence[OnStep],
    ) -> None:
        self.hub, self.market, self.data, self._storage, self._checks = hub, market, data, storage, tuple(checks)
        history_h = (market.live_ms - market.start_ms) / 3_600_000
        network = settings.network.model_copy(update={"backfill_h": history_h})
        self.settings = settings.model_copy(update={"network": network})

    async def run(self, console: Observer | None, *, speed: float, for_s: float | None) -> RunningHouse:
        venue = self.settings.trade_venue
        key, word = key_and_word(venue)
        self.hub.open_account(venue, key, word, passphrase=WORD)
        async with (
            serving(self.hub, dialects_of(self.hub, self.market.roster.venues)) as loop,
            self._clients(loop.url) as (trading, clients),
        ):
            moment = MarketTime(self.hub, self.market.live, speed, for_s)
            return await self._trade(trading, clients, console, moment, wire=hastened(speed))

    async def _trade(
        self, trading: _Counted, clients: dict[str, VenueClient], console: Observer | None, moment: MarketTime,
        wire: Callable[[str], VenueWire],
    ) -> RunningHouse:
        instruments, journal, inbox = trading.instruments(self.settings.coins), self._storage.journal, Inbox()
        waiting = Waiting()
        waiting.passes_on(facts_into(inbox))
        edge = AccountEdge(
            trading, trading_of(self.settings.trade_venue), instruments, waiting.tell, self._now_ms,
            journal.stamp.journal_id, period_s=_RECONCILE_S, since_ms=self.market.live_ms,
        )
        house = self._house(instruments, edge, inbox, console, waiting)
        running = RunningHouse(
            house, inbox, self.settings, self.data, self._now_ms, journal=journal, account=edge
        )
        market = LiveMarket(
            clients, self.market.roster, self._now_ms, self.settings.feeds, after=running.may_begin, ticker=moment,
            since_ms=history_from_ms(self.settings, house.engine, 0, self._now_ms()), wire=wire,
        )
        running.show_feeds(market.stats)

        async def over() -> None:
            # What the last step did to the money is read before the books are closed.
            await edge.reconciler.once()
            await moment.answered()
            running.stop()

        moment.follow(
            market.feeds, waiting, edge.orders.submitting, lambda: trading.running + running.steps_waiting, over
        )
        await running.run(market)
        return running

    def _house(
        self, instruments: tuple[Instrument, ...], edge: AccountEdge, inbox: Inbox, console: Observer | None,
        waiting: Waiting,
    ) -> House[Runtime]:
        """For the contracts as the venue lists them; its broker is the unmodified one of a live house."""
        journal = self._storage.journal
        parts = Parts(
            self.settings, self.market.roster, instruments, journal.stamp.journal_id,
            loop=lambda engine, observers: Runtime(
                engine, journal, edge.broker, inbox, observers,
                protective_wait_ms=self.settings.journal.protective_wait_ms,
            ),
            journal=journal, ledger=self._storage.ledger, data=self.data, console=console,
            checks=(waiting.seen, *self._checks),
        )  # fmt: skip
        return assembled(parts, self._now_ms())

    def _now_ms(self) -> int:
        """The market's time, also within a step."""
        venue = self.settings.trade_venue
        account = self.hub.accounts[venue, key_and_word(venue)[0]]
        return max(self.hub.now_ms, account.now_ms)

    @contextlib.asynccontextmanager
    async def _clients(self, url: str) -> AsyncIterator[tuple[_Counted, dict[str, VenueClient]]]:
        """One with a key for the venue that is traded on, one for each venue's public data; all opened."""
        venue, coins = self.settings.trade_venue, self.settings.coins
        key, word = key_and_word(venue)
        trading = _Counted(
            VENUES[venue], loopback=url, budget=_BUDGET, options=trading_of(venue).options,
            credentials=Credentials(SecretStr(key), SecretStr(word), SecretStr(WORD)),
        )
        clients = {
            name: VenueClient(VENUES[name], loopback=url, budget=_BUDGET) for name in self.market.roster.venues
        }
        try:
            await asyncio.gather(*(client.open(coins) for client in (trading, *clients.values())))
            yield trading, clients
        except VenueError as error:
            raise one_line(error) from None
        finally:
            await closed({**clients, "account": trading})
