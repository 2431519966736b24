"""How we know the shape of what a venue sends: graded per feed, at the endpoint as it is today."""

import datetime as dt
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

FeedName = Literal["trades", "mark", "index", "open_interest", "funding", "liquidation", "position"]
Grade = Literal["recorded", "documented", "inferred"]
GRADES: tuple[Grade, ...] = get_args(Grade)
_SHA256_LENGTH = 64


class FeedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where one feed's messages were seen. ValueError for a grade without what it stands on.

    `recorded`: a recording that others made, of the endpoint version that is read today; `documented`: the venue's own
    documentation with the list of fields; `inferred`: only what the unified client's parser reads, switched off unless
    the profile asks for it.
    """

    feed: FeedName
    endpoint: str
    """`ws <topic>` or `GET <path>`, with its version."""
    grade: Grade
    source: str
    """The page of the documentation, or the archive and file of the recording."""
    as_of: str
    """ISO date: when it was recorded, or what the documentation said on that day."""
    sha256: str = ""
    """Of the recorded file."""
    fields: tuple[str, ...] = ()
    """What is read of a message, in the venue's words."""

    def __post_init__(self) -> None:
        try:
            dt.date.fromisoformat(self.as_of)
        except ValueError:
            raise ValueError(f"as_of: {self.as_of!r} is no date such as 2026-11-30 ({self.endpoint})") from None
        if not self.source:
            raise ValueError(f"source: missing for {self.endpoint}")
        if self.grade == "recorded" and len(self.sha256) != _SHA256_LENGTH:
            raise ValueError(f"sha256: {self.sha256!r} is no sha256 of the recording of {self.endpoint}")
        if self.grade == "documented" and not self.fields:
            raise ValueError(f"fields: missing for {self.endpoint}; a documented feed lists what is read of it")


def grades_of(evidence: Iterable[FeedEvidence]) -> dict[FeedName, Grade]:
    """Feed -> grade. Of several places where a feed comes from the first one counts: it is what carries the feed."""
    found: dict[FeedName, Grade] = {}
    for one in evidence:
        found.setdefault(one.feed, one.grade)
    return found


def graded(
    grade: Grade, source: str, as_of: str, *feeds: tuple[FeedName, str, tuple[str, ...]]
) -> tuple[FeedEvidence, ...]:
    """Several feeds, each (name, endpoint, fields), that one page or one parser tells of."""
    return tuple(
        FeedEvidence(feed=feed, endpoint=endpoint, grade=grade, source=source, as_of=as_of, fields=fields)
        for feed, endpoint, fields in feeds
    )
