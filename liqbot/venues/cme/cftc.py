"""The CFTC's weekly report (Commitments of Traders, futures only): open interest of CME's bitcoin and ether futures.

It counts contracts of all maturities, one side, at the close of a Tuesday, and is published on the Friday after it,
later when a holiday or a shutdown of the government comes between.
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping
from typing import Final, NamedTuple

from liqbot.venues.streams import ReportedInterest

CONTRACT_BASE: Final[Mapping[str, tuple[str, float]]] = {
    "133741": ("BTC", 5.0), "133742": ("BTC", 0.1), "146021": ("ETH", 50.0), "146022": ("ETH", 0.1),
}  # fmt: skip
"""The CFTC's code of a market -> (coin, coins of one contract): bitcoin, micro bitcoin, ether, micro ether."""
CLOSE_MS: Final = 21 * 3_600_000
"""From midnight UTC of the report's date: no earlier than the close of that day's trading."""
PUBLISHED_MS: Final = (3 * 24 + 20) * 3_600_000 + 30 * 60_000
"""From the same: Friday 15:30 in New York, in winter."""


class Columns(NamedTuple):
    """How a file calls what is read of it."""

    date: str
    code: str
    open_interest: str


FORMS: Final = (
    Columns("Report_Date_as_YYYY-MM-DD", "CFTC_Contract_Market_Code", "Open_Interest_All"),
    Columns("report_date_as_yyyy_mm_dd", "cftc_contract_market_code", "open_interest_all"),
    Columns("report_date", "market_code", "open_interest"),
)
"""The CFTC's own files, its query service, and files that others keep."""


def reported(text: str) -> tuple[ReportedInterest, ...]:
    """The newest report in a CSV file, in base coin, contracts of every size added up. ValueError that names row,
    column, value and what would be right."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    names = tuple((name or "").strip() for name in rows.fieldnames or ())
    form = next((form for form in FORMS if set(form) <= set(names)), None)
    if form is None:
        raise ValueError(f"columns {', '.join(names) or 'none'}: {' or '.join(map(', '.join, FORMS))} are right")
    rows.fieldnames = list(names)
    newest: dict[str, dict[int, float]] = {}
    for number, row in enumerate(rows, start=2):
        listed = CONTRACT_BASE.get((row[form.code] or "").strip())
        if listed is not None:
            coin, base = listed
            dates = newest.setdefault(coin, {})
            as_of_ms = _date_ms(row[form.date], form.date, number)
            dates[as_of_ms] = dates.get(as_of_ms, 0.0) + base * _contracts(row[form.open_interest], form, number)
    if not newest:
        raise ValueError(f"no row has one of the codes {', '.join(CONTRACT_BASE)} in column {form.code}")
    return tuple(ReportedInterest(coin, day := max(dates), dates[day]) for coin, dates in newest.items())


def _date_ms(value: str | None, column: str, number: int) -> int:
    try:
        day = dt.date.fromisoformat((value or "").strip()[:10])
    except ValueError:
        raise ValueError(f"line {number}, {column}: {value!r} is no date such as 2026-08-04") from None
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) * 1_000 + CLOSE_MS


def _contracts(value: str | None, form: Columns, number: int) -> float:
    try:
        contracts = float((value or "").strip().replace(",", ""))
    except ValueError:
        contracts = -1.0
    if not 0.0 <= contracts < 1e9:
        raise ValueError(f"line {number}, {form.open_interest}: {value!r} is no number of contracts")
    return contracts
