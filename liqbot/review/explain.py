"""`explain`: everything the ledger knows about one decision, from its inputs to its outcome."""

import json
from typing import Any

from liqbot.exits import Exit, ExpectedError
from liqbot.review.ledger_reader import Ledger, Row

_DECISION = """
    SELECT v.*, d.decision_id, d.venue, d.features, d.gates, d.checks
    FROM v_decisions v JOIN decision d ON d.id = v.decision WHERE v.decision = ?"""
_NEWEST_MAP = """
    SELECT id, time_ms, mark_price, bins FROM map_snapshot
    WHERE coin = ? AND seq <= (SELECT seq FROM decision WHERE id = ?) ORDER BY id DESC LIMIT 1"""


def decision_row(ledger: Ledger, name: str) -> int:
    """The decision meant by `17` (a decision), `t3` (a trade) or a client order id; ExpectedError for none."""
    if name.isdecimal():
        found = ledger.rows("SELECT id AS row FROM decision WHERE id = ?", [int(name)])
    elif name[:1] == "t" and name[1:].isdecimal():
        found = ledger.rows("SELECT decision_row AS row FROM trade WHERE id = ?", [int(name[1:])])
    else:
        found = ledger.rows(
            'SELECT d.id AS row FROM "order" o JOIN decision d ON d.decision_id = o.decision_id AND d.code = ? '
            "WHERE o.client_id = ? ORDER BY d.id DESC LIMIT 1", ["APPROVED", name],
        )
    if not found or found[0]["row"] is None:
        raise ExpectedError(
            f"{name!r}: no such decision in {ledger.place}; liqbot decisions lists them, t1 means trade 1",
            Exit.NOT_FOUND,
        )
    return int(found[0]["row"])


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


def _map_of(ledger: Ledger, decision: Row) -> dict[str, Any] | None:
    if decision["map_id"] is not None:
        found = ledger.rows("SELECT id, time_ms, mark_price, bins FROM map_snapshot WHERE id = ?", [decision["map_id"]])
    else:
        found = ledger.rows(_NEWEST_MAP, [decision["coin"], decision["decision"]])
    if not found:
        return None
    drawn = found[0]
    return drawn | {"mark_price": drawn["mark_price"] / 1e9, "bins": _parsed(drawn["bins"])}


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
