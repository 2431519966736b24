"""What a feed gives, kept in order."""

from typing import TypeVar

from market_events import market_events

from liqbot.blocks import EventBlock, Roster
from liqbot.events import FeedDown, FeedUp, MarketEvent

Event = TypeVar("Event")


class Gathered:
    """Stands where the inbox stands."""

    def __init__(self, roster: Roster) -> None:
        self.blocks: list[EventBlock] = []
        self.steps_waiting = self.merged_rows = 0
        self._roster = roster

    def put(self, part: EventBlock) -> None:
        self.blocks.append(part)

    @property
    def events(self) -> list[MarketEvent]:
        return [event for block in self.blocks for event in market_events(block, self._roster)]

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def said(self, kind: type[FeedUp] | type[FeedDown], feed: str) -> list[FeedUp | FeedDown]:
        return [fact for block in self.blocks for fact in block.facts  # type: ignore[misc]
                if isinstance(fact, kind) and fact.feed == feed]  # type: ignore[attr-defined]
