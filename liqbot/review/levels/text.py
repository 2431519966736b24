"""The report of an observation for people."""

import textwrap
from collections.abc import Iterator
from typing import Final

from liqbot.legible import short_usd, spelled
from liqbot.review.levels.level import REACTION_MS, REACTION_RANGES, REACTIONS, WAIT_MS
from liqbot.review.levels.proposals import Proposed
from liqbot.review.levels.report import KindReport, LevelObservation, LevelReport
from liqbot.review.levels.shares import STRETCH_MS, Share, ShareDifference
from liqbot.review.period import minute_text
from liqbot.review.progress import lasting
from liqbot.review.tables import as_text, screen_width

_WIDTH: Final = 80
_HEADS: Final = ("", "clusters", "thin levels", "difference")
_COARSE_MS: Final = REACTION_MS // 4


def observation_text(found: LevelObservation) -> str:
    """Fits 80 columns."""
    if not found.first_ms:
        return f"observe   {spelled(found.market)}: nothing was seen of a market yet"
    return "\n".join((*_head(found), "", *_levels(found), "", *_would_have(found), "", *_proves(found)))


def _head(found: LevelObservation) -> Iterator[str]:
    span = lasting((found.last_ms - found.first_ms) / 1_000)
    marked = " (simulated)" if found.simulated else ""
    yield f"observe   {spelled(found.market)}{marked}"
    yield f"seen      {minute_text(found.first_ms)} to {minute_text(found.last_ms)} UTC, {span}"
    if found.step_ms > _COARSE_MS:
        yield f"coarse    bars of up to {lasting(found.step_ms / 1_000)}: nothing within one is told apart"


def _levels(found: LevelObservation) -> Iterator[str]:
    whole = found.levels
    left_out = f"{whole.without_control:,} clusters had none and are left out"
    yield f"levels    {_pairs(whole)} of a cluster and a thin level as far away; {left_out}"
    for one in found.by_coin if len(found.by_coin) > 1 else ():
        yield f"          {one.coin}: {_pairs(one)}"
    yield as_text(_rows(whole), _HEADS, (False, True, True, True))
    yield from _lines(
        f"A reaction is {REACTION_RANGES:g} of a usual hour's range within {REACTION_MS // 60_000} min of the touch: "
        "accelerated, beyond the level first; reversed, back first; ignored, neither. Levels are given up after "
        f"{WAIT_MS // 3_600_000} h. Shares [95 % intervals]: what falls within {STRETCH_MS // 3_600_000} h counts as "
        "happening together. USD in a map is an estimate."
    )


def _pairs(report: LevelReport) -> str:
    return f"{report.clusters.levels:,} pairs"


def _rows(report: LevelReport) -> list[list[str]]:
    kinds = report.clusters, report.thin
    rows = [
        ["away, mean", *(_number(kind.distance_pct, "{:.2f} %") for kind in kinds), ""],
        ["USD in it, mean", *("-" if kind.usd is None else short_usd(kind.usd) for kind in kinds), ""],
        ["not over yet", *(f"{kind.waiting + kind.undecided:,}" for kind in kinds), ""],
        ["touched so far", *(_share(kind.touched) for kind in kinds), _difference(report.differences["touched"])],
    ]
    rows += [
        [f"  {name}", *(_share(_of(kind, name)) for kind in kinds), _difference(report.differences[name])]
        for name in (fate.value for fate in REACTIONS)
    ]
    return rows


def _of(kind: KindReport, name: str) -> Share:
    return kind.reactions[name]


def _share(share: Share) -> str:
    if share.share is None or share.low is None or share.high is None:
        return "-"
    return f"{share.of}/{share.n} {share.share:.0%} [{share.low:.0%}..{share.high:.0%}]"


def _difference(one: ShareDifference) -> str:
    if one.share is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{one.share:+.0%} [too few]"
    return f"{one.share:+.0%} [{one.low:+.0%}..{one.high:+.0%}]"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _would_have(found: LevelObservation) -> Iterator[str]:
    yield "would have entered (at the signal's price; stop and take left where they were; before costs)"
    if not found.would_have:
        yield "          nothing: no strategy gave a signal (liqbot decisions shows why)"
        return
    rows = [
        [one.strategy, one.coin, one.side, f"{one.entries:,}", f"{one.won:,}", f"{one.unknown:,}", f"{one.sum_r:+.2f}",
         _codes(one)]
        for one in found.would_have
    ]  # fmt: skip
    yield as_text(rows, ("strategy", "coin", "side", "entries", "won", "open", "sum R", "risk said"),
                  (False, False, False, True, True, True, True, False))


def _codes(one: Proposed) -> str:
    return ", ".join(f"{code} {times}" for code, times in sorted(one.codes.items(), key=lambda pair: -pair[1])[:2])


def _proves(found: LevelObservation) -> Iterator[str]:
    yield "what this proves"
    yield from _lines(found.proves)


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, min(screen_width() or _WIDTH, 120))
