"""What a run of the house decided, as one line of text per verdict, decision, command and fact, and where two differ.

Made from plain builtins alone (a Step as the journal keeps it, facts as they are encoded), never from classes. Left
out: `seq`, ids of orders and of decisions, reasons in free text, and what a verdict's gates were computed from.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

Plain = Mapping[str, Any]

RENAMES: Final[dict[str, str]] = {"fuel_ahead": "notional_ahead", "FUEL_AHEAD": "NOTIONAL_AHEAD"}
"""Old name -> new name of a field, type, code, gate, strategy or purpose; the lines always speak the old names."""

SPOKE_LATER: Final = ("avoid_liquidity",)
"""Strategies that gave no verdict when the lines were written; what they answer is in the checks of the decision."""

SIDES: Final = {1: "long", -1: "short", "long": "long", "short": "short", None: "-"}
NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
SIGNAL_FIELDS: Final = ("entry_price", "limit", "stop_price", "take_price", "expires_ms", "max_hold_ms")
TARGET_FIELDS: Final = (
    "venue", "quantity_base", "limit_price", "leverage", "stop_price", "take_price", "liquidation_price", "expires_ms",
    "exit_by_ms", "price_tick",
)  # fmt: skip
COMMAND_FIELDS: Final = (
    "venue", "coin", "purpose", "kind", "side", "quantity_base", "reduce_only", "limit_price", "trigger_price",
    "post_only", "leverage",
)  # fmt: skip
FACT_FIELDS: Final = (
    "venue", "coin", "side", "reduces", "price", "quantity_base", "fee", "fee_currency", "maker", "wallet_usd",
    "amount_usd", "rate_pct", "entry_price", "leverage", "isolated", "liquidation_price", "code", "feed", "until_ms",
)  # fmt: skip
SAYS_WHO_WE_ARE: Final = ("JournalOpened", "CodeVersion", "ConfigLoaded")
"""Facts that name program, machine and configuration: no part of what was decided."""


class Difference(NamedTuple):
    """The first line that differs; None where one side has no more lines."""

    number: int
    before: str | None
    after: str | None

    def __str__(self) -> str:
        words = [(line or "no more lines").split(" ") for line in (self.before, self.after)]
        was, now = next((pair for pair in zip(*words, strict=False) if pair[0] != pair[1]), ("the end", "the end"))
        return f"line {self.number:,}: {was} became {now}\n  before {self.before}\n  after  {self.after}"


def step_lines(step: Plain) -> Iterator[str]:
    """The lines of one recorded Step, as `plain_step` gives it. ValueError where it lacks a field that had a line."""
    try:
        yield from _step_lines(in_old_words(step))
    except KeyError as missing:
        raise ValueError(f"a Step has no {missing} any more: if it has another name now, RENAMES must say so") from None


def _step_lines(step: Plain) -> Iterator[str]:
    at = moment(step["time_ms"])
    for verdict in step["verdicts"]:
        if verdict["strategy"] in SPOKE_LATER:
            continue
        yield f"{at} verdict {verdict['code']} {_who(verdict)} | {_gates(verdict)}{_signal(verdict)}"
    for decision in step["decisions"]:
        yield f"{at} decision {_decision(decision)} | {_checks(decision)}"
    for command in step["commands"]:
        yield f"{at} command {command['type']} {_fields(command, COMMAND_FIELDS)}"


def fact_lines(facts: Iterable[Plain]) -> Iterator[str]:
    """The lines of facts about ourselves: fills, balances, funding, orders accepted or gone."""
    for fact in map(in_old_words, facts):
        if fact["type"] not in SAYS_WHO_WE_ARE:
            yield f"{moment(fact['time_ms'])} fact {fact['type']} {_fields(fact, FACT_FIELDS)}"


def in_old_words(value: Any, renames: Mapping[str, str] | None = None) -> Any:
    """The same with every renamed key or word under its old name. Two old names for one new one: ValueError."""
    table = RENAMES if renames is None else renames
    back = {new: old for old, new in table.items()}
    if len(back) != len(table):
        raise ValueError(f"renames: two old names became one in {table}")
    return _spelled(value, back) if back else value


def _spelled(value: Any, back: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {back.get(key, key): _spelled(entry, back) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(entry, back) for entry in value]
    return back.get(value, value) if isinstance(value, str) else value


def moment(time_ms: int) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def text_of(value: Any) -> str:
    """Canonical: equal values, equal text, whether a Decimal is written 1.50 or 1.5."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and NUMBER.fullmatch(value):
        exact = Decimal(value)
        return f"{exact.normalize():f}" if exact else "0"
    return value if isinstance(value, str) else repr(value)


def _who(said: Plain) -> str:
    return f"{said['strategy'] or '-'} {said['coin'] or '-'} {SIDES[said['side']]}"


def _gates(verdict: Plain) -> str:
    return " ".join(
        f"{gate['name']}:{text_of(gate['value'])}{gate['op']}{text_of(gate['threshold'])}{_mark(gate)}"
        for gate in verdict["gates"]
    )


def _mark(gate: Plain) -> str:
    return ("+" if gate["passed"] else "!") + ("~" if gate["waived"] else "")


def _signal(verdict: Plain) -> str:
    return f" | {_fields(verdict['signal'], SIGNAL_FIELDS)}" if verdict["signal"] is not None else ""


def _decision(decision: Plain) -> str:
    if decision["type"] != "Approved":
        return f"{decision['code']} {_who(decision)}"
    target = decision["target"]
    return f"APPROVED {_who(target)} {_fields(target, TARGET_FIELDS)}"


def _checks(decision: Plain) -> str:
    return " ".join(
        f"{check['name']}:{_word(check['value'])}/{_word(check['limit'])}{'+' if check['passed'] else '!'}"
        for check in decision["checks"]
    )


def _word(value: Any) -> str:
    """A check's value that is a sentence is a reason in free text."""
    told = text_of(value)
    return "(text)" if " " in told else told


def _fields(said: Plain, names: Sequence[str]) -> str:
    return " ".join(f"{name}={_field(name, said[name])}" for name in names if name in said)


def _field(name: str, value: Any) -> str:
    if name == "side":
        return SIDES[value]
    return moment(value) if name.endswith(("expires_ms", "exit_by_ms", "until_ms")) else text_of(value)


def digest_of(lines: Iterable[str]) -> str:
    """sha256 over all lines, each ended by a newline."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def counts_of(lines: Iterable[str]) -> dict[str, int]:
    """Lines by kind and code, as in `verdict SIGNAL`, `command PlaceOrder entry`."""
    return dict(sorted(Counter(_kind(line) for line in lines).items()))


def _kind(line: str) -> str:
    _, kind, what, *_ = line.split(" ")
    purpose = re.search(r" purpose=(\w+)", line)
    return f"{kind} {what}{f' {purpose[1]}' if purpose else ''}"


def first_difference(before: Sequence[str], after: Sequence[str], *, digits: int | None = None) -> Difference | None:
    """With `digits`, numbers need to agree in that many significant digits only."""
    for number in range(max(len(before), len(after))):
        old, new = (lines[number] if number < len(lines) else None for lines in (before, after))
        if old != new and not (digits and old and new and _rounded(old, digits) == _rounded(new, digits)):
            return Difference(number + 1, old, new)
    return None


def _rounded(line: str, digits: int) -> str:
    return NUMBER.sub(lambda found: f"{float(found[0]):.{digits}g}", line)
