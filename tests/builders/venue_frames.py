"""A venue's own examples, to be changed and read: one message of each feed, and a book of its contracts."""

import copy
import json
from typing import Any

from liqbot.venues.examples import VenueExamples
from liqbot.venues.parsing import Parsed, WireBook
from liqbot.venues.registry import VENUES, wire_of


def examples_of(venue: str) -> VenueExamples:
    read = VENUES[venue].examples
    assert read is not None
    return read()


def book_of(venue: str) -> WireBook:
    return WireBook(venue, examples_of(venue).contracts)


def frame(venue: str, feed: str, number: int = 0) -> Any:
    """The decoded message of that feed, the first or a later one; the caller's to change."""
    return copy.deepcopy([one.message for one in examples_of(venue).messages if one.feed == feed][number])


def answer(venue: str, method: str) -> Any:
    return copy.deepcopy(next(one.payload for one in examples_of(venue).responses if one.method == method))


def read(venue: str, message: Any, book: WireBook | None = None) -> Parsed:
    text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
    return wire_of(venue).parse(text, book or book_of(venue))
