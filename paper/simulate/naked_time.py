"""How long positions lay without a full stop, by the exchange's clock: over restarts, whoever is alive or not."""

from typing import Final

from paper.exchange.exchange import Happened
from paper.simulate.invariants import Laws
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

NAKED_MS_MAX: Final = 5_000
"""While the process lives and the venue answers. The way there and back comes on top: it is no doing of the house."""


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
        self._looked_ms = self._stretch_ms = self._ended_ms = self._excused_ms = 0
        latency_ms = int(scenario.settings.model_dump()["paper"]["exchange"]["latency_ms"])
        self._limit_ms = NAKED_MS_MAX + 2 * latency_ms

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
            self._count(now_ms - self._looked_ms, answering=answering and self._answering)
        self._looked_ms, self._answering = now_ms, answering
        if held is None or self._laws.foreign:
            self._flat()
            return
        self._held, self._bare = True, self._laws.covered_base(held) < held.quantity_base
        if not self._bare:
            self._ended_ms, self._stretch_ms = self._ended_ms + self._stretch_ms, 0

    def _count(self, passed_ms: int, *, answering: bool) -> None:
        if not answering:
            self._excused_ms += passed_ms
            return
        self._stretch_ms += passed_ms
        if self._stretch_ms > self._limit_ms:
            what = f"{self._laws.held} without a stop for {self._stretch_ms} ms that nothing excuses"
            self._laws.broken("NAKED", what)

    def _flat(self) -> None:
        if self._held:
            self.positions_ms.append(self._ended_ms + self._stretch_ms)
            self.excused_ms.append(self._excused_ms)
        self._held = self._bare = False
        self._stretch_ms = self._ended_ms = self._excused_ms = 0

    def _answers(self) -> bool:
        scenario = self._scenario
        away_until_ms = max(scenario.asleep_until_ms, scenario.halted_until_ms)
        return scenario.alive and not scenario.link.impeded and scenario.now_ms >= away_until_ms
