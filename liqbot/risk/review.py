"""The two doors. `review_entry` asks every question in a fixed order and the first refusal wins; `review_reduction`
never refuses. Nobody else makes an `Approved`."""

import math
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.positions import ZERO, Position
from liqbot.market.view import MarketView
from liqbot.risk.account import Account
from liqbot.risk.decision import Adjustment, Approved, Check, Decision, Refusal, Refused, Target
from liqbot.risk.limits import RiskLimits
from liqbot.risk.placement import LeverageCandidate, OrderProposal, TradingBook, place
from liqbot.risk.pre_trade_checks import QUESTIONS, CheckContext
from liqbot.risk.sizing import Budget, exact
from liqbot.signals.verdict import Signal

_WORST_FIRST: Final = (
    Refusal.LIQUIDATION_IN_CLUSTER,
    Refusal.STOP_BEYOND_LIQUIDATION,
    Refusal.LEVERAGE,
    Refusal.SIZE_LIMIT,
    Refusal.SIZE_TOO_SMALL,
)
"""Of a ladder on which every rung was refused, the reason of the rung that came furthest."""


def review_entry(
    signal: Signal,
    view: MarketView,
    account: Account,
    book: TradingBook,
    limits: RiskLimits,
    decision_id: int,
    *,
    entry_in_flight: bool = False,
    foreign_orders: int = 0,
    entering: tuple[Target, ...] = (),
) -> Decision:
    """Whether a signal may become a position, how large, at which leverage. All checks are recorded either way.

    `entering` are the targets of all entries under way: those on other instruments take room like positions.
    """
    elsewhere = tuple(
        target for target in entering
        if target.coin != signal.coin and account.position(target.venue, target.coin) is None
    )
    case = CheckContext(
        signal, view, account, book, limits, entry_in_flight, _wish(signal, book), elsewhere, foreign_orders
    )
    checks: list[Check] = []
    refusal: Refusal | None = None
    for code, question in QUESTIONS:
        check = question(case)
        checks.append(check)
        if not check.passed and refusal is None:
            refusal = code
    rungs: tuple[LeverageCandidate, ...] = ()
    # Without a stop on its right side there is nothing to size against.
    if case.wish is not None and case.stop_pct > 0:
        rungs = place(case.wish, view, book, budget_of(case), limits)
        checks += [_rung_check(rung) for rung in rungs]
        refusal = refusal or _placement_refusal(rungs)
    if refusal is None:
        return Approved(_target(case, rungs[-1], decision_id), tuple(checks))
    reason = _reason(refusal, checks, rungs)
    return Refused(decision_id, refusal, reason, tuple(checks), signal.strategy, signal.coin, signal.side)


def review_reduction(adjustment: Adjustment, position: Position, current_target: Target | None) -> Approved:
    """Never refused. What would add risk is cut down to what does not: an exit is no larger than the position, a stop
    only moves nearer. Without a current target the rest of the position is stopped at its entry."""
    exit_base = min(max(ZERO, adjustment.exit_base), position.quantity_base)
    base = current_target
    if base is None or base.side is not position.side:
        base = _target_of(position, adjustment)
    stop_price, tighter = base.stop_price, True
    if adjustment.stop_price is not None:
        tighter = int(position.side) * (adjustment.stop_price - base.stop_price) >= 0
        stop_price = adjustment.stop_price if tighter else base.stop_price
    # A tighter stop alone leaves the wish as it is: an entry may still be filling.
    left_base = min(base.quantity_base, position.quantity_base - exit_base) if exit_base else base.quantity_base
    checks = (
        Check("exit_base", float(exit_base), float(position.quantity_base), adjustment.exit_base == exit_base),
        Check("stop_tighter", _number(adjustment.stop_price), float(base.stop_price), tighter),
    )
    target = msgspec.structs.replace(
        base, quantity_base=left_base, stop_price=stop_price, reason=f"{adjustment.code}: {adjustment.reason}"
    )
    return Approved(target, checks)


def budget_of(case: CheckContext) -> Budget:
    """Room left by the account and the market."""
    account, view, venue = case.account, case.view, case.book.instrument.venue
    volume_usd = view.minute_volume_usd
    entering_usd = sum((_most_usd(target) for target in case.entering), Decimal(0))
    return Budget(
        equity_usd=account.sure_equity_usd,
        venue_equity_usd=min(account.wallet_usd(venue), account.sure_equity_usd),
        open_notional_usd=account.notional_usd() + entering_usd,
        day_notional_usd=account.entry_notional_usd(view.time_ms) + entering_usd,
        minute_volume_usd=exact(volume_usd) if volume_usd >= 0 else None,
    )


# --- parts --------------------------------------------------------------------------------------------------------


def _most_usd(target: Target) -> Decimal:
    """Notional of an entry under way at the highest of its own prices, since it has no fill yet."""
    prices = (target.limit_price, target.stop_price, target.take_price)
    return target.quantity_base * max(price for price in prices if price is not None)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _wish(signal: Signal, book: TradingBook) -> OrderProposal | None:
    prices = (signal.entry_price, signal.stop_price)
    if not all(math.isfinite(price) and price > 0 for price in prices):
        return None
    instrument = book.instrument
    entry_price = exact(signal.entry_price)
    if signal.limit:
        entry_price = instrument.round_entry(signal.side, entry_price)
    stop_price = instrument.round_stop(signal.side, signal.stop_price)
    return OrderProposal(signal.side, entry_price, stop_price, signal.limit) if entry_price > 0 else None


def _rung_check(rung: LeverageCandidate) -> Check:
    verdict = "accepted" if rung.refusal is None else str(rung.refusal)
    return Check("placement", rung.describe(), verdict, rung.refusal is None)


def _placement_refusal(rungs: tuple[LeverageCandidate, ...]) -> Refusal | None:
    if rungs[-1].refusal is None:
        return None
    found = {rung.refusal for rung in rungs}
    return next(code for code in _WORST_FIRST if code in found)


def _reason(refusal: Refusal, checks: list[Check], rungs: tuple[LeverageCandidate, ...]) -> str:
    """The failed check in words."""
    for (code, _), check in zip(QUESTIONS, checks, strict=False):
        if code is refusal and not check.passed:
            value = "unknown" if check.value is None else check.value
            return f"{check.name} is {value}, limit {check.limit}"
    return next((rung.describe() for rung in rungs if rung.refusal is refusal), str(refusal))


def _target(case: CheckContext, rung: LeverageCandidate, decision_id: int) -> Target:
    signal, instrument, wish = case.signal, case.book.instrument, rung.wish
    take_price = None if signal.take_price is None else instrument.round_take(signal.side, signal.take_price)
    return Target(
        decision_id=decision_id,
        venue=instrument.venue,
        coin=signal.coin,
        strategy=signal.strategy,
        side=signal.side,
        quantity_base=rung.size.quantity_base,
        limit_price=wish.entry_price if wish.limit else None,
        leverage=rung.leverage,
        stop_price=wish.stop_price,
        take_price=take_price,
        liquidation_price=exact(rung.liquidation_price),
        expires_ms=signal.expires_ms,
        exit_by_ms=case.view.time_ms + signal.max_hold_ms,
        reason=signal.why,
        price_tick=instrument.price_tick,
        account=case.account.name,
    )


def _target_of(position: Position, adjustment: Adjustment) -> Target:
    """What is, as a wish: for a position that no decision of this journal describes."""
    return Target(
        decision_id=0,
        venue=position.venue,
        coin=position.coin,
        strategy="",
        side=position.side,
        quantity_base=position.quantity_base,
        limit_price=None,
        leverage=max(1, int(position.leverage or 1)),
        stop_price=adjustment.stop_price or position.entry_price,
        take_price=None,
        liquidation_price=position.liquidation_price or ZERO,
        expires_ms=0,
        exit_by_ms=0,
        reason=adjustment.reason,
        account=position.account,
    )
