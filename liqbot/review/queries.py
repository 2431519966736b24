"""What the reading verbs ask a ledger: its views, filtered."""

import difflib
import json
from collections.abc import Mapping
from typing import Any, Final

from liqbot.execution.naked_time import SHARE, quantile_ms
from liqbot.exits import Exit, ExpectedError
from liqbot.ledger.views import by_strategy
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import EVER, Period
from liqbot.review.tables import Column
from liqbot.signals.verdict import MISSING, MISSING_INPUT

NOTHING: Final[Mapping[str, object | None]] = {}
_ROWS_LOOKED_AT: Final = 500
_ALL: Final = "1 = 1"
_REFUSED_BY: Final = ("strategy", "coin", "side", "code")
TRADE_COLUMNS: Final = (
    Column("trade_id", "trade"), Column("opened"), Column("coin", rank=3), Column("side"), Column("strategy", rank=2),
    Column("status", rank=6), Column("quantity_base", "size", rank=7), Column("entry_price", "entry", rank=4),
    Column("exit_price", "exit", rank=4), Column("gross_usd", "gross", rank=8), Column("fees_usd", "fees", rank=5),
    Column("funding_usd", "funding", rank=5), Column("net_usd", "net USD"), Column("r_multiple", "R"),
    Column("closed_because", "ended because", cut=True), Column("exit_reason", "by", rank=9),
    Column("naked_ms", rank=9), Column("decision", rank=9),
)
FEES_OTHER: Final = "fees_other"
"""Fees that nothing values, as text; a column where there are any."""
FEE_COLUMNS: Final = ("day", "currency", "fills", "amount", "valued_usd", "not_valued")
DECISION_COLUMNS: Final = (
    Column("decision", "id"), Column("first_seen", "first"), Column("last_seen", "last", rank=4),
    Column("count", "ticks", rank=3), Column("strategy"), Column("coin", rank=2), Column("side"), Column("code"),
    Column("reason", rank=1, cut=True),
)
REFUSAL_COLUMNS: Final = (
    Column("strategy"), Column("coin", rank=2), Column("side"), Column("code"), Column("times", rank=3),
    Column("ticks"), Column("first_seen", "first", rank=4), Column("last_seen", "last", rank=1),
)
DAY_COLUMNS: Final = (
    Column("day"), Column("gross_usd", "gross"), Column("fees_usd", "fees"), Column("funding_usd", "funding"),
    Column("net_usd", "net USD"), Column("trades_closed", "closed"), Column("trades_won", "won"),
)
STRATEGY_COLUMNS: Final = (
    Column("strategy"), Column("trades"), Column("won"), Column("gross_usd", "gross", rank=2),
    Column("fees_usd", "fees", rank=1), Column("funding_usd", "funding", rank=1), Column("net_usd", "net USD"),
    Column("r_mean", "mean R"), Column("held_min_mean", "held min", rank=3),
)
Wanted = Mapping[str, object | None]
"""By column of a view: the value it must have; None: any."""


def trades(ledger: Ledger, wanted: Wanted, limit: int, period: Period = EVER) -> list[Row]:
    """The newest trades that were open in the period and whose columns have the wanted values, oldest first."""
    rows = "SELECT id FROM trade WHERE COALESCE(closed_ms, ?) >= ? AND opened_ms < ?"
    return _newest(ledger, "v_trades", "trade_id", wanted, limit, period, rows)


def decisions(
    ledger: Ledger, wanted: Wanted, limit: int, period: Period = EVER, *, moves: bool = True
) -> list[Row]:
    """The newest decisions that were in force in the period, oldest first. `moves`: also of stops that were moved, of
    which one trade may have dozens; those that are asked for by their code are always there."""
    rows = "SELECT id FROM decision WHERE COALESCE(last_seen_ms, ?) >= ? AND time_ms < ?"
    only = _ALL if moves or wanted.get("code") is not None else "code <> 'STOP_MOVED'"
    return _newest(ledger, "v_decisions", "decision", wanted, limit, period, rows, only)


def refusals(ledger: Ledger, wanted: Wanted = NOTHING, period: Period = EVER) -> list[Row]:
    """Refusals by strategy and code, most ticks first. Of a row that reaches over an end of the period the ticks
    inside are estimated: as if they had come evenly."""
    where, values = _where({name: value for name, value in wanted.items() if name in _REFUSED_BY})
    if period.whole:
        return ledger.rows(f"SELECT * FROM v_refusals WHERE {where} ORDER BY ticks DESC, strategy, code", values)
    from_ms, to_ms = period.values
    found = ledger.rows(
        "SELECT v.*, d.time_ms, d.last_seen_ms FROM decision d JOIN v_decisions v ON v.decision = d.id "
        f"WHERE d.code <> 'APPROVED' AND d.kind = 'entry' AND d.last_seen_ms >= ? AND d.time_ms < ? AND {where}",
        [from_ms, to_ms, *values],
    )
    counted: dict[tuple[object, ...], Row] = {}
    for one in found:
        key = tuple(one[name] for name in _REFUSED_BY)
        row = counted.setdefault(key, dict(zip(_REFUSED_BY, key, strict=True)) | {
            "times": 0, "ticks": 0.0, "first_seen": one["first_seen"], "last_seen": one["last_seen"],
        })
        row["times"] += 1
        row["ticks"] += one["count"] * period.share(one["time_ms"], one["last_seen_ms"])
        row["first_seen"] = min(row["first_seen"], one["first_seen"])
        row["last_seen"] = max(row["last_seen"], one["last_seen"])
    rows = [row | {"ticks": max(1, round(row["ticks"]))} for row in counted.values()]
    return sorted(rows, key=lambda row: (-row["ticks"], row["strategy"], row["code"]))


def absent_inputs(ledger: Ledger, wanted: Wanted, period: Period = EVER) -> list[str]:
    """Which gates lacked an input, where that refused entries, and what a tape's profile can do about it."""
    if wanted.get("code") not in {None, MISSING_INPUT}:
        return []
    where, values = _where({**{name: wanted.get(name) for name in ("strategy", "coin")}, "code": MISSING_INPUT})
    found = ledger.rows(
        f"SELECT gates FROM decision WHERE last_seen_ms >= ? AND time_ms < ? AND {where} ORDER BY id DESC LIMIT ?",
        [*period.values, *values, _ROWS_LOOKED_AT],
    )
    lacking: dict[str, set[str]] = {}
    for row in found:
        gates = json.loads(row["gates"]) if isinstance(row["gates"], str) else row["gates"] or []
        for gate in gates:
            names = {one["name"] for one in gate["inputs"] if one["source"] == MISSING}
            if names and not gate["passed"]:
                lacking.setdefault(gate["name"], set()).update(names)
    if not lacking:
        return []
    named = "; ".join(f"gate {gate} lacks {', '.join(sorted(names))}" for gate, names in sorted(lacking.items()))
    return [
        f"{MISSING_INPUT}: {named}",
        "a tape that cannot tell it: --set 'signals.waive=[\"GATE\"]' lets a gate pass without, and counts it",
    ]


def require_known(ledger: Ledger, table: str, wanted: Wanted) -> None:
    """ExpectedError (usage) for a value that no row of the table has: the nearest that there is, and all of them."""
    for name, value in wanted.items():
        if value is None:
            continue
        there = [str(row[name]) for row in ledger.rows(f"SELECT DISTINCT {name} FROM {table}")]
        if str(value) in there or not there:
            continue
        spelled = {_letters(one): one for one in there}
        near = difflib.get_close_matches(_letters(str(value)), spelled, n=1)
        hint = f"did you mean {spelled[near[0]]!r}? " if near else ""
        raise ExpectedError(f"--{name} {value!r}: {hint}there are {', '.join(sorted(there))}", Exit.USAGE)


def _letters(text: str) -> str:
    return text.lower().replace("-", "_")


def pnl(ledger: Ledger, period: Period = EVER) -> dict[str, Any]:
    """By day, by strategy, in all; the deepest drawdown and what nothing explains. Of a period its whole UTC days;
    strategies count the trades that were closed in them."""
    first, last = period.days
    between = "substr(time, 1, 10) BETWEEN ? AND ?"
    days = ledger.rows("SELECT * FROM v_daily_pnl WHERE day BETWEEN ? AND ? ORDER BY day", [first, last])
    deepest = ledger.rows(
        f"SELECT time, drawdown_usd, drawdown_pct FROM v_drawdown WHERE {between} ORDER BY drawdown_usd DESC LIMIT 1",
        [first, last],
    )
    newest = ledger.rows(
        f"SELECT * FROM v_equity WHERE {between} ORDER BY time DESC LIMIT 1", [first, last]
    )
    names = ("gross_usd", "fees_usd", "funding_usd", "net_usd", "trades_closed", "trades_won", "fees_not_valued")
    return {
        "days": days,
        "strategies": ledger.rows(
            f"{by_strategy('AND substr(closed, 1, 10) BETWEEN ? AND ?')} ORDER BY net_usd DESC", [first, last]
        ),
        "total": {name: sum(day[name] for day in days) for name in names},
        "equity_usd": newest[0]["equity_usd"] if newest else None,
        "unexplained_usd": newest[0]["unexplained_usd"] if newest else None,
        "drawdown_max": deepest[0] if deepest else None,
        "fees_other": ledger.rows(
            "SELECT * FROM v_fees_other WHERE day BETWEEN ? AND ? ORDER BY day, currency", [first, last]
        ),
        "funding_payments": ledger.rows(
            "SELECT COUNT(*) AS payments FROM funding_payment WHERE time_ms >= ? AND time_ms < ?", [*period.values]
        )[0]["payments"],
        "open": ledger.rows("SELECT * FROM v_open ORDER BY opened"),
        "naked": _naked(ledger, period),
    }


def _naked(ledger: Ledger, period: Period) -> dict[str, int | None]:
    """Time without a full stop over the trades it was measured for; null without any."""
    measured = trades(ledger, {}, 1_000_000, period)
    naked_ms = [int(row["naked_ms"]) for row in measured if row["naked_ms"] is not None]
    return {
        "trades": len(naked_ms), "p99_ms": quantile_ms(naked_ms, SHARE) if naked_ms else None,
        "max_ms": max(naked_ms, default=None),
    }


def _newest(
    ledger: Ledger, view: str, key: str, wanted: Wanted, limit: int, period: Period, rows: str, only: str = _ALL
) -> list[Row]:
    """`rows` gives the ids of a period: it takes what stands for no end, and both ends. `only`: a further condition."""
    where, values = _where(wanted)
    where = f"{only} AND {where}"
    if not period.whole:
        from_ms, to_ms = period.values
        where, values = f"{key} IN ({rows}) AND {where}", [to_ms, from_ms, to_ms, *values]
    query = f"SELECT * FROM {view} WHERE {where} ORDER BY {key} DESC LIMIT ?"
    return ledger.rows(query, [*values, limit])[::-1]


def _where(wanted: Wanted) -> tuple[str, list[object]]:
    chosen = {name: value for name, value in wanted.items() if value is not None}
    return " AND ".join(f"{name} = ?" for name in chosen) or _ALL, list(chosen.values())
