"""`FlowWorld`: the market of drawn flow as a source of blocks, with the truth about every position beside it."""

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from liqbot.blocks import NO_ROWS, EventBlock, Roster, Rows, unknown_rows
from paper.flow_world.bars import BarMaker
from paper.flow_world.forced_feed import ForcedFeed
from paper.flow_world.market import FlowMarket
from paper.flow_world.params import MINUTE_MS, FlowParams
from paper.world.columns import forced_orders, in_own_steps
from paper.world.crowd import Slots
from paper.world.draws import Draws
from paper.world.funding import WorldFunding
from paper.world.truth import true_positions

_DAY_MS: Final = 86_400_000
FLOW_GENERATOR: Final = 1
"""Goes up whenever the same parameters and seed give other bytes; a test holds the bytes to the number."""


class FlowWorld:
    """Same parameters and seed, same bytes. Every forced order comes at the time it is told, a clock step of its own
    inside the bar that contains it; `positions` and `forced` speak of the end of the minute last begun."""

    def __init__(self, params: FlowParams, seed: int) -> None:
        self.params, self.seed = params, seed
        self.roster = Roster(tuple(venue.venue for venue in params.venues), (params.coin.coin,))
        self.step_ms = params.bar_ms
        self.history_start_ms = params.start_ms
        self._end_ms = params.start_ms + int(params.days * _DAY_MS) // MINUTE_MS * MINUTE_MS
        self.now_ms = params.start_ms - int(params.burn_in_days * _DAY_MS) // MINUTE_MS * MINUTE_MS
        ticks = params.coin.ticks_per_usd
        self._market = FlowMarket(params, seed)
        self._feed = ForcedFeed(params.venues, ticks, Draws(seed, 2_000_000, 100))
        self._bars = BarMaker(params.bar_ms, ticks, params.coin.start_price, len(params.venues))
        self._funding = WorldFunding(params.venues, Draws(seed, 2_000_000, 101))
        self._oi_ms = np.array([venue.oi_every_s * 1000 for venue in params.venues])

    @property
    def fingerprint(self) -> str:
        """Which market this is: generator, parameters and seed in 16 characters."""
        said = f"flow {FLOW_GENERATOR} {self.params.model_dump_json()} {self.seed}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def every_block(self) -> Iterator[EventBlock]:
        """Clock steps in order of time until the span of the world is over: forced orders, and bars with the rest."""
        while self.now_ms < self.params.start_ms:
            self._advance()
            self._feed.published_until(self.now_ms)
        while self.now_ms < self._end_ms:
            for bars in self._advance():
                end_ms = int(bars["time_ms"][0])
                published = forced_orders(self._feed.published_until(end_ms))
                yield from in_own_steps(self._block(bars, published, end_ms))

    def positions(self) -> Rows:
        """Every position open now (see `paper.world.POSITIONS`), the hedged ones included."""
        market = self._market
        return true_positions(market.crowd, market.held_base, market.path[:, -1], self.now_ms, 0)

    def forced(self) -> Rows:
        """Every forced order of the last minute (see `paper.world.TRUE_FORCED`), told or not."""
        return self._market.orders

    def _advance(self) -> list[Rows]:
        """One minute on; the bars that end in it."""
        market = self._market
        market.minute(self.now_ms)
        self._feed.minute(market.orders, self.now_ms)
        self.now_ms += MINUTE_MS
        index_price = float(np.median(market.path[:, -1]))
        self._funding.advance(1.0, market.path[:, -1], index_price, market.crowd.totals_base)
        return self._bars.minute(market.path, market.volume_usd, market.buy_usd, self.now_ms)

    def _block(self, bars: Rows, liquidations: Rows, end_ms: int) -> EventBlock:
        """A bar's end, with the venue's other figures where they are due."""
        since_ms = end_ms - self.params.bar_ms
        due = np.flatnonzero(end_ms // self._oi_ms > since_ms // self._oi_ms)
        every_ms = self.params.funding_every_s * 1000
        rated = end_ms // every_ms > since_ms // every_ms
        marks = _headed("marks", np.arange(len(bars)), end_ms)
        marks["mark_price"], marks["index_price"] = bars["close"], float(np.median(bars["close"]))
        interest = _headed("open_interest", due, end_ms)
        interest["oi_usd"] = self._market.open_interest_usd[due]
        return EventBlock(
            bars=bars, liquidations=liquidations, open_interest=interest, marks=marks,
            funding=self._rates(end_ms) if rated else NO_ROWS["funding"], tick_ms=end_ms,
        )  # fmt: skip

    def _rates(self, end_ms: int) -> Rows:
        rows = _headed("funding", np.arange(len(self.params.venues)), end_ms)
        rows["rate_pct"], rows["interval_h"] = self._funding.rate_pct, self._funding.interval_h
        rows["rate_stage"] = self._funding.stages(end_ms)
        return rows


def _headed(kind: str, venues: Slots, time_ms: int) -> Rows:
    rows = unknown_rows(kind, len(venues))
    rows["time_ms"], rows["venue"] = time_ms, venues
    return rows
