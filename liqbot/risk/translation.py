"""Prices of the map in those of the market where orders rest, and back: here and nowhere else.

Reasons, decisions and their targets are in prices of the map. Orders, fills, positions and money are in prices of the
trading market. With money both are one market and the ratio is 1. A price of the map times the ratio is one of the
trading market, rounded to the tick toward less risk; the other way nothing is rounded, so that what came from the
venue returns to it unchanged by the same ratio.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from liqbot.accounting.positions import Position
from liqbot.instruments import Side, limit_on_grid, stop_on_grid
from liqbot.market.mark_ratio import MarkRatio
from liqbot.risk.decision import SAME_MARKET_RATIO, Target

_FINE: Final = Decimal("1e-9")
"""Of a tick: what a division left over is no reason for another tick."""


class VenueTarget(Target, frozen=True):
    """A target in prices of the trading market: what execution makes orders of."""


class MarkTranslation(msgspec.Struct, frozen=True):
    """Of one contract at one ratio, trading mark over map mark."""

    price_tick: Decimal
    """Of the contract; 0: unknown, nothing is rounded."""
    ratio: Decimal = SAME_MARKET_RATIO

    # --- to the trading market ------------------------------------------------------------------------------------

    def price_at_venue(self, price: Decimal) -> Decimal:
        """Nobody's order: not rounded."""
        return price * self.ratio

    def entry_at_venue(self, side: Side, price: Decimal) -> Decimal:
        """Of a limit entry: the better price for us."""
        return self._on_grid(limit_on_grid, side, price)

    def stop_at_venue(self, side: Side, price: Decimal) -> Decimal:
        """Toward the entry."""
        return self._on_grid(stop_on_grid, side, price)

    def take_at_venue(self, side: Side, price: Decimal) -> Decimal:
        """Toward the entry."""
        return self._on_grid(limit_on_grid, side, price)

    def target_at_venue(self, target: Target) -> VenueTarget:
        """As execution keeps it: what risk does about it later is translated by the ratio of that time."""
        limit_price, take_price, partial_price = target.limit_price, target.take_price, target.partial_take_price
        prices = {
            "limit_price": None if limit_price is None else self.entry_at_venue(target.side, limit_price),
            "stop_price": self.stop_at_venue(target.side, target.stop_price),
            "take_price": None if take_price is None else self.take_at_venue(target.side, take_price),
            "partial_take_price": None if partial_price is None else self.price_at_venue(partial_price),
            "liquidation_price": self.price_at_venue(target.liquidation_price),
        }
        return VenueTarget(**msgspec.structs.asdict(target) | prices)

    def _on_grid(self, rounded: Callable[[Side, Decimal, Decimal], Decimal], side: Side, price: Decimal) -> Decimal:
        if not self.price_tick:
            return price * self.ratio
        exact = (price * self.ratio).quantize(self.price_tick * _FINE, ROUND_HALF_EVEN)
        return rounded(side, exact, self.price_tick)

    # --- to the map -----------------------------------------------------------------------------------------------

    def in_map(self, price: Decimal) -> Decimal:
        return price / self.ratio

    def target_in_map(self, target: VenueTarget) -> Target:
        """At this ratio, whatever it was translated by before."""
        limit_price, take_price, partial_price = target.limit_price, target.take_price, target.partial_take_price
        prices = {
            "limit_price": None if limit_price is None else self.in_map(limit_price),
            "stop_price": self.in_map(target.stop_price),
            "take_price": None if take_price is None else self.in_map(take_price),
            "partial_take_price": None if partial_price is None else self.in_map(partial_price),
            "liquidation_price": self.in_map(target.liquidation_price),
        }
        return Target(**msgspec.structs.asdict(target) | prices | {"mark_ratio": self.ratio})

    def position_in_map(self, position: Position) -> Position:
        """The same position if the map's dollar were its money: prices and amounts alike, so that what it cost per
        coin can be added to a price."""
        liquidation_price = position.liquidation_price
        return msgspec.structs.replace(
            position,
            entry_price=self.in_map(position.entry_price),
            realised_usd=self.in_map(position.realised_usd),
            fees_usd=self.in_map(position.fees_usd),
            funding_usd=self.in_map(position.funding_usd),
            liquidation_price=None if liquidation_price is None else self.in_map(liquidation_price),
        )


def translation_at(price_tick: Decimal, mark: MarkRatio, otherwise: Decimal = SAME_MARKET_RATIO) -> MarkTranslation:
    """At the ratio that is known, however old; without any at `otherwise`."""
    return MarkTranslation(price_tick, ratio_of(mark) if mark.known else otherwise)


def at_venue(target: Target) -> VenueTarget:
    """By what the target itself bears: as its orders were to be placed."""
    return MarkTranslation(target.price_tick, target.mark_ratio).target_at_venue(target)


def ratio_of(mark: MarkRatio) -> Decimal:
    """As decisions bear it. ValueError for one that is not known."""
    if not mark.known:
        raise ValueError("mark ratio: not known yet")
    return Decimal(str(mark.ratio)) if mark.ratio != 1.0 else SAME_MARKET_RATIO


def shown_ratio(ratio: Decimal) -> float | None:
    """For books: None where the prices of map and orders are the same."""
    return None if ratio == SAME_MARKET_RATIO else float(ratio)
