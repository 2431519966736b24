"""A following house that sleeps through Ticks of which nothing can come: it holds nothing, nothing is under way, and
no strategy of its own signals. Only its exchange goes on hearing prices. It trades as if it had been asked each time,
at a tenth of the work."""

from typing import Final

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.events import Event
from liqbot.instruments import Side
from liqbot.observers.observer import OnStep
from liqbot.settings import Settings
from liqbot.signals.evaluate import SIDES, EnabledStrategy, enabled_strategies
from liqbot.signals.features import Features, features_of
from liqbot.signals.gates import code_of
from liqbot.signals.verdict import SIGNAL
from paper.exchange import PaperExchange
from paper.research.followers import LeadingMarket, follower
from paper.tapes.reader import Tape

Seen = tuple[tuple[str, dict[Side, Features]], ...]
"""Of a Tick: each traded coin with its features by side."""
_NOTHING: Final[tuple[Command, ...]] = ()


def seen_by(lead: LeadingMarket, settings: Settings) -> Seen:
    """What every house that follows is asked about at this Tick."""
    reach_pct = settings.signals.cluster_reach_pct
    return tuple(
        (view.coin, {side: features_of(view, side, reach_pct) for side in SIDES})
        for view in lead.views
        if not view.backfilled and view.coin in settings.coins
    )


class WalkedHouse:
    """As `follower`, for who steps many of them: `step` after the leader, with the same block and what was seen."""

    def __init__(self, settings: Settings, tape: Tape, lead: LeadingMarket, *checks: OnStep) -> None:
        self._loop = follower(settings, tape, lead, *checks)
        exchange = self._loop.exchange
        assert isinstance(exchange, PaperExchange)
        self._exchange = exchange
        self._enabled = enabled_strategies(settings.signals)

    def step(self, block: EventBlock, seen: Seen) -> None:
        if self._asleep and not any(_signals(one, features) for _, features in seen for one in self._enabled):
            self._exchange.advance(block, _unanswered)
        else:
            self._loop.step(block)

    @property
    def _asleep(self) -> bool:
        engine, exchange = self._loop.engine, self._exchange
        return (
            exchange.accounts.quiet
            and not exchange.on_the_way
            and not engine.account.positions
            and not engine.order_manager.entries_in_flight()
            and all(book.idle for book in engine.order_manager.books)
        )


def _signals(one: EnabledStrategy, features: dict[Side, Features]) -> bool:
    """A user's own gates may raise anything: then the house itself is asked, which guards them."""
    if not one.own:
        return code_of(one.conditions, features[one.side], one.params) == SIGNAL
    try:
        return code_of(one.conditions, features[one.side], one.params) == SIGNAL
    except Exception:  # noqa: BLE001 -- somebody else's code
        return True


def _unanswered(facts: tuple[Event, ...], _time_ms: int) -> tuple[Command, ...]:
    """A quiet exchange has nothing to tell."""
    assert not facts
    return _NOTHING
