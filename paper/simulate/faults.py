"""The catalogue of trouble: what each fault does to a scenario, and when it can strike."""

import enum
from typing import Final

import msgspec

from liqbot.commands import OrderKind, Purpose
from liqbot.execution.order_lifecycle import OrderState
from paper.simulate import link_faults, order_faults, practice_faults, process_faults
from paper.simulate.feed_faults import BROKEN_PRICES
from paper.simulate.scenario import Scenario

RECENT_MS: Final = 15_000
"""An order that ended this long ago still counts as being in its last state."""
NONE: Final = "none"
STATES: Final = (NONE, *(state.value for state in OrderState))


def order_states(scenario: Scenario) -> tuple[str, ...]:
    """In which some order of ours is, as the house believes; ended ones for a moment longer."""
    states: list[str] = []
    for order in scenario.engine.order_manager.book(*scenario.key).orders:
        recent = scenario.now_ms - order.heard_ms <= RECENT_MS
        if (order.live or recent) and order.state.value not in states:
            states.append(order.state.value)
    return tuple(states) or (NONE,)


class Awaited(enum.Enum):
    """What a fault comes about with."""

    ORDER = "any order"
    STOP = "a stop"
    STOP_CANCEL = "the cancel of a stop"
    STOP_FILL = "the fill of a stop"
    FILL = "any fill"
    EXIT = "an exit"


class Fault(msgspec.Struct, frozen=True):
    name: str
    strike: order_faults.Strike
    needs: str = ""
    """`position` or `stop`: cannot happen without one. `belief`: without a position as the house knows it. `order`:
    happens to one, so there always is one."""
    awaits: Awaited | None = None
    """What must still happen once it has struck; the state must last until then."""

    def can_meet(self, state: str) -> bool:
        return not (self.needs and state == NONE)

    def ready(self, scenario: Scenario) -> bool:
        accounts = scenario.exchange.accounts
        if self.needs == "belief":
            return scenario.engine.account.position(*scenario.key) is not None
        if self.needs == "position":
            return accounts.holding(scenario.key) is not None
        if self.needs == "stop":
            return any(order.command.kind is OrderKind.STOP_MARKET for order in accounts.resting(scenario.key))
        return True


CATALOGUE: Final = (
    Fault("create_lost", order_faults.on_next_order(link_faults.LOST), "order", awaits=Awaited.ORDER),
    Fault("answer_lost", order_faults.on_next_order(link_faults.DEAF), "order", awaits=Awaited.ORDER),
    Fault("server_error", order_faults.server_error),
    Fault("rate_limited", order_faults.rate_limited),
    Fault("queue_full", order_faults.queue_full),
    Fault("request_hangs", order_faults.request_hangs, "order", awaits=Awaited.ORDER),
    Fault("link_stalls", order_faults.link_stalls),
    Fault("answers_nonsense", order_faults.nonsense),
    Fault("state_unknown", order_faults.state_unknown, "order", awaits=Awaited.ORDER),
    Fault("events_permuted", order_faults.permuted),
    Fault("events_duplicated", order_faults.duplicated),
    Fault("events_late", order_faults.late),
    Fault("part_then_disconnect", order_faults.part_then_cut, "order", awaits=Awaited.FILL),
    Fault("disconnected", order_faults.disconnected),
    Fault("stop_rejected", order_faults.refused(Purpose.STOP), "order", awaits=Awaited.STOP),
    Fault("exit_rejected", order_faults.refused(Purpose.EXIT), "belief", awaits=Awaited.EXIT),
    Fault("stop_gone", order_faults.stop_gone, "stop"),
    Fault("cancel_of_filled_stop", order_faults.late_cancel, "order", awaits=Awaited.STOP_CANCEL),
    Fault("late_fill_of_old_stop", order_faults.late_stop_fill, "stop", awaits=Awaited.STOP_FILL),
    Fault("liquidation", process_faults.liquidation, "position"),
    Fault("adl", process_faults.adl, "position"),
    Fault("leverage_by_hand", process_faults.leverage_by_hand),
    Fault("maintenance", process_faults.maintenance),
    Fault("delisting", process_faults.delisting),
    Fault("second_instance", process_faults.second_instance),
    Fault("funding_interval", process_faults.funding_interval),
    Fault("withdrawal", process_faults.withdrawal),
    Fault("fee_in_other_coin", process_faults.fee_coin),
    Fault("rebate", process_faults.rebate),
    *(Fault(f"price_{name}", process_faults.broken_price(name)) for name in BROKEN_PRICES),
    Fault("feed_silent", process_faults.feed_silent),
    Fault("edge_task_dies", process_faults.edge_task_dies),
    Fault("clock_skew", process_faults.clock_skew),
    Fault("mark_jumps", practice_faults.mark_jumps),
    Fault("mark_absurd", practice_faults.mark_absurd),
    Fault("mark_silent", practice_faults.mark_silent),
    Fault("restart", process_faults.restart("snapshot")),
    Fault("upgrade", process_faults.restart("replay")),
    Fault("database_deleted", process_faults.restart("fresh")),
    Fault("ended_in_order", process_faults.ended_in_order, awaits=Awaited.STOP),
    Fault("suspended", process_faults.suspended),
    Fault("suspended_long", process_faults.suspended_long),
    Fault("clock_forward", process_faults.clock_forward),
    Fault("clock_back", process_faults.clock_back),
    Fault("journal_stuck", process_faults.journal_stuck),
    Fault("disk_hangs", process_faults.disk_hangs),
    Fault("disk_full", process_faults.disk_full),
    Fault("killed_without_disk", process_faults.killed_without_disk),
    Fault("halted_by_hand", process_faults.halted_by_hand),
)
IN_TEST_MARKET: Final = frozenset({"mark_jumps", "mark_absurd", "mark_silent"})
"""A seed that draws one of them trades in a test market."""
BY_NAME: Final = {fault.name: fault for fault in CATALOGUE}
CELLS: Final = tuple((fault.name, state) for fault in CATALOGUE for state in STATES if fault.can_meet(state))
"""Every pair of fault and order state that can exist."""
_BRIEF: Final = (OrderState.INTENDED, OrderState.UNKNOWN, OrderState.PARTIAL, OrderState.CANCELLING)
AIMS: Final = (
    *CELLS,
    *((fault.name, state.value) for _ in range(3) for fault in CATALOGUE if fault.awaits for state in _BRIEF),
)
"""What draws walk through: faults that wait for something, in states that pass quickly, more often than others."""
