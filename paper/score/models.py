"""What a model must answer to be scored, and the product's own map as such a model."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock, Roster
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from paper.score.price_path import FINE, LONG, OUTWARD, SHORT, Floats, outward, prices_at

_SIDES = (Side.LONG, Side.SHORT)


class Outlook(msgspec.Struct, frozen=True, eq=False):
    """What a model says at one moment, in score bins from its own mark outward; all arrays are [side, bin].

    `positions_usd` is what would be force-closed there; `forecast_usd[h]` what feeds are expected to report from there
    if price visits the bin within `h` hours; `percentile` the density percentile at the bin's middle, NaN if unknown.
    `venue_positions_usd` is the first by venue, [venue, side, bin], each from its own mark; `clustered` the share of
    each bin that lies in one of the model's clusters.
    """

    positions_usd: Floats
    forecast_usd: dict[int, Floats]
    percentile: Floats
    venue_positions_usd: Floats
    clustered: Floats


class ScoredModel(Protocol):
    """Fed every block of a tape once, in order; asked after any of them. It never sees what comes later."""

    def take(self, block: EventBlock) -> None:
        """Fold one clock step."""

    def touched_usd(self) -> Floats:
        """[venue, side]: USD that the last step's newly crossed prices are expected to have closed by force, by what
        was known before the step; in the units of the forecast."""

    def outlook(self, horizons_h: tuple[int, ...], bins: int) -> Outlook:
        """As things stand after the last step."""


class LiqbotModel:
    """The product's map and forecast, folded as they are live.

    What strategies read of the map at every step (clusters, zones, views) is left out unless `reading`: nothing of it
    is learnt from, and it is a third of the work.
    """

    def __init__(
        self, roster: Roster, coin: str, home: str, params: MarketParams, *, reading: bool = False
    ) -> None:
        self._reading = reading
        self._coin, self._code, self._roster = coin, roster.coin_code(coin), roster
        self._market = Market(params, roster, home)
        self._touched_usd = np.zeros((len(roster.venues), 2))

    def take(self, block: EventBlock) -> None:
        self._touched_usd[:] = 0.0
        self._market.collect(block)
        if block.tick_ms is None:
            return
        self._market.on_tick(block.tick_ms, reading=self._reading)
        if any((block.rows(kind)["coin"] == self._code).any() for kind in KINDS):
            for venue, usd in self._market.promised_usd(self._coin).items():
                self._touched_usd[self._roster.venue_code(venue)] = usd

    def touched_usd(self) -> Floats:
        return self._touched_usd

    def outlook(self, horizons_h: tuple[int, ...], bins: int) -> Outlook:
        try:
            drawn = self._market.map_of(self._coin)
        except ValueError:
            empty, venues = np.zeros((2, bins)), len(self._roster.venues)
            none = np.zeros((venues, 2, bins))
            return Outlook(empty, dict.fromkeys(horizons_h, empty), np.full((2, bins), np.nan), none, empty)
        forecasts = {hours: self._forecast(hours, bins) for hours in horizons_h}
        by_venue = [
            outward_of(self._market.map_of(self._coin, venues=[venue]), bins) for venue in self._roster.venues
        ]
        clustered = _clustered(drawn.mark_price, self._market.clusters_of(self._coin), bins)
        return Outlook(outward_of(drawn, bins), forecasts, _percentiles(drawn, bins), np.stack(by_venue), clustered)

    def _forecast(self, hours: int, bins: int) -> Floats:
        found = self._market.forecast(self._coin, hours)
        usd = np.zeros((2, bins))
        for side, own in enumerate((found.long_usd, found.short_usd)):
            usd[side, : len(own)] = own[:bins]
        return usd


def outward_of(drawn: LiquidationMap, bins: int) -> Floats:
    """[side, bin] of a map from its own mark outward."""
    first, mark = round(position_of(float(drawn.edges[0]))), position_of(drawn.mark_price)
    return np.stack([outward(drawn.usd(side), first, mark, row, bins) for row, side in enumerate(_SIDES)])


def _clustered(mark_price: float, clusters: Sequence[Cluster], bins: int) -> Floats:
    """[side, bin]: share of each bin outward from the mark that lies in a cluster; clusters do not overlap."""
    mark, found = position_of(mark_price), np.zeros((2, bins))
    for cluster in clusters:
        side = _SIDES.index(cluster.side)
        ends = [OUTWARD[side] * (position_of(price) - mark) / FINE for price in (cluster.price_low, cluster.price_high)]
        inside = np.clip([max(ends) - np.arange(bins), np.arange(bins) + 1.0 - min(ends)], 0.0, 1.0)
        found[side] += np.maximum(inside.sum(axis=0) - 1.0, 0.0)
    return found


def _percentiles(drawn: LiquidationMap, bins: int) -> Floats:
    mark = position_of(drawn.mark_price)
    middles = FINE * (np.arange(bins) + 0.5)
    rows = [
        drawn.density_percentiles(side, prices_at(mark + OUTWARD[row] * middles))
        for row, side in ((LONG, Side.LONG), (SHORT, Side.SHORT))
    ]
    return np.stack(rows)
