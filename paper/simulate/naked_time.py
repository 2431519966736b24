"""How long positions lay without a full stop, by the exchange's clock: over restarts, whoever is alive or not."""

from typing import Final

import msgspec

from paper.exchange.exchange import Happened
from paper.simulate.invariants import Laws
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

NAKED_MS_MAX: Final = 5_000
"""While the process lives and the venue answers. The way there and back comes on top: it is no doing of the house."""


class NakedStretch(msgspec.Struct):
    """From the loss of a full stop to the next one.

    While the venue is away or no process is there, nothing is counted. The promise is counted from the return, so an
    absence lets the count begin anew; but only one that is longer than the limit, and longer than all that has been
    counted of this stretch. Whoever comes and goes gets no more time than the longest absence and one limit.
    """

    limit_ms: int
    counted_ms: int = 0
    """Since the beginning, or since the last absence that was long enough."""
    naked_ms: int = 0
    """All that nothing excuses."""
    excused_ms: int = 0
    _away_ms: int = 0

    def pass_time(self, ms: int, *, answering: bool) -> bool:
        """Whether that was too long."""
        if not answering:
            self.excused_ms += ms
            self._away_ms += ms
            return False
        if ms and self._away_ms:
            if self._away_ms > max(self.limit_ms, self.naked_ms):
                self.counted_ms = 0
            self._away_ms = 0
        self.counted_ms += ms
        self.naked_ms += ms
        return self.counted_ms > self.limit_ms


class NakedTime(Probe):
    """One number for each position that was ever open, from flat to flat. Breaks `NAKED` when one is naked for too long
    at a stretch while nothing excuses it: a venue that does not answer, a process that is not there."""

    def __init__(self, scenario: Scenario, laws: Laws) -> None:
        self._scenario, self._laws = scenario, laws
        self.positions_ms: list[int] = []
        """Of every position, while nothing excused it."""
        self.excused_ms: list[int] = []
        """Of every position, beside that."""
        self._held = self._bare = self._answering = False
        self._looked_ms = self._ended_ms = self._excused_ms = 0
        latency_ms = int(scenario.settings.model_dump()["paper"]["exchange"]["latency_ms"])
        self._limit_ms = NAKED_MS_MAX + 2 * latency_ms
        self._stretch = NakedStretch(self._limit_ms)

    def seeing(self, happened: Happened) -> None:
        del happened
        self._look()

    def stepped(self) -> None:
        self._look()

    def reborn(self, *, fresh: bool) -> None:
        """Until here nobody was there to do anything."""
        self._look(answering=False)
        if fresh:
            self._flat()

    def _look(self, *, answering: bool | None = None) -> None:
        """State at the exchange since the last look, then as it is now."""
        now_ms, held = self._scenario.now_ms, self._laws.held
        answering = self._answers() if answering is None else answering
        if self._bare:
            self._pass_time(now_ms - self._looked_ms, answering=answering and self._answering)
        self._looked_ms, self._answering = now_ms, answering
        if held is None or self._laws.foreign:
            self._flat()
            return
        self._held, self._bare = True, self._laws.covered_base(held) < held.quantity_base
        if not self._bare:
            self._end_stretch()

    def _pass_time(self, passed_ms: int, *, answering: bool) -> None:
        if self._stretch.pass_time(passed_ms, answering=answering):
            what = f"{self._laws.held} without a stop for {self._stretch.counted_ms} ms that nothing excuses"
            self._laws.broken("NAKED", what)

    def _end_stretch(self) -> None:
        ended, self._stretch = self._stretch, NakedStretch(self._limit_ms)
        self._ended_ms, self._excused_ms = self._ended_ms + ended.naked_ms, self._excused_ms + ended.excused_ms

    def _flat(self) -> None:
        self._end_stretch()
        if self._held:
            self.positions_ms.append(self._ended_ms)
            self.excused_ms.append(self._excused_ms)
        self._held = self._bare = False
        self._ended_ms = self._excused_ms = 0

    def _answers(self) -> bool:
        scenario = self._scenario
        away_until_ms = max(scenario.asleep_until_ms, scenario.halted_until_ms)
        reached = not (scenario.link.impeded or scenario.link.unknowable)
        return scenario.alive and reached and scenario.now_ms >= away_until_ms
