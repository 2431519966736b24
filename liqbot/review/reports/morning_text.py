"""The morning report for a terminal: one screen, or everything."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Final

from liqbot.legible import counted, short_usd, spelled
from liqbot.review.coverage import FeedOutages, MarketSeen
from liqbot.review.period import minute_text
from liqbot.review.price_path import spark_of
from liqbot.review.reports.refusals_priced import CodePriced

_SPARK_WIDTH: Final = 24
_ON_A_SCREEN: Final = 3
"""Rows of each table where all must fit a screen."""
_WHOLE_PCT: Final = 99.95


def morning_text(report: dict[str, Any], next_: Callable[..., str], *, full: bool, width: int | None) -> str:
    """`next_` makes the command of some words; with `full` no table is cut short; `width` of a screen, if there is
    one."""
    rows = 10**9 if full else _ON_A_SCREEN
    lines = [
        *_head(report), *_money(report), *_trades(report["trades"], rows), *_refusals(report, rows),
        *_near(report["near_misses"], rows if full else 1), *_map(report["map"]["coins"]),
        *_forecast(report["forecast"]), *_coverage(report["coverage"], rows if full else 1),
        *_unprotected(report["unprotected"]), *_incidents(report["incidents"]["serious"], rows if full else 1),
    ]
    lines = [part for line in lines for part in _fitted(spelled(line), width)]
    return "\n".join([*lines, *_next(report, next_, full=full)])


def _head(report: dict[str, Any]) -> list[str]:
    ends = report["asked"]["from_ms"], report["asked"]["to_ms"]
    told = report["told"]["first_ms"], report["told"]["last_ms"]
    if told[0] is None:
        return ["the ledger tells of nothing yet"]
    from_ms = told[0] if ends[0] is None else max(ends[0], told[0])
    to_ms = told[1] if ends[1] is None else min(ends[1], told[1])
    modes = sorted({run["mode"] for run in report["runs"]})
    return [f"{minute_text(from_ms)} to {minute_text(to_ms)} UTC, mode {', '.join(modes) or 'unknown'}"]


def _money(report: dict[str, Any]) -> list[str]:
    money, equity = report["money"], report["equity"]
    funding = f"{money['funding_usd']:+,.2f}" if money["payments"] else "none told"
    lines = [
        (f"money     net {money['net_usd']:+,.2f} USD: gross {money['gross_usd']:+,.2f}, fees "
        f"{-money['fees_usd']:+,.2f}, funding {funding}; {counted(money['fills'], 'fill')}")
    ]
    if equity is not None:
        curve = spark_of([usd for _, usd in equity["curve"]], _SPARK_WIDTH)
        lines.append(
            f"equity    {curve} {equity['first_usd']:,.2f} -> {equity['last_usd']:,.2f}, deepest fall "
            f"{equity['drawdown_usd']:,.2f} USD"
        )
    return lines


def _trades(trades: Sequence[dict[str, Any]], most: int) -> list[str]:
    if not trades:
        return ["trades    none"]
    closed = [trade for trade in trades if trade["status"] != "open"]
    won = sum(trade["net_usd"] > 0 for trade in closed)
    lines = [f"trades    {len(closed)} closed, {won} won, {len(trades) - len(closed)} open"]
    # On a screen the largest results, in time order.
    shown = sorted(sorted(trades, key=lambda one: -abs(one["net_usd"]))[:most], key=lambda one: one["trade_id"])
    for trade in shown:
        times = "" if trade["r_multiple"] is None else f" {trade['r_multiple']:+.2f} R"
        ended = trade["closed_because"] if trade["status"] != "open" else "is open"
        lines.append(
            f"  t{trade['trade_id']} {trade['opened'][5:16].replace('T', ' ')} {trade['strategy']} {trade['coin']} "
            f"{trade['side']} {trade['net_usd']:+,.2f}{times} {spark_of(trade['path'], _SPARK_WIDTH)} {ended}"
        )
    return [*lines, *_more(len(trades) - len(shown))]


def _refusals(report: dict[str, Any], most: int) -> list[str]:
    counted: dict[str, int] = {}
    for row in report["refusals"]:
        counted[row["code"]] = counted.get(row["code"], 0) + row["ticks"]
    if not counted:
        return ["refused   nothing"]
    ranked = sorted(counted.items(), key=lambda one: -one[1])
    named = ", ".join(f"{code} {ticks:,}" for code, ticks in ranked[: max(most, 5)])
    return [f"refused   in ticks: {named}", *_priced(report["refusals_priced"], most)]


def _priced(codes: Sequence[CodePriced], most: int) -> list[str]:
    """Estimates, and said to be; what cost us most comes first."""
    if not codes:
        return []
    rows = [
        f"  {one.code} {one.sum_r:+.2f} R: {counted(one.entries, 'entry', 'entries')}, {one.won} would have won"
        + (f", {one.unknown} not over" if one.unknown else "")
        for one in codes[:most]
    ]
    return ["would be  of entries that risk refused, before costs (estimate), dearest first:", *rows]


def _near(near: Sequence[dict[str, Any]], most: int) -> list[str]:
    if not near:
        return []
    lines = [f"near      {counted(len(near), 'verdict')} failed by one gate alone"]
    return lines + [
        f"  {one['decision']} {one['first_seen'][5:16].replace('T', ' ')} {one['strategy']} {one['coin']} "
        f"{one['side']}: {one['reason']}"
        for one in near[-most:]
    ]


def _map(coins: Sequence[dict[str, Any]]) -> list[str]:
    """Within 5 % of the mark, at both ends of the time. USD is an estimate."""
    return [
        f"map       {one['coin']} {_price(one['then'])} -> {_price(one['now'])}; estimate in 5 %: shorts "
        f"{_both(one, 'short_usd')}, longs {_both(one, 'long_usd')}"
        for one in coins
    ]


def _price(sums: dict[str, Any]) -> str:
    return f"{sums['mark_price']:,.6g}"


def _both(one: dict[str, Any], name: str) -> str:
    return f"{short_usd(one['then'][name])} -> {short_usd(one['now'][name])}"


def _forecast(told: dict[str, Any]) -> list[str]:
    lines = []
    if told["dense_share"] is not None:
        lines.append(
            f"printed   {short_usd(float(told['printed_usd']))} of forced orders, {told['dense_share']:.0%} at the "
            f"densest {told['dense_share_by_chance']:.0%} of the map"
        )
    score = told["score"]
    if score is not None:
        ratio = "" if score["printed_ratio"] is None else f", {score['printed_ratio']:.2f} USD told per USD promised"
        lines.append(f"score     the map explains {score['skill_share']:.0%} of the deviance of what was told{ratio}")
    return lines or ["printed   no forced orders were told: nothing to hold the map against"]


def _coverage(coverage: MarketSeen, most: int) -> list[str]:
    if coverage.seen_pct is None:
        return ["seen      no minute of the market is on record"]
    whole = coverage.seen_pct >= _WHOLE_PCT
    absent = f", {counted(len(coverage.absences), 'absence')}" if coverage.absences else ""
    lines = [(f"seen      {'all' if whole else f'{coverage.seen_pct:.1f} %'} of the time{absent}; "
             f"{counted(len(coverage.feeds), 'feed was', 'feeds were')} down")]
    return lines + [_outage(one) for one in coverage.feeds[:most]]


def _outage(one: FeedOutages) -> str:
    now = ", still" if one.still_down else ""
    return (
        f"  {one.feed} of {one.coin or 'all coins'} on {one.venue or 'this machine'}: down {one.down_ms / 60_000:,.1f} "
        f"min ({one.down_pct:.1f} %) {'once' if one.times == 1 else f'in {one.times} times'}{now}: {one.reason}"
    )


def _unprotected(told: dict[str, Any]) -> list[str]:
    if not told["trades"]:
        return []
    if not told["sum_ms"]:
        return [f"stops     no position of {told['trades']} was ever without a full stop"]
    return [
        (f"stops     {told['sum_ms']:,} ms without a full stop over {counted(told['trades'], 'trade')}, at most "
        f"{told['worst_ms']:,} ms (t{told['worst_trade']})")
    ]


def _incidents(serious: Sequence[dict[str, Any]], most: int) -> list[str]:
    if not serious:
        return []
    shown = [
        f"  {minute_text(one['time_ms'])[5:]} {one['severity']} {one['kind']} {one['venue']} {one['coin']} "
        f"{one['detail']}"
        for one in serious[-most:]
    ]
    return [f"incidents {len(serious)} that somebody should look at", *shown]


def _next(report: dict[str, Any], next_: Callable[..., str], *, full: bool) -> list[str]:
    worst = min(report["trades"], key=lambda one: one["net_usd"], default=None)
    commands = [] if full else [next_("report", "--full")]
    commands += [next_("explain", f"t{worst['trade_id']}") if worst else next_("decisions", "--by-code")]
    return [f"{'next' if not n else '':<8}  {command}" for n, command in enumerate(commands)]


def _more(count: int) -> list[str]:
    return [f"  and {count} more"] if count > 0 else []


def _fitted(line: str, width: int | None) -> list[str]:
    """A line with a head goes on below it, a row of a table is cut."""
    if width is None or len(line) <= width:
        return [line]
    if line.startswith(" "):
        return [line[: width - 1] + "…"]
    return textwrap.wrap(line, width, subsequent_indent=" " * 10, break_on_hyphens=False)[:2]
