"""Whether a market is open, in the venue's own words: per contract in its list, and for the whole venue where it says
so; and until when the addresses that are read are served.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from liqbot.legible import spelled_and_cut

NEAR_DAYS: Final = 90
"""So long before an address is no longer served it is said at every start."""
_DAY_MS: Final = 86_400_000
_WORD_MAX: Final = 40


class MarketState(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the venue's own entry of a contract that says whether it can be traded.

    Whatever is none of `open` counts as closed: venues add values unannounced. An entry without the field says nothing.
    """

    field: str
    open: tuple[str, ...]
    """Values under which positions can be opened; of a switch `true` or `false`."""
    words: tuple[tuple[str, str], ...] = ()
    """(another value, what it means), where that is documented."""
    source: str
    as_of: str
    """ISO date: what the documentation said on that day."""

    def trouble(self, entry: Mapping[str, Any]) -> str:
        """Why it cannot be traded; empty while it can, and where the entry does not say."""
        if (value := entry.get(self.field)) is None or (said := _word(value)) in self.open:
            return ""
        meaning = dict(self.words).get(said, "")
        return f"{self.field} is {said}" + (f", {meaning}" if meaning else "")


class VenueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A request by which a venue says of itself that its market is closed."""

    method: str
    """Of the unified client."""
    endpoint: str
    read: Callable[[Any, str], str]
    """(answer, coin) -> why the coin cannot be traded, empty while it can. AnswerMalformed for an answer that is
    none."""
    source: str
    as_of: str


class EndpointEnd(msgspec.Struct, frozen=True, kw_only=True):
    """An announced last day of what is read or traded through here. ValueError for a day that is none."""

    what: str
    on: str
    """ISO date from which it is gone."""
    successor: str
    source: str
    as_of: str

    def __post_init__(self) -> None:
        dt.date.fromisoformat(self.on)

    def days_left(self, now_ms: int) -> int:
        """Whole days; none, or fewer, once it is gone."""
        ends = dt.datetime.fromisoformat(self.on).replace(tzinfo=dt.UTC)
        return int((ends.timestamp() * 1_000 - now_ms) // _DAY_MS)

    def warning(self, now_ms: int) -> str:
        """Empty while it is far away."""
        days = self.days_left(now_ms)
        if days > NEAR_DAYS:
            return ""
        when = f"ends on {self.on}, in {days} days" if days > 0 else f"was announced to end on {self.on}"
        return f"{self.what} {when}; {self.successor}"


def trouble_in(entry: object, states: tuple[MarketState, ...]) -> str:
    """What the venue's own entry of a contract says against trading it."""
    if not isinstance(entry, Mapping):
        return ""
    return "; ".join(found for state in states if (found := state.trouble(entry)))


def _word(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return spelled_and_cut(text[:_WORD_MAX])
