"""What is said of a venue beside what its numbers say: by whom, and when. None of it is a default or a guess."""

import datetime as dt
from typing import Final, Literal, get_args

import msgspec

Topic = Literal[
    "leverage_cap", "fees", "trigger", "liquidation", "insurance_fund", "deleveraging", "test_access", "regulation",
    "reserves", "account_security", "change",
]
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)
"""In the order in which they are shown; `change` is what the venue announced to change, and there may be several."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One fact with its source and date. ValueError for one without."""

    topic: Topic
    text: str
    source: str
    as_of: str
    """ISO date: of the source, or the day it was looked up."""

    def __post_init__(self) -> None:
        try:
            dt.date.fromisoformat(self.as_of)
        except ValueError:
            raise ValueError(f"as_of: {self.as_of!r} is no date such as 2026-11-30 ({self.topic})") from None
        for name in ("text", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: missing for {self.topic}")


def stated(source: str, as_of: str, *facts: tuple[Topic, str]) -> tuple[Statement, ...]:
    """Several facts of one source."""
    return tuple(Statement(topic=topic, text=text, source=source, as_of=as_of) for topic, text in facts)
