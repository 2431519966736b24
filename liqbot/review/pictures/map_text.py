"""A map as a picture in the terminal: shorts above the mark, longs below, sums outward, what stands out listed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from liqbot.instruments import Side, split_venue_key
from liqbot.legible import short_usd
from liqbot.market.map.liquidation_map import Floats, LiquidationMap
from liqbot.market.map.zones import ThinZone
from liqbot.market.record import Record
from liqbot.review.reading import MapReading
from liqbot.risk.limits import CORE_VENUES
from liqbot.risk.thin_coins import THIN_LABEL, is_thin

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_COLOURS: Final = {Side.SHORT: "\x1b[32m", Side.LONG: "\x1b[31m"}
_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_LISTED: Final = 3
_ROWS_MIN, _NOTES_MIN, _NOTES_MAX, _AROUND = 4, 5, 12, 5


def draw_map(
    reading: MapReading, *, colour: bool, width: int = 100, rows: int = 16, reach_pct: float = 10.0,
    notes_max: int | None = None,
) -> list[str]:
    """Lines of text. `rows` per side, each a like stretch of price; bars share one scale. With `notes_max`, for a
    screen: no more notes than that, and no line longer than `width`."""
    chart, record = reading.chart, reading.record
    paint = _Paint(colour, None if notes_max is None else width)
    above, below = _stretches(chart, Side.SHORT, rows, reach_pct), _stretches(chart, Side.LONG, rows, reach_pct)
    most = max((usd for _, usd in (*above, *below)), default=0.0)
    thin = _thin_limit([usd for _, usd in (*above, *below)])
    bar_width = max(10, width - 62)
    lines = [paint.bold(_title(record, chart)), paint.dim(_heads(bar_width))]
    for side, stretches in ((Side.SHORT, above), (Side.LONG, below)):
        sums = np.cumsum([usd for _, usd in stretches]).tolist()
        drawn = [
            paint.side(side, _row(chart.mark_price, price, usd, total, most, bar_width, thin=usd <= thin))
            for (price, usd), total in zip(stretches, sums, strict=True)
        ]
        # Stretches come outward from the mark; shorts are drawn from the top down.
        lines += reversed(drawn) if side is Side.SHORT else drawn
        if side is Side.SHORT:
            lines.append(paint.bold(f"{_price(chart.mark_price):>12}  ── mark " + "─" * (bar_width + 30)))
    return [*lines, "", *_noted(reading, paint, notes_max)]


def fitting_rows(height: int) -> tuple[int, int]:
    """Rows per side and notes of a map that fits so many lines, its title, heads, mark, an empty line and a prompt."""
    notes = max(_NOTES_MIN, min(height // 4, _NOTES_MAX))
    return max(_ROWS_MIN, (height - _AROUND - notes) // 2), notes


def _noted(reading: MapReading, paint: "_Paint", notes_max: int | None) -> list[str]:
    if notes_max is None:
        return _notes(reading, paint, _LISTED)
    notes = _notes(reading, paint, 1)
    if len(notes) <= notes_max:
        return notes
    return [*notes[: notes_max - 1], f"{len(notes) - notes_max + 1} more notes (venues, own score): --full"]


def _stretches(chart: LiquidationMap, side: Side, rows: int, reach_pct: float) -> list[tuple[float, float]]:
    """(middle price, USD) of equal stretches outward from the mark."""
    steps = np.linspace(0.0, reach_pct / 100.0, rows + 1)
    ends = chart.mark_price * (1.0 - float(side) * steps)
    amounts = np.abs(np.diff(_cumulated(chart, side, ends)))
    return list(zip(((ends[1:] + ends[:-1]) / 2.0).tolist(), amounts.tolist(), strict=True))


def _cumulated(chart: LiquidationMap, side: Side, prices: Floats) -> Floats:
    """USD below each price, bins shared in proportion; the mark's own bin counts as if it ended at the mark."""
    whole = np.concatenate([[0.0], np.cumsum(chart.usd(side))])
    edges = chart.edges.copy()
    own = chart.bin_of(chart.mark_price)
    if 0 <= own < len(edges) - 1:
        edges[own + 1 if side is Side.LONG else own] = chart.mark_price
    below: Floats = np.interp(prices, edges, whole)
    return below


def _thin_limit(amounts: Sequence[float]) -> float:
    """Below every amount where none is known: an empty map does not say that a place is thin."""
    filled = sorted(usd for usd in amounts if usd > 0)
    return filled[len(filled) // 2] * 0.35 if filled else -1.0


def _title(record: Record, chart: LiquidationMap) -> str:
    when = datetime.fromtimestamp(chart.as_of_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    chosen = record.get("filter") or {}
    only = "".join(f"  only {name} {', '.join(map(_word, values))}" for name, values in chosen.items() if values)
    return f"{chart.coin} liquidation map  {when}{only}  (USD is an estimate)"


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _heads(bar_width: int) -> str:
    return f"{'price':>12} {'distance':>9} {'USD':>9}  {'':<{bar_width}} {'summed':>9}"


def _row(
    mark_price: float, price: float, usd: float, total: float, most: float, bar_width: int, *, thin: bool
) -> str:
    distance_pct = (price / mark_price - 1.0) * 100.0
    note = " thin" if thin else ""
    bar = _bar(usd, most, bar_width)
    return f"{_price(price):>12} {distance_pct:>+8.2f}% {short_usd(usd):>9}  {bar} {short_usd(total):>9}{note}"


def _bar(usd: float, most: float, width: int) -> str:
    eighths = round(usd / most * width * 8) if most > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(width)


def _notes(reading: MapReading, paint: "_Paint", listed: int) -> list[str]:
    lines = []
    for side, word, place in ((Side.SHORT, "shorts", "above"), (Side.LONG, "longs", "below")):
        for cluster in [one for one in reading.clusters if one.side is side][:listed]:
            usual = f", {cluster.ratio:.1f}x usual at that distance" if cluster.ratio == cluster.ratio else ""
            sure = f", {cluster.real_share:.0%} likely real" if cluster.real_share == cluster.real_share else ""
            lines.append(paint.side(side, (
                f"cluster {place}: {short_usd(cluster.usd)} in {word} at {_price(cluster.price_low)}.."
                f"{_price(cluster.price_high)}, {cluster.distance_pct:.1f}% away{usual}{sure}"
            )))
    mark_price = reading.chart.mark_price
    zones = [
        f"{_price(zone.price_low)}..{_price(zone.price_high)} ({_away(zone, mark_price)})"
        for zone in reading.thin_zones[: 2 * listed]
    ]
    lines += [f"thin zones: {', '.join(zones)}"] if zones else []
    return [paint.fitted(line) for line in (*lines, *_standing(reading.record, paint))]


def _away(zone: ThinZone, mark_price: float) -> str:
    """From the mark to both ends."""
    low_pct, high_pct = ((price / mark_price - 1) * 100 for price in (zone.price_low, zone.price_high))
    around = "around the mark, " if low_pct < 0 < high_pct else ""
    return f"{around}{low_pct:+.2f}..{high_pct:+.2f}%"


def _standing(record: Record, paint: "_Paint") -> list[str]:
    """How much of the market the map has seen."""
    lines = [THIN_LABEL] if is_thin(record["coin"]) else []
    if "warmth_long_pct" in record:
        warmth = [record["warmth_long_pct"], record["warmth_short_pct"]]
        words = [f"{pct:.0f}%" if pct is not None else "unknown" for pct in warmth]
        oi = f", open interest {short_usd(record['oi_usd'])}" if record.get("oi_usd") else ", open interest unknown"
        lines.append(f"warmth: longs {words[0]}, shorts {words[1]}{oi}")
    beyond = record.get("beyond_map_share") or {}
    if beyond.get("long") is not None:
        lines.append(
            f"not on the map: {beyond['long']:.0%} of open interest in longs, {beyond['short']:.0%} in shorts (hedged, "
            "hardly leveraged, or not seen being opened)"
        )
    lines += _own_score(record)
    if record.get("derived"):
        lines.append(paint.dim(f"derived, not measured: {', '.join(record['derived'])}"))
    lines += [_coverage(record["venues"]), *map(_venue, record["venues"])] if "venues" in record else []
    if record.get("parameters"):
        lines.append(paint.dim(f"parameters: {record['parameters']}"))
    return lines


def _own_score(record: Record) -> list[str]:
    """The map's score of itself, and what became of clusters since a day ago."""
    lines = []
    if record.get("skill") is not None:
        lines.append(
            f"own score: {record['skill']:.2f} of the deviance of reported orders explained in newly crossed bins "
            f"(0: no better than a constant), {record['printed_over_promised']:.2f} USD reported per USD promised"
        )
    changes = [
        f"{change['side']} {_price(change['price_low'])}..{_price(change['price_high'])} {change['change']} "
        f"({short_usd(change['before_usd'])} to {short_usd(change['now_usd'])})"
        for change in record.get("drift", ())[:_LISTED]
    ]
    return [*lines, *([f"since a day ago: {', '.join(changes)}"] if changes else [])]


def _coverage(venues: list[dict[str, Any]]) -> str:
    """The venues that a map should not lack, and the one whose open interest liquidates at no price."""
    live = {split_venue_key(venue["venue"])[0] for venue in venues if not venue["stale"]}
    core = [f"{name} {'live' if name in live else 'MISSING'}" for name in CORE_VENUES]
    known = [venue["oi_usd"] for venue in venues if split_venue_key(venue["venue"])[0] == "cme" and venue["oi_usd"]]
    cme = f"{short_usd(sum(known))}, liquidated at no price" if known else "not read (feeds.reports)"
    return f"coverage: {', '.join(core)}; open interest of CME {cme}"


def _venue(venue: dict[str, Any]) -> str:
    oi = short_usd(venue["oi_usd"]) if venue["oi_usd"] is not None else "unknown"
    state = "STALE" if venue["stale"] else "live"
    down = f", down: {' '.join(venue['down'])}" if venue["down"] else ""
    refused = f", {venue['rejected']} rows refused" if venue["rejected"] else ""
    if venue.get("trust_weight", 1.0) != 1.0:
        shares = f"{venue['weighted_share']:.0%} of the map, {venue['raw_share']:.0%} unweighted"
        state += f", trusted {venue['trust_weight']:.2f} ({shares})"
    if venue.get("accord"):
        state += f", price {venue['accord']}"
    if venue.get("quote_ratio", 1.0) != 1.0:
        state += f", {venue['quote']} at {venue['quote_ratio']:.4f}"
    measured = ""
    if venue.get("measured_age_ms") is not None:
        measured = (
            f", told one by one {venue['measured_age_ms'] / 1000:.0f} s ago: {venue['measured_long_share']:.0%} of "
            f"longs, {venue['measured_short_share']:.0%} of shorts"
        )
    return (
        f"venue {venue['venue']}: {state}, newest price {venue['age_ms'] / 1000:.0f} s old, open interest {oi}, "
        f"modelled longs {short_usd(venue['long_usd'])} shorts {short_usd(venue['short_usd'])}{measured}{down}{refused}"
    )


def _price(price: float) -> str:
    digits = 1 if price >= 1000 else 2 if price >= 10 else 4 if price >= 0.1 else 8
    return f"{price:,.{digits}f}"


class _Paint:
    """Colours, or none; and how long a line may be."""

    def __init__(self, colour: bool, width: int | None) -> None:  # noqa: FBT001 - of two
        self._colour, self._width = colour, width

    def fitted(self, line: str) -> str:
        """Cut where it is too long; the colours it begins and ends with are no part of its length."""
        whole = f"{_PLAIN}" if line.endswith(_PLAIN) else ""
        begin = line[: line.index("m") + 1] if whole else ""
        text = line[len(begin) : len(line) - len(whole)]
        if self._width is None or len(text) <= self._width:
            return line
        return f"{begin}{text[: self._width - 1]}…{whole}"

    def side(self, side: Side, text: str) -> str:
        return f"{_COLOURS[side]}{text}{_PLAIN}" if self._colour else text

    def bold(self, text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if self._colour else text

    def dim(self, text: str) -> str:
        return f"{_DIM}{text}{_PLAIN}" if self._colour else text
