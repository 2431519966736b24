"""Forced closes: a venue's ladder step by step, its insurance fund, and the winners deleveraged when it is empty."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final, NamedTuple

from liqbot import events
from liqbot.events import Event
from liqbot.instruments import Instrument
from liqbot.margin.steps import LiquidationStep
from paper.exchange import attached_stops
from paper.exchange.accounts import ExchangeAccounts
from paper.exchange.money import ExchangeHolding, percent
from paper.exchange.quotes import Key

ZERO: Final = Decimal(0)
_FEE_ROUNDS: Final = 400
_CENT_USD: Final = 0.01
_FLOAT_NOISE: Final = 1e-8


class MarginCall(NamedTuple):
    """One holder's margin that ran out."""

    accounts: ExchangeAccounts
    key: Key
    name: str
    held: ExchangeHolding
    at_price: Decimal
    """Where the book closes it: the liquidation price, or the traded one beyond it; never beyond bankruptcy."""
    traded_price: Decimal
    time_ms: int

    @property
    def instrument(self) -> Instrument:
        return self.accounts.instruments[self.key]

    @property
    def beyond_bankruptcy(self) -> bool:
        """The book has no price any more that the margin could pay."""
        return self.held.side.value * (self.traded_price - self.held.bankruptcy_price) < 0

    @property
    def fee_pct(self) -> float:
        known_pct = self.accounts.mechanics[self.key].fees.liquidation_pct
        return self.accounts.params.liquidation_fee_pct if known_pct is None else known_pct

    @property
    def needed(self) -> bool:
        """Equity still does not exceed what the venue wants to see."""
        held = self.held
        return held.quantity_base > 0 and self.accounts.mechanics[self.key].is_liquidated(
            held.side, held.entry_price, held.quantity_base, held.margin_usd, self.at_price
        )


def margin_call(accounts: ExchangeAccounts, key: Key, name: str, price: float, time_ms: int) -> tuple[Event, ...]:
    """The mark has reached a holder's liquidation price while the market trades at `price` (0: not known).

    Steps of the ladder are taken until the margin holds again, or until the next one has to wait. What nobody takes is
    closed at bankruptcy at the market's cost.
    """
    held = dict(accounts.holders(key)).get(name)
    if held is None or held.liquidation_price is None:
        return ()
    gone = () if name else tuple(accounts.remove(order, "LIQUIDATION", time_ms) for order in accounts.resting(key))
    traded = accounts.instruments[key].round_price(price) if price else held.liquidation_price
    sign = held.side.value
    at_price = sign * max(sign * held.bankruptcy_price, min(sign * held.liquidation_price, sign * traded))
    call = MarginCall(accounts, key, name, held, at_price, traded, time_ms)
    facts = [fact for step in _due(call) for fact in _taken(call, *step)]
    if call.needed and held.waits_ms <= time_ms:
        facts += _closed(call, held.quantity_base, held.bankruptcy_price, fee_pct=0.0)
    if held.waits_ms <= time_ms:
        held.rung = 0
    accounts.reprice(key, name)
    if facts:
        facts.append(accounts.balance(key, time_ms))
    return (*gone, *facts)


def _due(call: MarginCall) -> Iterator[tuple[LiquidationStep, bool]]:
    """The steps to take now, each with whether it is for all that is left."""
    held, first = call.held, call.held.rung
    steps = _ladder(call)
    book = steps[0].taker
    for number, step in enumerate(steps[first:], first):
        if number > first:
            if not call.needed:
                return
            if step.after_ms:
                held.rung, held.waits_ms = number, call.time_ms + step.after_ms
                return
        last = number + 1 == len(steps) or steps[number + 1].taker != book or step.taker != book
        yield step, last


def _ladder(call: MarginCall) -> tuple[LiquidationStep, ...]:
    """The venue's plan. Its fee comes out of the margin too, so a close down to compliance must leave room for it."""
    held, mechanics = call.held, call.accounts.mechanics[call.key]
    notional_usd = float(held.quantity_base * call.at_price)
    equity_usd = float(held.margin_usd + held.side.value * (call.at_price * held.quantity_base - held.cost_usd))
    equity_usd *= 1.0 - _FLOAT_NOISE  # exactly at the requirement is too little
    steps = mechanics.ladder_steps(notional_usd, max(equity_usd, 0.0), float(call.at_price))
    for _ in range(_FEE_ROUNDS):
        closed_usd = steps[0].close_usd
        left_usd = max(equity_usd - closed_usd * call.fee_pct / 100.0, 0.0)
        steps = mechanics.ladder_steps(notional_usd, left_usd, float(call.at_price))
        if abs(steps[0].close_usd - closed_usd) < _CENT_USD:
            break
    return steps


def _taken(call: MarginCall, step: LiquidationStep, whole: bool) -> list[Event]:  # noqa: FBT001 - comes with its step
    """What one taker does; nothing when it cannot."""
    held, till = call.held, call.accounts.till(call.key[0])
    quantity_base = held.quantity_base
    if not whole:
        wanted_base = Decimal(str(step.close_usd)) / call.at_price / call.instrument.quantity_step_base
        steps = wanted_base.to_integral_value(ROUND_CEILING)
        quantity_base = min(steps * call.instrument.quantity_step_base, quantity_base)
    if step.taker == "book":
        if call.beyond_bankruptcy:
            return []
        return _closed(call, quantity_base, call.at_price, fee_pct=call.fee_pct)
    bankruptcy_price = held.bankruptcy_price
    if step.taker == "counterparties":
        return _deleveraged(call, bankruptcy_price)
    if step.taker == "insurance_fund":
        won_usd = ExchangeHolding(held.side, 1, quantity_base, bankruptcy_price * quantity_base).profit_usd(
            call.traded_price, quantity_base
        )
        if till.insurance_usd + won_usd < 0:
            return []
        till.insure(won_usd)
    return _closed(call, quantity_base, bankruptcy_price, fee_pct=0.0)


def _closed(call: MarginCall, quantity_base: Decimal, price: Decimal, *, fee_pct: float) -> list[Event]:
    """Never at a loss beyond the margin; the fee takes no more than is left of it."""
    held, accounts, venue = call.held, call.accounts, call.key[0]
    realised_usd = max(held.profit_usd(price, quantity_base), -held.margin_usd)
    fee_usd = min(percent(price * quantity_base, fee_pct), max(held.margin_usd + realised_usd, ZERO))
    held.force(quantity_base, realised_usd, fee_usd)
    accounts.till(venue).book(accounts.wallet(venue, call.name), realised_usd=realised_usd, penalty_usd=fee_usd)
    if call.name:
        return []
    return [
        events.PositionLiquidated(
            time_ms=call.time_ms, venue=venue, coin=call.key[1], side=held.side, price=price,
            quantity_base=quantity_base, fee=fee_usd, event_id=accounts.new_event_id(),
        )
    ]


def _deleveraged(call: MarginCall, price: Decimal) -> list[Event]:
    """The winners of the other side give up what the loser has, first those with the most profit times leverage."""
    facts: list[Event] = []
    for name, winner in ranked(call):
        quantity_base = min(winner.quantity_base, call.held.quantity_base)
        if not quantity_base:
            break
        facts += _closed(call, quantity_base, price, fee_pct=0.0)
        facts += _given_up(call, name, winner, quantity_base, price)
    return facts


def ranked(call: MarginCall) -> list[tuple[str, ExchangeHolding]]:
    """Holders of the other side who are winning, by profit times effective leverage, the highest first."""
    held = [
        (score, name, holding)
        for name, holding in call.accounts.holders(call.key)
        if holding.side is not call.held.side and (score := _score(holding, call.traded_price)) > 0
    ]
    return [(name, holding) for _, name, holding in sorted(held, key=lambda one: (-one[0], one[1]))]


def _score(holding: ExchangeHolding, price: Decimal) -> Decimal:
    """Profit over cost, times value over equity."""
    profit_usd = holding.side.value * (price * holding.quantity_base - holding.cost_usd)
    equity_usd = holding.margin_usd + profit_usd
    if profit_usd <= 0 or equity_usd <= 0:
        return ZERO
    return profit_usd / holding.cost_usd * price * holding.quantity_base / equity_usd


def _given_up(
    call: MarginCall, name: str, winner: ExchangeHolding, quantity_base: Decimal, price: Decimal
) -> list[Event]:
    accounts, venue = call.accounts, call.key[0]
    realised_usd = winner.profit_usd(price, quantity_base)
    winner.remove(quantity_base)
    accounts.till(venue).book(accounts.wallet(venue, name), realised_usd=realised_usd)
    accounts.reprice(call.key, name)
    if name:
        return []
    return [
        events.PositionDeleveraged(
            time_ms=call.time_ms, venue=venue, coin=call.key[1], side=winner.side, price=price,
            quantity_base=quantity_base, event_id=accounts.new_event_id(),
        ),
        *attached_stops.after_position(accounts, call.key, call.time_ms),
    ]
