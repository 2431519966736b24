"""Defects in the face of what the outside does: disks that hang, ends, nonsense, unknown states, late requests."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.events import Event, OrderAccepted, OrderCancelled, PositionSnapshot
from liqbot.risk.account import Account
from liqbot.runtime import ending, step
from liqbot.unrecorded import UnrecordedSteps
from paper.simulate import edge
from paper.simulate.mutant import Mutant, Patch, instead


def _flat_when_unread(sound: Callable[..., tuple[Event, ...]]) -> Callable[..., tuple[Event, ...]]:
    def mutant(facts: tuple[Event, ...], *, nonsense: bool) -> tuple[Event, ...]:
        if not nonsense:
            return sound(facts, nonsense=nonsense)
        return tuple(
            msgspec.structs.replace(fact, quantity_base=Decimal(0)) if isinstance(fact, PositionSnapshot) else fact
            for fact in facts
        )

    return mutant


def _ended_when_unknown(sound: Callable[..., tuple[Event, ...]]) -> Callable[..., tuple[Event, ...]]:
    def mutant(fact: Event, *, state_known: bool) -> tuple[Event, ...]:
        if state_known or not isinstance(fact, OrderAccepted):
            return sound(fact, state_known=state_known)
        ended = OrderCancelled(
            time_ms=fact.time_ms, venue=fact.venue, coin=fact.coin, client_id=fact.client_id, reason="unknown state"
        )
        return (ended,)

    return mutant


def _idle(*_: Any) -> None:
    """Nothing follows from it."""


OUTSIDE: Final = (
    Mutant(
        "waits_for_disk",
        "what reduces risk waits until the disk answers",
        (Patch(step.WriteAhead, "expire", instead(lambda *_: [])),),
        shows_in=("disk_hangs",),
    ),
    Mutant(
        "gap_unreported",
        "a journal that refused records goes on as if it had not",
        (Patch(step.WriteAhead, "_leave_unrecorded", instead(_idle)),),
        shows_in=("disk_full",),
    ),
    Mutant(
        "refused_forgotten",
        "what was filled and sent while records were refused is reported nowhere",
        (Patch(UnrecordedSteps, "take", instead(lambda *_: ())),),
        shows_in=("disk_full",),
    ),
    Mutant(
        "ends_at_once",
        "a process that is asked to end just ends",
        (Patch(ending.EndingDecision, "next", instead(lambda *_: ending.EndingAct.OVER)),),
        shows_in=("ended_in_order",),
    ),
    Mutant(
        "enters_while_ending",
        "a process that is asked to end goes on entering",
        (Patch(Account, "_on_ending", instead(_idle)), Patch(step.WriteAhead, "enter_nothing", instead(_idle))),
        shows_in=("ended_in_order",),
    ),
    Mutant(
        "nonsense_is_flat",
        "an account that cannot be read counts as flat",
        (Patch(edge, "read", _flat_when_unread),),
        shows_in=("answers_nonsense",),
    ),
    Mutant(
        "unknown_is_ended",
        "an order in a state that nobody knows counts as ended",
        (Patch(edge, "received", _ended_when_unknown),),
        shows_in=("state_unknown",),
    ),
    Mutant(
        "missing_too_early",
        "an order is given up while the venue may still carry it out",
        (Patch(edge, "is_missing", instead(lambda *_: True)),),
        shows_in=("request_hangs", "link_stalls"),
    ),
)
