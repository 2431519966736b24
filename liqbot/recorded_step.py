"""What was answered the first time, for running a journal again: what has been approved and sent are facts.

Another version of the program may decide otherwise. The orders that left are those that were recorded, under the ids
that were recorded, and fills name them: a rerun that went by its own answers would no longer know whose they are.
"""

from typing import Any, Final, NamedTuple

import msgspec

from liqbot.commands import Command
from liqbot.risk.decision import Approved, Decision


class RecordedAnswer(NamedTuple):
    """Of one Step."""

    decisions: tuple[Decision, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def decision_id(self) -> int:
        """The highest that it used; 0 when it used none."""
        return max(map(_id_of, self.decisions), default=0)


NOTHING: Final = RecordedAnswer()


def recorded_answer(encoded: bytes | None) -> RecordedAnswer:
    """From a Step's canonical bytes; None is a Step that said nothing. MsgspecError, LookupError or TypeError
    when this version cannot read them."""
    if encoded is None:
        return NOTHING
    step: dict[str, Any] = msgspec.msgpack.decode(encoded)
    return RecordedAnswer(
        tuple(msgspec.convert(one, Decision) for one in step["decisions"]),
        tuple(msgspec.convert(one, Command) for one in step["commands"]),
    )


def _id_of(decision: Decision) -> int:
    return decision.target.decision_id if isinstance(decision, Approved) else decision.decision_id
