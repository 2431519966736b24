"""Faults from outside our orders: the venue and its users, the market as it is told, the process and its disk."""

import random
from decimal import Decimal

from liqbot import events
from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution import client_order_id
from liqbot.instruments import Side
from paper.exchange import account_events
from paper.sessions.assembly import seeded_journal_id
from paper.simulate import link_faults
from paper.simulate.feed_faults import BROKEN_PRICES, clock_ahead, silent, told_as_it_is
from paper.simulate.order_faults import Strike, Struck, drop_stops, flatten
from paper.simulate.scenario import Scenario

POSITION_MS_MAX = 1_200_000
"""For so long a fault waits for a position."""

# --- the venue's doing ------------------------------------------------------------------------------------------------


def liquidation(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """A gap over every stop and beyond our liquidation price; an earthquake, then the market is where it was."""
    struck()
    held = scenario.exchange.accounts.holding(scenario.key)
    if held is not None and held.liquidation_price is not None:
        before, price = scenario.markets.price, float(held.liquidation_price)
        scenario.markets.push(max(price * (1 - held.side * chance.uniform(0.001, 0.02)), 1_000.0))
        scenario.markets.push(before)


def adl(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    accounts = scenario.exchange.accounts
    held, instrument = accounts.holding(scenario.key), accounts.instruments[scenario.key]
    if held is not None:
        part = instrument.round_quantity(held.quantity_base * Decimal(chance.choice(("0.3", "0.7", "1"))))
        price = instrument.round_price(scenario.markets.price)
        facts = account_events.deleverage(
            accounts, scenario.key, price, max(part, instrument.quantity_step_base), scenario.now_ms
        )
        scenario.link.post(facts)


def leverage_by_hand(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    facts = account_events.set_leverage_by_hand(scenario.exchange.accounts, scenario.key, 20, scenario.now_ms)
    scenario.tampered_ms = scenario.now_ms
    if chance.random() < 0.5:
        scenario.link.post(facts)


def maintenance(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.halted_until_ms = scenario.now_ms + chance.randint(30_000, 120_000)
    scenario.link.troubles.append(link_faults.Storm(scenario.halted_until_ms, "MAINTENANCE"))


def delisting(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """The venue ends the contract: orders go, what is open is settled, everything is refused. Later it is listed again,
    as after a change of its name."""
    struck()
    accounts = scenario.exchange.accounts
    price = accounts.instruments[scenario.key].round_price(scenario.markets.price)
    settled = account_events.close_by_hand(accounts, scenario.key, price, scenario.now_ms)
    scenario.halted_until_ms = scenario.now_ms + chance.randint(60_000, 180_000)
    code = chance.choice(("DELISTED", "UNKNOWN_SYMBOL"))
    scenario.link.troubles.append(link_faults.Storm(scenario.halted_until_ms, code))
    if chance.random() < 0.5:
        scenario.link.post(settled)


def second_instance(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Another one like us begins to trade on the same account: its order rests far away, for a while."""
    struck()
    instrument = scenario.listed[0]
    price = instrument.round_price(scenario.markets.price * 4)
    size_base = instrument.round_quantity(Decimal("1.1") * max(instrument.min_notional_usd, Decimal(1)) / price)
    order = PlaceOrder(
        client_id=client_order_id.client_id(
            seeded_journal_id(1_000_000 + scenario.seed), scenario.steps + 1, Purpose.ENTRY
        ),
        venue=scenario.key[0], coin=scenario.key[1], decision_id=1, purpose=Purpose.ENTRY, kind=OrderKind.LIMIT,
        side=Side.SHORT, quantity_base=max(size_base, instrument.quantity_step_base), reduce_only=False,
        limit_price=price,
    )
    scenario.link.post(account_events.order_by_hand(scenario.exchange.accounts, order, scenario.now_ms))
    scenario.operator.meets_another(order.client_id, scenario.now_ms + chance.randint(120_000, 600_000))


def funding_interval(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.market.interval_h = chance.choice((1.0, 4.0, 8.0))


def withdrawal(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    venue = scenario.key[0]
    free_usd = scenario.exchange.accounts.available_usd(venue)
    wish_usd = scenario.exchange.wallet(venue).wallet_usd * Decimal("0.4")
    amount_usd = min(free_usd, wish_usd) if chance.random() < 0.8 else -wish_usd
    if amount_usd:
        scenario.link.post(scenario.exchange.transfer(venue, -amount_usd, scenario.now_ms))


def fee_coin(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    entries = scenario.exchange.accounts.entries
    entries.fee_coin = "" if entries.fee_coin else "BNB"
    entries.fee_coin_price = Decimal(chance.randint(300, 900))


def rebate(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    amount_usd = Decimal(chance.randint(1, 5_000_000)) / 1_000_000
    scenario.link.post(account_events.pay_rebate(scenario.exchange.accounts, scenario.key, amount_usd, scenario.now_ms))


# --- the market as it is told -----------------------------------------------------------------------------------------


def broken_price(name: str) -> Strike:
    def strike(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
        struck()
        distort = BROKEN_PRICES[name](chance.randrange(len(scenario.roster.venues)))
        scenario.distortions.append((scenario.now_ms + chance.randint(5_000, 60_000), distort))

    return strike


def feed_silent(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    codes = (0,) if chance.random() < 0.5 else tuple(range(len(scenario.roster.venues)))
    scenario.distortions.append((scenario.now_ms + chance.randint(20_000, 120_000), silent(codes)))


def edge_task_dies(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Another one is started in its place; what the dead one had at hand is lost: prices, news, or commands."""
    struck()
    lasts_ms = chance.randint(2_000, 30_000)
    what = chance.choice(("market", "account", "commands"))
    if what == "account":
        scenario.cut_stream(lasts_ms)
    elif what == "commands":
        scenario.link.troubles.append(link_faults.NobodySends(scenario.now_ms + lasts_ms))
    else:
        venue, coin = scenario.key
        down = (
            events.FeedDown(time_ms=scenario.now_ms, venue=venue, coin=coin, feed=feed, reason="simulated")
            for feed in ("trades", "mark")
        )
        scenario.link.post(down)
        scenario.distortions.append((scenario.now_ms + lasts_ms, silent((0,))))


def clock_skew(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.link.switches.skew_ms = chance.choice((-3_000, 3_000, 0))
    scenario.distortions.append((scenario.now_ms + 60_000, clock_ahead))


# --- the process ------------------------------------------------------------------------------------------------------


def restart(rebirth: str) -> Strike:
    def strike(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
        """The process dies at its next append, record, durability or send, or a little into sending."""
        struck()
        # Nobody puts another database in place within the time that an order takes to the venue.
        soonest_ms = 2_000 if rebirth == "fresh" else 0
        scenario.rebirth, scenario.down_ms = rebirth, chance.choice((soonest_ms, 2_000, 20_000, 90_000))
        scenario.lost_records = chance.choice((0, 1, 3, 10))
        where = chance.choice(("append", "record", "durable", "send"))
        if where == "send":
            scenario.link.switches.kill_after = chance.randint(0, 2)
        else:
            scenario.journal.doomed = where

    return strike


def suspended(scenario: Scenario, _chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.asleep_until_ms = scenario.now_ms + 40_000


def journal_stuck(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.journal.stuck = True
    scenario.journal_stuck_until_ms = scenario.now_ms + chance.randint(5_000, 40_000)


def disk_hangs(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """In fsync: no error, no answer."""
    struck()
    scenario.journal.hanging = True
    scenario.journal_stuck_until_ms = scenario.now_ms + chance.choice((2_000, 20_000, 69_000))
    chance.choice((drop_stops, flatten, _as_it_is))(scenario)


def disk_full(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.journal.full = True
    scenario.journal_stuck_until_ms = scenario.now_ms + chance.randint(5_000, 40_000)
    chance.choice((drop_stops, flatten, _as_it_is))(scenario)


def _as_it_is(_scenario: Scenario) -> None:
    """Nothing is brought about."""


def suspended_long(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    scenario.asleep_until_ms = scenario.now_ms + chance.choice((600_000, 1_800_000, 7_200_000))


def clock_forward(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Set, and not slept: the market has gone on all the time."""
    struck()
    scenario.jump_ahead(chance.choice((10_000, 60_000, 3_600_000)))


def clock_back(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Ticks go on as they went; what the edge dates is dated before what it dated before."""
    struck()
    scenario.link.switches.skew_ms = -chance.choice((10_000, 60_000, 600_000))
    scenario.distortions.append((scenario.now_ms + 60_000, told_as_it_is))


def ended_in_order(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """As a service manager ends it and starts it again: SIGTERM; where there are orders, often just when the request of
    a stop hangs."""
    down_ms = chance.choice((0, 2_000, 90_000))

    def terminate() -> None:
        struck()
        scenario.end_in_order(down_ms)

    if not scenario.engine.order_manager.book(*scenario.key).live() or chance.random() < 0.3:
        terminate()
        return
    late_ms = chance.choice((1_500, 2_500, 6_000, 30_000))
    scenario.link.troubles.append(link_faults.Hangs(terminate, late_ms, (Purpose.STOP,)))
    chance.choice((drop_stops, _as_it_is))(scenario)


def killed_without_disk(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """Stops and exits leave unrecorded, and then the process dies: its successor knows nothing of them. Where nothing
    is held it waits for a position."""
    struck()
    down_ms = chance.choice((0, 5_000))
    brought_about = chance.choice((drop_stops, drop_stops, flatten))

    def sticks() -> None:
        scenario.journal.stuck = True
        scenario.journal_stuck_until_ms = scenario.now_ms + chance.randint(20_000, 40_000)
        brought_about(scenario)

    def dies() -> None:
        """With its next record: what it has just sent is on its way, and what goes with it too, or not."""
        if scenario.journal.stuck:
            scenario.rebirth, scenario.down_ms, scenario.lost_records = "snapshot", down_ms, 1_000
            scenario.journal.doomed = "append"
            scenario.link.switches.kill_after = chance.choice((-1, 0, 1))

    waiting = link_faults.LeavesUnrecorded(sticks, dies, scenario.now_ms + POSITION_MS_MAX)
    scenario.link.troubles.append(waiting)
    if scenario.exchange.accounts.holding(scenario.key) is None:
        scenario.operator.lean()
    else:
        waiting.stick()


def halted_by_hand(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    kind = events.Flatten if chance.random() < 0.3 else events.Halt
    scenario.link.post((kind(time_ms=scenario.now_ms, reason="by hand"),))
