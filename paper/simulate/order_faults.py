"""Faults of orders and of the news about them: lost, refused, late, twice, in parts, in another order."""

import random
from collections.abc import Callable

from liqbot import events
from liqbot.commands import OrderKind, Purpose
from liqbot.execution.order_lifecycle import OrderState
from paper.exchange import account_events
from paper.simulate import edge, link_faults
from paper.simulate.link import CommandFate
from paper.simulate.scenario import Scenario

Struck = Callable[[], None]
Strike = Callable[[Scenario, random.Random, Struck], None]
"""Given what to call when the fault comes about: at once, or when what it waits for happens."""


def on_next_order(fate: CommandFate) -> Strike:
    def strike(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
        scenario.link.troubles.append(link_faults.OnOrder(struck, (fate,)))
        chance.choice((drop_stops, flatten, _nothing))(scenario)

    return strike


def refused(purpose: Purpose) -> Strike:
    def strike(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
        fates = tuple(CommandFate(refused=chance.choice(link_faults.CODES)) for _ in range(chance.randint(1, 5)))
        scenario.link.troubles.append(link_faults.OnOrder(struck, fates, (purpose,)))
        if purpose is Purpose.EXIT:
            flatten(scenario)
        else:
            chance.choice((drop_stops, _nothing))(scenario)

    return strike


# What makes the house act, so that a fault which waits for an order need not wait long.


def flatten(scenario: Scenario) -> None:
    if scenario.engine.account.position(*scenario.key) is not None:
        scenario.link.post((events.Flatten(time_ms=scenario.now_ms, reason="by hand"),))


def drop_stops(scenario: Scenario) -> None:
    accounts = scenario.exchange.accounts
    for one in accounts.resting(scenario.key):
        if one.command.kind is OrderKind.STOP_MARKET:
            scenario.link.post(
                account_events.drop_order(accounts, one.command.client_id, "removed by the venue", scenario.now_ms)
            )


def favour(scenario: Scenario) -> None:
    """The price moves our way, so that the stop follows."""
    held = scenario.exchange.accounts.holding(scenario.key)
    if held is not None:
        scenario.markets.push(scenario.markets.price * (1 + held.side * 0.015))


def _nothing(_scenario: Scenario) -> None:
    """The house acts by itself."""


def server_error(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Storm(scenario.now_ms + chance.randint(5_000, 20_000), chance=chance))


def rate_limited(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Storm(scenario.now_ms + chance.randint(10_000, 40_000), "RATE_LIMITED"))


def queue_full(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """With a stop to place, often."""
    struck()
    scenario.link.troubles.append(link_faults.FullQueue(scenario.now_ms + 20_000, chance.choice((400, 1_200, 2_500))))
    chance.choice((drop_stops, _nothing))(scenario)


def nonsense(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Of a reading that is due, often."""
    struck()
    scenario.link.troubles.append(link_faults.Nonsense(scenario.now_ms + chance.randint(10_000, 60_000)))
    if chance.random() < 0.7:
        scenario.reconcile_at_ms = min(scenario.reconcile_at_ms, scenario.now_ms + 1_000)


def state_unknown(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    scenario.link.troubles.append(link_faults.UnknownStates(struck, chance.choice((2_000, 5_000, 15_000))))
    chance.choice((drop_stops, flatten, _nothing))(scenario)


def _killed(scenario: Scenario) -> None:
    """And started again at once."""
    scenario.rebirth, scenario.down_ms, scenario.lost_records = "snapshot", 0, 0
    scenario.journal.doomed = "append"


def _clock_jumps(scenario: Scenario) -> None:
    scenario.jump_ahead(10_000)


def request_hangs(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Often it is asked about while it hangs: by a process that was started again, or whose clock has jumped."""
    purposes = chance.choice(((Purpose.STOP,), (Purpose.ENTRY,), tuple(Purpose)))
    meanwhile = chance.choice((_nothing, _nothing, _killed, _clock_jumps))

    def begun() -> None:
        struck()
        meanwhile(scenario)

    late_ms = chance.choice((1_500, 2_500, edge.VALID_MS - 100, 6_000, 30_000))
    scenario.link.troubles.append(link_faults.Hangs(begun, late_ms, purposes))
    chance.choice((drop_stops, _nothing))(scenario)


def link_stalls(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Stall(scenario.now_ms + chance.randint(2_000, 20_000)))
    chance.choice((drop_stops, flatten, _nothing))(scenario)


def permuted(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Late(scenario.now_ms + 30_000, chance, late_ms=2_500, shuffled=True))


def duplicated(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Late(scenario.now_ms + 60_000, chance, twice=True))


def late(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.troubles.append(link_faults.Late(scenario.now_ms + 30_000, chance, late_ms=20_000))


def disconnected(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.cut_stream(chance.randint(3_000, 60_000))


def part_then_cut(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """With an order filled in part already, the rest of it is what is not heard."""
    lasts_ms = chance.randint(5_000, 40_000)
    if any(order.state is OrderState.PARTIAL for order in scenario.engine.order_manager.book(*scenario.key).orders):
        struck()
        scenario.link.forget_mail()
        scenario.cut_stream(lasts_ms)
        return
    scenario.link.troubles.append(link_faults.PartThenCut(struck, lasts_ms))
    chance.choice((flatten, flatten, _nothing))(scenario)


def stop_gone(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Told of, or found out at the next reconciliation."""
    struck()
    accounts = scenario.exchange.accounts
    stops = [one for one in accounts.resting(scenario.key) if one.command.kind is OrderKind.STOP_MARKET]
    reported = chance.random() < 0.5
    for stop in stops:
        gone = account_events.drop_order(accounts, stop.command.client_id, "removed by the venue", scenario.now_ms)
        if reported:
            scenario.link.post(gone)
    if not reported:
        scenario.reconcile_at_ms = min(scenario.reconcile_at_ms, scenario.now_ms + 30_000)
        scenario.link.troubles.append(link_faults.Unnoticed(scenario.reconcile_at_ms + 1_000))


def late_cancel(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """While the cancel is on its way the price goes through the old stop and, as it lies nearer, through the new."""

    def begun() -> None:
        struck()
        push_through_stops(scenario, chance)

    scenario.link.troubles.append(link_faults.LateCancel(begun, scenario.is_stop, 3_000))
    favour(scenario)


def late_stop_fill(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    scenario.link.troubles.append(link_faults.LateStopFill(struck, scenario.is_stop, chance.randint(20_000, 200_000)))
    scenario.reconcile_at_ms = min(scenario.reconcile_at_ms, scenario.now_ms + 5_000)
    push_through_stops(scenario, chance)


def push_through_stops(scenario: Scenario, chance: random.Random) -> None:
    """One gap just beyond the farthest stop."""
    resting = scenario.exchange.accounts.resting(scenario.key)
    stops = [one.command for one in resting if one.command.trigger_price is not None]
    if stops:
        side = stops[0].side
        far = min(side * float(one.trigger_price or 0) for one in stops) * side
        scenario.markets.push(far * (1 - side * chance.uniform(0.0002, 0.002)))
