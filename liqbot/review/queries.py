"""What the reading verbs ask a ledger: its views, filtered."""

from collections.abc import Mapping
from typing import Any, Final

from liqbot.execution.naked_time import SHARE, quantile_ms
from liqbot.review.ledger_reader import Ledger, Row

TRADE_COLUMNS: Final = (
    "trade_id", "opened", "coin", "side", "strategy", "status", "quantity_base", "entry_price", "exit_price",
    "exit_reason", "gross_usd", "fees_usd", "funding_usd", "net_usd", "r_multiple", "naked_ms", "decision",
)
FEES_OTHER: Final = "fees_other"
"""Fees that nothing values, as text; a column where there are any."""
FEE_COLUMNS: Final = ("day", "currency", "fills", "amount", "valued_usd", "not_valued")
DECISION_COLUMNS: Final = ("decision", "first_seen", "last_seen", "count", "strategy", "coin", "side", "code", "reason")
DAY_COLUMNS: Final = ("day", "gross_usd", "fees_usd", "funding_usd", "net_usd", "trades_closed", "trades_won")
STRATEGY_COLUMNS: Final = (
    "strategy", "trades", "won", "gross_usd", "fees_usd", "funding_usd", "net_usd", "r_mean", "held_min_mean",
)


def trades(ledger: Ledger, wanted: Mapping[str, object | None], limit: int) -> list[Row]:
    """The newest trades whose columns have the wanted values, oldest first."""
    return _newest(ledger, "v_trades", "trade_id", wanted, limit)


def decisions(ledger: Ledger, wanted: Mapping[str, object | None], limit: int) -> list[Row]:
    """The newest decisions, oldest first."""
    return _newest(ledger, "v_decisions", "decision", wanted, limit)


def refusals(ledger: Ledger) -> list[Row]:
    """Refusals by strategy and code, most ticks first."""
    return ledger.rows("SELECT * FROM v_refusals ORDER BY ticks DESC, strategy, code")


def pnl(ledger: Ledger) -> dict[str, Any]:
    """By day, by strategy, in all; the deepest drawdown and what nothing explains."""
    days = ledger.rows("SELECT * FROM v_daily_pnl ORDER BY day")
    deepest = ledger.rows("SELECT time, drawdown_usd, drawdown_pct FROM v_drawdown ORDER BY drawdown_usd DESC LIMIT 1")
    newest = ledger.rows("SELECT * FROM v_equity ORDER BY time DESC LIMIT 1")
    names = ("gross_usd", "fees_usd", "funding_usd", "net_usd", "trades_closed", "trades_won", "fees_not_valued")
    return {
        "days": days,
        "strategies": ledger.rows("SELECT * FROM v_strategy ORDER BY net_usd DESC"),
        "total": {name: sum(day[name] for day in days) for name in names},
        "equity_usd": newest[0]["equity_usd"] if newest else None,
        "unexplained_usd": newest[0]["unexplained_usd"] if newest else None,
        "drawdown_max": deepest[0] if deepest else None,
        "fees_other": ledger.rows("SELECT * FROM v_fees_other ORDER BY day, currency"),
        "open": ledger.rows("SELECT * FROM v_open ORDER BY opened"),
        "naked": _naked(ledger),
    }


def _naked(ledger: Ledger) -> dict[str, int | None]:
    """Time without a full stop over the trades it was measured for; null without any."""
    measured = ledger.rows("SELECT naked_ms FROM v_trades WHERE naked_ms IS NOT NULL")
    naked_ms = [int(row["naked_ms"]) for row in measured]
    return {
        "trades": len(naked_ms), "p99_ms": quantile_ms(naked_ms, SHARE) if naked_ms else None,
        "max_ms": max(naked_ms, default=None),
    }


def _newest(
    ledger: Ledger, view: str, key: str, wanted: Mapping[str, object | None], limit: int
) -> list[Row]:
    chosen = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in chosen) or "1 = 1"
    query = f"SELECT * FROM {view} WHERE {where} ORDER BY {key} DESC LIMIT ?"  # noqa: S608  names are ours
    return ledger.rows(query, [*chosen.values(), limit])[::-1]
