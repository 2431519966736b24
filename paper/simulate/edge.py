"""What the simulated edge makes of a venue's words. It stands where `liqbot/execution/edge` stands and keeps its rules:
what is no answer says nothing, a state that is not known is queried, and an order is missing only once no request
for it can be carried out any more."""

from typing import Final

from liqbot.events import Event

VALID_MS: Final = 2_000
"""So long after it was sent a venue carries a request out, and refuses it as expired later."""


def read(facts: tuple[Event, ...], *, nonsense: bool) -> tuple[Event, ...]:
    """Of a reading of the account; nothing when it is not understood: it is read again."""
    return () if nonsense else facts


def received(fact: Event, *, state_known: bool) -> tuple[Event, ...]:
    """Of news about one order; nothing when its state is none that we know: the order is queried."""
    return (fact,) if state_known else ()


def is_missing(sent_ms: int, now_ms: int) -> bool:
    """Whether "no such order" proves anything about an order that was sent then."""
    return now_ms - sent_ms >= VALID_MS
