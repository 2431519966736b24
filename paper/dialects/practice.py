"""The market of a venue's test access beside production's: the same blocks at a ratio, with accounts of its own.

What is asked of a test host, or with the header by which the demo is meant at a shared one, is answered from here;
everything else from production.
"""

from collections.abc import Callable, Iterable

from liqbot.blocks import EventBlock, block_of
from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub
from paper.exchange.repricing import at_ratio


class PracticeMarket:
    """Follows a production hub; `ratio`, practice over production, may be changed at any time."""

    def __init__(self, production: Hub, ratio: float) -> None:
        """ValueError for a ratio that is none."""
        if not 0.0 < ratio < 1e3:
            raise ValueError(f"ratio: {ratio:g} must be positive, as in 1.02")
        self.ratio = ratio
        self.hub = Hub(production.roster, production.instruments, production.paper, production.params)
        known = [row for venue in production.roster.venues for row in production.tickers.summary(venue)]
        if known:
            self.warm(block_of(known, production.roster, tick_ms=production.now_ms))
        production.followers.append(self)

    def warm(self, block: EventBlock) -> None:
        self.hub.warm([at_ratio(block, self.ratio)])

    async def advance(self, block: EventBlock) -> None:
        await self.hub.advance(at_ratio(block, self.ratio))

    def pace(self, speed: float) -> None:
        self.hub.pace(speed)


def both_markets(
    production: Hub, practice: Hub, spoken: Callable[[Hub], Iterable[Dialect]]
) -> list[Dialect]:
    """The dialects of either market, each answering for its own."""
    found: list[Dialect] = []
    for hub, meant in ((production, False), (practice, True)):
        for dialect in spoken(hub):
            dialect.practice = meant
            found.append(dialect)
    return found
