"""Steps in the journal: the whole bytes of those that say something, and a digest over all of them.

Most steps say nothing. They get no row of their own: their bytes go into a running digest, which is kept with the next
step that speaks, and at the latest after `QUIET_STEPS_MAX`. One byte that differs in any of them changes it.
"""

import hashlib
from typing import Any, Final, Protocol

import msgspec

from liqbot.journal.errors import CorruptRecordError

DIGEST_BYTES: Final = 16
QUIET_STEPS_MAX: Final = 100
"""So many steps at most lose their proof when the process dies, and so closely a difference is located."""

StepRow = tuple[int, bytes, bytes | None, int]
"""As stored: the last step's seq, the digest, the last step's bytes if it speaks, the first step's seq."""


class StepLike(Protocol):
    """An engine's answer to one block: it knows its canonical bytes, and is silent when the tuples are empty."""

    @property
    def time_ms(self) -> int: ...

    @property
    def verdicts(self) -> tuple[Any, ...]: ...

    @property
    def decisions(self) -> tuple[Any, ...]: ...

    @property
    def commands(self) -> tuple[Any, ...]: ...

    @property
    def whales(self) -> tuple[Any, ...]: ...

    @property
    def feeds(self) -> tuple[Any, ...]: ...

    def encoded(self) -> bytes: ...


def speaks(step: StepLike) -> bool:
    """Whether a Step is worth keeping whole: it carries a verdict that changed, a decision, a command, news of a large
    position or of a venue's price."""
    return bool(step.verdicts or step.decisions or step.commands or step.whales or step.feeds)


def step_digest(encoded: bytes) -> bytes:
    """16 bytes of BLAKE2b over one step: what journals of the first format keep for every step."""
    return hashlib.blake2b(encoded, digest_size=DIGEST_BYTES).digest()


class RunningDigest:
    """Over the bytes of several steps in order. Lengths go in too, so that no two sequences run into the same bytes."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def add(self, encoded: bytes) -> None:
        self._hash.update(len(encoded).to_bytes(8, "little"))
        self._hash.update(encoded)

    def with_last(self, encoded: bytes) -> bytes:
        """The digest as it would be with one step more."""
        after = RunningDigest()
        after._hash = self._hash.copy()
        after.add(encoded)
        return after.value()

    def value(self) -> bytes:
        return self._hash.digest()


class StepRows:
    """Recorded steps become rows: one for each that speaks, with the quiet ones before it."""

    def __init__(self) -> None:
        self._digest = RunningDigest()
        self._from_seq = self._to_seq = 0
        """The open range; 0 while there is none."""

    def take(self, seq: int, step: StepLike) -> list[StepRow]:
        """Rows that are complete with this step. A range has no gaps, so a seq out of line begins another."""
        rows = self.close() if seq != self._to_seq + 1 else []
        encoded = step.encoded()
        self._from_seq, self._to_seq = self._from_seq or seq, seq
        self._digest.add(encoded)
        if speaks(step):
            return [*rows, self._row(encoded)]
        return rows + self.close() if seq - self._from_seq + 1 >= QUIET_STEPS_MAX else rows

    def close(self) -> list[StepRow]:
        """The row of the quiet steps taken so far, if any."""
        return [self._row(None)] if self._from_seq else []

    def _row(self, encoded: bytes | None) -> StepRow:
        row = (self._to_seq, self._digest.value(), encoded, self._from_seq)
        self._digest, self._from_seq = RunningDigest(), 0
        return row


def plain_step(encoded: bytes) -> dict[str, Any]:
    """A recorded Step as builtins, for comparing and printing; CorruptRecordError when it does not decode."""
    try:
        return msgspec.msgpack.decode(encoded, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError) as error:
        raise CorruptRecordError(f"a recorded step does not decode: {error}") from error
