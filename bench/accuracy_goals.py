"""What the map was meant to reach, market by market, and what it reached: misses first, then the plain findings."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from accuracy_text import deciding_measures, lead_of, shown, table, way, worst_first
from accuracy_worlds import EVERY, FAMILIES, STEP

from paper.score.result import Lead, Score
from paper.score.sizes import VenueSize

BAND_COMPLETE: Final = (0.8, 1.25)
BAND_THROTTLED: Final = (0.6, 1.6)
BAND_POSITIONS: Final = (0.67, 1.5)
SIZE_WITHIN_PCT: Final = 20.0
CLUSTER_LIFT_MIN: Final = 3.0
MET, MISSED, OPEN = "met", "missed", "open"
"""Open: the gap of which a share was asked may be nothing."""


class Verdict(NamedTuple):
    outcome: str
    measured: str


class Goal(NamedTuple):
    says: str
    judge: Callable[[str, Score], Verdict]


def band(name: str, one: VenueSize) -> tuple[float, float]:
    """What expected over reported may be, by whether the feed of that market tells everything."""
    return BAND_THROTTLED if one.venue in EVERY[name].throttled else BAND_COMPLETE


def inside(name: str, one: VenueSize) -> bool:
    low, high = band(name, one)
    return low <= one.ratio.value <= high


def behind(score: Score, measures: Sequence[str] = ("M1", "M2")) -> list[tuple[str, str, str]]:
    """(measure, baseline, difference) wherever a baseline's whole interval lies above ours."""
    return [
        (measure, name, shown(one))
        for measure in measures
        for name, one in lead_of(score, measure).others.items()
        if one.high < 0
    ]


def _above(measure: str) -> Callable[[str, Score], Verdict]:
    def judge(_: str, score: Score) -> Verdict:
        one = lead_of(score, measure)
        return Verdict(MET if one.lead.above_zero else MISSED, f"{shown(one.lead)} over {one.baseline}")

    return judge


def _m1_closed(name: str, score: Score) -> Verdict:
    """Half of the way is asked of flow alone, where forced orders lie inside the bars and no position is told."""
    frozen = EVERY[name]
    return _closed("M1", 0.5 if frozen.family != STEP and not frozen.positions_of else 0.7)(name, score)


def _closed(measure: str, least: float) -> Callable[[str, Score], Verdict]:
    def judge(_: str, score: Score) -> Verdict:
        one = lead_of(score, measure)
        if not one.gap_resolved:
            return Verdict(OPEN, way(one))
        return Verdict(MET if one.closed_share.value >= least else MISSED, way(one))

    return judge


def _ranks_above(_: str, score: Score) -> Verdict:
    one: Lead = lead_of(score, "M3")
    return Verdict(MET if one.lead.above_zero else MISSED, shown(one.lead))


def _never_behind(_: str, score: Score) -> Verdict:
    found = [f"{name} in {measure}: {by}" for measure, name, by in behind(score)]
    return Verdict(MISSED, "; ".join(found)) if found else Verdict(MET, "none")


def _sized(name: str, score: Score) -> Verdict:
    outside = [one for one in score.venues if not inside(name, one)]
    told = f"{len(score.venues) - len(outside)} of {len(score.venues)} feeds"
    if not outside:
        return Verdict(MET, told)
    return Verdict(MISSED, f"{told}; outside {', '.join(f'{one.venue} {one.ratio.value:.2f}' for one in outside)}")


def _size_true(_: str, score: Score) -> Verdict:
    near = [one for one in score.size_bands if one.to_pct <= SIZE_WITHIN_PCT]
    low, high = BAND_POSITIONS
    outside = [
        f"{one.side}s {one.from_pct:g}-{one.to_pct:g} % {one.ratio.value:.2f}" for one in near
        if not low <= one.ratio.value <= high
    ]  # fmt: skip
    told = f"{len(near) - len(outside)} of {len(near)} bands"
    return Verdict(MISSED, f"{told}; outside {', '.join(outside)}") if outside else Verdict(MET, told)


def _clusters_hold(_: str, score: Score) -> Verdict:
    one = score.clusters
    if one is None:
        return Verdict(OPEN, "no truth")
    return Verdict(MET if one.heavy_lift.value >= CLUSTER_LIFT_MIN else MISSED, f"{shown(one.heavy_lift, 2)} times")


GOALS: Final = (
    Goal("M1 above the best of B2, B2b, B4, B4v, interval above 0", _above("M1")),
    Goal("M2 (4 h) above the best of them, interval above 0", _above("M2")),
    Goal("M1: 70 % or more of the way to the truth with climatology (flow alone: 50 %)", _m1_closed),
    Goal("M2: 90 % or more of that way", _closed("M2", 0.9)),
    Goal("M3 above B2b, interval above 0", _ranks_above),
    Goal("M3: 60 % or more of the way from B2b to the truth", _closed("M3", 0.6)),
    Goal("no baseline ahead in M1 or M2 by more than the interval", _never_behind),
    Goal("M5: every feed's expected over reported inside its band", _sized),
    Goal("M7: truly open over drawn within 0.67 and 1.5 in every band to 20 %", _size_true),
    Goal("M8: clusters hold three times what chance would of the ten heaviest bins", _clusters_hold),
)


def goals(worlds: dict[str, Score]) -> str:
    """A line per miss, then every goal by market."""
    names = worst_first(worlds)
    verdicts = {(goal.says, name): goal.judge(name, worlds[name]) for goal in GOALS for name in names}
    missed = [(says, name, one) for (says, name), one in verdicts.items() if one.outcome == MISSED]
    unclear = [(says, name, one) for (says, name), one in verdicts.items() if one.outcome == OPEN]
    lines = [f"- **missed** in {name}: {says}: {one.measured}" for says, name, one in missed]
    lines += [f"- *open* in {name}: {says}: {one.measured}" for says, name, one in unclear]
    met = len(verdicts) - len(missed) - len(unclear)
    return "\n".join([
        f"## Goals: {len(missed)} missed, {len(unclear)} open, {met} met, of {len(verdicts)}\n",
        *(lines or ["Every goal is met."]),
        "",
        "Complete feeds are to lie within 0.8 and 1.25, those that leave prints out within 0.6 and 1.6.\n",
        *(_table(title, [name for name in names if EVERY[name].family == family], verdicts)
          for family, title in FAMILIES.items()),
    ])  # fmt: skip


def _table(title: str, names: Sequence[str], verdicts: dict[tuple[str, str], Verdict]) -> str:
    """Every goal in the markets of one family."""
    rows = [[goal.says, *(_cell(verdicts[goal.says, name]) for name in names)] for goal in GOALS]
    return f"**{title[0].upper()}{title[1:]}**\n\n{table(('goal', *names), rows)}" if names else ""


def _cell(one: Verdict) -> str:
    word = {MET: "met", MISSED: "**missed**", OPEN: "*open*"}[one.outcome]
    return f"{word}: {one.measured}"


def findings(worlds: dict[str, Score], tapes: dict[str, Score]) -> list[str]:
    """What a reader in a hurry should know, as computed: the bad first."""
    return [*(_of_worlds(worlds) if worlds else []), *(_of_tapes(tapes) if tapes else [])]


def _missed(worlds: dict[str, Score]) -> str:
    outcomes = [goal.judge(name, score).outcome for name, score in worlds.items() for goal in GOALS]
    return (
        f"Of {len(outcomes)} goals in {len(worlds)} simulated markets {outcomes.count(MISSED)} are missed, "
        f"{outcomes.count(OPEN)} open (no gap to close that is surely there), {outcomes.count(MET)} met; list below."
    )


def _of_worlds(worlds: dict[str, Score]) -> list[str]:
    names, count = worst_first(worlds), len(worlds)
    beaten = [f"{name} ({what} by {who}: {by})" for name in names for what, who, by in behind(worlds[name])]
    feeds = [(name, one) for name in names for one in worlds[name].venues]
    good = sum(inside(name, one) for name, one in feeds)
    found = [
        _missed(worlds),
        f"{'Beaten' if beaten else 'Never beaten'} by a baseline by more than the interval"
        + (f": {'; '.join(beaten)}." if beaten else " in any simulated market.")
    ]
    for measure, what in (("M1", "how much is liquidated as price moves"), ("M2", "where, four hours ahead")):
        leads = {name: lead_of(worlds[name], measure) for name in names}
        above = sum(one.lead.above_zero for one in leads.values())
        worst = min(names, key=lambda name, leads=leads: leads[name].lead.value)  # type: ignore[misc]
        found.append(
            f"{measure} ({what}): above the best baseline with the whole interval in {above} of {count} simulated "
            f"markets; the smallest lead is {shown(leads[worst].lead)} over {leads[worst].baseline} ({worst})."
        )
    ranks = [lead_of(worlds[name], "M3") for name in names]
    shares = [one.closed_share.value for one in ranks if one.gap_resolved]
    found.append(
        f"M3 (the drawn map's order, beyond distance): above B2b with the whole interval in "
        f"{sum(one.lead.above_zero for one in ranks)} of {count}"
        + (f"; {min(shares):.0%} to {max(shares):.0%} of the way from B2b to the truth." if shares else ".")
    )
    held = [one.heavy_lift.value for score in worlds.values() if (one := score.clusters)]
    if held:
        found.append(
            f"M8 (clusters): between {min(held):.2f} and {max(held):.2f} times what chance would hold of the ten "
            "heaviest bins within 15 %."
        )
    found.append(f"M5 (USD true to size): {good} of {len(feeds)} feeds inside their band, {len(feeds) - good} outside.")
    return [*found, _placebos(worlds)]


def _placebos(worlds: dict[str, Score]) -> str:
    parts = []
    for fake in ("moved 48 h", "mirrored"):
        values = [score.touch[fake].d2.value for score in worlds.values()]
        parts.append(f"{fake} {min(values):.2f} to {max(values):.2f}")
    ours = [score.touch["liqbot"].d2.value for score in worlds.values()]
    usual = [score.touch["B4v"].d2.value for score in worlds.values()]
    ranked = [score.ranks[4]["moved 48 h"].partial.value for score in worlds.values()]
    own = [score.ranks[4]["liqbot"].partial.value for score in worlds.values()]
    return (
        f"Placebo, M1: {', '.join(parts)}, ours {min(ours):.2f} to {max(ours):.2f} (distance alone, B4v: "
        f"{min(usual):.2f} to {max(usual):.2f}); M3: moved 48 h {min(ranked):.2f} "
        f"to {max(ranked):.2f}, ours {min(own):.2f} to {max(own):.2f}."
    )


def _of_tapes(tapes: dict[str, Score]) -> list[str]:
    found = []
    for name in worst_first(tapes):
        told = [
            f"{measure} {shown(lead_of(tapes[name], measure).lead)} over {lead_of(tapes[name], measure).baseline}"
            for measure in (*deciding_measures(tapes[name]), "M1 beyond depth")
        ]
        sure = sum(lead_of(tapes[name], one).lead.above_zero for one in deciding_measures(tapes[name]))
        found.append(f"Recorded tape {name}: {sure} of 2 leads above 0 with the whole interval: {'; '.join(told)}.")
    return found
