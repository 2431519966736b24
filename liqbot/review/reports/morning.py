"""The morning report: what happened since, why, what it cost, what was not done, and how right the map was."""

import json
from typing import Any, Final

from liqbot.review import queries
from liqbot.review.coverage import coverage_of
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import DAY_MS, Period, span_of
from liqbot.review.price_path import path_of
from liqbot.review.reports.refusals_priced import by_code, priced

VERSION: Final = 1
"""Of the report as JSON."""
_TRADES_MAX: Final = 1_000
_AROUND_PCT: Final = 5.0
_DENSE_DECILE: Final = 7
"""From here on a place is among the densest three tenths of the map."""
_POINTS_MAX: Final = 500


def morning_report(ledger: Ledger, period: Period) -> dict[str, Any]:
    """Plain values and structs, as `print_json` takes them. Everything is read from the ledger; USD in a map is an
    estimate, and what refused entries would have earned is one too."""
    trades = queries.trades(ledger, {}, _TRADES_MAX, period)
    refused = priced(ledger, period)
    return {
        "version": VERSION,
        "ledger": ledger.place,
        "asked": {"from_ms": period.from_ms, "to_ms": period.to_ms},
        "told": span_of(ledger)._asdict(),
        "runs": _runs(ledger, period),
        "incidents": _incidents(ledger, period),
        "trades": [trade | {"path": _trade_path(ledger, trade)} for trade in trades],
        "money": _money(ledger, period),
        "equity": _equity(ledger, period),
        "refusals": queries.refusals(ledger, {}, period),
        "refusals_priced": by_code(refused),
        "dearest_refusals": sorted(refused, key=lambda one: -one.ended.r),
        "near_misses": _near_misses(ledger, period),
        "map": {"coins": _maps(ledger, period)},
        "coverage": coverage_of(ledger, period),
        "unprotected": _unprotected(trades),
        "forecast": _forecast(ledger, period),
    }


def last_day(ledger: Ledger) -> Period:
    """What is reported where nothing else is wished for: the 24 hours before the newest moment of the ledger, that one
    included."""
    last_ms = span_of(ledger).last_ms
    return Period() if last_ms is None else Period(last_ms + 1 - DAY_MS, last_ms + 1)


def _runs(ledger: Ledger, period: Period) -> list[Row]:
    return ledger.rows(
        "SELECT id, mode, version, config_digest, started_ms FROM run WHERE started_ms < ? ORDER BY id",
        [period.values[1]],
    )


def _incidents(ledger: Ledger, period: Period) -> dict[str, Any]:
    """Counts by kind, and those that somebody should look at, feeds apart: coverage has them."""
    between, values = "time_ms >= ? AND time_ms < ?", [*period.values]
    kinds = ledger.rows(
        f"SELECT severity, kind, COUNT(*) AS times FROM incident WHERE {between} "
        "GROUP BY severity, kind ORDER BY times DESC, kind", values,
    )
    serious = ledger.rows(
        f"SELECT time_ms, severity, kind, venue, coin, detail FROM incident WHERE {between} "
        "AND severity IN ('critical', 'error', 'warning') AND kind <> 'FEED_DOWN' ORDER BY time_ms, id", values,
    )
    return {"by_kind": kinds, "serious": serious}


def _trade_path(ledger: Ledger, trade: Row) -> list[float]:
    """The mark's way while it was open, in prices of the trading market."""
    row = ledger.rows("SELECT opened_ms, closed_ms FROM trade WHERE id = ?", [trade["trade_id"]])[0]
    until_ms = row["closed_ms"] if row["closed_ms"] is not None else 2**62
    path = path_of(ledger, trade["coin"], row["opened_ms"], until_ms, trade["mark_ratio"] or 1.0)
    return _thinned([mark.price for mark in path])


def _thinned(values: list[Any]) -> list[Any]:
    step = max(1, -(-len(values) // _POINTS_MAX))
    return values[::step] + (values[-1:] if len(values) % step != 1 and step > 1 else [])


def _money(ledger: Ledger, period: Period) -> dict[str, Any]:
    """Of the period itself, not of whole days."""
    values = [*period.values]
    fills = ledger.rows(
        "SELECT COUNT(*) AS fills, COALESCE(SUM(realised_usd), 0) / 1e6 AS gross_usd, "
        "COALESCE(SUM(fee_usd), 0) / 1e6 AS fees_usd FROM fill WHERE time_ms >= ? AND time_ms < ?", values,
    )[0]
    funding = ledger.rows(
        "SELECT COUNT(*) AS payments, COALESCE(SUM(amount_usd), 0) / 1e6 AS funding_usd FROM funding_payment "
        "WHERE time_ms >= ? AND time_ms < ?", values,
    )[0]
    net_usd = float(fills["gross_usd"]) - float(fills["fees_usd"]) + float(funding["funding_usd"])
    return {**fills, **funding, "net_usd": net_usd}


def _equity(ledger: Ledger, period: Period) -> dict[str, Any] | None:
    """At both ends, the deepest fall from a highest point within, and the curve; profit counts without transfers."""
    rows = ledger.rows(
        "SELECT time_ms, equity_usd, transfers_usd FROM equity WHERE time_ms >= ? AND time_ms < ? ORDER BY id",
        [*period.values],
    )
    if not rows:
        return None
    peak, deepest, deepest_ms = rows[0]["equity_usd"] - rows[0]["transfers_usd"], 0, rows[0]["time_ms"]
    for row in rows:
        profit = row["equity_usd"] - row["transfers_usd"]
        peak = max(peak, profit)
        if peak - profit > deepest:
            deepest, deepest_ms = peak - profit, row["time_ms"]
    first, last = rows[0], rows[-1]
    change = (last["equity_usd"] - last["transfers_usd"]) - (first["equity_usd"] - first["transfers_usd"])
    return {
        "first_usd": first["equity_usd"] / 1e6, "last_usd": last["equity_usd"] / 1e6, "change_usd": change / 1e6,
        "drawdown_usd": deepest / 1e6, "drawdown_ms": deepest_ms,
        "curve": _thinned([[row["time_ms"], row["equity_usd"] / 1e6] for row in rows]),
    }


def _near_misses(ledger: Ledger, period: Period) -> list[Row]:
    """Verdicts of which one gate alone did not pass, with that gate, newest last."""
    return ledger.rows(
        "SELECT v.decision, v.first_seen, v.count, v.strategy, v.coin, v.side, v.code, v.reason FROM v_decisions v "
        "JOIN decision d ON d.id = v.decision WHERE d.kind = 'entry' AND d.decision_id IS NULL "
        "AND d.map_id IS NOT NULL AND d.last_seen_ms >= ? AND d.time_ms < ? ORDER BY d.id", [*period.values],
    )


def _maps(ledger: Ledger, period: Period) -> list[dict[str, Any]]:
    """By coin: first and last map of the period: sums near the mark, and the heaviest stretch of each side."""
    coins = [row["coin"] for row in ledger.rows("SELECT DISTINCT coin FROM map_snapshot ORDER BY coin")]
    found = []
    for coin in coins:
        then, now = (
            ledger.rows(
                "SELECT time_ms, mark_price, bins, skill_share, printed_ratio FROM map_snapshot "
                f"WHERE coin = ? AND time_ms >= ? AND time_ms < ? ORDER BY id {order} LIMIT 1", [coin, *period.values],
            )
            for order in ("ASC", "DESC")
        )
        if then and now:
            found.append({"coin": coin, "then": _map_sums(then[0]), "now": _map_sums(now[0])})
    return found


def _map_sums(row: Row) -> dict[str, Any]:
    bins = json.loads(row["bins"]) if isinstance(row["bins"], str) else row["bins"]
    mark_price = row["mark_price"] / 1e9
    edges = bins["edges"]
    sums: dict[str, Any] = {"time_ms": row["time_ms"], "mark_price": mark_price, "bins": bins}
    for side, sign in (("short", 1), ("long", -1)):
        usd = bins[f"{side}_usd"]
        near = [
            n for n in range(len(usd))
            if 0 <= (edges[n] / mark_price - 1) * 100 * sign <= _AROUND_PCT
        ]
        heaviest = max(near, key=lambda n, usd=usd: usd[n], default=None)  # type: ignore[misc]
        sums[f"{side}_usd"] = sum(usd[n] for n in near)
        sums[f"{side}_heaviest"] = None if heaviest is None else {
            "price_low": edges[heaviest], "price_high": edges[heaviest + 1], "usd": usd[heaviest],
        }
    return sums | {name: row[name] for name in ("skill_share", "printed_ratio")}


def _unprotected(trades: list[Row]) -> dict[str, Any]:
    """Time without a confirmed stop over all of a position, of the trades it was measured for."""
    measured = [trade for trade in trades if trade["naked_ms"] is not None]
    worst = max(measured, key=lambda trade: trade["naked_ms"], default=None)
    return {
        "trades": len(measured), "sum_ms": sum(trade["naked_ms"] for trade in measured),
        "worst_ms": worst["naked_ms"] if worst else None, "worst_trade": worst["trade_id"] if worst else None,
    }


def _forecast(ledger: Ledger, period: Period) -> dict[str, Any]:
    """What venues reported against what the map had at those prices just before, and the map's own score. Reports are
    a floor: venues publish some of their forced orders."""
    between, values = "time_ms >= ? AND time_ms < ?", [*period.values]
    sums = ledger.rows(
        "SELECT COUNT(*) AS prints, COALESCE(SUM(size_usd), 0) / 1e6 AS printed_usd, "
        f"COALESCE(SUM(CASE WHEN density_decile >= {_DENSE_DECILE} THEN size_usd ELSE 0 END), 0) / 1e6 "
        f"AS dense_usd FROM liquidation WHERE density_decile IS NOT NULL AND {between}", values,
    )[0]
    scored = ledger.rows(
        "SELECT time_ms, coin, skill_share, printed_ratio FROM map_snapshot "
        f"WHERE skill_share IS NOT NULL AND {between} ORDER BY id DESC LIMIT 1", values,
    )
    printed_usd = float(sums["printed_usd"])
    return {
        **sums, "dense_share": float(sums["dense_usd"]) / printed_usd if printed_usd else None,
        "dense_share_by_chance": (10 - _DENSE_DECILE) / 10, "score": scored[0] if scored else None,
    }

