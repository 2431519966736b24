"""Databento's statistics of CME Globex (GLBX.MDP3, schema `statistics`) as a CSV file with symbols: daily open interest
of each contract, revised after its first publication. Licensed data: whoever has a licence downloads the file."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from liqbot.venues.cme.cftc import CLOSE_MS
from liqbot.venues.streams import ReportedInterest

COLUMNS: Final = ("ts_ref", "ts_event", "stat_type", "quantity", "update_action", "symbol")
OPEN_INTEREST: Final = "9"
"""`StatType.OPEN_INTEREST`; its date is `ts_ref`."""
_DELETED: Final = "2"
_OUTRIGHT: Final = re.compile(r"(BTC|MBT|ETH|MET)[FGHJKMNQUVXZ]\d{1,2}")
"""One month of one contract; spreads between months have two and no open interest of their own."""
_SIZES: Final[Mapping[str, tuple[str, float]]] = {
    "BTC": ("BTC", 5.0), "MBT": ("BTC", 0.1), "ETH": ("ETH", 50.0), "MET": ("ETH", 0.1),
}  # fmt: skip
_DAY_MS: Final = 86_400_000
_OLD_MS: Final = 4 * _DAY_MS
"""A month whose newest figure is so much older than the coin's newest has expired: no weekend is that long."""
_UNDEFINED: Final = frozenset({2**31 - 1, 2**63 - 1})
_TIME_UNDEFINED_NS: Final = 2**63 - 1
"""The venue's own "none" lies at or beyond it."""


class _Figure(NamedTuple):
    day_ms: int
    amount_base: float


def claims(text: str) -> bool:
    """Whether the first line names its columns."""
    return set(COLUMNS) <= set(text.partition("\n")[0].strip().split(","))


def reported(text: str) -> tuple[ReportedInterest, ...]:
    """The newest day in the file, in base coin, over all months and sizes. ValueError that names line, column, value
    and what would be right."""
    by_month: dict[tuple[str, str], _Figure] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        found = _OUTRIGHT.fullmatch((row["symbol"] or "").strip())
        if found is None or row["stat_type"] != OPEN_INTEREST:
            continue
        coin, size = _SIZES[found[1]]
        day_ms = _day_ms(row, number)
        known = by_month.get((coin, found[0]))
        if known is None or day_ms >= known.day_ms:
            # In the order of publication: the last one of a day is its final figure.
            for contracts in _contracts(row, number):
                by_month[coin, found[0]] = _Figure(day_ms, contracts * size)
    if not by_month:
        raise ValueError(f"no open interest (stat_type {OPEN_INTEREST}) of a month of {', '.join(_SIZES)}")
    return tuple(_summed(coin, [one for (of, _), one in by_month.items() if of == coin])
                 for coin in dict.fromkeys(coin for coin, _ in by_month))  # fmt: skip


def _summed(coin: str, months: list[_Figure]) -> ReportedInterest:
    newest_ms = max(one.day_ms for one in months)
    amount = sum(one.amount_base for one in months if newest_ms - one.day_ms <= _OLD_MS)
    return ReportedInterest(coin, newest_ms + CLOSE_MS, amount)


def _day_ms(row: Mapping[str, str | None], number: int) -> int:
    """Midnight UTC of the day that the figure is of."""
    for column in ("ts_ref", "ts_event"):
        value = (row[column] or "").strip()
        if value.isdigit() and 0 < int(value) < _TIME_UNDEFINED_NS:
            return int(value) // 1_000_000 // _DAY_MS * _DAY_MS
        if value and not value.isdigit():
            try:
                day = dt.date.fromisoformat(value[:10])
            except ValueError:
                raise ValueError(f"line {number}, {column}: {value!r} is no time, in nanoseconds or ISO 8601") from None
            return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) * 1_000
    raise ValueError(f"line {number}, ts_ref: {row['ts_ref']!r} is no time, and ts_event is none either")


def _contracts(row: Mapping[str, str | None], number: int) -> Iterator[float]:
    """Nothing for a figure that was withdrawn or is not set."""
    value = (row["quantity"] or "").strip()
    if row["update_action"] == _DELETED or (value.isdigit() and int(value) in _UNDEFINED):
        return
    if not value.isdigit() or int(value) > 10**9:
        raise ValueError(f"line {number}, quantity: {row['quantity']!r} is no number of contracts")
    yield float(value)
