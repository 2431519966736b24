"""What a USD of each venue's row is worth on the map: by the currency it is quoted in, and by the trust in its venue.

Rows of the estimate are in their venue's own quote, as its liquidation prices are: what a mark has to go to reach one
is the same in either. Here, and nowhere else, they are translated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from liqbot.market.estimate.price_grid import position_of
from liqbot.market.observed.prices import VenuePrice


class PlacedRow(NamedTuple):
    """A row as it lies on the map."""

    venue: int
    row: int
    shift_units: float
    """Units of the price grid from its own mark to the reference."""
    quote_ratio: float
    """What a unit of its quote is worth."""
    usd_ratio: float
    """That, times the trust in its venue."""


class VenueWorth:
    """By venue index. Trust is 1 where nothing speaks against a venue."""

    def __init__(self, venues: int) -> None:
        self.rates: Sequence[float] = [1.0] * venues
        self.rates_before: Sequence[float] = self.rates
        """At the step before."""
        self.weights: Sequence[float] = [1.0] * venues

    def follow(self, rates: Sequence[float], weights: Sequence[float]) -> None:
        """From this step on."""
        self.rates_before, self.rates, self.weights = self.rates, rates, weights

    def moved(self, venue: int) -> float:
        """By which factor prices in its quote rose in this step because of the quote alone."""
        return self.rates_before[venue] / self.rates[venue] if self.rates_before is not self.rates else 1.0

    def placed(
        self, row_of: Mapping[int, int], prices: Sequence[VenuePrice], reference_price: float
    ) -> Iterator[PlacedRow]:
        """Every venue with a price."""
        reference = position_of(reference_price)
        for venue, row in row_of.items():
            if prices[venue].known:
                ratio = self.rates[venue]
                offset = reference - position_of(prices[venue].mark_price * ratio)
                yield PlacedRow(venue, row, offset, ratio, ratio * self.weights[venue])

    def parts(self, row_of: Mapping[int, int]) -> dict[int, float] | None:
        """Row -> which part of a USD of it counts; None where all of every row does."""
        parts = {row: self.rates[venue] * self.weights[venue] for venue, row in row_of.items()}
        return None if all(part == 1.0 for part in parts.values()) else parts
