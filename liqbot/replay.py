"""Replay: a journal run through a fresh engine, its Steps compared with the recorded ones, and what that proves."""

import enum
import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.events import CodeVersion
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader, Record, RecordedStep, plain_step, step_digest
from liqbot.journal.rerun import Factory, Rerun, Rerunnable
from liqbot.journal.steps import StepLike
from liqbot.signals.registry import CONDITIONS
from liqbot.signals.strategy import Strategy

_SHOWN_MAX: Final = 20
_NEAR: Final = 1e-9
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
    """The result. `steps_other_bytes` counts steps whose bytes differ; `steps_other_decisions` those among them that
    decide otherwise, without the ones that differ only because a value lies on its threshold (these are listed)."""

    journal: str
    from_seq: int
    records: int
    facts: int
    market_rows: int
    steps_compared: int
    steps_other_bytes: int
    steps_other_decisions: int
    first_other_seq: int | None
    equality: Equality
    digest: str
    """Over all replayed steps in order: equal digests, equal runs."""
    recorded: CodeVersion | None
    here: CodeVersion
    differences: tuple[Difference, ...]

    @property
    def same_code(self) -> bool:
        return self.recorded is not None and self.recorded.version == self.here.version

    @property
    def same_platform(self) -> bool:
        return self.recorded is not None and self.recorded.platform == self.here.platform

    @property
    def sound(self) -> bool:
        """Whether the outcome is what the promise allows: bytes on the same platform, decisions on another."""
        if self.same_code and self.same_platform:
            return self.equality in {Equality.IDENTICAL, Equality.UNPROVED}
        return self.equality is not Equality.DIFFERENT


def this_code(version: str, time_ms: int, own: tuple[Strategy, ...] = ()) -> CodeVersion:
    """Version and numeric platform of the running program: interpreter, numpy, processor, the features numpy uses; and
    the strategies of the user's own by the sha256 of their files."""
    features = getattr(sys.modules.get("numpy._core._multiarray_umath"), "__cpu_features__", {})
    used = ",".join(sorted(name for name, on in features.items() if on))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return CodeVersion(
        time_ms=time_ms, version=version, platform=f"{python}; numpy {np.__version__}; {platform.machine()}; {used}",
        strategies=tuple((one.name, one.sha256) for one in own),
    )


def replay(
    path: Path, factory: EngineFactory, here: CodeVersion, *, snapshot_version: str, chunk: int = 500
) -> Replayed:
    """Runs the whole journal, or what retention has left of it from its oldest readable snapshot on.

    A configuration that changed within the journal gets a new engine, which takes over the state of the old one.
    """
    with JournalReader(path) as reader:
        rerun = Rerun(reader, factory, snapshot_version)
        compared = _Comparison()
        written_with = reader.first(CodeVersion)
        if written_with is not None:
            _require_strategies(written_with, here)
        recorded = _Ahead(reader.steps(rerun.from_seq))
        for record, step in rerun.answers(chunk):
            for fact in record.block.facts:
                if isinstance(fact, CodeVersion):
                    _require_strategies(fact, here)
            compared.take(record, step, recorded.at(record.seq))
        return compared.result(str(path), rerun.from_seq, written_with, here)


def _require_strategies(recorded: CodeVersion, here: CodeVersion) -> None:
    """ExpectedError (exit code 3) unless the strategies of the user's own are those that the journal was written with.
    Ones that it did not have change nothing."""
    loaded = dict(here.strategies)
    for name, sha256 in recorded.strategies:
        now = loaded.get(name)
        if now == sha256:
            continue
        what = "is not loaded here: name its file in the profile" if now is None else f"has sha256 {now} here"
        raise ExpectedError(
            f"the journal was written with strategy {name}, sha256 {sha256}; it {what}. Replay with that file, "
            "--profile and --config",
            Exit.CONFIG,
        )


class _Comparison:
    """A replay under way."""

    def __init__(self) -> None:
        self._records = self._facts = self._rows = self._compared = 0
        self._other_bytes: list[int] = []
        self._other_decisions = 0
        self._differences: list[Difference] = []
        self._digest = hashlib.blake2b(digest_size=16)

    def take(self, record: Record, step: StepLike, expected: RecordedStep | None) -> None:
        encoded = step.encoded()
        self._digest.update(encoded)
        self._records += 1
        self._facts += len(record.block.facts)
        self._rows += record.block.market_rows
        if expected is None:
            return
        self._compared += 1
        if step_digest(encoded) == expected.digest:
            return
        self._other_bytes.append(record.seq)
        difference = _difference(record, expected.step, encoded)
        if difference is not None:
            self._other_decisions += not difference.near_threshold
            if len(self._differences) < _SHOWN_MAX:
                self._differences.append(difference)

    def result(self, path: str, from_seq: int, recorded: CodeVersion | None, here: CodeVersion) -> Replayed:
        if not self._compared:
            equality = Equality.UNPROVED
        elif not self._other_bytes:
            equality = Equality.IDENTICAL
        else:
            equality = Equality.DIFFERENT if self._other_decisions else Equality.SAME_DECISIONS
        return Replayed(
            journal=path, from_seq=from_seq, records=self._records, facts=self._facts, market_rows=self._rows,
            steps_compared=self._compared, steps_other_bytes=len(self._other_bytes),
            steps_other_decisions=self._other_decisions, first_other_seq=min(self._other_bytes, default=None),
            equality=equality, digest=self._digest.hexdigest(), recorded=recorded, here=here,
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
        return self._next if self._next is not None and self._next.seq == seq else None


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
        {key: value for key, value in decision["target"].items() if key != "reason"}
        if decision["type"] == "Approved"
        else {"refused": decision["code"], "decision_id": decision["decision_id"]}
        for decision in step.get("decisions", ())
    ]
    return {"verdicts": verdicts, "decisions": decisions, "commands": list(step.get("commands", ()))}


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
