"""The explanation of a decision on one screen: what was done and why, what came of it, and the map it was made on."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from liqbot.instruments import side_of
from liqbot.legible import spelled
from liqbot.review.explain_text import check_line, gate_line, marked_prices, moves_stop, number
from liqbot.review.period import minute_text
from liqbot.review.pictures.map_bars import map_bars
from liqbot.review.price_path import Ended, Mark, Reached, extremes, spark

_LINES: Final = 24
_MAP_ROWS_MIN, _MAP_ROWS_MAX = 5, 15
_SPARK_WIDTH: Final = 40
_GATES_SHOWN: Final = 6
_REASON_LINES: Final = 2
_BAR_MIN, _BESIDE_BAR = 12, 56
_OLD_MAP_MS: Final = 1_200_000


def as_summary(story: dict[str, Any], more: str, exact_map: str, *, height: int = _LINES, width: int = 80) -> str:
    """At most `height` lines (if that is 20 at least) of at most `width` signs. `more` is the command that tells all,
    `exact_map` the one that draws the map of that very moment."""
    told = [*_head(story, width), *_gates(story), *_refused_outcome(story["refused_outcome"])]
    for trade, path in zip(story["trades"], story["paths"], strict=True):
        told += _trade(story, trade, path)
    foot = [f"more      {more}"]
    room = height - 1 - len(told) - len(foot)
    told += _map(story, exact_map, room, width)
    return "\n".join(_cut(spelled(line), width) for line in [*told, *foot])


def _head(story: dict[str, Any], width: int) -> list[str]:
    decision = story["decision"]
    lines = [
        (f"decision {decision['decision']}: {decision['strategy']} {decision['coin']} {decision['side']} -> "
        f"{decision['code']}, {_at(decision['first_seen'])}")
    ]
    lines += _wrapped(f"because   {decision['reason']}", width) if decision["reason"] else []
    if decision["count"] > 1:
        lines.append(f"seen      {decision['count']:,} ticks until {_at(decision['last_seen'])}")
    if decision["quantity_base"] is not None:
        density = decision["liquidation_density_pct"]
        where = "outside the map" if density is None else f"density {density:.0f}%"
        names = ("quantity_base", "entry_price", "stop_price", "leverage", "liquidation_price")
        size, entry, stop, leverage, own = (number(decision[name]) for name in names)
        lines.append(f"wanted    {size} at {entry}, {leverage}x, stop {stop}, own {own} ({where})")
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    """Two lines at most; what is longer is in the full text."""
    found = textwrap.wrap(line, width, subsequent_indent=" " * 10) or [line]
    return found if len(found) <= _REASON_LINES else [*found[: _REASON_LINES - 1], f"{found[_REASON_LINES - 1]}…"]


def _gates(story: dict[str, Any]) -> list[str]:
    """Those that matter: what said no, what was waived; how many said yes."""
    gates, checks = story["gates"] or [], story["checks"] or []
    said_no = [gate_line(gate) for gate in gates if not gate["passed"] or gate["waived"]]
    said_no += [check_line(check) for check in checks if not check["passed"]]
    passed = sum(gate["passed"] for gate in gates)
    counted = [f"gates     {passed} of {len(gates)} passed"] if gates else []
    if counted and checks:
        counted[0] += f"; risk checks {sum(check['passed'] for check in checks)} of {len(checks)}"
    return [*counted, *said_no[:_GATES_SHOWN]]


def _refused_outcome(ended: Ended | None) -> list[str]:
    if ended is None or not ended.time_ms:
        return []
    how = {
        "stop": "the stop would have been hit", "take": "the take would have been reached",
        "time": "it would have been held to the end of its time", "unknown": "the ledger ends before it would have",
    }[ended.by]
    return [f"refused   {how}, {minute_text(ended.time_ms)}: {ended.r:+.2f} R before costs (estimate)"]


def _trade(story: dict[str, Any], trade: dict[str, Any], path: dict[str, Any]) -> list[str]:
    entries = [fill for fill in story["fills"] if not fill["reduces"]]
    opened = f"{number(trade['quantity_base'])} at {number(trade['entry_price'])}"
    lines = [
        f"trade t{trade['trade_id']}  {_result(story, trade, path['during'])}",
        f"in        {_at(trade['opened'])}  {opened}" + (f" in {len(entries)} fills" if len(entries) > 1 else ""),
    ]
    if trade["closed"] is not None:
        by = f"{trade['exit_reason']}: " if trade["exit_reason"] == "exit" else ""
        lines += [
            f"out       {_at(trade['closed'])}  at {number(trade['exit_price'])}, held {trade['held_min']:,.0f} min",
            f"out for   {by}{trade['closed_because']}",
        ]
    lines += [*_price(trade, path["during"]), *_after(trade, path["after"]), *_stops(story, trade)]
    money = ("gross_usd", "fees_usd", "funding_usd")
    gross, fees, funding = (number(trade[name]) for name in money)
    return [*lines, f"money     gross {gross}, fees {fees}, funding {funding}, net {number(trade['net_usd'])} USD"]


def _result(story: dict[str, Any], trade: dict[str, Any], path: Sequence[Mark]) -> str:
    if trade["status"] == "open":
        return f"is open: {_unrealised(story, trade, path)}{trade['net_usd']:+,.2f} USD realised"
    times = "" if trade["r_multiple"] is None else f" ({trade['r_multiple']:+.2f} R)"
    word = "won" if trade["net_usd"] > 0 else "lost"
    return f"{word} {abs(trade['net_usd']):,.2f} USD net{times}, {trade['status']}"


def _unrealised(story: dict[str, Any], trade: dict[str, Any], path: Sequence[Mark]) -> str:
    """What is held would bring at the newest mark, before costs; empty where no mark was kept."""
    if not path:
        return ""
    held_base = sum(fill["quantity_base"] * (-1 if fill["reduces"] else 1) for fill in story["fills"])
    usd = (path[-1].price - trade["entry_price"]) * held_base * int(side_of(trade["side"]))
    return f"{usd:+,.2f} USD unrealised at {number(path[-1].price)}, "


def _price(trade: dict[str, Any], path: Sequence[Mark]) -> list[str]:
    """The way of the mark, and how far it went against us and for us."""
    found = extremes(path, trade["side"])
    if found is None:
        return [f"price     worst {number(trade['mae_usd'])} USD, best {number(trade['mfe_usd'])} USD on the way"]
    worst, best = found
    return [
        f"price     {spark(path, _SPARK_WIDTH)} {number(path[0].price)} -> {number(path[-1].price)}",
        f"against   {number(worst.price)} at {minute_text(worst.time_ms)[5:]}: {_usd_r(trade, worst)}",
        f"for us    {number(best.price)} at {minute_text(best.time_ms)[5:]}: {_usd_r(trade, best)}",
    ]


def _usd_r(trade: dict[str, Any], reached: Reached) -> str:
    """What the whole position was worth there, before costs."""
    usd = (reached.price - trade["entry_price"]) * trade["quantity_base"] * int(side_of(trade["side"]))
    times = f" ({usd / trade['risk_usd']:+.2f} R)" if trade["risk_usd"] else ""
    return f"{usd:+,.2f} USD{times}"


def _after(trade: dict[str, Any], path: Sequence[Mark]) -> list[str]:
    """Whether we were right to go: where price went in the hour after."""
    found = extremes(path, trade["side"])
    if found is None or not trade["exit_price"]:
        return []
    worst, best = found
    sign = int(side_of(trade["side"]))
    won, lost = ((one.price / trade["exit_price"] - 1) * 100 * sign for one in (best, worst))
    minutes = (path[-1].time_ms - path[0].time_ms) / 60_000
    return [f"after     in {minutes:.0f} min up to {won:+.2f} % our way and {lost:+.2f} % against, seen from the exit"]


def _stops(story: dict[str, Any], trade: dict[str, Any]) -> list[str]:
    moved = [one for one in story["reductions"] if moves_stop(one)]
    if not moved:
        return []
    first, last = number(trade["initial_stop_price"]), number(moved[-1]["stop_price"])
    times = "once" if len(moved) == 1 else f"{len(moved)} times"
    return [f"stop      moved {times}, {first} -> {last}; last {moved[-1]['reason']}"]


def _map(story: dict[str, Any], exact_map: str, room: int, width: int) -> list[str]:
    """With the mark that it was drawn at, and how much older than the decision it is."""
    drawn, rows = story["map"], min(room - 2, _MAP_ROWS_MAX)
    if drawn is None or rows < _MAP_ROWS_MIN:
        return [f"map       {exact_map}"]
    age_ms = drawn["age_ms"]
    old = f", {age_ms // 60_000} min before the decision" if age_ms >= 60_000 else ""
    lines = [f"map of {minute_text(drawn['time_ms'])}{old}, mark {number(drawn['mark_price'])}; USD is an estimate"]
    bar_width = max(_BAR_MIN, width - _BESIDE_BAR)
    lines += map_bars(drawn["bins"], drawn["mark_price"], marked_prices(story), rows, bar_width)
    return [*lines, f"exact     {exact_map}"] if age_ms > _OLD_MAP_MS else lines


def _at(iso: str) -> str:
    return iso[:19].replace("T", " ")


def _cut(line: str, width: int) -> str:
    """Commands are never cut: they must work when they are copied."""
    if len(line) <= width or line.startswith(("more ", "exact ", "map  ")):
        return line
    return line[: width - 1] + "…"
