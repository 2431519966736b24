"""Wallets and positions of the simulated exchange: isolated margin, linear contracts, Decimal to the micro-dollar.

Every booking is rounded once, when it is booked. So a wallet is always exactly its start plus what was realised, minus
fees, plus funding, plus transfers, plus rebates.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics

MICRO_USD: Final = Decimal("0.000001")
_PRICE_GRID: Final = Decimal("0.00000001")
_HUNDRED: Final = Decimal(100)
_TICKS_SEARCHED: Final = 64


def micro(amount_usd: Decimal) -> Decimal:
    """Rounded half to even."""
    return amount_usd.quantize(MICRO_USD, ROUND_HALF_EVEN)


def percent(amount_usd: Decimal, pct: float) -> Decimal:
    return micro(amount_usd * Decimal(str(pct)) / _HUNDRED)


class ExchangeWallet(msgspec.Struct):
    """One venue's account; the sums say where the balance comes from. Fees are positive when paid."""

    wallet_usd: Decimal
    start_usd: Decimal
    realised_usd: Decimal = Decimal(0)
    fees_usd: Decimal = Decimal(0)
    funding_usd: Decimal = Decimal(0)
    transfers_usd: Decimal = Decimal(0)
    rebates_usd: Decimal = Decimal(0)

    def book(
        self,
        *,
        realised_usd: Decimal = Decimal(0),
        fee_usd: Decimal = Decimal(0),
        funding_usd: Decimal = Decimal(0),
        transfer_usd: Decimal = Decimal(0),
        rebate_usd: Decimal = Decimal(0),
    ) -> None:
        self.realised_usd += realised_usd
        self.fees_usd += fee_usd
        self.funding_usd += funding_usd
        self.transfers_usd += transfer_usd
        self.rebates_usd += rebate_usd
        self.wallet_usd += realised_usd - fee_usd + funding_usd + transfer_usd + rebate_usd


class ExchangeHolding(msgspec.Struct):
    """An open position. `cost_usd` is the exact sum of price x quantity at entry."""

    side: Side
    leverage: int
    quantity_base: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)
    margin_usd: Decimal = Decimal(0)
    liquidation_price: Decimal | None = None
    """The first price on the tick grid, going the way that hurts, at which the venue liquidates; None: none does."""
    rung: int = 0
    """How many steps of the venue's ladder of forced closes have been taken; it begins anew once the margin holds."""
    waits_ms: int = 0
    """When the next of them may be taken."""

    @property
    def entry_price(self) -> Decimal:
        return self.cost_usd / self.quantity_base

    @property
    def bankruptcy_price(self) -> Decimal:
        """Where the margin is used up, rounded toward less loss."""
        price = (self.cost_usd - self.side.value * self.margin_usd) / self.quantity_base
        return max(price, Decimal(0)).quantize(_PRICE_GRID, ROUND_CEILING if self.side is Side.LONG else ROUND_FLOOR)

    def add(self, price: Decimal, quantity_base: Decimal) -> None:
        notional_usd = price * quantity_base
        self.quantity_base += quantity_base
        self.cost_usd += notional_usd
        self.margin_usd += margin_needed(notional_usd, self.leverage)

    def profit_usd(self, price: Decimal, quantity_base: Decimal) -> Decimal:
        """Of closing this much at this price, before fees; to the micro-dollar."""
        cost_usd = self.cost_usd * quantity_base / self.quantity_base
        return micro(self.side.value * (price * quantity_base - cost_usd))

    def remove(self, quantity_base: Decimal) -> None:
        """Cost and margin shrink in proportion."""
        kept = (self.quantity_base - quantity_base) / self.quantity_base
        self.cost_usd *= kept
        self.margin_usd = (self.margin_usd * kept).quantize(MICRO_USD, ROUND_CEILING)
        self.quantity_base -= quantity_base

    def force(self, quantity_base: Decimal, realised_usd: Decimal, fee_usd: Decimal) -> None:
        """A part is closed by the venue: the margin pays for it, and what is left of it stays with what is left."""
        self.cost_usd *= (self.quantity_base - quantity_base) / self.quantity_base
        self.margin_usd += realised_usd - fee_usd
        self.quantity_base -= quantity_base


def margin_needed(notional_usd: Decimal, leverage: int) -> Decimal:
    return (notional_usd / leverage).quantize(MICRO_USD, ROUND_CEILING)


def liquidation_tick(holding: ExchangeHolding, instrument: Instrument, mechanics: Mechanics) -> Decimal | None:
    """Found near the float formula's price, decided tick by tick by the venue's rule in Decimal."""
    entry_price = holding.entry_price
    guess = mechanics.liquidation_price(
        holding.side, float(entry_price), float(holding.quantity_base), max(float(holding.margin_usd), 0.0)
    )
    if not 0.0 < guess < float("inf"):  # NaN too: this venue liquidates no single position by price
        return None
    harm = -instrument.price_tick * holding.side.value
    price = instrument.round_price(guess)

    def liquidated(at_price: Decimal) -> bool:
        return mechanics.is_liquidated(
            holding.side, entry_price, holding.quantity_base, holding.margin_usd, max(at_price, instrument.price_tick)
        )

    for _ in range(_TICKS_SEARCHED):
        if liquidated(price):
            break
        price += harm
    for _ in range(_TICKS_SEARCHED):
        if not liquidated(price - harm):
            break
        price -= harm
    return max(price, instrument.price_tick)
