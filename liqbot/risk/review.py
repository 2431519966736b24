"""The two doors. `review_entry` makes every check in a fixed order and the first refusal wins; `review_reduction` never
refuses. Nobody else makes an `Approved`."""

import math
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from liqbot.accounting.positions import ZERO, Position
from liqbot.instruments import Instrument
from liqbot.market.mark_ratio import SAME_MARKET, MarkRatio
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.caution import crowded_side
from liqbot.risk.decision import Adjustment, Approved, Check, Decision, Refusal, Refused, Target
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import LeverageCandidate, OrderProposal, Placement, TradingBook, place
from liqbot.risk.pre_trade_checks import PRE_TRADE_CHECKS, CheckContext
from liqbot.risk.sizing import CAUTION, FIRST_WEEK, Budget, exact, risk_asked_usd
from liqbot.risk.translation import VenueTarget, translation_at
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
from liqbot.signals.verdict import Signal, Verdict

_WORST_FIRST: Final = (
    Refusal.LIQUIDATION_IN_CLUSTER,
    Refusal.LIQUIDATION_LIKELY,
    Refusal.STOP_BEYOND_LIQUIDATION,
    Refusal.LEVERAGE,
    Refusal.SIZE_LIMIT,
    Refusal.SIZE_TOO_SMALL,
)
"""When every candidate was refused, the reason of the one that came furthest."""


class EntryReview(NamedTuple):
    """Risk's decision on a signal, and the verdict of `avoid_liquidity` on it: None when there was nothing to place."""

    decision: Decision
    verdict: Verdict | None


def review_entry(
    signal: Signal,
    view: MarketView,
    account: Account,
    book: TradingBook,
    limits: RiskLimits,
    avoid: AvoidLiquidityParams,
    decision_id: int,
    *,
    entry_in_flight: bool = False,
    foreign_orders: int = 0,
    entering: tuple[VenueTarget, ...] = (),
    mark: MarkRatio = SAME_MARKET,
    held: tuple[VenueTarget, ...] = (),
    opposing: tuple[str, ...] = (),
) -> EntryReview:
    """Whether a signal may become a position, how large, at which leverage. All checks are recorded either way.

    Of `entering`, the entries under way, those on other instruments take room like positions; `held` are the targets of
    open positions. `mark`: how the market where orders rest compares with the map's. `opposing`: other strategies that
    signal the other side now."""
    proposal, translation = _proposal(signal, book), translation_at(book.instrument.price_tick, mark)
    elsewhere = _elsewhere(entering, signal.coin, account)
    rest = (entry_in_flight, proposal, elsewhere, foreign_orders, mark, opposing, held)
    context = CheckContext(signal, view, account, book, limits, *rest)
    asked = _asked(context)
    checks = [check for _, check in asked]
    refusal = next((code for code, check in asked if not check.passed), None)
    placed, verdict = Placement((), None), None
    if proposal is not None and context.stop_pct > 0:  # else there is nothing to size against
        placed = place(proposal, view, book, budget_of(context), limits, avoid, translation, signal.max_hold_ms)
        checks += [_candidate_check(one) for one in placed.tried]
        refusal = refusal or _placement_refusal(placed)
        verdict = _placement_verdict(signal, placed, avoid)
    if refusal is None:
        target = _target(context, placed.accepted, decision_id, translation.ratio)
        return EntryReview(Approved(target, (*checks, *_size_checks(context, placed.accepted))), verdict)
    reason = _reason(refusal, asked, placed.tried)
    refused = Refused(decision_id, refusal, reason, tuple(checks), signal.strategy, signal.coin, signal.side)
    return EntryReview(refused, verdict)


def _elsewhere(entering: tuple[VenueTarget, ...], coin: str, account: Account) -> tuple[VenueTarget, ...]:
    """Entries under way on other instruments that no position answers for yet."""
    return tuple(
        target for target in entering
        if target.coin != coin and account.position(target.venue, target.coin) is None
    )


def review_reduction(adjustment: Adjustment, position: Position, current_target: Target | None) -> Approved:
    """Never refused. What would add risk is cut down to what does not: an exit is no larger than the position, a stop
    only moves nearer. Without a current target the rest of the position is stopped at its entry. All in prices of the
    map."""
    exit_base = min(max(ZERO, adjustment.exit_base), position.quantity_base)
    base = current_target
    if base is None or base.side is not position.side:
        base = _target_of(position, adjustment)
    stop_price, tighter = base.stop_price, True
    if adjustment.stop_price is not None:
        tighter = int(position.side) * (adjustment.stop_price - base.stop_price) >= 0
        stop_price = adjustment.stop_price if tighter else base.stop_price
    # A tighter stop alone leaves the quantity as it is: an entry may still be filling.
    left_base = min(base.quantity_base, position.quantity_base - exit_base) if exit_base else base.quantity_base
    checks = (
        Check("exit_base", float(exit_base), float(position.quantity_base), adjustment.exit_base == exit_base),
        Check("stop_tighter", _number(adjustment.stop_price), float(base.stop_price), tighter),
    )
    target = msgspec.structs.replace(
        base, quantity_base=left_base, stop_price=stop_price, reason=f"{adjustment.code}: {adjustment.reason}",
        partial_take_price=None if exit_base else base.partial_take_price,
    )
    return Approved(target, checks)


def budget_of(context: CheckContext) -> Budget:
    """Room left by the account and the market."""
    account, view, venue = context.account, context.view, context.book.instrument.venue
    size_pct, size_bound = _size_share(context)
    volume_usd = view.minute_volume_usd
    entering_usd = sum((_most_usd(target) for target in context.entering), Decimal(0))
    return Budget(
        equity_usd=account.sure_equity_usd,
        venue_equity_usd=min(account.wallet_usd(venue), account.sure_equity_usd),
        open_notional_usd=account.notional_usd() + entering_usd,
        day_notional_usd=account.entry_notional_usd(view.time_ms) + entering_usd,
        minute_volume_usd=exact(volume_usd) if volume_usd >= 0 else None,
        size_pct=size_pct,
        size_bound=size_bound,
        correlated_risk_usd=context.correlated_risk_usd,
    )


def _size_share(context: CheckContext) -> tuple[Decimal, str]:
    """Which share of its size an entry may have, in percent, and why."""
    week_pct = exact(context.account.ladder.size_pct_at(context.view.time_ms))
    if crowded_side(context.view, context.limits) is None:
        return week_pct, FIRST_WEEK
    return week_pct * exact(context.limits.caution_size_pct) / 100, CAUTION


# --- parts --------------------------------------------------------------------------------------------------------


def _asked(context: CheckContext) -> list[tuple[Refusal, Check]]:
    """Every pre-trade check that concerns this entry, with its code."""
    answers = ((code, pre_trade_check(context)) for code, pre_trade_check in PRE_TRADE_CHECKS)
    return [(code, check) for code, check in answers if check is not None]


def _most_usd(target: VenueTarget) -> Decimal:
    """Notional of an entry under way at the highest of its own prices, since it has no fill yet."""
    prices = (target.limit_price, target.stop_price, target.take_price)
    return target.quantity_base * max(price for price in prices if price is not None)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _proposal(signal: Signal, book: TradingBook) -> OrderProposal | None:
    prices = (signal.entry_price, signal.stop_price)
    if not all(math.isfinite(price) and price > 0 for price in prices):
        return None
    instrument = book.instrument
    entry_price = exact(signal.entry_price)
    if signal.limit:
        entry_price = instrument.round_entry(signal.side, entry_price)
    stop_price = instrument.round_stop(signal.side, signal.stop_price)
    return OrderProposal(signal.side, entry_price, stop_price, signal.limit) if entry_price > 0 else None


def _candidate_check(candidate: LeverageCandidate) -> Check:
    answer = "accepted" if candidate.refusal is None else str(candidate.refusal)
    return Check("placement", candidate.describe(), answer, candidate.refusal is None)


def _size_checks(context: CheckContext, chosen: LeverageCandidate) -> tuple[Check, Check]:
    """What is at stake at the stop against what was asked for, and what bound it when that is less."""
    asked_usd = risk_asked_usd(context.account.sure_equity_usd, context.limits)
    return (
        Check("risk_usd", float(chosen.risk_usd), float(asked_usd), passed=True),
        Check("size_bound", chosen.size.bound, "risk", passed=True),
    )


def _placement_refusal(placed: Placement) -> Refusal | None:
    if placed.chosen is not None:
        return None
    found = {candidate.refusal for candidate in placed.tried}
    return next(code for code in _WORST_FIRST if code in found)


def _placement_verdict(signal: Signal, placed: Placement, avoid: AvoidLiquidityParams) -> Verdict:
    chosen = None if placed.chosen is None else placed.chosen.place
    tried = [one.place for one in placed.tried]
    return avoid_liquidity.verdict_on(signal.coin, signal.side, tried, avoid, chosen)


def _reason(
    refusal: Refusal, asked: list[tuple[Refusal, Check]], candidates: tuple[LeverageCandidate, ...]
) -> str:
    """The failed check in words."""
    for code, check in asked:
        if code is refusal and not check.passed:
            value = "unknown" if check.value is None else check.value
            return f"{check.name} is {value}, limit {check.limit}"
    return next((one.describe() for one in candidates if one.refusal is refusal), str(refusal))


def _target(context: CheckContext, chosen: LeverageCandidate, decision_id: int, mark_ratio: Decimal) -> Target:
    signal, instrument, proposal = context.signal, context.book.instrument, chosen.proposal
    take_price = None if signal.take_price is None else instrument.round_take(signal.side, signal.take_price)
    partial_price, partial_share = _partial_take(signal, instrument, chosen.size.quantity_base)
    return Target(
        decision_id=decision_id,
        venue=instrument.venue,
        coin=signal.coin,
        strategy=signal.strategy,
        side=signal.side,
        quantity_base=chosen.size.quantity_base,
        limit_price=proposal.entry_price if proposal.limit else None,
        leverage=chosen.leverage,
        stop_price=proposal.stop_price,
        take_price=take_price,
        liquidation_price=exact(chosen.liquidation_price),
        expires_ms=signal.expires_ms,
        exit_by_ms=context.view.time_ms + signal.max_hold_ms,
        reason=signal.why,
        price_tick=instrument.price_tick,
        account=context.account.name,
        mark_ratio=mark_ratio,
        risk_usd=chosen.risk_usd,
        partial_take_price=partial_price,
        partial_take_share=partial_share,
    )


def _partial_take(signal: Signal, instrument: Instrument, quantity_base: Decimal) -> tuple[Decimal | None, Decimal]:
    """(price, share); none of a position whose part, or what is left of it, the venue would not take as an order."""
    if signal.partial_take_price is None:
        return None, ZERO
    price, share = exact(signal.partial_take_price), exact(signal.partial_take_share)
    smaller_base = instrument.round_quantity(quantity_base * min(share, 1 - share))
    if smaller_base * min(price, exact(signal.entry_price)) < max(instrument.min_notional_usd, instrument.price_tick):
        return None, ZERO
    return price, share


def _target_of(position: Position, adjustment: Adjustment) -> Target:
    """The position as it is, as a target: for one that no decision of this journal describes."""
    return Target(
        decision_id=0,
        venue=position.venue,
        coin=position.coin,
        strategy=adjustment.strategy,
        side=position.side,
        quantity_base=position.quantity_base,
        limit_price=None,
        leverage=max(1, int(position.leverage or 1)),
        stop_price=adjustment.stop_price or position.entry_price,
        take_price=None,
        liquidation_price=position.liquidation_price or ZERO,
        expires_ms=0,
        exit_by_ms=adjustment.exit_by_ms,
        reason=adjustment.reason,
        price_tick=adjustment.price_tick,
        account=position.account,
        mark_ratio=adjustment.mark_ratio,
    )
