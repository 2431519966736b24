"""What refused entries would have earned: those that a strategy proposed and risk turned down."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import Period
from liqbot.review.price_path import UNKNOWN, Ended, Mark, path_of, would_have_ended

_LATER_MS: Final = 60_000
_PROPOSED: Final = """
    SELECT v.decision, v.first_seen, v.strategy, v.coin, v.side, v.code, v.reason, v.entry_price, v.stop_price,
        v.take_price, v.max_hold_ms, d.time_ms
    FROM decision d JOIN v_decisions v ON v.decision = d.id
    WHERE d.kind = 'entry' AND d.code <> 'APPROVED' AND d.max_hold_ms IS NOT NULL AND d.stop_price IS NOT NULL
        AND d.last_seen_ms >= ? AND d.time_ms < ? ORDER BY d.id"""


class PricedRefusal(msgspec.Struct, frozen=True):
    """One entry that was not made, and how it would have ended: in units of its own risk, before costs."""

    decision: int
    time: str
    strategy: str
    coin: str
    side: str
    code: str
    reason: str
    ended: Ended


class CodePriced(msgspec.Struct, frozen=True):
    """All of one code. `unknown`: the ledger ends before they would have."""

    code: str
    entries: int
    won: int
    unknown: int
    sum_r: float


def priced(ledger: Ledger, period: Period) -> list[PricedRefusal]:
    """Oldest first. Of one strategy, coin and side no entry is counted that came while the one before it would have
    been open: only one of them could have been made."""
    found: list[PricedRefusal] = []
    busy_ms: dict[tuple[str, str, str], int] = {}
    proposed = ledger.rows(_PROPOSED, [*period.values])
    paths = {coin: _whole_path(ledger, coin, proposed) for coin in {row["coin"] for row in proposed}}
    for row in proposed:
        key = row["strategy"], row["coin"], row["side"]
        if row["time_ms"] <= busy_ms.get(key, -1):
            continue
        ended = _ended(row, paths[row["coin"]])
        busy_ms[key] = ended.time_ms
        found.append(PricedRefusal(row["decision"], row["first_seen"], *key, row["code"], row["reason"], ended))
    return found


def by_code(refusals: Iterable[PricedRefusal]) -> list[CodePriced]:
    """What each code cost (positive) or saved (negative), dearest first."""
    groups: dict[str, list[Ended]] = {}
    for one in refusals:
        groups.setdefault(one.code, []).append(one.ended)
    rows = [
        CodePriced(
            code, len(ends), sum(end.r > 0 for end in ends if end.by != UNKNOWN),
            sum(end.by == UNKNOWN for end in ends), sum(end.r for end in ends if end.by != UNKNOWN),
        )
        for code, ends in groups.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.sum_r, row.code))


def _whole_path(ledger: Ledger, coin: str, proposed: Sequence[Row]) -> list[Mark]:
    """From the first of them to the longest that any may last, read once."""
    own = [row for row in proposed if row["coin"] == coin]
    last_ms = max(row["time_ms"] + row["max_hold_ms"] for row in own) + _LATER_MS
    return path_of(ledger, coin, min(row["time_ms"] for row in own), last_ms)


def _ended(row: dict[str, Any], path: Sequence[Mark]) -> Ended:
    begin = bisect_right(path, row["time_ms"], key=lambda mark: mark.time_ms)
    until_ms = row["time_ms"] + row["max_hold_ms"]
    end = bisect_right(path, until_ms + _LATER_MS, key=lambda mark: mark.time_ms)
    return would_have_ended(
        path[begin:end], row["side"], row["entry_price"], row["stop_price"], row["take_price"], until_ms
    )
