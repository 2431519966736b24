"""A market that is folded for others to follow, without a house of its own."""

from liqbot.blocks import EventBlock
from liqbot.market.market import Market
from liqbot.market.view import MarketView
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import Settings
from paper.tapes.reader import Tape


class MarketLead:
    """Step it before its followers, with the same block. `settings` fit the tape."""

    def __init__(self, settings: Settings, tape: Tape) -> None:
        use_compiled()
        self.market = Market(settings.market, tape.roster, settings.trade_venue)
        self.views: tuple[MarketView, ...] = ()

    def step(self, block: EventBlock) -> None:
        self.market.collect(block)
        if block.tick_ms is not None:
            self.views = self.market.on_tick(block.tick_ms, block.lag_ms)
