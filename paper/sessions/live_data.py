"""A paper session on the live market: real venues' public feeds, fills by the simulated exchange in process."""

from collections.abc import Callable, Sequence
from pathlib import Path

from liqbot.blocks import Roster
from liqbot.engine import Engine
from liqbot.live import credentials
from liqbot.live.collector import require_collected
from liqbot.observers.observer import Observer, OnStep
from liqbot.runtime.assembly import House, Parts, assembled
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.live_market import LiveMarket, closed, followed_feed, history_from_ms
from liqbot.runtime.process import beat, wall_ms
from liqbot.runtime.rungs import Rung, recording
from liqbot.runtime.running import RunningHouse
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from paper.sessions.assembly import exchange_of
from paper.sessions.session import FreshStorage, SessionMarket, fresh_storage
from paper.sessions.simulated_venue import SimulatedVenue


class LiveSession:
    """`begun` is called once the venues have been reached and the house stands."""

    def __init__(
        self, settings: Settings, data: Path, console: Observer | None, begun: Callable[[Engine], None], *,
        for_s: float | None,
    ) -> None:
        self._settings, self._data, self._console, self._begun = settings, data, console, begun
        self._for_s = for_s

    async def run(self) -> RunningHouse:
        """Until stopped or the time is up. ExpectedError (unreachable) when no venue answers at the start."""
        settings = self._settings
        require_collected(settings, self._data)
        clients = credentials.public_clients(settings)
        roster = Roster(settings.venues, settings.coins)
        try:
            try:
                await LiveMarket(clients, roster, wall_ms, settings.feeds, since_ms=None).open(settings.coins)
            except VenueError as error:
                raise credentials.one_line(error) from None
            listed, now_ms = credentials.listed(clients, settings), wall_ms()
            chosen = SessionMarket(roster, listed, (), (), now_ms, now_ms)
            with (
                fresh_storage(self._data, settings, roster) as storage,
                recording(settings, Rung.PAPER, wall_ms) as counted,
            ):
                inbox = Inbox()
                house = self._house(chosen, storage, inbox, (beat, *counted))
                running = RunningHouse(
                    house, inbox, settings, self._data, wall_ms, journal=storage.journal, for_s=self._for_s
                )
                market = LiveMarket(
                    clients, roster, wall_ms, settings.feeds, after=running.may_begin,
                    since_ms=history_from_ms(settings, house.engine, 0, now_ms),
                    followed=followed_feed(settings, roster, wall_ms, house.engine, storage.journal.path, 0),
                )
                running.show_feeds(market.stats)
                self._begun(house.engine)
                await running.run(market)
                return running
        finally:
            await closed(clients)

    def _house(
        self, market: SessionMarket, storage: FreshStorage, inbox: Inbox, checks: Sequence[OnStep]
    ) -> House[Runtime]:
        """As it runs with money, but for where its commands go."""
        settings, journal = self._settings, storage.journal
        exchange = exchange_of(settings, market.roster, market.instruments)
        venue = SimulatedVenue(exchange, wall_ms)
        parts = Parts(
            settings, market.roster, market.instruments, journal.stamp.journal_id,
            loop=lambda engine, observers: Runtime(
                engine, journal, venue, inbox, observers, protective_wait_ms=settings.journal.protective_wait_ms,
                first=venue.meet,
            ),
            journal=journal, ledger=storage.ledger, data=self._data, console=self._console, checks=checks,
            account_facts=exchange.facts_at_start(market.start_ms),
        )  # fmt: skip
        return assembled(parts, market.start_ms)
