"""Checks of market data: what is subscribed to and requested, and that every parser reads its own examples and nothing
else.

A broken message may raise `MalformedMessage`, in one line that names the venue, and nothing else.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import venue_key
from liqbot.venues.conformance.facts import LIQUIDATION_FEED
from liqbot.venues.conformance.mangling import mangled, mangled_frames, mangled_texts
from liqbot.venues.evidence import grades_of
from liqbot.venues.examples import ResponseExample, VenueExamples
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.public_accounts import FillSource, PositionSource
from liqbot.venues.spec import VenueSpec
from liqbot.venues.streams import HistorySource, Poll, TierSource, VenueWire

FEEDS: Final = ("trades", LIQUIDATION_FEED, "mark", "index", "funding", "open_interest")
PAST: Final = {"bars": TradeBar, "open_interest": OpenInterest, "funding": FundingRate}
_FACTS: Final = {
    LIQUIDATION_FEED: Liquidation, "mark": MarkPrice, "funding": FundingRate, "open_interest": OpenInterest,
}
_NOW_MS: Final = 1_767_229_300_000
_HOUR_MS: Final = 3_600_000
Reader = Callable[[Any, WireBook], object]
Source = Poll | HistorySource | TierSource


def _examples(spec: VenueSpec) -> VenueExamples:
    return spec.examples() if spec.examples is not None else VenueExamples()


def stream_faults(spec: VenueSpec) -> list[str]:
    if spec.wire is None:
        return []
    wire, examples, found = spec.wire, _examples(spec), []
    if wire.venue != spec.venue:
        found.append(f"the wire is that of {wire.venue!r}")
    carried = [feed for stream in wire.streams for feed in stream.feeds]
    found += [f"feed {feed!r} is unknown; there are {', '.join(FEEDS)}" for feed in carried if feed not in FEEDS]
    promised = {*carried, *(poll.feed for poll in wire.polls)}
    if wire.positions is not None:
        promised.add(LIQUIDATION_FEED)
    found += [f"no stream or request gives {feed}" for feed in ("trades", "mark") if feed not in promised]
    if not spec.lack("forced_orders") and LIQUIDATION_FEED not in promised:
        found.append("forced orders are published, but neither read nor named in `lacks`")
    if not examples.contracts:
        return [*found, "examples: none, so the parsers cannot be checked"]
    found += _contract_faults(spec, examples)
    found += [f"stream {stream.method}: {fault}" for stream in wire.streams
              for fault in _raised(stream.arguments, examples.contracts)]
    return found + _message_faults(spec, wire, examples)


def evidence_faults(spec: VenueSpec) -> list[str]:
    """Every feed that is read says how its shape is known; nothing that is not read does."""
    if spec.wire is None:
        return ["evidence: nothing is read live"] if spec.evidence else []
    read = {feed for stream in spec.wire.streams for feed in stream.feeds} | {poll.feed for poll in spec.wire.polls}
    graded = set(grades_of(spec.evidence))
    found = [f"evidence: none for {feed}" for feed in sorted(read - graded)]
    # The index comes with the mark; positions beside the feeds, and forced orders with the fills of who held them.
    beside = {"index"} if spec.wire.positions is None else {"index", "position", LIQUIDATION_FEED}
    found += [f"evidence: {feed} is not read" for feed in sorted(graded - read - beside)]
    return found + [
        f"evidence: {one.feed} names no endpoint such as 'ws <topic>' or 'GET <path>': {one.endpoint!r}"
        for one in spec.evidence if not one.endpoint.startswith(("ws ", "ws/", "GET ", "POST "))
    ]


def _contract_faults(spec: VenueSpec, examples: VenueExamples) -> list[str]:
    keys = {venue_key(spec.venue, contract.contract) for contract in spec.contracts}
    return [f"examples: {one.venue_key} is no book of this venue" for one in examples.contracts
            if one.venue_key not in keys]


def _message_faults(spec: VenueSpec, wire: VenueWire, examples: VenueExamples) -> list[str]:
    found, seen = [], set()
    book, bytes_book = _book(spec, examples), _book(spec, examples)
    for poll in wire.polls:
        for payload in _payloads(examples, poll):
            seen |= _feeds_of(poll.parse(payload, book, _NOW_MS))
    for example in examples.messages:
        text = example.frame if example.binary else example.raw
        try:
            parsed, again = wire.parse(text, book), wire.parse(example.frame, bytes_book)
        except MalformedMessage as error:
            found.append(f"example of {example.feed or 'another channel'}: {error}")
            continue
        if parsed.ours is not bool(example.feed) or parsed.ours is not again.ours or parsed.trades != again.trades:
            found.append(f"example of {example.feed or 'another channel'}: read as ours={parsed.ours}")
        seen |= _feeds_of(parsed.facts) | ({"trades"} if parsed.trades else set())
    promised = {feed for stream in wire.streams for feed in stream.feeds} | {poll.feed for poll in wire.polls}
    return found + [f"no example gives {feed}" for feed in sorted(promised - seen)]


def _feeds_of(facts: list[MarketEvent]) -> set[str]:
    seen = {feed for feed, kind in _FACTS.items() if any(isinstance(fact, kind) for fact in facts)}
    indexed = any(isinstance(fact, MarkPrice) and fact.index_price is not None for fact in facts)
    return seen | {"index"} if indexed else seen


def request_faults(spec: VenueSpec) -> list[str]:
    examples = _examples(spec)
    if spec.wire is None or not examples.contracts:
        return []
    wire, contract, found = spec.wire, examples.contracts[0], []
    for poll in wire.polls:
        if poll.feed not in FEEDS or poll.period_ms < 1_000 or poll.weight < 1:
            found.append(f"{poll.method}: feed {poll.feed!r}, every {poll.period_ms} ms, weight {poll.weight}")
        found += [f"{poll.method}: {fault}" for fault in _raised(poll.params, contract)]
    for history in wire.histories:
        if history.kind not in PAST or history.span_ms < 1 or history.rows_max < 1:
            found.append(f"{history.method}: kind {history.kind!r}; there are {', '.join(PAST)}")
        span = (_NOW_MS - _HOUR_MS, _NOW_MS)
        found += [f"{history.method}: {fault}" for fault in _raised(history.params, contract, *span)]
    sources: tuple[Poll | HistorySource, ...] = (*wire.polls, *wire.histories)
    found += [f"{source.method}: no example of its answer" for source in sources
              if not _answered(wire, examples, source.parse)]
    book = _book(spec, examples)
    return found + _history_faults(wire, examples, book) + _tier_faults(wire, examples, book)


def _history_faults(wire: VenueWire, examples: VenueExamples, book: WireBook) -> list[str]:
    """In their order: bars come first, because coins of the past are valued with them."""
    found = []
    for history in wire.histories:
        for payload in _payloads(examples, history):
            facts = history.parse(payload, book, 0)
            if not facts or not all(isinstance(fact, PAST.get(history.kind, ())) for fact in facts):
                found.append(f"{history.method}: its example gives no {history.kind}")
    return found


def _tier_faults(wire: VenueWire, examples: VenueExamples, book: WireBook) -> list[str]:
    if wire.tiers is None:
        return []
    payloads = list(_payloads(examples, wire.tiers))
    found = [] if payloads else [f"{wire.tiers.method}: no example of its answer"]
    for payload in payloads:
        rows = wire.tiers.parse(payload, book, 0)
        caps = [row.cap_usd for row in rows]
        if not rows or caps != sorted(caps) or not all(0 < row.maintenance_pct < 100 for row in rows):
            found.append(f"{wire.tiers.method}: tiers {rows}: lowest first, maintenance in percent")
    return found


def account_faults(spec: VenueSpec) -> list[str]:
    """Of positions that are read account by account: both answers have an example that says something."""
    examples = _examples(spec)
    if spec.wire is None or spec.wire.positions is None or not examples.contracts:
        return []
    source, book = spec.wire.positions, _book(spec, examples)
    found, answers = list[str](), _answers_to(examples, source.method, source.params(""))
    if not answers or not all(source.parse(payload, book) for payload in answers):
        found.append(f"{source.method}: no example of an account with a position")
    found += _unexpected(spec, examples, answers, source.parse)
    return found if source.fills is None else found + _fill_faults(spec, examples, source, source.fills)


def _fill_faults(
    spec: VenueSpec, examples: VenueExamples, source: PositionSource, fills: FillSource
) -> list[str]:
    answers, book = _answers_to(examples, fills.method, fills.params("", 0, _NOW_MS)), _book(spec, examples)
    named = [one.args[1] for one in examples.responses if one.method == fills.method and len(one.args) == 2]
    found = [f"{name!r} is no name of an account" for name in named if not source.is_account(name)]
    if not any(fills.parse(payload, book, name) for payload in answers for name in named):
        return [*found, f"{fills.method}: no example of fills that closed a position by force"]
    return found + _unexpected(spec, examples, answers, lambda payload, book: fills.parse(payload, book, named[0]))


def _unexpected(spec: VenueSpec, examples: VenueExamples, answers: list[Any], read: Reader) -> list[str]:
    """What a reader makes of broken answers."""
    return [
        fault for payload in answers for one in mangled(payload)
        for fault in sorted(_only_malformed(read, one, _book(spec, examples)))
    ]


def _answers_to(examples: VenueExamples, method: str, params: dict[str, Any]) -> list[Any]:
    return [
        one.payload for one in examples.responses if one.method == method
        and all(params.get(name) == value for name, value in (one.args[0] if one.args else {}).items())
    ]


def mangled_faults(spec: VenueSpec) -> list[str]:
    if spec.wire is None:
        return []
    wire, examples = spec.wire, _examples(spec)
    found: set[str] = set()
    for example in examples.messages:
        for frame in mangled_frames(example.frame) if example.binary else ():
            found |= _only_malformed(wire.parse, frame, _book(spec, examples))
        for text in () if isinstance(example.message, str) else mangled_texts(example.message):
            for raw in (text, text.encode()):
                found |= _only_malformed(wire.parse, raw, _book(spec, examples))
    for source, read in _readers(wire):
        for payload in _payloads(examples, source):
            for one in mangled(payload):
                found |= _only_malformed(read, one, _book(spec, examples))
    return sorted(found)


def _book(spec: VenueSpec, examples: VenueExamples) -> WireBook:
    book = WireBook(spec.venue, examples.contracts)
    book.received_ms = _NOW_MS
    return book


def _readers(wire: VenueWire) -> Iterator[tuple[Source, Reader]]:
    for poll in wire.polls:
        yield poll, _bound(poll.parse, _NOW_MS)
    for history in wire.histories:
        yield history, _bound(history.parse, 0)
    if wire.tiers is not None:
        yield wire.tiers, _bound(wire.tiers.parse, 0)


def _bound(parse: Callable[[Any, WireBook, int], object], last: int) -> Reader:
    return lambda payload, book: parse(payload, book, last)


def _only_malformed(read: Reader, value: Any, book: WireBook) -> set[str]:
    try:
        read(value, book)
    except MalformedMessage as error:
        if error.venue != book.venue or "\n" in str(error):
            return {f"MalformedMessage must name the venue, in one line: {str(error)!r}"}
    except Exception as error:  # noqa: BLE001 -- whatever else a parser raises is the fault that is looked for
        return {f"a parser raises {type(error).__name__} ({str(error)[:80]}); only MalformedMessage is right"}
    return set()


def _raised(call: Callable[..., object], *args: object) -> list[str]:
    try:
        call(*args)
    except Exception as error:  # noqa: BLE001 -- see above
        return [f"raises {type(error).__name__}: {error}"]
    return []


def _payloads(examples: VenueExamples, source: Source) -> Iterator[Any]:
    return (one.payload for one in examples.responses if _answers(one, examples, source))


def _answers(one: ResponseExample, examples: VenueExamples, source: Source) -> bool:
    """Whether an example answers this request. Where one method gives all answers of a venue the example says in `args`
    what was requested."""
    if one.method != source.method or not one.args:
        return one.method == source.method
    span = (_NOW_MS - _HOUR_MS, _NOW_MS) if isinstance(source, HistorySource) else ()
    params: dict[str, Any] = source.params(examples.contracts[0], *span)
    return all(params.get(name) == value for name, value in one.args[0].items())


def _answered(wire: VenueWire, examples: VenueExamples, parse: object) -> bool:
    """Whether some request with this parser has an example: the same answer may come under several names."""
    sources: tuple[Poll | HistorySource, ...] = (*wire.polls, *wire.histories)
    return any(_answers(one, examples, source) for source in sources if source.parse is parse
               for one in examples.responses)
