"""`explain`: everything the ledger knows about one decision, from its inputs to its outcome."""

import json
from typing import Any, Final

from liqbot.exits import Exit, ExpectedError
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.price_path import Ended, path_of, would_have_ended

_DECISION = """
    SELECT v.*, d.decision_id, d.time_ms, d.venue, d.features, d.gates, d.checks
    FROM v_decisions v JOIN decision d ON d.id = v.decision WHERE v.decision = ?"""
_NEWEST_MAP = """
    SELECT id, time_ms, mark_price, bins FROM map_snapshot
    WHERE coin = ? AND seq <= (SELECT seq FROM decision WHERE id = ?) ORDER BY id DESC LIMIT 1"""
_DIGITS_MAX: Final = 19
"""As many digits no row's number has."""
_BY_NUMBER: Final = {
    "": "SELECT id AS row FROM decision WHERE id = ?",
    "t": "SELECT decision_row AS row FROM trade WHERE id = ?",
    "d": "SELECT id AS row FROM decision WHERE kind = 'entry' AND decision_id = ? ORDER BY id DESC LIMIT 1",
    "#": "SELECT id AS row FROM decision WHERE kind = 'entry' AND decision_id = ? ORDER BY id DESC LIMIT 1",
}
_AFTER_MS: Final = 3_600_000
"""How long a trade's market is followed after its end."""
_LATER_MS: Final = 60_000
"""The minute in which the holding time ends is looked at too."""
_EVER_MS: Final = 2**62


def decision_row(ledger: Ledger, name: str) -> int:
    """The decision meant by `17` (a row), `t3` (a trade), `d2` (as the log counts entries) or a client order id;
    ExpectedError for none."""
    kind, number = _numbered(name)
    if kind in _BY_NUMBER and number is not None:
        found = ledger.rows(_BY_NUMBER[kind], [number])
    else:
        found = ledger.rows(
            'SELECT d.id AS row FROM "order" o JOIN decision d ON d.decision_id = o.decision_id AND d.code = ? '
            "WHERE o.client_id = ? ORDER BY d.id DESC LIMIT 1", ["APPROVED", name],
        )
    if kind == "t" and found and found[0]["row"] is None:
        raise ExpectedError(_undecided(ledger, number), Exit.NOT_FOUND)
    if not found or found[0]["row"] is None:
        raise ExpectedError(
            f"{name!r}: no such decision in {ledger.place}; liqbot decisions lists them, t1 means trade 1, d2 the "
            "entry that the log calls 2",
            Exit.NOT_FOUND,
        )
    return int(found[0]["row"])


def _undecided(ledger: Ledger, number: int | None) -> str:
    """A trade that no entry of these books describes: adopted, or from before them."""
    trade = ledger.rows("SELECT * FROM v_trades WHERE trade_id = ?", [number])[0]
    ended = f"ended because: {trade['closed_because']}" if trade["closed"] else "is open"
    return (
        f"t{number}: no decision of these books opened it ({trade['strategy']}); it made {trade['net_usd']:+,.2f} USD "
        f"net and {ended}. liqbot trades --json has all of it"
    )


def _numbered(name: str) -> tuple[str, int | None]:
    """Its letter and its number, which may have been copied with separators; no number for another kind of name."""
    plain = name.strip().lower().replace(",", "")
    kind = plain[:1] if plain[:1] in _BY_NUMBER else ""
    digits = plain[len(kind) :]
    known = digits.isdecimal() and len(digits) < _DIGITS_MAX
    return kind, int(digits) if known else None


def explained(ledger: Ledger, row: int) -> dict[str, Any]:
    """Decision, inputs, gates, checks, map, orders with their events, fills and trade, as plain values."""
    decision = ledger.rows(_DECISION, [row])[0]
    story: dict[str, Any] = {name: _parsed(decision.pop(name)) for name in ("features", "gates", "checks")}
    drawn = _map_of(ledger, decision)
    approved_as = decision["decision_id"] if decision["code"] == "APPROVED" else None
    orders = ledger.rows("SELECT * FROM v_orders WHERE decision_id = ? ORDER BY sent, order_row", [approved_as])
    for order in orders:
        order["events"] = ledger.rows(
            "SELECT time_ms, event, source FROM order_event WHERE order_id = ? ORDER BY id", [order["order_row"]]
        )
    trades = ledger.rows("SELECT * FROM v_trades WHERE decision = ? ORDER BY trade_id", [row])
    return {
        "decision": decision,
        "parameters": _parameters(ledger, row),
        **story,
        "map": drawn,
        "reductions": [] if approved_as is None else _reductions(ledger, row, approved_as, trades),
        "paths": [_path(ledger, trade) for trade in trades],
        "refused_outcome": _refused_outcome(ledger, decision),
        "orders": orders,
        "fills": [fill for trade in trades for fill in _fills(ledger, trade)],
        "trades": trades,
        "outcome": _outcome(decision, trades),
    }


def _parameters(ledger: Ledger, row: int) -> Row | None:
    """The run that decided, and the configuration it recorded: every threshold and limit shown is its own."""
    found = ledger.rows(
        "SELECT r.id AS run, r.mode, r.version, r.config_digest, r.config "
        "FROM decision d JOIN run r ON r.id = d.run_id WHERE d.id = ?", [row],
    )
    return found[0] | {"config": _parsed(found[0]["config"])} if found else None


def _reductions(ledger: Ledger, row: int, decision_id: int, trades: list[Row]) -> list[Row]:
    """Stops that were moved and exits, as decided; those of another journal that counts alike are not among them."""
    ended = [trade["closed"] for trade in trades]
    until = max(ended) if ended and all(ended) else "9999"
    return ledger.rows(
        "SELECT v.first_seen, v.code, v.reason, v.stop_price, v.quantity_base FROM v_decisions v "
        "JOIN decision d ON d.id = v.decision WHERE d.decision_id = ? AND d.kind = 'reduction' AND d.id > ? "
        "AND v.first_seen <= ? ORDER BY d.id", [decision_id, row, until],
    )


def _path(ledger: Ledger, trade: Row) -> dict[str, Any]:
    """Where the mark went during a trade and in the hour after it, in prices of the trading market."""
    row = ledger.rows("SELECT opened_ms, closed_ms FROM trade WHERE id = ?", [trade["trade_id"]])[0]
    opened_ms, closed_ms = row["opened_ms"], row["closed_ms"]
    ratio = trade["mark_ratio"] or 1.0
    during = path_of(ledger, trade["coin"], opened_ms, closed_ms if closed_ms is not None else _EVER_MS, ratio)
    after = [] if closed_ms is None else path_of(ledger, trade["coin"], closed_ms, closed_ms + _AFTER_MS, ratio)
    return {"trade_id": trade["trade_id"], "during": during, "after": after}


def _refused_outcome(ledger: Ledger, decision: Row) -> Ended | None:
    """What would have become of an entry that was proposed and refused; None where none was."""
    entry, stop, hold_ms = decision["entry_price"], decision["stop_price"], decision["max_hold_ms"]
    if decision["kind"] != "entry" or decision["code"] == "APPROVED" or None in (entry, stop, hold_ms):
        return None
    begun_ms = decision["time_ms"]
    path = path_of(ledger, decision["coin"], begun_ms, begun_ms + hold_ms + _LATER_MS)
    return would_have_ended(path, decision["side"], entry, stop, decision["take_price"], begun_ms + hold_ms)


def _map_of(ledger: Ledger, decision: Row) -> dict[str, Any] | None:
    if decision["map_id"] is not None:
        found = ledger.rows("SELECT id, time_ms, mark_price, bins FROM map_snapshot WHERE id = ?", [decision["map_id"]])
    else:
        found = ledger.rows(_NEWEST_MAP, [decision["coin"], decision["decision"]])
    if not found:
        return None
    drawn = found[0]
    return drawn | {
        "mark_price": drawn["mark_price"] / 1e9, "bins": _parsed(drawn["bins"]),
        "age_ms": max(0, decision["time_ms"] - drawn["time_ms"]),
    }


def _fills(ledger: Ledger, trade: Row) -> list[Row]:
    return ledger.rows(
        "SELECT f.time_ms, f.kind, f.reduces, f.price / 1e9 AS price, f.quantity_base / 1e9 AS quantity_base, "
        "f.realised_usd / 1e6 AS realised_usd, f.fee_usd / 1e6 AS fee_usd, f.maker, o.client_id, o.purpose "
        'FROM fill f LEFT JOIN "order" o ON o.id = f.order_id WHERE f.trade_id = ? ORDER BY f.id',
        [trade["trade_id"]],
    )


def _outcome(decision: Row, trades: list[Row]) -> str:
    if decision["code"] != "APPROVED":
        return f"nothing was done: {decision['code']}" if decision["kind"] == "entry" else "a reduction of a position"
    if not trades:
        return "approved, but nothing was filled"
    trade = trades[-1]
    if trade["status"] == "open":
        return "the trade is open"
    times = "" if trade["r_multiple"] is None else f", {trade['r_multiple']:+.2f} R"
    return f"{trade['status']} by {trade['exit_reason']}: {float(trade['net_usd']):+,.2f} USD net{times}"


def _parsed(value: Any) -> Any:
    """SQLite keeps JSON as text, PostgreSQL hands it over parsed."""
    return json.loads(value) if isinstance(value, str) else value
