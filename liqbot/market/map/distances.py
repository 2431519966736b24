"""`Distances`: how far a place of the map lies from a price, as the traded contract loses on the way."""

import msgspec


class Distances(msgspec.Struct, frozen=True):
    """In per cent of a position's value: of the price where contracts are of coins, of 1 / price where they are of USD.

    So a leverage lies equally far on both sides of the mark, and a market of one kind has the distances of its mirror
    image, which is of the other kind.
    """

    inverse: bool = False

    def moved_pct(self, origin: float, price: float) -> float:
        """From one price to another: negative downward."""
        return (1.0 - origin / price if self.inverse else price / origin - 1.0) * 100.0

    def pct(self, origin: float, price: float) -> float:
        """How far, whichever way."""
        return abs(self.moved_pct(origin, price))

    def price(self, origin: float, moved_pct: float) -> float:
        """Where such a move leads: the other way round of `moved_pct`. Never where no price is: 0, infinity."""
        if not self.inverse:
            return max(0.0, origin * (1.0 + moved_pct / 100.0))
        return origin / (1.0 - moved_pct / 100.0) if moved_pct < 100.0 else float("inf")
