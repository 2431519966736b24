"""`MapReading`: a map to look at or to ask, as objects; read from a market, or back from what was stored or printed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster, ThinZone
from liqbot.market.market import Market
from liqbot.market.record import Record, clusters_from, map_from, map_record, thin_zones_from
from liqbot.market.view import MarketView


class MapReading(NamedTuple):
    """`record` is the same for storing and printing, with what else is known: warmth, venues, own score, drift."""

    chart: LiquidationMap
    clusters: tuple[Cluster, ...]
    thin_zones: tuple[ThinZone, ...]
    record: Record

    def noted(self, **more: Any) -> "MapReading":
        """With more fields in its record."""
        return self._replace(record=self.record | more)


def reading_of(view: MarketView, market: Market, *, split: bool = False) -> MapReading:
    """Of a market in this process. `split` adds the map by leverage and by venue to the record."""
    clusters = (*view.above.clusters, *view.below.clusters)
    return MapReading(view.map, clusters, tuple(view.thin_zones), map_record(view, market, split=split))


def reading_from(record: Mapping[str, Any]) -> MapReading:
    """Of a stored or printed record. ValueError that names what is missing or wrong."""
    return MapReading(map_from(record), clusters_from(record), thin_zones_from(record), dict(record))
