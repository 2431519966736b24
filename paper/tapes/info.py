"""What a tape has and what it lacks, for people: few entries in a backtest are explained by what was never recorded."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from liqbot.instruments import AGGREGATE
from liqbot.legible import spelled
from paper.tapes.format import KIND_OF_WORD
from paper.tapes.reader import Tape
from paper.tapes.survey import TapeSeries

_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


class Held(msgspec.Struct, frozen=True):
    """One line of the inventory; `span_ms` is the longest bar or sum, `every_ms` the shortest time between rows."""

    kind: str
    venue: str
    coin: str
    rows: int
    first: str
    last: str
    span_ms: int
    every_ms: int
    holes: int
    covered_share: float
    """Of the tape's time; forced orders and positions have no holes."""


class TapeInfo(msgspec.Struct, frozen=True):
    """Times are ISO, UTC."""

    path: str
    rows: int
    first: str
    last: str
    days: float
    coins: tuple[str, ...]
    venues: tuple[str, ...]
    tiers_as_of: str | None
    holds: tuple[Held, ...]
    lacks: tuple[str, ...]
    holes: tuple[str, ...]
    notes: tuple[str, ...]


def info_of(tape: Tape) -> TapeInfo:
    holds = tuple(
        Held(
            one.kind, one.venue, one.coin, one.rows, iso(one.first_ms), iso(one.last_ms), one.span_ms, one.spacing_ms,
            len(one.holes), one.covered_share,
        )
        for one in tape.holdings
    )
    days = (tape.last_ms - tape.first_ms) / 86_400_000
    return TapeInfo(
        tape.path, tape.rows, iso(tape.first_ms), iso(tape.last_ms), days, tape.roster.coins, tape.roster.venues,
        tape.header.tiers_as_of, holds, lacks(tape), holes(tape.holdings), tape.notes,
    )  # fmt: skip


def lacks(tape: Tape) -> tuple[str, ...]:
    """Inputs of the house that this tape does not give, each with what follows from it."""
    by_kind = {word: [one for one in tape.holdings if one.kind == word] for word in KIND_OF_WORD}
    found: list[str] = []
    trades = by_kind["trades"]
    if not trades:
        found.append("trades: none, so nothing can be filled")
    elif (split := sum(one.filled for one in trades)) < (rows := sum(one.rows for one in trades)):
        found.append(f"taker split: on {split:,} of {rows:,} trade rows; gates on flow lack their input elsewhere")
    if not by_kind["mark"]:
        found.append("mark: none; the close of a bar stands in for it, and low..high decides liquidations (derived)")
    if not any(one.filled for one in by_kind["mark"]):
        found.append("index price: none")
    found += _forced(by_kind["liquidation"], by_kind["liquidation_totals"])
    found += _interest(by_kind["open_interest"], trades)
    if not by_kind["funding"]:
        found.append("funding: none; positions pay none, and the funding squeeze lacks its input")
    without = sorted({*tape.roster.venues} - {one.venue for one in trades} - {AGGREGATE})
    if without:
        found.append(f"trades of {', '.join(without)}: none, so they add nothing to the map")
    return tuple(found)


def holes(held: Iterable[TapeSeries]) -> tuple[str, ...]:
    """A line for every series that has some: how much of the tape's time it covers, and the longest hole."""
    return tuple(_holes(one) for one in held if one.holes)


def _holes(one: TapeSeries) -> str:
    longest = max(one.holes, key=lambda hole: hole.lasts_ms)
    count = f"{len(one.holes):,} holes, the longest" if len(one.holes) > 1 else "1 hole,"
    return (
        f"{one.kind} of {one.coin} at {one.venue}: {one.covered_share:.1%} of the time, {count} "
        f"{lasting(longest.lasts_ms)} from {iso(longest.from_ms)} to {iso(longest.until_ms)}"
    )


def _forced(single: list[TapeSeries], totals: list[TapeSeries]) -> list[str]:
    if single:
        return []
    if totals:
        span = duration(max(one.span_ms for one in totals))
        return [f"single forced orders: none, only sums (over up to {span}); prints are known that coarsely"]
    return ["forced orders: none; gates on prints lack their input"]


def _interest(interest: list[TapeSeries], trades: list[TapeSeries]) -> list[str]:
    if not interest:
        return ["open interest: none; the map has no bound and gates on its change lack their input"]
    own = {one.venue for one in interest}
    missing = sorted({one.venue for one in trades} - own)
    if not missing:
        return []
    beside = " (the aggregate bounds the sum)" if AGGREGATE in own else ""
    return [f"open interest of {', '.join(missing)}: none{beside}"]


def text_of(info: TapeInfo) -> str:
    """The inventory as plain text."""
    lines = [
        f"{info.path}: {info.rows:,} rows, {info.first} to {info.last} ({info.days:.1f} days)",
        f"coins {', '.join(info.coins)}; tier tables {'of ' + info.tiers_as_of if info.tiers_as_of else 'undated'}",
        "",
        f"{'kind':<20}{'venue':<18}{'coin':<7}{'rows':>10}  {'span':>8} {'every':>8} {'covered':>8}  {'from':<20} to",
    ]
    lines += [
        f"{held.kind:<20}{held.venue:<18}{held.coin:<7}{held.rows:>10,}  {duration(held.span_ms):>8}"
        f" {duration(held.every_ms):>8} {held.covered_share:>8.1%}  {held.first:<20} {held.last}"
        for held in info.holds
    ]
    lines += ["", "holes:", *[f"  {line}" for line in info.holes or ("none",)]]
    lines += ["", "lacks:", *[f"  {line}" for line in info.lacks or ("nothing the house asks for",)]]
    if info.notes:
        lines += ["", "notes:", *[f"  {note}" for note in info.notes]]
    return "\n".join(map(spelled, lines))


def iso(time_ms: int) -> str:
    """Whole seconds, UTC."""
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lasting(span_ms: int) -> str:
    """`14.0 h`, `2.5 d`: about how long."""
    unit_ms, name = next((unit for unit in _UNITS if span_ms >= unit[0]), _UNITS[-1])
    return f"{span_ms / unit_ms:.1f} {name}"


def duration(span_ms: int) -> str:
    """`5 min`, `1 h`; `-` for none."""
    if span_ms <= 0:
        return "-"
    for unit_ms, name in _UNITS:
        if span_ms % unit_ms == 0:
            return f"{span_ms // unit_ms} {name}"
    return f"{span_ms} ms"
