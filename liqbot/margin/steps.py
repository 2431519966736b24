"""How venues close a position that fell below maintenance: whole, down to compliance, tier by tier, in fractions.

A ladder describes the venue; `ladder_steps` gives what it would do to one position, as a plan of amounts.
"""

from typing import Final, Literal

import msgspec

from liqbot.margin.tiers import TierTable

Taker = Literal["book", "insurance_fund", "vault", "assignees", "counterparties"]
Kind = Literal["whole", "compliance", "tiers_down", "fraction_first", "small_steps"]


class LiquidationSteps(msgspec.Struct, frozen=True, kw_only=True):
    """`takers`: who takes the position over, in order; each next one gets what the one before did not take."""

    kind: Kind
    takers: tuple[Taker, ...] = ("book", "insurance_fund", "counterparties")
    whole_up_to_tier: int = 1
    """Positions in tiers 1..n are closed whole."""
    tiers_per_step: int = 1
    first_share_pct: float = 100.0
    whole_up_to_usd: float = 0.0
    pause_ms: int = 0
    vault_below_share_pct: float = 0.0
    """Equity below this share of maintenance hands the whole position to a backstop vault."""


class LiquidationStep(msgspec.Struct, frozen=True):
    """Close `close_usd` (of the notional at the start) through `taker`, `after_ms` after the step before.

    `if_needed`: only when equity is still not above maintenance, or the step before was not filled.
    """

    close_usd: float
    taker: Taker
    after_ms: int = 0
    if_needed: bool = False


WHOLE: Final = LiquidationSteps(kind="whole")
COINBASE: Final = LiquidationSteps(
    kind="compliance", whole_up_to_tier=0, takers=("book", "assignees", "insurance_fund")
)


def ladder_steps(
    ladder: LiquidationSteps, table: TierTable, *, notional_usd: float, equity_usd: float, price: float | None = None
) -> tuple[LiquidationStep, ...]:
    """The venue's plan for a position at the moment its equity has reached maintenance or less.

    Amounts before the last one add up to at most the notional; takers after the first get the rest if needed.
    """
    if not notional_usd > 0.0:
        raise ValueError(f"notional_usd: {notional_usd} must be above 0")
    maintenance_usd = table.maintenance_usd(notional_usd, price)
    if equity_usd < maintenance_usd * ladder.vault_below_share_pct / 100.0:
        return (LiquidationStep(notional_usd, "vault"),)
    parts = _parts(ladder, table, notional_usd, equity_usd, price)
    first = ladder.takers[0]
    steps = [
        LiquidationStep(part, first, ladder.pause_ms if number else 0, if_needed=number > 0)
        for number, part in enumerate(parts)
    ]
    return (*steps, *(LiquidationStep(notional_usd, taker, if_needed=True) for taker in ladder.takers[1:]))


def _parts(
    ladder: LiquidationSteps, table: TierTable, notional_usd: float, equity_usd: float, price: float | None
) -> tuple[float, ...]:
    """Amounts offered to the first taker, one after the other."""
    tier = table.tiers.index(table.tier_at(notional_usd, price)) + 1
    if ladder.kind == "whole" or (ladder.kind != "fraction_first" and tier <= ladder.whole_up_to_tier):
        return (notional_usd,)
    if ladder.kind == "compliance":
        kept_usd = table.notional_usd_kept(equity_usd, price)
        return (notional_usd - kept_usd, kept_usd) if 0.0 < kept_usd < notional_usd else (notional_usd,)
    if ladder.kind == "tiers_down":
        return _tiers_down(ladder, table, notional_usd, tier, table.scale(price))
    if ladder.kind == "fraction_first" and notional_usd <= ladder.whole_up_to_usd:
        return (notional_usd,)
    part_usd = notional_usd * ladder.first_share_pct / 100.0
    if ladder.kind == "fraction_first":
        return (part_usd, notional_usd - part_usd)
    return (part_usd,) * round(100.0 / ladder.first_share_pct)


def _tiers_down(
    ladder: LiquidationSteps, table: TierTable, notional_usd: float, tier: int, scale: float
) -> tuple[float, ...]:
    parts: list[float] = []
    left_usd = notional_usd
    while tier > ladder.whole_up_to_tier:
        tier = max(tier - ladder.tiers_per_step, 1)
        border_usd = table.tiers[tier - 1].notional_usd_cap * scale
        parts.append(left_usd - border_usd)
        left_usd = border_usd
    return (*parts, left_usd)
