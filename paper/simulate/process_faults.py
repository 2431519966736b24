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
from paper.simulate.feed_faults import BROKEN_PRICES, clock_ahead, silent
from paper.simulate.order_faults import Strike, Struck, drop_stops, flatten
from paper.simulate.scenario import Scenario

# --- the venue's doing ------------------------------------------------------------------------------------------------


def liquidation(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """A gap over every stop and beyond our liquidation price; an earthquake, then the market is where it was."""
    struck()
    held = stage.exchange.accounts.holding(stage.key)
    if held is not None and held.liquidation_price is not None:
        before, price = stage.market.price, float(held.liquidation_price)
        stage.market.push(max(price * (1 - held.side * chance.uniform(0.001, 0.02)), 1_000.0))
        stage.market.push(before)


def adl(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    accounts = stage.exchange.accounts
    held, instrument = accounts.holding(stage.key), accounts.instruments[stage.key]
    if held is not None:
        part = instrument.round_quantity(held.quantity_base * Decimal(chance.choice(("0.3", "0.7", "1"))))
        price = instrument.round_price(stage.market.price)
        facts = account_events.deleverage(
            accounts, stage.key, price, max(part, instrument.quantity_step_base), stage.now_ms
        )
        stage.wire.post(facts)


def leverage_by_hand(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    facts = account_events.set_leverage_by_hand(stage.exchange.accounts, stage.key, 20, stage.now_ms)
    stage.tampered_ms = stage.now_ms
    if chance.random() < 0.5:
        stage.wire.post(facts)


def maintenance(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.halted_until_ms = stage.now_ms + chance.randint(30_000, 120_000)
    stage.wire.troubles.append(link_faults.Storm(stage.halted_until_ms, "MAINTENANCE"))


def delisting(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """The venue ends the contract: orders go, what is open is settled, everything is refused. Later it is listed again,
    as after a change of its name."""
    struck()
    accounts = stage.exchange.accounts
    price = accounts.instruments[stage.key].round_price(stage.market.price)
    settled = account_events.close_by_hand(accounts, stage.key, price, stage.now_ms)
    stage.halted_until_ms = stage.now_ms + chance.randint(60_000, 180_000)
    stage.wire.troubles.append(link_faults.Storm(stage.halted_until_ms, chance.choice(("DELISTED", "UNKNOWN_SYMBOL"))))
    if chance.random() < 0.5:
        stage.wire.post(settled)


def second_instance(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """Another one like us begins to trade on the same account: its order rests far away, for a while."""
    struck()
    instrument = stage.listed[0]
    price = instrument.round_price(stage.market.price * 4)
    size_base = instrument.round_quantity(Decimal("1.1") * max(instrument.min_notional_usd, Decimal(1)) / price)
    order = PlaceOrder(
        client_id=client_order_id.client_id(seeded_journal_id(1_000_000 + stage.seed), stage.steps + 1, Purpose.ENTRY),
        venue=stage.key[0], coin=stage.key[1], decision_id=1, purpose=Purpose.ENTRY, kind=OrderKind.LIMIT,
        side=Side.SHORT, quantity_base=max(size_base, instrument.quantity_step_base), reduce_only=False,
        limit_price=price,
    )
    stage.wire.post(account_events.order_by_hand(stage.exchange.accounts, order, stage.now_ms))
    stage.person.meets_another(order.client_id, stage.now_ms + chance.randint(120_000, 600_000))


def funding_interval(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.market.interval_h = chance.choice((1.0, 4.0, 8.0))


def withdrawal(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    venue = stage.key[0]
    free_usd = stage.exchange.accounts.available_usd(venue)
    wish_usd = stage.exchange.wallet(venue).wallet_usd * Decimal("0.4")
    amount_usd = min(free_usd, wish_usd) if chance.random() < 0.8 else -wish_usd
    if amount_usd:
        stage.wire.post(stage.exchange.transfer(venue, -amount_usd, stage.now_ms))


def fee_coin(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    entries = stage.exchange.accounts.entries
    entries.fee_coin = "" if entries.fee_coin else "BNB"
    entries.fee_coin_price = Decimal(chance.randint(300, 900))


def rebate(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    amount_usd = Decimal(chance.randint(1, 5_000_000)) / 1_000_000
    stage.wire.post(account_events.pay_rebate(stage.exchange.accounts, stage.key, amount_usd, stage.now_ms))


# --- the market as it is told -----------------------------------------------------------------------------------------


def broken_price(name: str) -> Strike:
    def strike(stage: Scenario, chance: random.Random, struck: Struck) -> None:
        struck()
        distort = BROKEN_PRICES[name](chance.randrange(len(stage.roster.venues)))
        stage.distortions.append((stage.now_ms + chance.randint(5_000, 60_000), distort))

    return strike


def feed_silent(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    codes = (0,) if chance.random() < 0.5 else tuple(range(len(stage.roster.venues)))
    stage.distortions.append((stage.now_ms + chance.randint(20_000, 120_000), silent(codes)))


def edge_task_dies(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """Another one is started in its place; what the dead one had at hand is lost: prices, news, or commands."""
    struck()
    lasts_ms = chance.randint(2_000, 30_000)
    what = chance.choice(("market", "account", "commands"))
    if what == "account":
        stage.cut_stream(lasts_ms)
    elif what == "commands":
        stage.wire.troubles.append(link_faults.NobodySends(stage.now_ms + lasts_ms))
    else:
        venue, coin = stage.key
        down = (
            events.FeedDown(time_ms=stage.now_ms, venue=venue, coin=coin, feed=feed, reason="simulated")
            for feed in ("trades", "mark")
        )
        stage.wire.post(down)
        stage.distortions.append((stage.now_ms + lasts_ms, silent((0,))))


def clock_skew(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.wire.line.skew_ms = chance.choice((-3_000, 3_000, 0))
    stage.distortions.append((stage.now_ms + 60_000, clock_ahead))


# --- the process ------------------------------------------------------------------------------------------------------


def restart(rebirth: str) -> Strike:
    def strike(stage: Scenario, chance: random.Random, struck: Struck) -> None:
        """The process dies at its next append, record, durability or send, or a little into sending."""
        struck()
        # Nobody puts another database in place within the time that an order takes to the venue.
        soonest_ms = 2_000 if rebirth == "fresh" else 0
        stage.rebirth, stage.down_ms = rebirth, chance.choice((soonest_ms, 2_000, 20_000, 90_000))
        stage.lost_records = chance.choice((0, 1, 3, 10))
        where = chance.choice(("append", "record", "durable", "send"))
        if where == "send":
            stage.wire.line.kill_after = chance.randint(0, 2)
        else:
            stage.journal.doomed = where

    return strike


def suspended(stage: Scenario, _chance: random.Random, struck: Struck) -> None:
    struck()
    stage.asleep_until_ms = stage.now_ms + 40_000


def journal_stuck(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    stage.journal.stuck = True
    stage.journal_stuck_until_ms = stage.now_ms + chance.randint(5_000, 40_000)


def killed_without_disk(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    """Stops and exits leave unrecorded, and then the process dies: its successor knows nothing of them."""
    journal_stuck(stage, chance, struck)
    stage.rebirth, stage.down_ms, stage.lost_records = "snapshot", chance.choice((0, 5_000)), 1_000
    stage.wire.line.kill_after = chance.choice((1, 1, 2, 3))
    chance.choice((drop_stops, drop_stops, flatten))(stage)


def halted_by_hand(stage: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    kind = events.Flatten if chance.random() < 0.3 else events.Halt
    stage.wire.post((kind(time_ms=stage.now_ms, reason="by hand"),))
