"""The accuracy page: results as text, the bad ones first."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from accuracy_picture import picture
from accuracy_worlds import DAYS, WORLDS

from paper.score.bootstrap import Estimate
from paper.score.result import Lead, Score
from paper.score.wallets import Wallets
from paper.score.warmth import AgeClass

_ORDER = ("ORACLE_F", "ORACLE_C", "ORACLE", "liqbot", "liqbot_C", "B2b", "B2", "B4v", "B4", "B3", "B1", "B5", "B0",
          "DEPTH", "B6", "moved 48 h", "mirrored")  # fmt: skip
_BAND_COMPLETE, _BAND_THROTTLED = (0.8, 1.25), (0.6, 1.6)
PICTURE = "accuracy.svg"
METHOD = Path(__file__).with_name("accuracy_method.md")
_SIMULATED = """## Simulated markets with known positions

Frozen markets of {days:g} days on knobs and seeds that nothing was tuned on, worst first. *Lead*: ours less the best of
B2, B2b, B4, B4v. *Way*: how much of the distance from that baseline to the ceiling is closed; the ceiling is the true
positions at the origin with the same climatology (M1, M2), or the true positions (M3: ours over the truth's).
"""
_RECORDED = """## Recorded tapes

These tell forced orders as totals per interval, so *where* inside an interval's move USD was closed is not known: it is
spread evenly over what price newly crossed. Measures of place (M2 by place, M3, M4) then favour whatever is even, B0
above all; what remains is *when*: M1 and M2 by rate. DEPTH grows with the square of the newly crossed distance:
together with the constant per bin that every model is given, it is the control for the depth of the move.
"""
_OWN_ACCOUNTS = """## Recorded wallets: the physics on accounts whose every trade is known

Hyperliquid, February to April 2023: {total} recorded liquidations. {isolated} were isolated (the margin set aside is
not recorded, no price follows); {cross} cross, of which {rebuilt} could be rebuilt from trades and transfers. n is
small, accounts and days repeat: no significance is claimed.

- Notional within 10 % of the recorded one: {notional} of {rebuilt}.
- Predicted price against the mark at the liquidation, size of the error: median {median:.2f} %, within 0.5 %: {near},
  within 2 %: {wide} of {rebuilt}.
- Watching every rebuilt account at every recorded trade price (no other price is in the files): {predicted} falls below
  maintenance, {bankrupt} of them far below nothing at once, where transfers must be missing; {hits} within an hour of a
  recorded liquidation of that account, which covers {matched} of {cross}.
- Fees, funding and margin moved to isolated positions are not in the files; large errors are accounts whose cash
  therefore does not add up.
"""
_FRESH = """## From an empty start

Market *{name}*: {starts} maps begun empty, four days apart, measured on the same steps and origins as the map that ran
all along (*warm*). *Backfilled*: given three days of bars and funding of every venue and open interest of some first,
without forced orders.
"""
_FAKES = """### Placebo: our own map of two days earlier, and with its sides exchanged

The forecast (M2) is part climatology, which a placebo keeps: its control is B4v, not nothing.

"""
_PERCENTILE = """### M6: the density percentile at a price

Reported USD over what is usual at that distance, and the mean rank of that among all visited bins (50: the percentile
says nothing).

"""


class Task(Protocol):
    """One result, done or not."""

    kind: str
    name: str
    result: Path


class Warmth(msgspec.Struct):
    starts: int
    empty: tuple[AgeClass, ...]
    backfilled: tuple[AgeClass, ...]


def drawn(tasks: Sequence[Task]) -> str:
    """The picture the page shows, as SVG; empty without scored markets."""
    worlds = _loaded(tasks, "world", Score)
    return picture(worlds, _worst_first(worlds)) if worlds else ""


def page(tasks: Sequence[Task], code: str, faults: Sequence[str]) -> str:
    worlds = _loaded(tasks, "world", Score)
    tapes = _loaded(tasks, "tape", Score)
    missing = [f"{task.kind} {task.name}" for task in tasks if not task.result.is_file()]
    parts = [
        "# How accurate the map is\n",
        f"Written by `python bench/accuracy.py` from code `{code}`. Intervals are 95 %, from resampling whole days.\n",
        f"**Unfinished: {', '.join(missing)}.** Run the command again to go on.\n" if missing else "",
        "".join(f"- {fault}\n" for fault in faults),
        _worlds(worlds),
        _tapes(tapes),
        *(_wallets(found) for found in _loaded(tasks, "wallets", Wallets).values()),
        *(_warmth(name, found) for name, found in _loaded(tasks, "warmth", Warmth).items()),
        METHOD.read_text(encoding="utf-8"),
    ]
    if not tapes:
        parts.insert(5, "## Recorded tapes\n\nNone were found where the benchmark was run.\n")
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _loaded(tasks: Sequence[Task], kind: str, shape: Any) -> dict[str, Any]:
    found = {}
    for task in tasks:
        if task.kind == kind and task.result.is_file():
            found[task.name] = msgspec.msgpack.decode(task.result.read_bytes(), type=shape)
    return found


def shown(estimate: Estimate, digits: int = 3) -> str:
    if estimate.value != estimate.value:
        return "-"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _lead(score: Score, measure: str) -> Lead:
    return next(one for one in score.leads if one.measure == measure)


def _worst_first(scores: dict[str, Score]) -> list[str]:
    """By the lower end of the lead in M1 or in M2, whichever is worse."""
    return sorted(scores, key=lambda name: min(_lead(scores[name], one).lead.low for one in ("M1", "M2")))


def _worlds(worlds: dict[str, Score]) -> str:
    if not worlds:
        return "## Simulated markets\n\nNot scored yet.\n"
    names = _worst_first(worlds)
    says = [f"- **{name}** (seed {WORLDS[name].seed}): {WORLDS[name].says}; {worlds[name].note}" for name in names]
    parts = [
        _SIMULATED.format(days=DAYS),
        f"![Leads over the best baseline, worst market first]({PICTURE})\n",
        _leads(worlds, names),
        "\n".join(says) + "\n",
        _by_world("M1: deviance explained in newly crossed bins", worlds, names, _touch_cells),
        _by_world("M2 by place, 4 h: bits per USD-weighted event above B4", worlds, names, _place_cells),
        _by_world("M2 by rate, 4 h", worlds, names, _rate_cells),
        _by_world("M3: partial rank correlation, 4 h (excess over maps of other times)", worlds, names, _rank_cells),
        _by_world("M4: lift of the densest fifth of visited bins, 4 h (control: maps of other times)", worlds, names,
                  _lift_cells),
        _placebo(worlds, names),
        _sizes(worlds, names),
        _large(worlds, names),
        _densities(worlds, names),
    ]
    return "\n".join(parts)


def _leads(scores: dict[str, Score], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        cells = [name]
        for measure in ("M1", "M2", "M2 rate", "M3"):
            one = _lead(scores[name], measure)
            cells += [f"{shown(one.lead)} over {one.baseline}", shown(one.closed_share, 2)]
        rows.append(cells)
    head = ("", "M1 lead", "way", "M2 lead, 4 h", "way", "M2 by rate", "way", "M3 lead", "of the truth's")
    return table(head, rows)


def _touch_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.d2) for name, one in score.touch.items()}


def _place_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.bits) for name, one in score.gains[4].items()}


def _rate_cells(score: Score) -> dict[str, str]:
    return {name: shown(one.rate_bits) for name, one in score.gains[4].items()}


def _rank_cells(score: Score) -> dict[str, str]:
    return {name: f"{shown(one.partial)}; {one.excess_value:+.3f}" for name, one in score.ranks[4].items()}


def _lift_cells(score: Score) -> dict[str, str]:
    return {
        name: f"{shown(one.lift_fifth, 2)}; {one.shuffled_lift_fifth_value:.2f}" for name, one in score.ranks[4].items()
    }


def _by_world(title: str, scores: dict[str, Score], names: Sequence[str], cells: Any) -> str:
    columns = {name: cells(scores[name]) for name in names}
    models = [model for model in _ORDER if any(model in column for column in columns.values())]
    rows = [[f"**{model}**" if model == "liqbot" else model, *(columns[name].get(model, "-") for name in names)]
            for model in models]  # fmt: skip
    return f"### {title}\n\n{table(('', *names), rows)}"


def _placebo(worlds: dict[str, Score], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        score = worlds[name]
        fakes = ("liqbot", "moved 48 h", "mirrored")
        rows.append([name, "M1", *(shown(score.touch[model].d2) for model in fakes), "0 (a constant per bin)"])
        bits = score.gains[4]
        climate = f"{bits['B4v'].bits.value:.3f} (B4v)"
        rows.append([name, "M2 by place", *(shown(bits[one].bits) for one in fakes), climate])
        ranks = score.ranks[4]
        control = f"{ranks['liqbot'].shuffled_partial_value:.3f} (other times)"
        rows.append([name, "M3", *(shown(ranks[one].partial) for one in fakes), control])
    head = ("market", "measure", "ours", "moved 48 h", "mirrored", "control")
    return f"{_FAKES}{table(head, rows)}"


def _sizes(worlds: dict[str, Score], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        throttled = WORLDS[name].throttled
        for one in worlds[name].venues:
            low, high = _BAND_THROTTLED if one.venue in throttled else _BAND_COMPLETE
            rows.append([
                name, one.venue, "partial" if one.venue in throttled else "complete", shown(one.ratio, 2),
                "yes" if low <= one.ratio.value <= high else "**no**",
            ])  # fmt: skip
    rows.sort(key=lambda row: row[4] == "yes")
    inside = sum(row[4] == "yes" for row in rows)
    return (
        f"### M5: expected to be reported over reported, per feed\n\n{inside} of {len(rows)} feeds inside their band "
        f"(complete {_BAND_COMPLETE[0]}-{_BAND_COMPLETE[1]}, partial {_BAND_THROTTLED[0]}-{_BAND_THROTTLED[1]}).\n\n"
        + table(("market", "venue", "feed", "ratio", "inside"), rows)
    )


def _large(worlds: dict[str, Score], names: Sequence[str]) -> str:
    rows = [
        [name, f"{one.above_usd:,.0f}", f"{one.happened_share:.3f}", f"{one.brier_value:.4f}",
         f"{one.climatology_brier_value:.4f}", f"{one.skill_value:.3f}"]
        for name in names
        for one in worlds[name].exceedances
    ]  # fmt: skip
    head = ("market", "more than USD", "happened", "Brier, ours", "Brier, share alone", "skill")
    return f"### M5: 'more than this from the bin, if visited'\n\n{table(head, rows)}"


def _densities(worlds: dict[str, Score], names: Sequence[str]) -> str:
    lows = sorted({one.percentile_low for name in names for one in worlds[name].densities})
    rows = []
    for low in lows:
        cells = [f"{low:.0f}-{low + 10:.0f}"]
        for name in names:
            one = next((one for one in worlds[name].densities if one.percentile_low == low), None)
            cells.append(f"{one.ratio:.2f}; {one.realised_percentile:.0f} (n {one.count})" if one else "-")
        rows.append(cells)
    return _PERCENTILE + table(("percentile", *names), rows)


def _tapes(tapes: dict[str, Score]) -> str:
    if not tapes:
        return ""
    names = _worst_first(tapes)
    notes = [f"- {name}: {note}" for name in names for note in tapes[name].notes]
    facts = [
        [name, tapes[name].placed_by, f"{tapes[name].step_ms / 60_000:g} min", f"{tapes[name].prints:,}",
         f"{tapes[name].realised_usd / 1e6:,.0f}"]
        for name in names
    ]  # fmt: skip
    return "\n".join([
        _RECORDED,
        *notes,
        "",
        table(("tape", "forced orders", "step", "totals scored", "million USD reported"), facts),
        _leads(tapes, names),
        _by_world("M1, recorded", tapes, names, _touch_cells),
        _by_world("M2 by rate, 4 h, recorded", tapes, names, _rate_cells),
        _by_world("M2 by place, 4 h, recorded (see above: little is measured)", tapes, names, _place_cells),
        _by_world("M3, 4 h, recorded (see above)", tapes, names, _rank_cells),
    ])  # fmt: skip


def _wallets(found: Wallets) -> str:
    errors = sorted(abs(one.error_pct) for one in found.rebuilt if one.error_pct == one.error_pct)
    notional = [one.notional_usd / one.recorded_notional_usd - 1.0 for one in found.rebuilt]
    rows = [
        [one.coin, str(one.coins_count), f"{one.leverage:.1f}" if one.leverage == one.leverage else "-",
         f"{one.predicted_price:,.4g}", f"{one.mark_price:,.4g}", f"{one.error_pct:+.2f}", f"{one.margin_pct:.2f}"]
        for one in sorted(found.rebuilt, key=lambda one: -abs(one.error_pct))
    ]  # fmt: skip
    facts = _OWN_ACCOUNTS.format(
        total=found.recorded_count + found.isolated_count, isolated=found.isolated_count, cross=found.recorded_count,
        rebuilt=len(found.rebuilt), notional=sum(abs(one) <= 0.1 for one in notional), median=errors[len(errors) // 2],
        near=sum(one <= 0.5 for one in errors), wide=sum(one <= 2 for one in errors), predicted=found.predicted_count,
        bankrupt=found.bankrupt_count, hits=found.matched_predictions_count, matched=found.matched_count,
    )  # fmt: skip
    head = ("coin", "positions", "leverage", "predicted", "mark", "error %", "margin % (rule: 1)")
    return f"{facts}\n{table(head, rows)}"


def _warmth(name: str, found: Warmth) -> str:
    parts = [_FRESH.format(name=name, starts=found.starts)]
    for title, classes in (("Empty", found.empty), ("Backfilled", found.backfilled)):
        rows = [
            [f"{one.from_h}-{one.to_h}", f"{one.origins}", shown(one.cold_d2), shown(one.warm_d2), shown(one.cold_bits),
             shown(one.warm_bits), shown(one.baseline_bits)]
            for one in classes
        ]  # fmt: skip
        head = ("hours", "origins", "M1", "M1 warm", "M2 by place", "M2 warm", "M2 of B4v")
        parts.append(f"**{title}**: {_worth(classes)}\n\n{table(head, rows)}")
    return "\n".join(parts)


def _worth(classes: Sequence[AgeClass]) -> str:
    """From which hour on the map keeps nine tenths of the warm map's touch skill."""
    for one in classes:
        later = [age for age in classes if age.from_h >= one.from_h]
        if all(age.cold_d2.value >= 0.9 * age.warm_d2.value for age in later):
            return f"from hour {one.from_h} on M1 stays within a tenth of the warm map's."
    return "within the time measured M1 never stays within a tenth of the warm map's."
