"""What `venues NAME` shows of a venue besides its abilities: each feed with how its shape is known, and facts with
source and date. What nobody has looked up is unknown."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple, get_args

from liqbot.review.venue_table import UNKNOWN
from liqbot.venues.evidence import GRADES, FeedEvidence, FeedName, Grade, grades_of
from liqbot.venues.mechanics import mechanics_for
from liqbot.venues.spec import Contract, VenueSpec
from liqbot.venues.statements import TOPICS, Topic

OFF: Final = "not read unless feeds.inferred"
FEEDS_BEGIN: Final = "<!-- feeds: written by docs/generate_venues.py -->"
FEEDS_END: Final = "<!-- end of feeds -->"
_STEPS: Final = {
    "whole": "whole", "compliance": "as much as brings it back to maintenance", "tiers_down": "tier by tier",
    "fraction_first": "a part first", "small_steps": "in small steps",
}


class StatedFact(NamedTuple):
    topic: Topic
    text: str
    source: str = ""
    as_of: str = ""


class FeedCounts(NamedTuple):
    """Over venues: how many are read live, and feeds by grade."""

    read: int
    feeds: dict[Grade, int]
    documented_venues: int
    """Every feed of theirs is documented or better."""
    recorded_venues: int
    """Some feed of theirs was recorded at its present endpoint."""


def counted(specs: Iterable[VenueSpec]) -> FeedCounts:
    read = [grades_of(spec.evidence) for spec in specs if spec.wire is not None]
    feeds = Counter(grade for grades in read for grade in grades.values())
    return FeedCounts(
        len(read), {grade: feeds[grade] for grade in GRADES},
        sum("inferred" not in grades.values() and bool(grades) for grades in read),
        sum("recorded" in grades.values() for grades in read),
    )


def counts_line(specs: Iterable[VenueSpec]) -> str:
    found = counted(specs)
    feeds = ", ".join(f"{number} {grade}" for grade, number in found.feeds.items())
    return (
        f"{found.read} venues read live; their feeds: {feeds} ({OFF}); every feed documented or better at "
        f"{found.documented_venues}, some recorded at {found.recorded_venues}"
    )


def feeds_table(specs: Iterable[VenueSpec]) -> str:
    """Markdown, between its two marks: what each feed of each venue that is read stands on."""
    feeds = get_args(FeedName)
    rows = [("venue", *(feed.replace("_", " ") for feed in feeds)), ("---",) * (len(feeds) + 1)]
    chosen = [spec for spec in specs if spec.wire is not None]
    for spec in chosen:
        first = {one.feed: one for one in reversed(spec.evidence)}
        cells = (f"{first[feed].grade} {first[feed].as_of}" if feed in first else "-" for feed in feeds)
        rows.append((spec.title, *cells))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{FEEDS_BEGIN}\n{table}\n\n{counts_line(chosen).capitalize()}.\n{FEEDS_END}"


def feed_lines(spec: VenueSpec) -> list[str]:
    """One for each place where a feed comes from."""
    return [f"  {one.feed:<14} {one.grade:<10} {one.as_of}  {_where(one)}" for one in spec.evidence]


def _where(one: FeedEvidence) -> str:
    proof = f", sha256 {one.sha256[:12]}" if one.sha256 else ""
    off = f" ({OFF})" if one.grade == "inferred" else ""
    return f"{one.endpoint}: {one.source}{proof}{off}"


def facts_of(spec: VenueSpec) -> list[StatedFact]:
    """What was stated; else what the venue's own numbers here say; else that it is unknown."""
    found: list[StatedFact] = []
    for topic in TOPICS:
        stated = [StatedFact(topic, one.text, one.source, one.as_of) for one in spec.statements if one.topic == topic]
        found += stated or ([] if topic == "change" else [_derived(spec, topic)])
    return found


def _derived(spec: VenueSpec, topic: Topic) -> StatedFact:
    contract = spec.contracts[0]
    if topic == "test_access":
        reason = spec.lack("test_access")
        return StatedFact(topic, f"none: {reason}" if reason else ", ".join(spec.practice_kinds))
    if topic == "regulation" and spec.us_regulated:
        return StatedFact(topic, "its customers trade under US rules")
    if contract.margin is None:
        return StatedFact(topic, UNKNOWN)
    return _from_margin(spec, contract, topic)


def _from_margin(spec: VenueSpec, contract: Contract, topic: Topic) -> StatedFact:
    margin = contract.margin
    mechanics = mechanics_for(spec, spec.venue, contract.listings[0].coin)
    if margin is None or not mechanics.priced:
        return StatedFact(topic, UNKNOWN)
    table, fees = mechanics.table, margin.fees
    if topic == "leverage_cap" and not mechanics.assumed:
        return StatedFact(topic, f"{table.tiers[0].leverage_max:g}x in the first tier", table.source, table.as_of)
    if topic == "fees":
        closing = UNKNOWN if fees.liquidation_pct is None else f"{fees.liquidation_pct:g} %"
        return StatedFact(topic, f"maker {fees.maker_pct:g} %, taker {fees.taker_pct:g} %, liquidation {closing}")
    if topic == "liquidation":
        return StatedFact(topic, f"calculated here as closing {_STEPS[margin.ladder.kind]}")
    return StatedFact(topic, UNKNOWN)


def state_lines(spec: VenueSpec) -> list[str]:
    """How it is known that one of its markets is closed, and what of it ends when."""
    lines = [
        f"  market open while {one.field} is {' or '.join(one.open)} ({one.source}, {one.as_of})" for one in spec.states
    ]
    if (status := spec.status) is not None:
        lines.append(f"  closed as a whole by {status.endpoint} ({status.source}, {status.as_of})")
    if not lines:
        lines = [f"  market open: {UNKNOWN}, besides what the unified client tells"]
    return lines + [
        f"  ends on {one.on}: {one.what}; {one.successor} ({one.source}, {one.as_of})" for one in spec.ends
    ]


def fact_lines(spec: VenueSpec) -> list[str]:
    return [
        f"  {fact.topic.replace('_', ' '):<17} {fact.text}" + (f" ({fact.source}, {fact.as_of})" if fact.source else "")
        for fact in facts_of(spec)
    ]
