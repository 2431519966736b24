"""One seed from beginning to end: trouble, then calm, then everything is closed and counted."""

import traceback
from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.events import Flatten
from paper.simulate.audit import replayed
from paper.simulate.decision_invariants import Broken, Violation
from paper.simulate.fault_schedule import Draw, FaultSchedule, draws_of
from paper.simulate.invariants import Laws
from paper.simulate.journal import Unrepeatable
from paper.simulate.scenario import Scenario

STEPS_MAX: Final = 320
STEPS_MIN: Final = 110
ENTRIES_ENOUGH: Final = 3
SETTLE_STEPS_MAX: Final = 240
REPLAY_EVERY: Final = 9
"""Of this many seeds one is replayed from its journal as a whole; restarts replay parts of it anyway. With no factor in
common with the number of aims, so that replayed seeds draw every fault as well."""
_TRACE_CHARS: Final = 2_000


class RunOutcome(msgspec.Struct, frozen=True):
    """What one seed came to. `met` counts (fault, order state) pairs as `fault state`."""

    seed: int
    steps: int
    entries: int
    liquidations: int
    adl: int
    restarts: int
    simulated_h: float
    met: dict[str, int]
    violation: Violation | None = None


def simulate(seed: int, draws: Sequence[Draw] | None = None, steps_max: int = STEPS_MAX) -> RunOutcome:
    """Everything is derived from the seed. Other `draws` or fewer steps are for shrinking a failure."""
    stage = Scenario(seed)
    laws = Laws(stage)
    director = FaultSchedule(stage, draws_of(seed) if draws is None else draws)
    stage.eyes += [laws, director]
    violation = None
    try:
        stage.open()
        while stage.steps < steps_max and not _enough(stage, laws, director):
            stage.step()
        _settle(stage, laws)
        if seed % REPLAY_EVERY == 0:
            _audit(stage, laws)
    except Broken as broken:
        violation = broken.violation
    except Unrepeatable as unrepeatable:
        violation = Violation("SAME_STEPS", stage.steps, stage.now_ms, str(unrepeatable))
    except Exception:  # noqa: BLE001 - whatever the house raises is what is looked for
        violation = Violation("CRASH", stage.steps, stage.now_ms, traceback.format_exc()[-_TRACE_CHARS:])
    return RunOutcome(
        seed=seed,
        steps=stage.steps,
        entries=laws.entries,
        liquidations=laws.liquidations,
        adl=laws.adl,
        restarts=stage.restarts,
        simulated_h=stage.simulated_ms / 3_600_000,
        met=dict(sorted(director.met.items())),
        violation=violation,
    )


def _audit(stage: Scenario, laws: Laws) -> None:
    """What others did on the account between two journals is nothing that a ledger could explain."""
    missing_usd = replayed(stage)
    if missing_usd and not stage.had_foreign:
        laws.broken("LEDGER", f"the ledger cannot explain {missing_usd} USD of the wallet")


def _enough(stage: Scenario, laws: Laws, director: FaultSchedule) -> bool:
    return director.done and stage.steps >= STEPS_MIN and laws.entries >= ENTRIES_ENOUGH and not stage.wire.troubles


def _settle(stage: Scenario, laws: Laws) -> None:
    """Trouble ends, a person flattens; after a while nothing may be left."""
    stage.calm_down()
    stage.tell((Flatten(time_ms=stage.now_ms, reason="the end"),))
    for _ in range(SETTLE_STEPS_MAX):
        stage.step()
        if stage.quiet:
            break
    stage.reconcile()
    laws.settled()

