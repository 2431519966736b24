"""What accounting and taxes ask of a ledger: fills, funding, transfers and trades as rows with exact decimals."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from liqbot.legible import spelled
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import Period

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would run a text that begins so."""
Cell = Callable[[Any], str]


class ExportColumn(NamedTuple):
    """One of a table. `cell` makes its text of what the query gives under `source`."""

    name: str
    source: str
    cell: Cell
    text: str
    """What it holds, for the documents."""


class ExportTable(NamedTuple):
    """Rows in order of time; the query takes both ends of a period."""

    query: str
    columns: tuple[ExportColumn, ...]
    text: str


def _words(value: Any) -> str:
    text = "" if value is None else spelled(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _whole(value: Any) -> str:
    return "" if value is None else str(int(value))


def _iso(value: Any) -> str:
    if value is None:
        return ""
    seconds, ms = divmod(int(value), 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def _scaled(places: int) -> Cell:
    def cell(value: Any) -> str:
        """Exact: the ledger keeps whole numbers of micro or nano units."""
        if value is None:
            return ""
        exact = Decimal(int(value)).scaleb(-places)
        text = f"{exact:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"

    return cell


_usd, _nano = _scaled(6), _scaled(9)


def _rate(value: Any) -> str:
    return "" if value is None else f"{Decimal(repr(float(value))):f}"


def _action(value: Any) -> str:
    """Of a side and whether it reduces, as in `long 1`."""
    side, reduces = str(value).split()
    return "buy" if (side == "long") != (reduces == "1") else "sell"


_MODE: Final = "(SELECT mode FROM run ORDER BY id DESC LIMIT 1) AS mode"


def _when(source: str, name: str, text: str) -> tuple[ExportColumn, ExportColumn]:
    return (
        ExportColumn(name, source, _iso, f"{text}, ISO 8601 in UTC"),
        ExportColumn(f"{name}_ms", source, _whole, f"{text}, milliseconds since 1970 in UTC"),
    )


_WHERE: Final = (
    ExportColumn("mode", "mode", _words, "`live` is money; all else is pretended or a test account"),
    ExportColumn("account", "account", _words, "which of several at the venue; empty: the only one"),
    ExportColumn("venue", "venue", _words, "key of the venue"),
)
_COIN: Final = ExportColumn("coin", "coin", _words, "base coin of the perpetual contract")
_SIDE: Final = ExportColumn("side", "side", _words, "side of the position: `long` or `short`")
_TRADE: Final = ExportColumn("trade_id", "trade_id", _whole, "our round trip; empty where none is known")

EXPORTS: Final[Mapping[str, ExportTable]] = {
    "fills": ExportTable(
        f"SELECT *, side || ' ' || CASE WHEN reduces THEN '1' ELSE '0' END AS action, {_MODE} FROM fill "
        "WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms, id",
        (
            *_when("time_ms", "time", "when the venue says it was executed"), *_WHERE, _COIN,
            ExportColumn("fill_id", "fill_id", _words, "the venue's id of the execution"), _TRADE,
            ExportColumn("kind", "kind", _words, "`fill`, `liquidation` or `deleveraging`"),
            ExportColumn("action", "action", _action, "`buy` or `sell`"), _SIDE,
            ExportColumn("reduces", "reduces", _whole, "1: closes a position or a part of it"),
            ExportColumn("quantity_base", "quantity_base", _nano, "in the base coin"),
            ExportColumn("price", "price", _nano, "in the contract's quote"),
            ExportColumn("realised_usd", "realised_usd", _usd, "profit of what it closed, before fees"),
            ExportColumn("fee_usd", "fee_usd", _usd, "what its fee cost in dollars; negative: received"),
            ExportColumn("fee_other", "fee_other", _nano, "the fee where it was paid in another currency"),
            ExportColumn("fee_currency", "fee_currency", _words, "of the fee"),
            ExportColumn("fee_unvalued", "fee_unvalued", _nano, "of `fee_other`, what nothing values in dollars"),
            ExportColumn("maker", "maker", _whole, "1: it rested in the book"),
        ),
        "every execution; a reversal is two rows, closing and opening",
    ),
    "funding": ExportTable(
        f"SELECT *, {_MODE} FROM funding_payment WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms, id",
        (
            *_when("time_ms", "time", "when it was paid"), *_WHERE, _COIN, _TRADE,
            ExportColumn("amount_usd", "amount_usd", _usd, "positive: received"),
            ExportColumn("rate_pct", "rate_pct", _rate, "rate of the interval, per cent"),
        ),
        "every funding payment",
    ),
    "transfers": ExportTable(
        f"SELECT *, {_MODE} FROM transfer WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms, id",
        (
            *_when("time_ms", "time", "when it was reported"), *_WHERE,
            ExportColumn("kind", "kind", _words, "`opening` (the first balance seen), deposit, withdrawal or rebate"),
            ExportColumn("amount_usd", "amount_usd", _usd, "positive: it came"),
        ),
        "money that came or went without a trade",
    ),
    "trades": ExportTable(
        f"SELECT *, id AS trade_id, gross_usd - fees_usd + funding_usd AS net_usd, {_MODE}, "
        "(SELECT v.closed_because FROM v_trades v WHERE v.trade_id = trade.id) AS closed_because FROM trade "
        "WHERE closed_ms >= ? AND closed_ms < ? ORDER BY closed_ms, id",
        (
            *_when("opened_ms", "opened", "first fill"), *_when("closed_ms", "closed", "last fill"), *_WHERE, _COIN,
            _TRADE, ExportColumn("strategy", "strategy", _words, "whose trade it was"), _SIDE,
            ExportColumn("status", "status", _words, "how it ended"),
            ExportColumn("exit_reason", "exit_reason", _words, "by which order it ended, or how the venue ended it"),
            ExportColumn("closed_because", "closed_because", _words, "the same in words, with what was decided"),
            ExportColumn("quantity_base", "quantity_base", _nano, "largest size, in the base coin"),
            ExportColumn("entry_price", "entry_price", _nano, "mean price of what opened it"),
            ExportColumn("exit_price", "exit_price", _nano, "mean price of what closed it"),
            ExportColumn("gross_usd", "gross_usd", _usd, "profit before fees and funding"),
            ExportColumn("fees_usd", "fees_usd", _usd, "fees; positive: paid"),
            ExportColumn("fees_other", "fees_other", _words, "fees that nothing values, by currency"),
            ExportColumn("funding_usd", "funding_usd", _usd, "positive: received"),
            ExportColumn("net_usd", "net_usd", _usd, "gross less fees plus funding"),
        ),
        "round trips that closed in the period, from flat to flat",
    ),
}


def exported(ledger: Ledger, name: str, period: Period) -> list[dict[str, str]]:
    """Every row by column name, all of it text: numbers are exact decimals without an exponent, empty is unknown."""
    table = EXPORTS[name]
    return [_row(row, table.columns) for row in ledger.rows(table.query, [*period.values])]


def _row(row: Row, columns: Iterable[ExportColumn]) -> dict[str, str]:
    return {column.name: column.cell(row[column.source]) for column in columns}


def as_csv(name: str, rows: Sequence[Mapping[str, str]]) -> str:
    """With a head, a line for each row."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [column.name for column in EXPORTS[name].columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
