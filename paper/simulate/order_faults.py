"""Faults of orders and of the news about them: lost, refused, late, twice, in parts, in another order."""

import random
from collections.abc import Callable

from liqbot import events
from liqbot.commands import OrderKind, Purpose
from liqbot.execution.order_lifecycle import OrderState
from paper.exchange import account_events
from paper.simulate import link_faults
from paper.simulate.link import CommandFate
from paper.simulate.scenario import Scenario

Struck = Callable[[], None]
Strike = Callable[[Scenario, random.Random, Struck], None]
"""Given what to call when the fault comes about: at once, or when what it waits for happens."""


def on_next_order(fate: CommandFate) -> Strike:
    def strike(stage: Scenario, chance: random.Random, struck: Struck) -> None:
        stage.wire.troubles.append(link_faults.OnOrder(struck, (fate,)))
        chance.choice((drop_stops, flatten, _nothing))(stage)

    return strike


def refused(purpose: Purpose) -> Strike:
    def strike(stage: Scenario, chance: random.Random, struck: Struck) -> None:
        fates = tuple(CommandFate(refused=chance.choice(link_faults.CODES)) for _ in range(chance.randint(1, 5)))
        stage.wire.troubles.append(link_faults.OnOrder(struck, fates, (purpose,)))
        if purpose is Purpose.EXIT:
            flatten(stage)
        else:
            chance.choice((drop_stops, _nothing))(stage)

    return strike


# What makes the house act, so that a fault which waits for an order need not wait long.


def flatten(stage: Scenario) -> None:
    if stage.engine.account.position(*stage.key) is not None:
        stage.wire.post((events.Flatten(time_ms=stage.now_ms, reason="by hand"),))


def drop_stops(stage: Scenario) -> None:
    accounts = stage.exchange.accounts
    for one in accounts.resting(stage.key):
        if one.command.kind is OrderKind.STOP_MARKET:
            stage.wire.post(
                account_events.drop_order(accounts, one.command.client_id, "removed by the venue", stage.now_ms)
            )


def _favour(stage: Scenario) -> None:
    """The price moves our way, so that the stop follows."""
    held = stage.exchange.accounts.holding(stage.key)
    if held is not None:
        stage.market.push(stage.market.price * (1 + held.side * 0.015))


def _nothing(_stage: Scenario) -> None:
    """The house acts by itself."""


def server_error(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.troubles.append(link_faults.Storm(stage.now_ms + chance.randint(5_000, 20_000), chance=chance))


def rate_limited(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.troubles.append(link_faults.Storm(stage.now_ms + chance.randint(10_000, 40_000), "RATE_LIMITED"))


def queue_full(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """With a stop to place, often."""
    struck()
    stage.wire.troubles.append(link_faults.FullQueue(stage.now_ms + 20_000, chance.choice((400, 1_200, 2_500))))
    chance.choice((drop_stops, _nothing))(stage)


def permuted(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.troubles.append(link_faults.Late(stage.now_ms + 30_000, chance, late_ms=2_500, shuffled=True))


def duplicated(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.troubles.append(link_faults.Late(stage.now_ms + 60_000, chance, twice=True))


def late(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.troubles.append(link_faults.Late(stage.now_ms + 30_000, chance, late_ms=20_000))


def disconnected(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.cut_stream(chance.randint(3_000, 60_000))


def part_then_cut(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """With an order filled in part already, the rest of it is what is not heard."""
    lasts_ms = chance.randint(5_000, 40_000)
    if any(order.state is OrderState.PARTIAL for order in stage.engine.desk.book(*stage.key).orders):
        struck()
        stage.wire.forget_mail()
        stage.cut_stream(lasts_ms)
        return
    stage.wire.troubles.append(link_faults.PartThenCut(struck, lasts_ms))
    chance.choice((flatten, flatten, _nothing))(stage)


def stop_gone(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """Told of, or found out at the next reconciliation."""
    struck()
    accounts = stage.exchange.accounts
    stops = [one for one in accounts.resting(stage.key) if one.command.kind is OrderKind.STOP_MARKET]
    told = chance.random() < 0.5
    for stop in stops:
        gone = account_events.drop_order(accounts, stop.command.client_id, "removed by the venue", stage.now_ms)
        if told:
            stage.wire.post(gone)
    if not told:
        stage.reconcile_at_ms = min(stage.reconcile_at_ms, stage.now_ms + 30_000)
        stage.wire.troubles.append(link_faults.Unnoticed(stage.reconcile_at_ms + 1_000))


def late_cancel(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """While the cancel is on its way the price goes through the old stop and, as it lies nearer, through the new."""

    def begun() -> None:
        struck()
        push_through_stops(stage, chance)

    stage.wire.troubles.append(link_faults.LateCancel(begun, stage.is_stop, 3_000))
    _favour(stage)


def late_stop_fill(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    stage.wire.troubles.append(link_faults.LateStopFill(struck, stage.is_stop, chance.randint(20_000, 200_000)))
    stage.reconcile_at_ms = min(stage.reconcile_at_ms, stage.now_ms + 5_000)
    push_through_stops(stage, chance)


def push_through_stops(stage: Scenario, chance: random.Random) -> None:
    """One gap just beyond the farthest stop."""
    stops = [one.command for one in stage.exchange.accounts.resting(stage.key) if one.command.trigger_price is not None]
    if stops:
        side = stops[0].side
        far = min(side * float(one.trigger_price or 0) for one in stops) * side
        stage.market.push(far * (1 - side * chance.uniform(0.0002, 0.002)))
