"""`World`: the simulated market as a source of blocks, with the truth about every position beside it."""

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from liqbot.blocks import NO_ROWS, EventBlock, Roster, Rows
from paper.world import columns
from paper.world.coin_market import WorldCoin
from paper.world.draws import Draws
from paper.world.params import WorldParams
from paper.world.telling import position_rows
from paper.world.truth import true_positions

_DAY_MS: Final = 86_400_000
GENERATOR: Final = 3
"""Goes up whenever the same parameters and seed give other bytes; a test holds the bytes to the number."""


class World:
    """A market of leveraged traders on several venues. Same parameters and seed, same bytes, however it is consumed.

    Time runs once: `backfill` first, then `blocks` (which skips through what is left of the backfill); each block is
    made when it is asked for, so `positions` and `forced` speak of the moment of the last block taken.
    """

    def __init__(self, params: WorldParams, seed: int) -> None:
        self.params, self.seed = params, seed
        self.roster = Roster(tuple(venue.venue for venue in params.venues), tuple(coin.coin for coin in params.coins))
        self._common = Draws(seed, 1_000_000)
        self._coins = [WorldCoin(params, coin, seed, number) for number, coin in enumerate(params.coins)]
        self.history_start_ms = params.start_ms - int(params.backfill_days * _DAY_MS)
        self.now_ms = self.history_start_ms - int(params.burn_in_days * _DAY_MS)
        self.end_ms = params.start_ms + int(params.days * _DAY_MS)
        self._oi_ms = np.array([venue.oi_every_s * 1000 for venue in params.venues])

    @property
    def fingerprint(self) -> str:
        """Which market this is: generator, parameters and seed in 16 characters, for scores and tape headers."""
        said = f"{GENERATOR} {self.params.model_dump_json()} {self.seed}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def backfill(self) -> Iterator[EventBlock]:
        """History before the first live step, as if read from the venues at start-up."""
        while self.now_ms < self.history_start_ms:
            self._advance(min(self.params.burn_in_step_ms, self.history_start_ms - self.now_ms))
        while self.now_ms < self.params.start_ms:
            span_ms = min(self.params.backfill_step_ms, self.params.start_ms - self.now_ms)
            self._advance(span_ms)
            yield from columns.in_own_steps(self._block(span_ms, backfilled=True))

    def blocks(self) -> Iterator[EventBlock]:
        """Live steps, until the span of the world is over."""
        for _ in self.backfill():
            pass
        while self.now_ms < self.end_ms:
            span_ms = min(self.params.step_ms, self.end_ms - self.now_ms)
            self._advance(span_ms)
            yield from columns.in_own_steps(self._block(span_ms, backfilled=False))

    def every_block(self) -> Iterator[EventBlock]:
        """History first."""
        yield from self.backfill()
        yield from self.blocks()

    @property
    def step_ms(self) -> int:
        """Live clock step."""
        return self.params.step_ms

    def positions(self) -> Rows:
        """Every position open now (see `truth.POSITIONS`), the makers' hedged ones included."""
        return np.concatenate(
            [
                true_positions(one.crowd, one.makers.held_base, one.mark, self.now_ms, number)
                for number, one in enumerate(self._coins)
            ]
        )

    def told_positions(self, *venues: str, above_usd: float = 0.0) -> Rows:
        """The same of some venues, as a snapshot that they would publish: rows for the `positions` of a block."""
        return position_rows(self.positions(), self.roster, venues, above_usd, self.now_ms)

    def forced(self) -> Rows:
        """Every forced close of the last step (see `forced.TRUE_FORCED`), published or not."""
        return np.concatenate([market.forced for market in self._coins])

    def _advance(self, span_ms: int) -> None:
        self.now_ms += span_ms
        common = float(self._common.normal(1)[0])
        for market in self._coins:
            market.step(self.now_ms, span_ms, common)

    def _block(self, span_ms: int, *, backfilled: bool) -> EventBlock:
        now_ms = self.now_ms
        # Due when the step passes a multiple of the interval; a step longer than the interval publishes every time.
        due = np.flatnonzero(now_ms // self._oi_ms > (now_ms - span_ms) // self._oi_ms)
        every_ms = self.params.funding_every_s * 1000
        rated = now_ms // every_ms > (now_ms - span_ms) // every_ms
        return EventBlock(
            bars=columns.bars(self._coins, now_ms, span_ms),
            liquidations=columns.liquidations(self._coins, None if self.params.own_print_times else now_ms),
            open_interest=columns.open_interest(self._coins, due, now_ms),
            marks=columns.marks(self._coins, now_ms),
            funding=columns.funding(self._coins, now_ms) if rated else NO_ROWS["funding"],
            tick_ms=now_ms,
            backfilled=backfilled,
        )
