"""Steps in the journal: a digest of every one, the whole bytes of those that say something."""

import hashlib
from typing import Any, Final, Protocol

import msgspec

from liqbot.journal.errors import CorruptRecordError

DIGEST_BYTES: Final = 16


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

    def encoded(self) -> bytes: ...


def speaks(step: StepLike) -> bool:
    """Whether a Step is worth keeping whole: it carries a verdict that changed, a decision or a command."""
    return bool(step.verdicts or step.decisions or step.commands)


def step_digest(encoded: bytes) -> bytes:
    """16 bytes of BLAKE2b."""
    return hashlib.blake2b(encoded, digest_size=DIGEST_BYTES).digest()


def plain_step(encoded: bytes) -> dict[str, Any]:
    """A recorded Step as builtins, for comparing and printing; CorruptRecordError when it does not decode."""
    try:
        return msgspec.msgpack.decode(encoded, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError) as error:
        raise CorruptRecordError(f"a recorded step does not decode: {error}") from error
