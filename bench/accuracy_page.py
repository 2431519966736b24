"""The accuracy page: what was found in a few lines, goals and misses, then every table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import accuracy_picture as pictures
import accuracy_tables as tables
import msgspec
from accuracy_goals import findings, goals
from accuracy_text import deciding_measures, shown, table, worst_first
from accuracy_told import told_text
from accuracy_worlds import EVERY, FAMILIES

from paper.score.result import Score
from paper.score.wallets import Wallets
from paper.score.warmth import AgeClass

LEADS, RELIABILITY, WARMTH = "accuracy-leads.svg", "accuracy-reliability.svg", "accuracy-warmth.svg"
METHOD = Path(__file__).with_name("accuracy_method.md")
_DAY_MS = 86_400_000
_SIMULATED = """## Simulated markets with known positions

Frozen markets on knobs and seeds that nothing was tuned on, worst first. *Lead*: ours less the best of B2, B2b, B4, B4v
in that very market. *Way*: how much of the distance from that baseline to the ceiling is closed; the ceiling is the
true positions at the origin with the same climatology (M1, M2), or the true positions (M3, from B2b).
Where the interval of that distance comes near 0, a share of it means nothing and the distance is shown. *M1 to fresh
truth*: the truth is up to an hour old where ours is a step old, so M1 has a second, stricter ceiling: the truth with
our own flow.
"""
_RECORDED = """## Recorded tapes

These tell forced orders as totals per interval: *where* inside an interval's move USD was closed is not known. What can
be measured is how much was liquidated in each interval, given how far price went:

- **M1**: as above, per interval; a map also has to beat DEPTH and DEPTH1.5, the square and the power 1.5
  of the distance price newly went.
- **M1 beyond depth**: every model is given that power 1.5 as a third regressor, fitted like the others on the training
  part; what is left is not the depth of the move. (The square, fitted in quiet weeks, overshoots in a crash so far that
  it tells nothing of any model.)
- **M2 window**: a map frozen at the interval's start, summed over what price then visited, against the interval's
  total; bits per USD about *which* interval. No fit, nothing assumed about places. B0 (distance) and its powers are
  among the baselines to beat.

M2 by place and M3 need places. Spreading totals evenly over the move makes any uneven map look wrong and B0 right by
construction; they stand at the end for completeness and are no evidence either way.
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

![Touch skill by age of the map]({picture})
"""


class Task(Protocol):
    """One result, done or not."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def result(self) -> Path: ...


class Made(NamedTuple):
    """How the page came to be: enough to make it again."""

    command: str
    seed: int
    commit: str
    code: str
    tiers_as_of: str


class Warmth(msgspec.Struct):
    starts: int
    empty: tuple[AgeClass, ...]
    backfilled: tuple[AgeClass, ...]


def drawn(tasks: Sequence[Task]) -> dict[str, str]:
    """The pictures the page shows, as SVG by file name."""
    worlds, tapes = _loaded(tasks, "world", Score), _loaded(tasks, "tape", Score)
    found = {}
    both = {**worlds, **tapes}
    if both:
        rows = [(name, (*deciding_measures(both[name]), "M3" if name in worlds else "M1 beyond depth"))
                for name in (*worst_first(worlds), *worst_first(tapes))]  # fmt: skip
        found[LEADS] = pictures.leads(both, rows)
    if worlds:
        found[RELIABILITY] = pictures.reliability(worlds, worst_first(worlds))
    for one in _loaded(tasks, "warmth", Warmth).values():
        found[WARMTH] = pictures.warmth(one.empty, one.backfilled)
    return {name: text for name, text in found.items() if text}


def page(tasks: Sequence[Task], made: Made, faults: Sequence[str]) -> str:
    worlds, tapes = _loaded(tasks, "world", Score), _loaded(tasks, "tape", Score)
    wallets, warmths = _loaded(tasks, "wallets", Wallets), _loaded(tasks, "warmth", Warmth)
    parts = [
        "# How accurate the map is\n",
        _state(tasks, worlds, faults),
        _short(worlds, tapes, wallets, warmths),
        f"![Leads over the best baseline, worst first]({LEADS})\n" if worlds or tapes else "",
        goals(worlds) if worlds else "",
        _worlds(worlds),
        _tapes(tapes),
        *(_wallets(found) for found in wallets.values()),
        *(_warmth(name, found) for name, found in warmths.items()),
        METHOD.read_text(encoding="utf-8"),
        _origin(made),
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _state(tasks: Sequence[Task], worlds: dict[str, Score], faults: Sequence[str]) -> str:
    """What is not as it should be, if anything."""
    lines = []
    missing = [f"{task.kind} {task.name}" for task in tasks if not task.result.is_file()]
    if missing:
        lines.append(f"**Unfinished: {', '.join(missing)}.** Run the command again to go on.\n")
    spans = {name: (one.last_ms - one.first_ms) / _DAY_MS for name, one in worlds.items()}
    # What is scored begins and ends within a day of the market.
    short = [days for name, days in spans.items() if days < EVERY[name].params.days - 1.0]
    if short:
        lines.append(f"**A trial on shortened markets ({min(short):.0f} days): its figures mean little.**\n")
    return "\n".join([*lines, *(f"- {fault}\n" for fault in faults)])


def _short(
    worlds: dict[str, Score], tapes: dict[str, Score], wallets: dict[str, Wallets], warmths: dict[str, Warmth]
) -> str:
    lines = findings(worlds, tapes)
    for found in wallets.values():
        errors = _errors(found)
        lines.append(
            f"Recorded wallets (n = {len(found.rebuilt)}, no significance claimed): predicted price off by "
            f"{errors[len(errors) // 2]:.2f} % in the median, within 2 % in {sum(one <= 2 for one in errors)}."
        )
    for one in warmths.values():
        lines.append(f"From an empty start {_worth(one.empty)} With backfill {_worth(one.backfilled)}")
    head = "**In short**, 95 % intervals from resampling whole days in brackets:\n"
    return "\n".join([head, *(f"- {line}" for line in lines), ""]) if lines else ""


def _loaded(tasks: Sequence[Task], kind: str, shape: Any) -> dict[str, Any]:
    found = {}
    for task in tasks:
        if task.kind == kind and task.result.is_file():
            found[task.name] = msgspec.msgpack.decode(task.result.read_bytes(), type=shape)
    return found


def _worlds(worlds: dict[str, Score]) -> str:
    if not worlds:
        return "## Simulated markets\n\nNot scored yet.\n"
    families = {
        title: {name: score for name, score in worlds.items() if EVERY[name].family == family}
        for family, title in FAMILIES.items()
    }
    return "\n".join([
        _SIMULATED,
        f"![Expected and reported USD per visited bin]({RELIABILITY})\n",
        *(_family(title, found) for title, found in families.items() if found),
    ])  # fmt: skip


def _family(title: str, worlds: dict[str, Score]) -> str:
    names = worst_first(worlds)
    says = [f"- **{name}** (seed {EVERY[name].seed}): {EVERY[name].says}; {worlds[name].note}" for name in names]
    by_world = [
        ("M1: deviance explained in newly crossed bins", tables.touch_cells),
        ("M2 by place, 4 h: bits per USD-weighted event above B4", tables.place_cells),
        ("M2 by rate, 4 h", tables.rate_cells),
        ("M3: partial rank correlation, 4 h (excess over maps of other times)", tables.rank_cells),
        ("M4: lift of the densest fifth of visited bins, 4 h (control: maps of other times)", tables.lift_cells),
    ]
    return "\n".join([
        f"## Simulated: {title}\n",
        "\n".join(says) + "\n",
        tables.beside(worlds, names),
        *(tables.by_world(head, worlds, names, cells) for head, cells in by_world),
        tables.horizon_rows(worlds, names),
        tables.placebo(worlds, names),
        tables.sizes(worlds, names),
        tables.large(worlds, names),
        tables.densities(worlds, names),
        tables.bands(worlds, names),
        tables.clusters(worlds, names),
    ])


def _tapes(tapes: dict[str, Score]) -> str:
    if not tapes:
        return "## Recorded tapes\n\nNone were found where the benchmark was run.\n"
    names = worst_first(tapes)
    notes = [f"- {name}: {note}" for name in names for note in tapes[name].notes]
    facts = [
        [name, tapes[name].placed_by, f"{tapes[name].step_ms / 60_000:g} min", f"{tapes[name].window_h} h",
         f"{tapes[name].prints:,}", f"{tapes[name].realised_usd / 1e6:,.0f}"]
        for name in names
    ]  # fmt: skip
    by_tape = [
        ("M1, recorded", tables.touch_cells),
        ("M1 beyond depth, recorded", tables.beyond_cells),
        ("M2 by window, recorded: bits per USD above B4", tables.window_cells),
        ("M2 by place, 4 h, recorded (see above: no evidence)", tables.place_cells),
        ("M3, 4 h, recorded (see above: no evidence)", tables.rank_cells),
    ]
    return "\n".join([
        _RECORDED,
        tables.leads(tapes, names, ("M1", "M1 beyond depth", "M2 window")),
        table(("tape", "forced orders", "step", "window", "totals scored", "million USD reported"), facts),
        *notes,
        "",
        *(tables.by_world(title, tapes, names, cells) for title, cells in by_tape),
    ])  # fmt: skip


def _errors(found: Wallets) -> list[float]:
    """Sizes of the relative errors of predicted prices, smallest first."""
    return sorted(abs(one.error_pct) for one in found.rebuilt if one.error_pct == one.error_pct)


def _wallets(found: Wallets) -> str:
    errors = _errors(found)
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
    return f"{facts}\n{told_text(found.told)}\n{table(head, rows)}"


def _warmth(name: str, found: Warmth) -> str:
    parts = [_FRESH.format(name=name, starts=found.starts, picture=WARMTH)]
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
    """From which hour on the map says something at all, and from which nine tenths of what the warm map says."""

    def lasting(good: Any) -> str:
        for one in classes:
            if all(good(age) for age in classes if age.from_h >= one.from_h):
                return f"from hour {one.from_h} on"
        return "never within the time measured"

    some = lasting(lambda age: age.cold_d2.low > 0)
    most = lasting(lambda age: age.cold_d2.value >= 0.9 * age.warm_d2.value)
    return f"M1 lies above 0 with its interval {some}, and within a tenth of the warm map's {most}."


def _origin(made: Made) -> str:
    return (
        "## Made by\n\n"
        f"    {made.command}\n\n"
        f"Seed {made.seed}; commit {made.commit}; code of map and score `{made.code}`; margin tiers as of "
        f"{made.tiers_as_of}.\n"
    )
