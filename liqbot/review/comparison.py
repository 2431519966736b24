"""Our map beside the map of another source: USD by distance and side, the heaviest places, how alike they rank."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from liqbot.exits import Exit, ExpectedError
from liqbot.external.fetch import MapReader
from liqbot.external.params import ExternalParams
from liqbot.external.registry import from_answer, source_of
from liqbot.external.spec import ExternalMap, MapSource
from liqbot.instruments import Side
from liqbot.legible import short_usd
from liqbot.market.map.liquidation_map import Floats, LiquidationMap
from liqbot.review.reading import MapReading
from liqbot.review.tables import as_text, print_json

BANDS_PCT: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
STEP_PCT: Final = 0.5
REACH_PCT: Final = 20.0
"""Magnets and ranks are looked for out to there, in steps."""
_STEPS: Final = round(REACH_PCT / STEP_PCT)
_STEPS_MIN: Final = 3
_NOTE: Final = "their USD is as they count it and ours is an estimate; compared only, used in no decision, not stored"


class ComparedSource(NamedTuple):
    """Where the other map comes from: a source to ask, or an answer that is there already."""

    source: MapSource
    params: ExternalParams
    found: ExternalMap | None = None

    async def read(self, coin: str) -> ExternalMap:
        """ExpectedError in one line."""
        return self.found if self.found is not None else await MapReader(self.source, self.params).read(coin)


def named_other(name: str, settings: Mapping[str, ExternalParams]) -> ComparedSource:
    """Of a source, or of a file when the name ends so. ExpectedError in one line for what is missing."""
    if name.endswith(".json"):
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            raise ExpectedError(f"{name}: cannot be read ({error.strerror})", Exit.USAGE) from None
        found, source = from_answer(name, raw, settings)
        return ComparedSource(source, ExternalParams(), found)
    return ComparedSource(source_of(name, settings), settings.get(name, ExternalParams()))


async def print_beside(reading: MapReading, other: ComparedSource, *, as_json: bool) -> None:
    """The comparison on stdout. Where the source fails, ours is printed all the same, and then the ExpectedError."""
    chart = reading.chart
    failure, compared = None, None
    try:
        compared = compared_with(chart, await other.read(chart.coin))
    except ExpectedError as error:
        failure = error
    if as_json:
        side: dict[str, Any] = {"source": other.source.name, "shape": other.source.grade}
        print_json(reading.record | {"compare": side | (compared or {"error": str(failure)})})
    else:
        print("\n".join(comparison_text(chart, other.source, compared)))
    if failure is not None:
        raise failure


def compared_with(chart: LiquidationMap, theirs: ExternalMap) -> dict[str, Any]:
    """As `--json` prints it. Distances of theirs are from their own price where they tell one, else from our mark."""
    mark_price = theirs.mark_price or chart.mark_price
    sides = {side: _distances(theirs, side, mark_price) for side in Side}
    bands = np.array(BANDS_PCT)
    steps = np.linspace(0.0, REACH_PCT, _STEPS + 1)
    record: dict[str, Any] = {
        "note": _NOTE, "their_mark_price": theirs.mark_price, "levels": len(theirs.levels),
        "levels_left_out": len(theirs.levels) - sum(len(usd) for _, usd in sides.values()),
        "bands": [], "magnets": [], "rank_agreement": {},
    }
    for side, (distances, usd) in sides.items():
        word = side.name.lower()
        ours_usd, theirs_usd = _ours(chart, side, bands), np.histogram(distances, bands, weights=usd)[0]
        record["bands"] += [
            {"side": word, "from_pct": low, "to_pct": high, "ours_usd": round(our), "theirs_usd": round(their)}
            for (low, high), our, their in zip(pairwise(BANDS_PCT), ours_usd, theirs_usd, strict=True)
        ]
        ours_stepped, theirs_stepped = _ours(chart, side, steps), np.histogram(distances, steps, weights=usd)[0]
        for whose, amounts, price in (("ours", ours_stepped, chart.mark_price), ("theirs", theirs_stepped, mark_price)):
            record["magnets"] += _magnet(whose, side, amounts, price)
        record["rank_agreement"][word] = rank_agreement(ours_stepped, theirs_stepped)
    return record


def _distances(theirs: ExternalMap, side: Side, mark_price: float) -> tuple[Floats, Floats]:
    """(percent from the mark, USD) of the levels of a side that lie where such positions can."""
    found = [
        (abs(level.price / mark_price - 1.0) * 100.0, level.usd)
        for level in theirs.levels
        if level.side in (side, None) and (level.price - mark_price) * float(side) < 0
    ]
    pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _ours(chart: LiquidationMap, side: Side, steps_pct: Floats) -> Floats:
    """USD of a side between each two of these distances."""
    prices = (chart.mark_price * (1.0 - float(side) * steps_pct / 100.0)).tolist()
    between = [chart.between_usd(side, near, far) for near, far in pairwise(prices)]
    return np.array(between)


def _magnet(whose: str, side: Side, amounts: Floats, mark_price: float) -> list[dict[str, Any]]:
    """The heaviest step of a side, as a list of one; of none where it is empty."""
    if not amounts.max() > 0:
        return []
    at = int(amounts.argmax())
    near, far = (mark_price * (1.0 - float(side) * step * STEP_PCT / 100.0) for step in (at, at + 1))
    return [{
        "whose": whose, "side": side.name.lower(), "price_low": round(min(near, far), 8),
        "price_high": round(max(near, far), 8), "distance_pct": at * STEP_PCT, "usd": round(float(amounts[at])),
    }]


def rank_agreement(ours: Floats, theirs: Floats) -> float | None:
    """Spearman's rank correlation over steps that either fills, ties at their mean rank: 1 alike, -1 opposite. None
    where there are fewer than three, or one of the two is level."""
    filled = (ours > 0) | (theirs > 0)
    if int(filled.sum()) < _STEPS_MIN:
        return None
    one, two = _ranks(ours[filled]), _ranks(theirs[filled])
    one, two = one - one.mean(), two - two.mean()
    scale = float((one * one).sum() * (two * two).sum()) ** 0.5
    return round(float((one * two).sum()) / scale, 4) if scale > 0 else None


def _ranks(values: Floats) -> Floats:
    ordered = np.sort(values)
    ranks: Floats = (ordered.searchsorted(values, "left") + ordered.searchsorted(values, "right")) / 2.0
    return ranks


def comparison_text(chart: LiquidationMap, source: MapSource, compared: Mapping[str, Any] | None) -> list[str]:
    """For the terminal; with None for what was compared, ours alone."""
    lines = [f"{chart.coin} liquidation map beside {source.name}, mark {chart.mark_price:,.1f}  (USD is an estimate)"]
    if compared is None:
        cells = [
            [f"{low:g}-{high:g} %", side.name.lower(), short_usd(usd), ""]
            for side in Side
            for (low, high), usd in zip(pairwise(BANDS_PCT), _ours(chart, side, np.array(BANDS_PCT)), strict=True)
        ]
    else:
        cells = [
            [f"{one['from_pct']:g}-{one['to_pct']:g} %", one["side"], short_usd(one["ours_usd"]),
             short_usd(one["theirs_usd"])]
            for one in compared["bands"]
        ]
    lines += ["", as_text(cells, ["distance", "side", "ours", "theirs"], [False, False, True, True])]
    if compared is None:
        return lines
    lines.append("")
    if compared["levels_left_out"]:
        lines.append(f"{compared['levels_left_out']} of their {compared['levels']} levels lie at the mark or on the "
                     "other side of it than such positions can, and are left out")
    for one in compared["magnets"]:
        lines.append(
            f"heaviest {STEP_PCT:g} % of {one['side']}s, {one['whose']}: {one['price_low']:,.1f}.."
            f"{one['price_high']:,.1f}, {one['distance_pct']:g} % away, {short_usd(one['usd'])}"
        )
    for word, agreement in compared["rank_agreement"].items():
        figure = "unknown" if agreement is None else f"{agreement:+.2f}"
        lines.append(f"rank agreement of {word}s within {REACH_PCT:g} %: {figure} (1 alike, 0 none, -1 opposite)")
    return [*lines, f"{source.name}: shape of its answer {source.grade} ({source.evidence}; {source.as_of})", _NOTE]
