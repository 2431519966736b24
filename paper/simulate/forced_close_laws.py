"""`FORCED_UNNOTICED`: what the venue closed by force is gone from the books with the word of it, not with the next
reading of the account, and after a liquidation a person must look."""

from decimal import Decimal
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Fill, PositionDeleveraged, PositionLiquidated, PositionSnapshot, Reconciled, Resume
from paper.simulate.decision_invariants import HouseLaws
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

FORCED: Final = (PositionLiquidated, PositionDeleveraged)
ForcedClose = PositionLiquidated | PositionDeleveraged
_STATES_POSITION: Final = (Fill, PositionSnapshot, Reconciled)
"""Beside one of these in a block nobody could say which of them changed the books."""


class ForcedCloseLaws(Probe):
    """Judges the first word of each forced close of a position that the house believes it has."""

    def __init__(self, scenario: Scenario, laws: HouseLaws) -> None:
        self._scenario, self._laws = scenario, laws
        self._held_base = Decimal(0)
        """As the house believed after the block before; signed."""
        self._heard: set[str] = set()
        """Whichever process heard it: one that was told without a disk may be told again."""

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        del step
        before_base, self._held_base = self._held_base, self._believed_base(engine)
        forced = [fact for fact in block.facts if isinstance(fact, FORCED) and repr(fact) not in self._heard]
        self._heard.update(map(repr, forced))
        ours = [fact for fact in forced if fact.side * before_base > 0]
        if not ours or any(isinstance(fact, _STATES_POSITION) for fact in block.facts):
            return
        self._taken(ours, before_base)
        if any(isinstance(fact, PositionLiquidated) for fact in ours):
            self._halted(ours, block, engine)

    def _taken(self, ours: list[ForcedClose], before_base: Decimal) -> None:
        """Sides that are not open are left alone, and no more goes than was there."""
        taken_base = min(sum((fact.quantity_base for fact in ours), Decimal(0)), abs(before_base))
        if abs(self._held_base) != abs(before_base) - taken_base:
            what = f"{before_base} before and {self._held_base} after {ours}"
            self._laws.broken("FORCED_UNNOTICED", what)

    def _halted(self, ours: list[ForcedClose], block: EventBlock, engine: Engine) -> None:
        if not engine.account.halted and not any(isinstance(fact, Resume) for fact in block.facts):
            self._laws.broken("FORCED_UNNOTICED", f"no halt after {ours}")

    def reborn(self, *, fresh: bool) -> None:
        del fresh
        self._held_base = self._believed_base(self._scenario.engine)

    def _believed_base(self, engine: Engine) -> Decimal:
        holding = engine.account.holding(*self._scenario.key)
        return Decimal(0) if holding is None else holding.signed_base
