"""The explanation of a decision as text for a terminal."""

from datetime import UTC, datetime
from typing import Any, Final

from liqbot.legible import spelled
from liqbot.review.pictures.map_bars import map_bars
from liqbot.review.tables import text_of
from liqbot.risk.decision import PARTS, why_of

_INPUTS_PER_LINE: Final = 3
_WIDTH: Final = 38
_SAME_MARK: Final = 0.0005


def as_text(story: dict[str, Any]) -> str:
    """Sections in the order in which the house asks its questions."""
    decision = story["decision"]
    head = f"decision {decision['decision']}: {decision['strategy']} {decision['coin']} {decision['side']}"
    times = "once" if decision["count"] == 1 else f"{decision['count']:,} times"
    seen = f"seen {times} from {decision['first_seen']} to {decision['last_seen']}"
    sections = [
        [f"{head} -> {decision['code']}", f"  {decision['reason']}".rstrip(), f"  {seen}", *_parameters(story)],
        ["inputs", *_inputs(story["features"])],
        ["gates", *map(gate_line, story["gates"] or [])],
        ["risk checks", *map(check_line, story["checks"] or [])],
        ["wanted", *_wanted(decision)],
        ["map (estimated liquidations, USD)", *_map(story)],
        ["orders", *(line for order in story["orders"] for line in _order(order))],
        ["fills", *map(_fill, story["fills"])],
        ["stops and exits", *map(_reduction, story["reductions"])],
        ["outcome", f"  {story['outcome']}", *map(_trade, story["trades"])],
    ]
    return "\n".join("\n".join(map(spelled, lines)) for lines in sections if len(lines) > 1)


def _parameters(story: dict[str, Any]) -> list[str]:
    run = story["parameters"]
    if run is None:
        return []
    return [f"  parameters: recorded by run {run['run']}, mode {run['mode']}, digest {run['config_digest'][:12]}"]


def _inputs(features: dict[str, float | None] | None) -> list[str]:
    known = features or {}
    cells = [f"{name} {'absent' if value is None else number(value)}" for name, value in known.items()
             if not name.endswith("_ms") or name == "age_ms"]
    return [
        "  " + "".join(cell.ljust(_WIDTH) for cell in cells[n : n + _INPUTS_PER_LINE]).rstrip()
        for n in range(0, len(cells), _INPUTS_PER_LINE)
    ]


def gate_line(gate: dict[str, Any]) -> str:
    state = "waived" if gate["waived"] else "pass" if gate["passed"] else "FAIL"
    sources = ", ".join(_input(one) for one in gate["inputs"] if one["source"] != "measured")
    note = f"   ({sources})" if sources else ""
    if gate["threshold"] is None:
        return f"  {'pass' if gate['passed'] else 'FAIL':<6} {gate['name']}: {number(gate['value'])}, not asked{note}"
    return f"  {state:<6} {gate['name']}: {number(gate['value'])} {gate['op']} {number(gate['threshold'])}{note}"


def _input(one: dict[str, Any]) -> str:
    value = "" if one["value"] is None else f"{number(one['value'])} "
    return f"{one['name']} {value}{one['source']}"


def check_line(check: dict[str, Any]) -> str:
    state = "pass" if check["passed"] else "FAIL"
    return f"  {state:<6} {check['name']}: {number(check['value'])}, limit {number(check['limit'])}"


def _wanted(decision: dict[str, Any]) -> list[str]:
    if decision["quantity_base"] is None:
        return []
    density = decision["liquidation_density_pct"]
    where = "outside the map" if density is None else f"density percentile {density:.0f} (0: nowhere thinner)"
    names = ("quantity_base", "entry_price", "stop_price", "take_price", "leverage")
    quantity, entry, stop, take, leverage = (number(decision[name]) for name in names)
    return [
        f"  {quantity} at {entry}, stop {stop}, take {take}, {leverage}x",
        f"  own liquidation at {number(decision['liquidation_price'])}, {where}",
        *_translated(decision),
    ]


def _translated(decision: dict[str, Any]) -> list[str]:
    """Where its orders were to rest, in a test market whose prices are not the map's."""
    ratio = decision.get("mark_ratio")
    if ratio is None:
        return []
    names = ("entry_price", "stop_price", "take_price", "liquidation_price")
    entry, stop, take, own = (number(None if decision[name] is None else decision[name] * ratio) for name in names)
    line = f"  in the test market times {number(ratio)}: at {entry}, stop {stop}, take {take}, own liquidation {own}"
    return [line]


def _map(story: dict[str, Any]) -> list[str]:
    drawn = story["map"]
    if drawn is None:
        return []
    minutes = drawn["age_ms"] // 60_000
    old = f", {minutes:,} min before the decision" if minutes else ""
    when = f"  as of {_time(drawn['time_ms'])}{old}, mark then {number(drawn['mark_price'])}"
    return [*map_bars(drawn["bins"], drawn["mark_price"], marked_prices(story)), when]


def marked_prices(story: dict[str, Any]) -> dict[str, float | None]:
    """What is marked on the map beside its own mark: the mark of the decision where that is another one."""
    decision, drawn = story["decision"], story["map"]
    names = {"entry": "entry_price", "stop": "stop_price", "take": "take_price", "own liquidation": "liquidation_price"}
    marked: dict[str, float | None] = {name: decision[column] for name, column in names.items()}
    mark_price = (story["features"] or {}).get("mark_price")
    if mark_price is not None and drawn["age_ms"] and abs(mark_price / drawn["mark_price"] - 1) > _SAME_MARK:
        marked = {"mark at the decision": mark_price, **marked}
    return marked


def _order(order: dict[str, Any]) -> list[str]:
    price = order["trigger_price"] or order["limit_price"]
    at = f" at {number(price)}" if price else ""
    filled = ""
    if order["filled_base"]:
        filled = f", filled {number(order['filled_base'])} at {number(order['average_price'])}"
    what = f"{order['client_id']} {order['purpose']} {order['kind']} {number(order['quantity_base'])}{at}"
    events = [f"    {_time(event['time_ms'])} {event['event']} ({event['source']})" for event in order["events"]]
    return [f"  {what}: {order['status']}{filled}", *events]


def _reduction(one: dict[str, Any]) -> str:
    stop = f"stop to {number(one['stop_price'])}"
    what = "exit" if one["code"] == "EXIT" else stop if moves_stop(one) else "a part"
    return f"  {one['first_seen']} {what}: {one['reason']}"


def moves_stop(reduction: dict[str, Any]) -> bool:
    """Whether it moved the stop; what only takes a part has the same code in the books."""
    return reduction["code"] == "STOP_MOVED" and why_of(reduction["reason"]) not in PARTS


def _fill(fill: dict[str, Any]) -> str:
    what = "closed" if fill["reduces"] else "opened"
    by = fill["purpose"] or fill["kind"]
    return (
        f"  {_time(fill['time_ms'])} {what} {number(fill['quantity_base'])} at {number(fill['price'])} ({by}), "
        f"realised {number(fill['realised_usd'])}, fee {number(fill['fee_usd'])}"
    )


def _trade(trade: dict[str, Any]) -> str:
    why = f"; ended because: {trade['closed_because']}" if trade["closed_because"] else ""
    return (
        f"  trade {trade['trade_id']}: gross {number(trade['gross_usd'])}, fees {number(trade['fees_usd'])}, funding "
        f"{number(trade['funding_usd'])}, worst {number(trade['mae_usd'])}, best {number(trade['mfe_usd'])}{why}"
    )


def number(value: Any) -> str:
    if value is None:
        return "absent"
    return text_of(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
