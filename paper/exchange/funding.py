"""Funding on the simulated exchange: what was held when it was due, and which rate is paid for it.

Positions are counted on every hour, when venues settle. What is paid is told later (venues stamp it milliseconds late),
so the counted wait for the rate of their settlement: for a minute where forecasts were told, which then stand in for
it, and where only settlements are told until the next one says since when it ran.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.blocks import Rows, stage_of
from liqbot.instruments import FundingStage, Side
from liqbot.market.observed.settlements import (
    HOUR_MS,
    STAMP_TOLERANCE_MS,
    grid_ms,
    interval_ms,
    settlement_ms,
)
from paper.exchange.money import ExchangeHolding
from paper.exchange.quotes import Key

LONGEST_INTERVAL_H: Final = 8.0
"""No interval is changed to a longer one."""


class Rate(msgspec.Struct, frozen=True):
    """A funding row."""

    time_ms: int
    rate_pct: float
    interval_h: float
    stage: FundingStage | None = None

    @property
    def settled_ms(self) -> int | None:
        """Of which settlement it is the rate; None for a forecast."""
        return settlement_ms(self.time_ms, self.interval_h, self.stage)


def rates_of(rows: Rows, keys: Mapping[tuple[int, int], Key]) -> dict[Key, list[Rate]]:
    """Funding rows by instrument, in order of their times; `keys` by the codes of venue and coin."""
    found: dict[Key, list[Rate]] = {}
    for time_ms, venue, coin, rate_pct, interval_h, stored_stage in rows.tolist():
        if (key := keys.get((venue, coin))) is not None:
            found.setdefault(key, []).append(Rate(time_ms, rate_pct, interval_h, stage_of(stored_stage)))
    for rates in found.values():
        rates.sort(key=lambda rate: rate.time_ms)
    return found


class ToldRates(msgspec.Struct):
    """What is known of one instrument's funding."""

    newest: Rate | None = None
    settled: Rate | None = None
    """Of the newest settlement; who tells it first is believed."""

    def take(self, rate: Rate) -> None:
        settled_ms = rate.settled_ms
        if settled_ms is not None and settled_ms > self.settled_ms:
            self.settled = rate
        elif rate.stage is FundingStage.SETTLEMENT:
            return  # told before
        if self.newest is None or rate.time_ms >= self.newest.time_ms:
            self.newest = rate

    @property
    def settled_ms(self) -> int:
        """Time of the newest settlement told; 0 before the first."""
        return 0 if self.settled is None else self.settled.settled_ms or 0

    @property
    def forecast(self) -> bool:
        """Whether the newest rate says what is to be paid, not what was."""
        return self.newest != self.settled


class Stake(msgspec.Struct, frozen=True):
    """What somebody held when funding was due; ours has no name."""

    holder: str
    side: Side
    quantity_base: Decimal
    mark_price: float


def stakes_of(holders: Iterable[tuple[str, ExchangeHolding]], mark_price: float) -> list[Stake]:
    """What everybody holds now."""
    return [Stake(name, held.side, held.quantity_base, mark_price) for name, held in holders]


class Due(msgspec.Struct):
    """One settlement whose rate is not known yet."""

    time_ms: int
    stakes: list[Stake]
    known: Rate | None
    """The newest rate told by then."""
    estimated: bool
    """Forecasts are told: the newest stands in when nobody says within a minute what was paid."""

    @property
    def deadlines_ms(self) -> tuple[int, int]:
        """When a forecast stands in; when the next settlement is not waited for any more."""
        said_by_ms = self.time_ms + STAMP_TOLERANCE_MS
        longest_h = max(LONGEST_INTERVAL_H, 0.0 if self.known is None else self.known.interval_h)
        return said_by_ms, said_by_ms + interval_ms(longest_h)

    @property
    def expected(self) -> bool:
        """A settlement by the interval known."""
        return self.known is not None and self.time_ms % interval_ms(self.known.interval_h) == 0


class FundingDues(msgspec.Struct):
    """One instrument's: what is told, and what is owed. `walk` it from instant to instant."""

    told: ToldRates = msgspec.field(default_factory=ToldRates)
    owed: list[Due] = []
    now_ms: int = 0

    def next_ms(self, untold: Sequence[Rate], *, held: bool) -> int | None:
        """The next instant at which something may be due or paid; `untold` in order of time. None: no time known."""
        found = [at_ms for due in self.owed for at_ms in due.deadlines_ms if at_ms > self.now_ms]
        if self.owed and untold:
            found.append(max(untold[0].time_ms, self.now_ms))
        if held:
            step_ms = self._step_ms(untold)
            found.append((self.now_ms // step_ms + 1) * step_ms)
        return min(found, default=None)

    def walk(self, time_ms: int, untold: list[Rate], stakes: list[Stake]) -> list[tuple[list[Stake], float]]:
        """Go to an instant: hear of `untold` what is told by then, count the `stakes` when they are due. The answer is
        what is paid now: (stakes, rate in percent)."""
        while untold and untold[0].time_ms <= time_ms:
            self.told.take(untold.pop(0))
        if stakes and time_ms > self.now_ms and time_ms % self._step_ms(()) == 0:
            self.owed.append(Due(time_ms, stakes, self.told.newest, estimated=self.told.forecast))
        self.now_ms = time_ms
        decided = [(due, *self._decided(due)) for due in self.owed]
        self.owed = [due for due, known, _ in decided if not known]
        return [(due.stakes, rate.rate_pct) for due, known, rate in decided if known and rate is not None]

    def _step_ms(self, untold: Sequence[Rate]) -> int:
        newest = self.told.newest or next(iter(untold), None)
        return HOUR_MS if newest is None else grid_ms(newest.interval_h)

    def _decided(self, due: Due) -> tuple[bool, Rate | None]:
        """(whether it is known by now what is paid, that; None where this was no settlement)."""
        settled, settled_ms = self.told.settled, self.told.settled_ms
        if settled is not None and settled_ms >= due.time_ms:
            if settled_ms == due.time_ms:
                return True, settled
            began_ms = settled_ms - interval_ms(settled.interval_h)
            return True, due.known if began_ms >= due.time_ms else None
        said_by_ms, at_last_ms = due.deadlines_ms
        if not due.expected:
            return self.now_ms >= said_by_ms, None
        return self.now_ms >= (said_by_ms if due.estimated else at_last_ms), due.known
