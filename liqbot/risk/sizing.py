"""How much: from the distance to the stop and to our own liquidation price, under every cap on notional."""

from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from liqbot.instruments import Instrument
from liqbot.risk.limits import RISK_PCT_CEILING, RiskLimits

_HUNDRED: Final = Decimal(100)
FIRST_WEEK: Final = "first_week"
CAUTION: Final = "caution"
CORRELATED: Final = "correlated"
STEP: Final = "step"
_AS_ASKED_SHARE: Final = Decimal("0.95")
"""What rounding down may take of the risk asked for without being named."""


class Budget(msgspec.Struct, frozen=True):
    """What the account and the market leave room for. `minute_volume_usd` None: unknown, so nothing is taken of it.
    `size_pct` is the share of all that which may be taken."""

    equity_usd: Decimal
    venue_equity_usd: Decimal
    open_notional_usd: Decimal
    day_notional_usd: Decimal
    """Entered today already."""
    minute_volume_usd: Decimal | None
    size_pct: Decimal = _HUNDRED
    size_bound: str = FIRST_WEEK
    """Why only that share."""
    correlated_risk_usd: Decimal = Decimal(0)
    """At stake at the stops of entries that count as one risk with this one."""


class Size(msgspec.Struct, frozen=True):
    """`bound` names what bound it: `risk` as asked for, `risk_ceiling`, `liquidation`, `margin`, `exposure`, `order`,
    `day` or `volume`; that others of its kind took part of the risk (`correlated`) or that only a share of it may be
    taken (`first_week`, `caution`); or the contract's step, where rounding takes more than a twentieth (`step`)."""

    quantity_base: Decimal
    bound: str


def exact(value: float) -> Decimal:
    """The shortest decimal that reads as this float."""
    return _written(value) if value else Decimal(str(value))  # zeros of either sign are equal, and read differently


@lru_cache(maxsize=512, typed=True)
def _written(value: float) -> Decimal:
    return Decimal(str(value))


def loss_base(instrument: Instrument, entry_price: Decimal, exit_price: Decimal, limits: RiskLimits) -> Decimal:
    """What one base coin costs when it is entered and left at these prices: the move, both taker fees, both slips."""
    cost_pct = exact(instrument.taker_fee_pct) + exact(limits.slippage_pct)
    return abs(entry_price - exit_price) + costs_base(entry_price, exit_price, cost_pct)


def costs_base(entry_price: Decimal, exit_price: Decimal, cost_pct: Decimal) -> Decimal:
    """Fees and slips of one base coin, in and out."""
    return (entry_price + exit_price) * cost_pct / _HUNDRED


def size(
    instrument: Instrument,
    entry_price: Decimal,
    stop_price: Decimal,
    leverage: int,
    budget: Budget,
    limits: RiskLimits,
) -> Size:
    """The largest quantity that respects the risk at the stop and all caps, rounded down to the instrument's step."""
    equity_usd = max(Decimal(0), budget.equity_usd)
    loss_usd = loss_base(instrument, entry_price, stop_price, limits)
    margin_usd = max(Decimal(0), budget.venue_equity_usd) * exact(limits.margin_pct_max) / _HUNDRED
    caps = [
        *((risk_usd / loss_usd, bound) for risk_usd, bound in _risks(budget, limits)),
        (margin_usd * leverage / entry_price, "margin"),
        ((equity_usd * exact(limits.exposure_max) - budget.open_notional_usd) / entry_price, "exposure"),
        (exact(limits.order_notional_usd_max) / entry_price, "order"),
        ((exact(limits.day_notional_usd_max) - budget.day_notional_usd) / entry_price, "day"),
    ]
    share = exact(limits.volume_share_pct_max) / _HUNDRED
    caps.append(((budget.minute_volume_usd or Decimal(0)) * share / entry_price, "volume"))
    return _smallest(instrument, _shared(caps, budget))


def risk_asked_usd(equity_usd: Decimal, limits: RiskLimits) -> Decimal:
    """What may be lost at the stop, costs included: an amount where one is configured, else a share of equity."""
    if limits.risk_per_trade_usd is not None:
        return exact(limits.risk_per_trade_usd)
    return max(Decimal(0), equity_usd) * exact(limits.risk_per_trade_pct) / _HUNDRED


def _risks(budget: Budget, limits: RiskLimits) -> list[tuple[Decimal, str]]:
    """The risk asked for, and what else bounds it."""
    asked_usd = risk_asked_usd(budget.equity_usd, limits)
    ceiling_usd = max(Decimal(0), budget.equity_usd) * exact(RISK_PCT_CEILING) / _HUNDRED
    risks = [(asked_usd, "risk"), (ceiling_usd, "risk_ceiling")]
    if budget.correlated_risk_usd:
        risks.append((min(asked_usd, ceiling_usd) - budget.correlated_risk_usd, CORRELATED))
    return risks


def size_to_liquidation(
    instrument: Instrument,
    before: Size,
    entry_price: Decimal,
    liquidation_price: Decimal,
    budget: Budget,
    limits: RiskLimits,
) -> Size:
    """`before`, or less: if the stop fails, the loss down to our own liquidation price stays within its limit."""
    loss_usd = max(Decimal(0), budget.equity_usd) * exact(limits.liquidation_loss_pct_max) / _HUNDRED
    quantity_base = loss_usd / loss_base(instrument, entry_price, liquidation_price, limits)
    shared = _shared([(quantity_base, "liquidation")], budget)
    return _smallest(instrument, [(before.quantity_base, before.bound), *shared])


def _shared(caps: list[tuple[Decimal, str]], budget: Budget) -> list[tuple[Decimal, str]]:
    """Whatever binds binds at the same share: so the size is that share of what it would have been."""
    if budget.size_pct >= _HUNDRED:
        return caps
    return [(quantity_base * budget.size_pct / _HUNDRED, budget.size_bound) for quantity_base, _ in caps]


def _smallest(instrument: Instrument, caps: list[tuple[Decimal, str]]) -> Size:
    most_base, bound = min(caps, key=lambda cap: cap[0])
    quantity_base = instrument.round_quantity(max(Decimal(0), most_base))
    coarse = bound == "risk" and quantity_base < most_base * _AS_ASKED_SHARE
    return Size(quantity_base, STEP if coarse else bound)
