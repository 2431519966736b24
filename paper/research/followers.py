"""Houses that follow another's market: it is folded once, and each decides on it by rules of its own."""

from typing import Any, Protocol

from liqbot.blocks import EventBlock
from liqbot.events import Event, FeedDown, FeedUp
from liqbot.market.map.whales import WhaleNews
from liqbot.market.market import Market
from liqbot.market.view import MarketView
from liqbot.observers.observer import OnStep
from liqbot.settings import Settings
from paper.sessions.assembly import engine_of, exchange_of, seeded_journal_id
from paper.sessions.sim_loop import SimLoop
from paper.sessions.tape_settings import contracts_of
from paper.tapes.reader import Tape


class LeadingMarket(Protocol):
    """Whose market is followed: an engine, or whatever else folds one."""

    market: Market
    views: tuple[MarketView, ...]
    """Of the newest Tick."""


class FollowedMarket(Market):
    """What a leader has folded, as another engine sees it. It holds and folds nothing of its own."""

    def __init__(self, lead: LeadingMarket) -> None:
        self._lead = lead
        self.roster = lead.market.roster

    def on_fact(self, fact: Event) -> None:
        """The leader hears of feeds and directions."""

    def collect(self, block: EventBlock) -> None:
        """The leader has."""

    def on_tick(self, tick_ms: int, lag_ms: int = 0, *, reading: bool = True) -> tuple[MarketView, ...]:
        """What the leader saw at this Tick, which it must have had before."""
        del tick_ms, lag_ms, reading
        return self._lead.views

    def awaits_price(self, tick_ms: int) -> bool:
        return self._lead.market.awaits_price(tick_ms)

    def take_whale_news(self) -> tuple[WhaleNews, ...]:
        """Told once, by the leader."""
        return ()

    def take_feed_news(self) -> tuple[FeedUp | FeedDown, ...]:
        """Likewise."""
        return ()


def follower(
    settings: Settings, tape: Tape, lead: LeadingMarket, *checks: OnStep, heard: dict[str, Any] | None = None
) -> SimLoop:
    """A house of its own account and exchange, opened. `settings` fit the tape and have the leader's market: they may
    differ in signals, risk, execution and the simulated exchange. Step it after the leader, with the same block.

    `heard`: state of an exchange of the same contracts that has heard the tape so far, for one that comes late.
    Nothing is written of it, so it is not told who it is, as a journal would be; that costs more than a short walk."""
    listed = contracts_of(settings, tape)
    exchange = exchange_of(settings, tape.roster, listed)
    if heard is not None:
        exchange.load_state(heard)
    engine = engine_of(settings, tape.roster, seeded_journal_id(0), listed)
    engine.market = FollowedMarket(lead)
    loop = SimLoop(engine, exchange, observers=checks, source="tape")
    loop.open(exchange.facts_at_start(tape.first_ms))
    return loop
