"""Tables of the accuracy page: every model in every market or tape, measure by measure."""

from collections.abc import Callable, Sequence
from typing import Final

from accuracy_goals import BAND_COMPLETE, BAND_THROTTLED, band, inside
from accuracy_text import lead_of, shown, table, way
from accuracy_worlds import EVERY

from paper.score.result import Score

ORDER: Final = ("ORACLE_F", "ORACLE_C", "ORACLE", "liqbot", "liqbot_C", "B2b_C", "B2b", "B2", "B4v", "B4", "B3", "B1",
                "B5", "B0", "DEPTH", "DEPTH1.5", "B6", "moved 48 h", "mirrored")  # fmt: skip
Cells = Callable[[Score], dict[str, str]]
_PLACEBO = """### Placebo: our own map of two days earlier, and with its sides exchanged

The forecast (M2) is part climatology, which a placebo keeps: its control is B4v, not nothing.

"""
_PERCENTILE = """### M6: the density percentile at a price

Reported USD over what is usual at that distance, and the mean rank of that among all visited bins (50: the percentile
says nothing).

"""


def leads(scores: dict[str, Score], names: Sequence[str], measures: Sequence[str]) -> str:
    """Lead over the best baseline, and the way from it to the truth where there is one."""
    known = any(one.ceiling for name in names for one in scores[name].leads)
    head, rows = [""], []
    for measure in measures:
        head += [f"{measure} lead", *(["way"] if known else [])]
    for name in names:
        cells = [name]
        for measure in measures:
            one = lead_of(scores[name], measure)
            cells += [f"{shown(one.lead)} over {one.baseline}", *([way(one)] if known else [])]
        rows.append(cells)
    return table(head, rows)


def beside(worlds: dict[str, Score], names: Sequence[str]) -> str:
    """What the goals do not ask: the stricter way of M1, and M2 when the time counts too."""
    rows = []
    for name in names:
        score = worlds[name]
        fresh = [way(one) for one in score.leads if one.measure == "M1 to fresh truth"] or ["-"]
        rate = lead_of(score, "M2 rate")
        beyond = lead_of(score, "M1 beyond depth")
        rows.append([name, *fresh, f"{shown(rate.lead)} over {rate.baseline}", way(rate), shown(beyond.lead)])
    head = ("", "M1: way to fresh truth", "M2 by rate: lead", "way", "M1 beyond depth: lead")
    return table(head, rows)


def touch_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.d2) for name, one in score.touch.items()}


def beyond_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.d2) for name, one in score.touch_beyond.items()}


def place_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.bits) for name, one in score.gains[4].items()}


def rate_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.rate_bits) for name, one in score.gains[4].items()}


def window_cells(score: Score) -> dict[str, str]:
    return {name: shown(one) for name, one in score.windows[score.window_h].items()}


def rank_cells(score: Score) -> dict[str, str]:
    return {name: f"{shown(one.partial)}; {one.excess_value:+.3f}" for name, one in score.ranks[4].items()}


def lift_cells(score: Score) -> dict[str, str]:
    return {
        name: f"{shown(one.lift_fifth, 2)}; {one.shuffled_lift_fifth_value:.2f}" for name, one in score.ranks[4].items()
    }


def horizon_rows(scores: dict[str, Score], names: Sequence[str]) -> str:
    """M2 by place at every horizon, ours beside the baselines that decide and the truth."""
    models = ("liqbot", "B2b", "B4v", "ORACLE_C")
    rows = [
        [name, f"{hours} h", *(shown(gains[model].bits) if model in gains else "-" for model in models)]
        for name in names
        for hours, gains in scores[name].gains.items()
    ]
    return f"### M2 by place at every horizon\n\n{table(('market', 'held', *models), rows)}"


def by_world(title: str, scores: dict[str, Score], names: Sequence[str], cells: Cells) -> str:
    """A row per model, a column per market."""
    columns = {name: cells(scores[name]) for name in names}
    models = [model for model in ORDER if any(model in column for column in columns.values())]
    rows = [[f"**{model}**" if model == "liqbot" else model, *(columns[name].get(model, "-") for name in names)]
            for model in models]  # fmt: skip
    return f"### {title}\n\n{table(('', *names), rows)}"


def placebo(worlds: dict[str, Score], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        score = worlds[name]
        fakes = ("liqbot", "B2b", "moved 48 h", "mirrored")
        distance = f"0 (a constant per bin); {score.touch['B4v'].d2.value:.3f} (B4v, distance alone)"
        rows.append([name, "M1", *(shown(score.touch[model].d2) for model in fakes), distance])
        bits = score.gains[4]
        climate = f"{bits['B4v'].bits.value:.3f} (B4v)"
        rows.append([name, "M2 by place", *(shown(bits[one].bits) for one in fakes), climate])
        ranks = score.ranks[4]
        control = f"{ranks['liqbot'].shuffled_partial_value:.3f} (other times)"
        rows.append([name, "M3", *(shown(ranks[one].partial) for one in fakes), control])
    head = ("market", "measure", "ours", "B2b", "moved 48 h", "mirrored", "control")
    return f"{_PLACEBO}{table(head, rows)}"


def sizes(worlds: dict[str, Score], names: Sequence[str]) -> str:
    """M5 per feed, those outside their band first."""
    rows = []
    for name in names:
        for one in worlds[name].venues:
            partial = one.venue in EVERY[name].throttled
            low, high = band(name, one)
            rows.append([
                name, one.venue, "partial" if partial else "complete", shown(one.ratio, 2), f"{low:g} to {high:g}",
                "yes" if inside(name, one) else "**no**",
            ])  # fmt: skip
    rows.sort(key=lambda row: row[-1] == "yes")
    good = sum(row[-1] == "yes" for row in rows)
    return (
        f"### M5: expected to be reported over reported, per feed\n\n{good} of {len(rows)} feeds inside their band "
        f"(complete {BAND_COMPLETE[0]} to {BAND_COMPLETE[1]}, partial {BAND_THROTTLED[0]} to {BAND_THROTTLED[1]}).\n\n"
        + table(("market", "venue", "feed", "ratio", "band", "inside"), rows)
    )


def large(worlds: dict[str, Score], names: Sequence[str]) -> str:
    rows = [
        [name, f"{one.above_usd:,.0f}", f"{one.happened_share:.3f}", f"{one.brier_value:.4f}",
         f"{one.climatology_brier_value:.4f}", f"{one.skill_value:.3f}", f"{one.distance_skill_value:.3f}"]
        for name in names
        for one in worlds[name].exceedances
    ]  # fmt: skip
    head = ("market", "more than USD", "happened", "Brier, ours", "Brier, share alone", "skill", "skill over B4v")
    return f"### M5: 'more than this from the bin, if visited'\n\n{table(head, rows)}"


def bands(worlds: dict[str, Score], names: Sequence[str]) -> str:
    """M7: a row per side and band of distance."""
    cells: dict[str, dict[str, str]] = {name: {} for name in names}
    for name, found in cells.items():
        for one in worlds[name].size_bands:
            found[f"{one.side}s, {one.from_pct:g}-{one.to_pct:g} %"] = shown(one.ratio, 2)
    labels = dict.fromkeys(label for found in cells.values() for label in found)
    rows = [[label, *(cells[name].get(label, "-") for name in names)] for label in labels]
    return f"### M7: truly open over drawn USD, by side and distance\n\n{table(('', *names), rows)}"


def clusters(worlds: dict[str, Score], names: Sequence[str]) -> str:
    """M8, against the share of bins that clusters cover."""
    rows = [
        [name, shown(one.covered_share), shown(one.heavy_share), shown(one.heavy_lift, 2), shown(one.usd_share),
         shown(one.usd_lift, 2)]
        for name in names if (one := worlds[name].clusters)
    ]  # fmt: skip
    head = ("market", "bins covered", "of the ten heaviest", "over chance", "of all true USD", "over chance")
    return f"### M8: what clusters hold of the truth within 15 %\n\n{table(head, rows)}"


def densities(worlds: dict[str, Score], names: Sequence[str]) -> str:
    lows = sorted({one.percentile_low for name in names for one in worlds[name].densities})
    rows = []
    for low in lows:
        cells = [f"{low:.0f}-{low + 10:.0f}"]
        for name in names:
            one = next((one for one in worlds[name].densities if one.percentile_low == low), None)
            cells.append(f"{one.ratio:.2f}; {one.realised_percentile:.0f} (n {one.count})" if one else "-")
        rows.append(cells)
    return _PERCENTILE + table(("percentile", *names), rows)
