"""The result of a replay, for people and as JSON."""

import json
from pathlib import Path

import msgspec

from liqbot.events import CodeVersion
from liqbot.exits import Exit
from liqbot.replay import EngineFactory, Equality, Replayed, replay


def run_and_print(
    path: Path, factory: EngineFactory, here: CodeVersion, *, snapshot_version: str, as_json: bool
) -> Exit:
    """Replays a journal and prints what was proved; FAILED when the promise was broken."""
    result = replay(path, factory, here, snapshot_version=snapshot_version)
    print(as_json_text(result) if as_json else as_text(result))
    return Exit.OK if result.sound else Exit.FAILED


def as_json_text(result: Replayed) -> str:
    """All fields, and the three judgements."""
    fields = msgspec.to_builtins(result)
    fields |= {"same_code": result.same_code, "same_platform": result.same_platform, "sound": result.sound}
    return json.dumps(fields, indent=2)


def as_text(result: Replayed) -> str:
    """A few lines that say which equality was proved and where the first difference lies."""
    lines = [
        f"journal    {result.journal}",
        f"replayed   {result.records:,} records from {result.from_seq}, {_amounts(result)}",
        f"recorded   {_code(result.recorded)}",
        *[f"then       {_code(later)}" for later in result.recorded_later],
        f"here       {_code(result.here)}",
        f"digest     {result.digest}",
        f"proved     {_proof(result)}",
    ]
    for difference in result.differences:
        near = " (a value on its threshold)" if difference.near_threshold else ""
        lines.append(f"  record {difference.seq}: {difference.what} differ{near}")
        lines.append(f"    recorded {json.dumps(difference.recorded)}")
        lines.append(f"    replayed {json.dumps(difference.replayed)}")
    hidden = result.steps_other_decisions - sum(not difference.near_threshold for difference in result.differences)
    if hidden > 0:
        lines.append(f"  and {hidden:,} more")
    return "\n".join(lines)


def _amounts(result: Replayed) -> str:
    return f"{result.market_rows:,} market rows, {result.facts:,} facts"


def _code(code: CodeVersion | None) -> str:
    if code is None:
        return "unknown"
    source = f" (source {code.source[:12]})" if code.source else ""
    return f"{code.version}{source} on {code.platform}"


def _proof(result: Replayed) -> str:
    compared = f"{result.steps_compared:,} steps compared"
    if result.equality in {Equality.IDENTICAL, Equality.UNPROVED}:
        return f"{result.equality} ({compared})"
    if result.equality is Equality.SAME_DECISIONS:
        return (
            f"{result.equality}; {result.steps_other_bytes:,} of {compared} differ in bytes alone, "
            f"the first at {_first_other(result)}"
        )
    return (
        f"{result.equality}: {result.steps_other_decisions:,} of {compared} decide otherwise, "
        f"the first other step is {_first_other(result)}{_excuse(result)}"
    )


def _first_other(result: Replayed) -> str:
    if result.first_other_seq == result.first_other_to_seq:
        return f"record {result.first_other_seq}"
    return f"one of the records {result.first_other_seq} to {result.first_other_to_seq}"


def _excuse(result: Replayed) -> str:
    if result.same_code:
        return ""
    return "; another state of the program wrote the journal, so this may be a change that was meant"
