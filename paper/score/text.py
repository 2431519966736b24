"""A score for people: what decides first, then every table, with what is missing said."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from paper.score.bootstrap import Estimate
from paper.score.cluster_skill import HEAVY, WITHIN_PCT
from paper.score.result import Lead, Score


def text_of(score: Score) -> str:
    parts = [_head(score), _leads(score), _touch(score)]
    parts += [_gains(score, hours) for hours in score.gains]
    parts += [_windows(score)]
    parts += [_ranks(score, hours) for hours in score.ranks]
    parts += [_venues(score), _reliability(score), _exceedances(score), _densities(score), _size_bands(score)]
    parts += [_clusters(score)]
    parts += ["\n".join(f"note: {note}" for note in score.notes)]
    return "\n\n".join(part for part in parts if part)


def shown(estimate: Estimate, digits: int = 3) -> str:
    """`0.123 (0.1..0.2)`; a dash where there is nothing."""
    if estimate.value != estimate.value:
        return "-"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f}..{estimate.high:.{digits}f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is left-bound."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _head(score: Score) -> str:
    how = "every print at its venue's mark" if score.placed_by == "orders" else "totals spread over what was crossed"
    every_h = score.origin_every_ms / 3_600_000
    lines = [
        f"{score.tape}: {score.coin}, path of {score.home}, forced orders placed: {how}",
        f"fitted {iso(score.train_ms)} to {iso(score.test_ms)}, scored to {iso(score.last_ms)} UTC",
        f"{score.prints:,} prints, {score.realised_usd:,.0f} USD reported while scored",
        f"{score.frozen_share:.0%} of the USD in frozen windows lies ahead of the origin's mark",
        f"steps {score.step_ms / 60_000:g} min, origins every {every_h:g} h; intervals: 95 %, resampled days",
    ]
    return "\n".join([*lines, *([score.note] if score.note else [])])


def _leads(score: Score) -> str:
    rows = [(one.measure, one.baseline, shown(one.lead), way(one)) for one in score.leads]
    return "Our map against the best of the baselines that decide\n" + table(
        ("", "baseline", "lead", "share of the way to the truth"), rows
    )


def way(one: Lead) -> str:
    """How much of the gap is closed, or that there is no gap to speak of."""
    if not one.ceiling:
        return "-"
    if not one.gap_resolved:
        return f"gap to {one.ceiling} not resolved: {shown(one.gap)}"
    return f"{shown(one.closed_share, 2)} {one.ceiling}"


def _touch(score: Score) -> str:
    ordered = sorted(score.touch.items(), key=lambda pair: -pair[1].d2.value)
    rows = [
        (name, shown(one.d2), _figure(one.d2_long_ratio), _figure(one.d2_short_ratio),
         shown(score.touch_beyond[name].d2))
        for name, one in ordered
    ]  # fmt: skip
    return (
        "M1 touch skill: share of the deviance of 'constant per newly crossed bin' explained; beyond depth: every "
        "model also given a power of the crossed distance\n"
        + table(("model", "D2", "longs", "shorts", "beyond depth"), rows)
    )


def _gains(score: Score, hours: int) -> str:
    ordered = sorted(score.gains[hours].items(), key=lambda pair: -pair[1].bits.value)
    rows = [
        (name, shown(one.bits), _figure(one.long_value), _figure(one.short_value), shown(one.rate_bits))
        for name, one in ordered
    ]
    return f"M2 information gain of frozen maps, {hours} h: bits per USD-weighted event above B4\n" + table(
        ("model", "by place", "longs", "shorts", "by rate"), rows
    )


def _windows(score: Score) -> str:
    hours = list(score.windows)
    best = score.windows[score.window_h]
    rows = [
        (name, *(shown(score.windows[one][name]) for one in hours))
        for name in sorted(best, key=lambda name: -_number(best[name].value))
    ]
    return (
        "M2 by window: bits per USD about when, whatever the place inside the window; totals per interval fit whole "
        f"into {score.window_h} h\n" + table(("model", *(f"{one} h" for one in hours)), rows)
    )


def _ranks(score: Score, hours: int) -> str:
    ordered = sorted(score.ranks[hours].items(), key=lambda pair: -_number(pair[1].partial.value))
    rows = [
        (
            name, shown(one.partial), _figure(one.excess_value), _figure(one.plain_value), shown(one.lift_fifth, 2),
            _figure(one.shuffled_lift_fifth_value, 2), shown(one.lift_tenth, 2),
            _figure(one.shuffled_lift_tenth_value, 2),
        )
        for name, one in ordered
    ]
    return f"M3 partial rank correlation and M4 lift, {hours} h (excess and control: maps of other times)\n" + table(
        ("model", "partial", "excess", "plain", "lift 1/5", "control", "lift 1/10", "control"), rows
    )


def _figure(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if value == value else "-"


def _number(value: float) -> float:
    return value if value == value else -9.0


def _venues(score: Score) -> str:
    rows = [
        (one.venue, f"{one.expected_usd:,.0f}", f"{one.realised_usd:,.0f}", shown(one.ratio, 2))
        for one in score.venues
    ]
    head = ("venue", "expected USD", "reported USD", "ratio")
    return "M5 size: expected to be reported over reported\n" + table(head, rows)


def _reliability(score: Score) -> str:
    rows = [
        (str(number + 1), f"{one.count}", f"{one.expected_usd:,.0f}", f"{one.realised_usd:,.0f}")
        for number, one in enumerate(score.reliability)
    ]
    return "M5 reliability: visited bins by tenths of what was expected there\n" + table(
        ("tenth", "bins", "expected USD", "reported USD"), rows
    )


def _exceedances(score: Score) -> str:
    rows = [
        (
            f"{one.above_usd:,.0f}", f"{one.happened_share:.3f}", f"{one.brier_value:.4f}",
            f"{one.climatology_brier_value:.4f}", f"{one.skill_value:.3f}", f"{one.distance_skill_value:.3f}",
        )
        for one in score.exceedances
    ]
    return "M5 'more than this if visited': Brier score\n" + table(
        ("above USD", "happened", "ours", "share alone", "skill", "over distance"), rows
    )


def _densities(score: Score) -> str:
    rows = [
        (
            f"{one.percentile_low:.0f}-{one.percentile_high:.0f}", f"{one.count}", f"{one.ratio:.2f}",
            f"{one.realised_percentile:.0f}",
        )
        for one in score.densities
    ]
    title = "M6 density percentile of visited bins: reported over usual at that distance, and its realised rank\n"
    return title + table(("percentile", "bins", "reported/usual", "realised rank"), rows)


def _size_bands(score: Score) -> str:
    if not score.size_bands:
        return ""
    rows = [
        (
            f"{one.side} {one.from_pct:g}-{one.to_pct:g} %", f"{one.drawn_usd:,.0f}", f"{one.true_usd:,.0f}",
            shown(one.ratio, 2),
        )
        for one in score.size_bands
    ]
    return "M7 size of the positions: truly open over drawn, by distance from the mark\n" + table(
        ("", "drawn USD", "true USD", "ratio"), rows
    )


def _clusters(score: Score) -> str:
    if score.clusters is None:
        return ""
    rows = [
        ("bins", shown(score.clusters.covered_share), "1"),
        (f"{HEAVY} heaviest bins", shown(score.clusters.heavy_share), shown(score.clusters.heavy_lift, 2)),
        ("all true USD", shown(score.clusters.usd_share), shown(score.clusters.usd_lift, 2)),
    ]
    return f"M8 clusters: what they hold of the truth within {WITHIN_PCT:g} % of the mark\n" + table(
        ("", "in clusters", "over chance"), rows
    )
