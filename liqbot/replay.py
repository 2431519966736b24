"""Replay: a journal run through a fresh engine, its Steps compared with the recorded ones, and what that proves."""

import enum
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.code_version import require_same_strategies
from liqbot.events import CodeVersion
from liqbot.journal import JournalReader, Record, RecordedStep, plain_step
from liqbot.journal.rerun import Factory, Rerun, Rerunnable
from liqbot.journal.steps import QUIET_STEPS_MAX, RunningDigest, StepLike, speaks, step_digest
from liqbot.signals.registry import CONDITIONS

_SHOWN_MAX: Final = 20
_NEAR: Final = 1e-9
_LATER_FIELDS: Final = frozenset(("account", "immediate", "stop_price", "stop_client_id", "stop_base"))
_SAME_MARKET: Final = ("mark_ratio", "1")
"""What a target of before bears without saying so."""
_CONDITIONS: Final = frozenset(one.name for one in CONDITIONS)


EngineFactory = Factory[Rerunnable]


class Equality(enum.StrEnum):
    """What was proved, strongest first."""

    IDENTICAL = "byte-identical steps"
    SAME_DECISIONS = "same decisions"
    DIFFERENT = "different"
    UNPROVED = "nothing to compare"


class Difference(msgspec.Struct, frozen=True):
    """One step that came out otherwise. `near_threshold`: only verdicts whose value lies on its gate's threshold."""

    seq: int
    time_ms: int
    what: str
    recorded: Any
    replayed: Any
    near_threshold: bool


class Replayed(msgspec.Struct, frozen=True):
    """The result. `steps_other_bytes` counts steps whose bytes differ, and a range of steps that said nothing as one;
    `steps_other_decisions` those among them that decide otherwise, without the ones that differ only because a value
    lies on its threshold (these are listed)."""

    journal: str
    from_seq: int
    records: int
    facts: int
    market_rows: int
    steps_compared: int
    steps_other_bytes: int
    steps_other_decisions: int
    first_other_seq: int | None
    first_other_to_seq: int | None
    """The first difference lies within these records; of steps that said nothing only the range is known."""
    equality: Equality
    digest: str
    """Over all replayed steps in order: equal digests, equal runs."""
    recorded: CodeVersion | None
    recorded_later: tuple[CodeVersion, ...]
    """Programs that went on with the journal, in order."""
    here: CodeVersion
    differences: tuple[Difference, ...]

    @property
    def same_code(self) -> bool:
        """Whether every program that wrote the journal had this one's version and this one's source."""
        here = (self.here.version, self.here.source)
        return self.recorded is not None and all(
            (code.version, code.source) == here for code in (self.recorded, *self.recorded_later)
        )

    @property
    def same_platform(self) -> bool:
        return self.recorded is not None and all(
            code.platform == self.here.platform for code in (self.recorded, *self.recorded_later)
        )

    @property
    def sound(self) -> bool:
        """Whether the outcome is what the promise allows: the same bytes from the same code on the same platform, the
        same decisions otherwise."""
        if self.same_code and self.same_platform:
            return self.equality in {Equality.IDENTICAL, Equality.UNPROVED}
        return self.equality is not Equality.DIFFERENT


def replay(
    path: Path, factory: EngineFactory, here: CodeVersion, *, snapshot_version: str, chunk: int = 500
) -> Replayed:
    """Runs the whole journal, or what retention has left of it from its oldest readable snapshot on.

    A configuration that changed within the journal gets a new engine, which takes over the state of the old one.
    ExpectedError when a strategy file that decided in it is another one now.
    """
    with JournalReader(path) as reader:
        rerun = Rerun(reader, factory, snapshot_version)
        programs = _Programs(reader.first(CodeVersion), here, path)
        compared = _Comparison()
        recorded = _Ahead(reader.steps(rerun.from_seq))
        for record, step in rerun.answers(chunk):
            programs.take(record.block)
            compared.take(record, step, recorded.at(record.seq))
        return compared.result(str(path), rerun.from_seq, tuple(programs.seen), here)


class _Comparison:
    """A replay under way."""

    def __init__(self) -> None:
        self._records = self._facts = self._rows = self._compared = 0
        self._other_bytes: list[tuple[int, int]] = []
        """First and last seq of what differs: one step, or a range of quiet steps of which one does."""
        self._other_decisions = 0
        self._differences: list[Difference] = []
        self._digest = hashlib.blake2b(digest_size=16)
        self._range = RunningDigest()
        self._range_from_seq = 0

    def take(self, record: Record, step: StepLike, expected: RecordedStep | None) -> None:
        encoded = step.encoded()
        self._digest.update(encoded)
        self._records += 1
        self._facts += len(record.block.facts)
        self._rows += record.block.market_rows
        if expected is None:
            return
        self._compared += 1
        if expected.from_seq is None:
            if step_digest(encoded) != expected.digest:
                self._differs(record, expected.step, encoded)
        else:
            self._take_ranged(record, step, encoded, expected)

    def _take_ranged(self, record: Record, step: StepLike, encoded: bytes, expected: RecordedStep) -> None:
        if record.seq == expected.first_seq:
            self._range, self._range_from_seq = RunningDigest(), record.seq
        is_last = record.seq == expected.seq
        kept = expected.step if is_last else None
        if speaks(step) if kept is None else encoded != kept:
            self._differs(record, kept, encoded)
        if not is_last:
            self._range.add(encoded)
        elif self._range_from_seq == expected.first_seq:
            # The recorded bytes of the step that spoke stand in for its own: what is left to differ are the quiet ones.
            alike = self._range.with_last(encoded if kept is None else kept) == expected.digest
            first, last = expected.first_seq, expected.seq - (kept is not None)
            if not alike and not any(first <= seq <= last for seq, _ in self._other_bytes[-QUIET_STEPS_MAX:]):
                self._other_bytes.append((first, last))

    def _differs(self, record: Record, kept: bytes | None, encoded: bytes) -> None:
        self._other_bytes.append((record.seq, record.seq))
        difference = _difference(record, kept, encoded)
        if difference is not None:
            self._other_decisions += not difference.near_threshold
            if len(self._differences) < _SHOWN_MAX:
                self._differences.append(difference)

    def result(self, path: str, from_seq: int, recorded: tuple[CodeVersion, ...], here: CodeVersion) -> Replayed:
        if not self._compared:
            equality = Equality.UNPROVED
        elif not self._other_bytes:
            equality = Equality.IDENTICAL
        else:
            equality = Equality.DIFFERENT if self._other_decisions else Equality.SAME_DECISIONS
        first_other = min(self._other_bytes, default=(None, None))
        return Replayed(
            journal=path, from_seq=from_seq, records=self._records, facts=self._facts, market_rows=self._rows,
            steps_compared=self._compared, steps_other_bytes=len(self._other_bytes),
            steps_other_decisions=self._other_decisions, first_other_seq=first_other[0],
            first_other_to_seq=first_other[1], equality=equality, digest=self._digest.hexdigest(),
            recorded=recorded[0] if recorded else None, recorded_later=recorded[1:], here=here,
            differences=tuple(self._differences),
        )


class _Ahead:
    """Recorded steps, read along by seq; a record whose step was never written has none."""

    def __init__(self, steps: Iterator[RecordedStep]) -> None:
        self._steps = steps
        self._next = next(steps, None)

    def at(self, seq: int) -> RecordedStep | None:
        while self._next is not None and self._next.seq < seq:
            self._next = next(self._steps, None)
        return self._next if self._next is not None and self._next.first_seq <= seq else None


class _Programs:
    """The programs that wrote the journal, one after another; each change is noted once."""

    def __init__(self, first: CodeVersion | None, here: CodeVersion, path: Path) -> None:
        self._here, self._path = here, path
        self.seen: list[CodeVersion] = []
        if first is not None:
            self._add(first)

    def take(self, block: EventBlock) -> None:
        for fact in block.facts:
            if isinstance(fact, CodeVersion) and not (self.seen and _same_program(self.seen[-1], fact)):
                self._add(fact)

    def _add(self, fact: CodeVersion) -> None:
        require_same_strategies(fact, self._here, self._path)
        self.seen.append(fact)


def _same_program(one: CodeVersion, other: CodeVersion) -> bool:
    return msgspec.structs.replace(one, time_ms=other.time_ms) == other


def _difference(record: Record, recorded: bytes | None, replayed: bytes) -> Difference | None:
    """What a person would call a difference: other verdict codes, decisions or commands. A step without recorded
    bytes said nothing."""
    before, after = _decided(plain_step(recorded) if recorded is not None else {}), _decided(plain_step(replayed))
    for what in ("commands", "decisions", "verdicts"):
        if before[what] != after[what]:
            near = what == "verdicts" and _near_threshold(recorded, replayed)
            return Difference(record.seq, record.time_ms, what, before[what], after[what], near)
    return None


def _decided(step: dict[str, Any]) -> dict[str, list[Any]]:
    # What a condition on entries says is in the checks of the decision, which every journal has.
    verdicts = [
        [v["strategy"], v["coin"], v["side"], v["code"]]
        for v in step.get("verdicts", ())
        if v["strategy"] not in _CONDITIONS
    ]
    decisions = [
        {key: value for key, value in _named(decision["target"]).items() if key != "reason"}
        if decision["type"] == "Approved"
        else {"refused": decision["code"], "decision_id": decision["decision_id"]}
        for decision in step.get("decisions", ())
    ]
    return {"verdicts": verdicts, "decisions": decisions, "commands": [_named(one) for one in step.get("commands", ())]}


def _named(plain: Any) -> Any:
    """Without what is absent and journals of earlier programs do not carry: an account that has no name, a stop that
    does not ride on the entry."""
    if not isinstance(plain, dict):
        return plain
    return {
        key: value for key, value in plain.items()
        if (key not in _LATER_FIELDS or value) and (key, value) != _SAME_MARKET
    }


def _near_threshold(recorded: bytes | None, replayed: bytes) -> bool:
    gates = [
        gate
        for encoded in (recorded, replayed)
        if encoded is not None
        for verdict in plain_step(encoded)["verdicts"]
        for gate in verdict["gates"]
        if gate["value"] is not None and gate["threshold"] is not None
    ]
    return any(
        abs(gate["value"] - gate["threshold"]) <= _NEAR * max(1.0, abs(gate["threshold"])) for gate in gates
    )
