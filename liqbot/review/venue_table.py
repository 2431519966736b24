"""What each venue can do, in plain words: the one source of `liqbot venues` and of the README's table."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from liqbot.venues.evidence import GRADES, grades_of
from liqbot.venues.registry import mechanics_of
from liqbot.venues.spec import Capability, VenueSpec

UNKNOWN: Final = "unknown"
FORCED: Final = "liquidation"
README_BEGIN: Final = "<!-- venues: written by docs/generate_venues.py -->"
README_END: Final = "<!-- end of venues -->"
_TESTED: Final = {
    "examples": "tested on examples of its messages, never dialled",
    "loopback": "tested on loopback, not against the live venue",
    "live": "tested against the live venue",
}


class Abilities(NamedTuple):
    """One line of the table; "no" is followed by its reason."""

    margin: str
    market_data: str
    shapes: str
    """How the messages of its feeds are known."""
    forced_orders: str
    test_access: str
    orders: str
    stop: str
    """When the stop of an entry is at the venue."""


def abilities(spec: VenueSpec) -> Abilities:
    tested = f"yes, {_TESTED[spec.proof]}" if spec.proof is not None else "yes"
    return Abilities(
        margin=_margin(spec),
        market_data=_or_reason(spec, "market_data", tested),
        shapes=shapes_of(spec),
        forced_orders=_or_reason(spec, "forced_orders", _forced(spec)),
        test_access=_or_reason(spec, "test_access", ", ".join(spec.practice_kinds)),
        orders=_or_reason(spec, "orders", tested),
        stop=stop_of(spec),
    )


def stop_of(spec: VenueSpec) -> str:
    """As documentation has it: an account's first such stop, read back, proves it for that account."""
    if spec.protection is None:
        return UNKNOWN
    attached = spec.protection.attached
    if attached is None:
        return "after the fill"
    stays = "stays" if not attached.outlives_position else "until one of its own rests"
    return f"with the entry, {stays} (documented)"


def shapes_of(spec: VenueSpec) -> str:
    """Feeds by grade, those that are not read unless the profile asks by name; nothing for a venue that is not read."""
    grades = grades_of(spec.evidence) if spec.wire is not None else {}
    counts = Counter(grades.values())
    graded = [f"{counts[grade]} {grade}" for grade in GRADES if counts[grade] and grade != "inferred"]
    inferred = [feed for feed, grade in grades.items() if grade == "inferred"]
    return ", ".join([*graded, *([f"inferred and off: {' '.join(inferred)}"] if inferred else [])]) or "-"


def _forced(spec: VenueSpec) -> str:
    coverage = spec.liquidations.completeness or UNKNOWN
    wire = spec.wire
    streamed = wire is not None and any(FORCED in stream.feeds for stream in wire.streams)
    polled = wire is not None and any(poll.feed == FORCED for poll in wire.polls)
    of_accounts = wire is not None and wire.positions is not None and not streamed and not polled
    return f"{coverage}, of accounts that are read (feeds.accounts, off by default)" if of_accounts else coverage


def short(spec: VenueSpec, capability: Capability) -> str:
    """Yes or no, without the reason."""
    return "no" if spec.lack(capability) else "yes"


def _or_reason(spec: VenueSpec, capability: Capability, able: str) -> str:
    reason = spec.lack(capability)
    return f"no: {reason}" if reason else able


def _margin(spec: VenueSpec) -> str:
    mechanics = mechanics_of(spec.venue, spec.contracts[0].listings[0].coin)
    if not mechanics.priced:
        return "no price liquidates"
    if spec.contracts[0].margin is None:
        return "stand-in"
    return "own rule, stand-in tiers" if mechanics.assumed else "own rule and tiers"


def readme_table(specs: Iterable[VenueSpec]) -> str:
    """Markdown, between its two marks; venues that can do the same share a line."""
    lines: dict[Abilities, list[str]] = {}
    for spec in specs:
        lines.setdefault(abilities(spec), []).append(spec.title)
    head = (
        "venue", "margin rules", "market data, live", "feeds known by", "forced orders", "test access", "orders",
        "stop",
    )
    rows = [head, ("---",) * len(head), *((", ".join(titles), *cells) for cells, titles in lines.items())]
    return "\n".join([README_BEGIN, *(f"| {' | '.join(row)} |" for row in rows), README_END])
