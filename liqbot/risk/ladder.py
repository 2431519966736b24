"""What the ladder of conduct leaves to a house that trades with money: entries at all, and the size of the first."""

from typing import Final

import msgspec

from liqbot.events import LadderOverridden, LiveStarted

WHOLE_PCT: Final = 100.0


class Ladder(msgspec.Struct):
    """As the newest start with money found it. Elsewhere nothing is ever written here, and nothing restrained."""

    missing: str = ""
    """Recorded days that live asks for and that are not there; empty: none."""
    typed: str = ""
    """By which words a person has gone on without them."""
    size_pct: float = WHOLE_PCT
    capped_until_ms: int = 0

    def start(self, fact: LiveStarted) -> None:
        """What an earlier start was allowed says nothing about this one."""
        self.missing, self.typed = fact.missing, ""
        self.size_pct, self.capped_until_ms = fact.size_pct, fact.capped_until_ms

    def override(self, fact: LadderOverridden) -> None:
        self.typed = fact.typed

    @property
    def barred(self) -> str:
        """Why nothing is entered; empty when it may be."""
        return f"recorded days are missing: {self.missing}" if self.missing and not self.typed else ""

    def size_pct_at(self, time_ms: int) -> float:
        """Share of every size limit that an entry may have."""
        return self.size_pct if time_ms < self.capped_until_ms else WHOLE_PCT
