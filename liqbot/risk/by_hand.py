"""What a person orders of one open position: to close it, or its stop nearer. Only ever less risk."""

from decimal import Decimal
from typing import Final

from liqbot.accounting.positions import Position
from liqbot.events import CloseOrdered, StopOrdered
from liqbot.risk.decision import Adjustment, Reduction
from liqbot.risk.translation import MarkTranslation, VenueTarget

BY_HAND: Final = "by hand"
ByHand = CloseOrdered | StopOrdered


def stop_objection(
    position: Position | None, target: VenueTarget | None, stop_price: Decimal, mark_price: float | None
) -> str:
    """Why the stop may not be moved there; empty: it may. All in prices of the trading market."""
    if position is None:
        return "no position is open"
    if target is None or target.side is not position.side or target.quantity_base == 0:
        return "the position is being closed already"
    if mark_price is None:
        return "no price of the market is known now to judge it by"
    sign = int(position.side)
    nearer, farther = ("above", "below") if sign > 0 else ("below", "above")
    liquidation_price = position.liquidation_price or target.liquidation_price
    questions = (
        (stop_price - liquidation_price, f"lies beyond our own liquidation at {liquidation_price}"),
        (stop_price - target.stop_price, f"is not nearer than the stop at {target.stop_price}: go {nearer} it"),
        (Decimal(str(mark_price)) - stop_price, f"is on the wrong side of the mark at {mark_price:.10g}: go {farther}"),
    )
    return next((f"{stop_price} {why}" for room, why in questions if sign * room <= 0), "")


def ordered_adjustment(
    fact: ByHand, position: Position, target: VenueTarget | None, translation: MarkTranslation, mark_price: float | None
) -> Adjustment | None:
    """None where it would change nothing or may not be. Prices of the answer are the map's."""
    if isinstance(fact, CloseOrdered):
        if target is not None and target.quantity_base == 0:
            return None
        return Adjustment(
            fact.venue, fact.coin, Reduction.CLOSED_BY_HAND, fact.reason, exit_base=position.quantity_base,
            mark_ratio=translation.ratio,
        )
    if stop_objection(position, target, fact.stop_price, mark_price):
        return None
    return Adjustment(
        fact.venue, fact.coin, Reduction.STOP_BY_HAND, fact.reason,
        stop_price=translation.in_map(fact.stop_price), mark_ratio=translation.ratio,
    )
