"""The morning report as one page with pictures: no script, no font and no picture from anywhere else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from liqbot.legible import short_usd, spelled
from liqbot.review.coverage import MarketSeen
from liqbot.review.figures.page_figures import lines_svg, map_svg, spark_svg
from liqbot.review.period import minute_text
from liqbot.review.tables import text_of

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --bad: #b35900; --good: #0a6fb8; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 1.5rem auto; padding: 0 1rem;
  background: Canvas; color: CanvasText; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--soft); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.minus { color: var(--bad); } .plus { color: var(--good); } small, figcaption { opacity: .75; }
figure { margin: 1rem 0; } svg { max-width: 100%; height: auto; }
.tiles { display: flex; flex-wrap: wrap; gap: 1.5rem; } .tiles b { display: block; font-size: 1.3rem; }
"""
_FOOT: Final = (
    "Made of the ledger alone. USD in a map is an estimate, and so is what refused entries would have earned, before "
    "costs. Times are UTC. No promise of profit."
)


def morning_page(report: dict[str, Any]) -> str:
    """HTML of the whole report; light and dark as the reader's system is set, and narrow screens."""
    title = f"liqbot {_span(report)}"
    body = "\n".join([
        f"<h1>{_safe(title)}</h1>", _tiles(report), _equity(report["equity"]), _trades(report["trades"]),
        _refusals(report), _near(report["near_misses"]), *map(_map, report["map"]["coins"]),
        _forecast(report["forecast"]), _coverage(report["coverage"]), _incidents(report["incidents"]["serious"]),
        f"<p><small>{_FOOT}</small></p>",
    ])
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def _span(report: dict[str, Any]) -> str:
    told, asked = report["told"], report["asked"]
    if told["first_ms"] is None:
        return "has nothing to tell yet"
    first = max(asked["from_ms"] or 0, told["first_ms"])
    last = min(asked["to_ms"] or told["last_ms"], told["last_ms"])
    return f"{minute_text(first)} to {minute_text(last)}"


def _tiles(report: dict[str, Any]) -> str:
    money, naked, trades = report["money"], report["unprotected"], report["trades"]
    closed = [trade for trade in trades if trade["status"] != "open"]
    won = sum(trade["net_usd"] > 0 for trade in closed)
    tiles = {
        "net USD": f"{money['net_usd']:+,.2f}", "gross": f"{money['gross_usd']:+,.2f}",
        "fees": f"{-money['fees_usd']:+,.2f}",
        "funding": f"{money['funding_usd']:+,.2f}" if money["payments"] else "none told",
        "trades won": f"{won} of {len(closed)}", "open": str(len(trades) - len(closed)),
        "ms without a full stop": f"{naked['sum_ms']:,}" if naked["trades"] else "not measured",
    }
    cells = "".join(f"<div>{_safe(name)}<b>{_safe(value)}</b></div>" for name, value in tiles.items())
    return f'<div class="tiles">{cells}</div>'


def _equity(equity: dict[str, Any] | None) -> str:
    if equity is None:
        return ""
    points = [(datetime.fromtimestamp(ms / 1000, UTC), usd) for ms, usd in equity["curve"]]
    said = f"Deepest fall {equity['drawdown_usd']:,.2f} USD, at {minute_text(equity['drawdown_ms'])}."
    return _section("Equity, USD", _figure(lines_svg("equity", {"equity": points}), said))


def _trades(trades: Sequence[dict[str, Any]]) -> str:
    rows = [
        [
            f"t{one['trade_id']}", _minute(one["opened"]), f"{one['strategy']} {one['coin']} {one['side']}",
            _number(one["entry_price"]), _number(one["exit_price"]),
            _Html(spark_svg(f"t{one['trade_id']}", one["path"])), _signed(one["net_usd"]),
            _signed(one["r_multiple"]), one["closed_because"] or "open",
        ]
        for one in trades
    ]
    heads = ["trade", "opened", "", "entry", "exit", "price while open", "net USD", "R", "ended because"]
    return _section("Trades", _table(heads, rows, "No trade in this time."))


def _refusals(report: dict[str, Any]) -> str:
    counted = [[one["strategy"], one["side"], one["code"], f"{one['ticks']:,}"] for one in report["refusals"]]
    dear = [
        [one.code, str(one.entries), str(one.won), _signed(one.sum_r), str(one.unknown)]
        for one in report["refusals_priced"]
    ]
    return _section(
        "Refused", _table(["strategy", "side", "code", "ticks"], counted, "Nothing was refused."),
        _table(["risk's code", "entries", "would have won", "R in all", "not over"], dear, "Risk refused no signal."),
    )


def _near(near: Sequence[dict[str, Any]]) -> str:
    rows = [
        [str(one["decision"]), _minute(one["first_seen"]), f"{one['strategy']} {one['coin']} {one['side']}",
         one["reason"]]
        for one in near
    ]
    return _section("Near misses: one gate alone said no", _table(["id", "first", "", "gate"], rows, "None."))


def _map(one: dict[str, Any]) -> str:
    then, now = one["then"], one["now"]
    sums = "; ".join(
        f"{side}s within 5 % {short_usd(then[f'{side}_usd'])}, now {short_usd(now[f'{side}_usd'])}"
        for side in ("short", "long")
    )
    figures = [
        _figure(
            map_svg(f"{one['coin']}-{when}", sums_of["bins"], sums_of["mark_price"]),
            f"{minute_text(sums_of['time_ms'])}, mark {sums_of['mark_price']:,.6g}. Estimated liquidations, USD; "
            "orange longs, blue shorts.",
        )
        for when, sums_of in (("then", then), ("now", now))
    ]
    return _section(f"Map of {one['coin']} then and now", f"<p>{_safe(sums)}.</p>", *figures)


def _forecast(told: dict[str, Any]) -> str:
    said = "No forced orders were told in this time."
    if told["dense_share"] is not None:
        said = (
            f"{short_usd(float(told['printed_usd']))} of forced orders were told (a floor: venues publish a part), "
            f"{told['dense_share']:.0%} of them at the densest {told['dense_share_by_chance']:.0%} of the map."
        )
    score = told["score"]
    if score is not None:
        said += f" The map's own score: it explains {score['skill_share']:.0%} of the deviance of what was told."
    return _section("Promised and printed", f"<p>{_safe(said)}</p>")


def _coverage(coverage: MarketSeen) -> str:
    seen = "No minute of the market is on record." if coverage.seen_pct is None else (
        f"The market was seen {coverage.seen_pct:.2f} % of the time, with {len(coverage.absences)} absences."
    )
    rows = [
        [
            one.feed, one.coin, one.venue, f"{one.down_ms / 60_000:,.1f}", f"{one.down_pct:.2f}", str(one.times),
            one.reason,
        ]
        for one in coverage.feeds
    ]
    heads = ["feed", "coin", "venue", "minutes down", "%", "times", "longest because"]
    return _section("Feeds", f"<p>{_safe(seen)}</p>", _table(heads, rows, "No feed was down."))


def _incidents(serious: Sequence[dict[str, Any]]) -> str:
    rows = [
        [minute_text(one["time_ms"]), one["severity"], one["kind"], f"{one['venue']} {one['coin']}", one["detail"]]
        for one in serious
    ]
    return _section("Incidents", _table(["time", "", "what", "where", "detail"], rows, "None."))


class _Html(str):
    """Made here, so it is not escaped again."""

    __slots__ = ()


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"<section><h2>{_safe(title)}</h2>", *parts, "</section>"])


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{_safe(caption)}</figcaption></figure>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    if not rows:
        return f"<p>{_safe(empty)}</p>"
    cells = "".join(f"<th>{_safe(head)}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>'


def _cell(text: str) -> str:
    if isinstance(text, _Html):
        return f"<td>{text}</td>"
    sign = ' class="n minus"' if text.startswith("-") else ' class="n plus"' if text.startswith("+") else ""
    return f"<td{sign}>{_safe(text)}</td>"


def _safe(text: object) -> str:
    return escape(spelled(str(text)))


def _number(value: float | None) -> str:
    return "" if value is None else text_of(value)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+,.2f}"


def _minute(iso: str) -> str:
    """Of a time as the views have it."""
    return iso[:16].replace("T", " ")

