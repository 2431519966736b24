"""One seed from beginning to end: trouble, then calm, then everything is closed and counted."""

import random
import traceback
from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.events import Flatten
from paper.simulate.audit import replayed
from paper.simulate.books import RunningLedger
from paper.simulate.decision_invariants import Broken, Violation
from paper.simulate.fault_schedule import Draw, FaultSchedule, draws_of
from paper.simulate.faults import IN_TEST_MARKET
from paper.simulate.forced_close_laws import ForcedCloseLaws
from paper.simulate.invariants import Laws
from paper.simulate.journal import Unrepeatable
from paper.simulate.naked_time import NakedTime
from paper.simulate.scenario import Scenario
from paper.simulate.translation_laws import TranslationLaws

STEPS_MAX: Final = 320
STEPS_MIN: Final = 110
ENTRIES_ENOUGH: Final = 3
SETTLE_STEPS_MAX: Final = 240
AUDIT_EVERY: Final = 2
"""One of so many seeds keeps a ledger and is run again from its journal as a whole; restarts run parts of it anyway.
The pairs of fault and state come round with the seeds: with no factor in common, audited seeds draw all of them too."""
TEST_MARKET_SHARE: Final = 0.2
"""Of the seeds, beside those whose faults need one."""
_TRACE_CHARS: Final = 2_000


class RunOutcome(msgspec.Struct, frozen=True):
    """What one seed came to. `met` counts (fault, order state) pairs as `fault state`."""

    seed: int
    steps: int
    entries: int
    liquidations: int
    adl: int
    restarts: int
    test_market: bool
    """Its orders rested in a market of other prices."""
    simulated_h: float
    met: dict[str, int]
    naked_ms: tuple[int, ...]
    """Of every position: how long it lay without a full stop while the process lived and the venue answered."""
    naked_excused_ms: tuple[int, ...]
    """Of every position: the same while the process or the venue was away."""
    violation: Violation | None = None


def simulate(seed: int, draws: Sequence[Draw] | None = None, steps_max: int = STEPS_MAX) -> RunOutcome:
    """Everything is derived from the seed. Other `draws` or fewer steps are for shrinking a failure."""
    ledger = RunningLedger(seed) if seed % AUDIT_EVERY == 0 else None
    scenario = Scenario(seed, ledger, in_test_market=trades_in_test_market(seed))
    laws = Laws(scenario)
    naked = NakedTime(scenario, laws)
    schedule = FaultSchedule(scenario, draws_of(seed) if draws is None else draws)
    scenario.probes += [laws, naked, ForcedCloseLaws(scenario, laws), TranslationLaws(scenario, laws), schedule]
    violation = None
    try:
        scenario.open()
        while scenario.steps < steps_max and not _enough(scenario, laws, schedule):
            scenario.step()
        _settle(scenario, laws)
        if ledger is not None:
            _audit(scenario, laws)
    except Broken as broken:
        violation = broken.violation
    except Unrepeatable as unrepeatable:
        violation = Violation("SAME_STEPS", scenario.steps, scenario.now_ms, str(unrepeatable))
    except Exception:  # noqa: BLE001 - whatever the house raises is what is looked for
        violation = Violation("CRASH", scenario.steps, scenario.now_ms, traceback.format_exc()[-_TRACE_CHARS:])
    finally:
        if ledger is not None:
            ledger.close()
    return RunOutcome(
        seed=seed,
        steps=scenario.steps,
        entries=laws.entries,
        liquidations=laws.liquidations,
        adl=laws.adl,
        restarts=scenario.restarts,
        test_market=scenario.practice is not None,
        naked_ms=tuple(naked.positions_ms),
        naked_excused_ms=tuple(naked.excused_ms),
        simulated_h=scenario.simulated_ms / 3_600_000,
        met=dict(sorted(schedule.met.items())),
        violation=violation,
    )


def trades_in_test_market(seed: int) -> bool:
    """Whatever becomes of its faults: a failure is made small in the same market."""
    wanted = any(draw.fault in IN_TEST_MARKET for draw in draws_of(seed))
    return wanted or random.Random(f"test market {seed}").random() < TEST_MARKET_SHARE  # noqa: S311 - not a secret


def _audit(scenario: Scenario, laws: Laws) -> None:
    """What others did on the account between two journals is nothing that a ledger could explain."""
    missing_usd, difference = replayed(scenario)
    if missing_usd and not scenario.had_foreign:
        laws.broken("LEDGER", f"the ledger cannot explain {missing_usd} USD of the wallet")
    if difference:
        laws.broken("LEDGER", f"the ledger that was kept is not what the journal says: {difference}")


def _enough(scenario: Scenario, laws: Laws, schedule: FaultSchedule) -> bool:
    enough = scenario.steps >= STEPS_MIN and laws.entries >= ENTRIES_ENOUGH
    return schedule.done and enough and not scenario.link.troubles


def _settle(scenario: Scenario, laws: Laws) -> None:
    """Trouble ends, the operator flattens; after a while nothing may be left."""
    scenario.calm_down()
    scenario.tell((Flatten(time_ms=scenario.now_ms, reason="the end"),))
    for _ in range(SETTLE_STEPS_MAX):
        scenario.step()
        if scenario.quiet:
            break
    scenario.reconcile()
    laws.settled()

