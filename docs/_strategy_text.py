"""The words of the worked examples in strategies.md, from what the ledger kept of a decision."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from liqbot.instruments import side_of
from liqbot.review.explain_text import moves_stop, number
from liqbot.review.period import minute_text
from liqbot.review.placement import PlacementReport, chance_text, percentile_text
from liqbot.review.price_path import extremes

Story = Mapping[str, Any]
"""As `explain.explained` tells a decision."""
_DESCRIBED: Final = re.compile(r"(\d+)x at ([\d.]+): ([\d.]+) \(by (\w+)\).* risk ([\d.]+) USD")
"""How a placement that was tried stands among the checks of a decision."""
_HOUR_MS: Final = 3_600_000
_TRIED_HEAD: Final = "| leverage | size | bound by | lost at the stop, USD | own liquidation | percentile | chance | |"


def trade_text(story: Story) -> str:
    """Reason, gates, size, exits and result."""
    return "\n".join([f"> {story['decision']['reason']}", "", *_gates(story), "", *_wanted(story), *_ended(story)])


def placement_text(story: Story, placement: Story, report: PlacementReport) -> str:
    """`story` of the entry that was proposed, `placement` of the verdict on it, `report` what `liqbot check` says."""
    said, hold_h = story["decision"], report.position.hold_ms / _HOUR_MS
    proposed = f"{said['side']} {said['coin']} at {_price(said['entry_price'])}, stop {_price(said['stop_price'])}"
    return "\n".join([
        f"Proposed by `{said['strategy']}` (above): {proposed}, held for {hold_h:g} h at most. What was tried:", "",
        _TRIED_HEAD, "|---|---|---|---|---|---|---|---|", *_tried(story, report), "",
        f"The gates of {said['leverage']:g}x:", "", *_gates(placement),
    ])  # fmt: skip


def _gates(story: Story) -> list[str]:
    rows = []
    for gate in story["gates"]:
        asked = "not asked" if gate["threshold"] is None else f"{gate['op']} {number(gate['threshold'])}"
        rows.append(f"| `{gate['name']}` | {number(gate['value'])} | {asked} |")
    return ["| gate | value | asked |", "|---|---|---|", *rows]


def _wanted(story: Story) -> Iterator[str]:
    said = story["decision"]
    entry, own, stop, take = (said[f"{name}_price"] for name in ("entry", "liquidation", "stop", "take"))
    checks = {check["name"]: check for check in story["checks"]}
    lost, most, bound = checks["risk_usd"]["value"], checks["risk_usd"]["limit"], checks["size_bound"]["value"]
    size = f"{said['quantity_base']:g} {said['coin']} ({said['quantity_base'] * entry:,.0f} USD)"
    where = f"{_price(own)}, {_away(entry, own)} away, density percentile {said['liquidation_density_pct']:.0f}"
    yield f"- Decided {minute_text(said['time_ms'])} UTC, mark {_price(entry)}: {said['side']} {size} at market."
    yield f"- At stake: {lost:,.2f} of {most:,.2f} USD that may be lost at the stop with costs; bound by `{bound}`."
    yield f"- Leverage {said['leverage']:g}x: own liquidation price {where}."
    yield f"- Stop {_price(stop)} ({_away(entry, stop)} away), take {_price(take)} ({_away(entry, take)} away)."


def _ended(story: Story) -> Iterator[str]:
    trade, path = story["trades"][0], story["paths"][0]
    moved = [one for one in story["reductions"] if moves_stop(one)]
    times = f"was moved {len(moved)} times, last to {_price(moved[-1]['stop_price'])}" if moved else "was never moved"
    money = f"gross {trade['gross_usd']:+,.2f}, fees {-trade['fees_usd']:+,.2f}, funding {trade['funding_usd']:+,.2f}"
    yield f"- Filled at {_price(trade['entry_price'])}; the stop {times}."
    why = f"by {trade['exit_reason']}: {trade['closed_because']}"
    yield f"- Ended after {trade['held_min']:,.0f} min at {_price(trade['exit_price'])}, {why}."
    yield f"- Result: {money}, net {trade['net_usd']:+,.2f} USD; {trade['r_multiple']:+.2f} R."
    reached = extremes(path["after"], trade["side"])
    if reached is not None:
        sign = int(side_of(trade["side"]))
        lost, won = ((one.price / trade["exit_price"] - 1) * 100 * sign for one in reached)
        yield f"- In the hour after: up to {won:+.2f} % our way and {lost:+.2f} % against, seen from the exit."


def _tried(story: Story, report: PlacementReport) -> Iterator[str]:
    """What risk recorded of each, beside what `check` says of it."""
    tried = {one.place.leverage: one for one in report.tried}
    for check in (one for one in story["checks"] if one["name"] == "placement"):
        found = _DESCRIBED.match(check["value"])
        if found is None:
            raise ValueError(f"placement: {check['value']!r} is described in another way")
        leverage, _, size, bound, lost = found.groups()
        place, gate = tried[float(leverage)].place, tried[float(leverage)].code
        own = _price(place.own_liquidation_price) if place.own_liquidation_price > 0 else "none"
        answer = "accepted" if check["passed"] else f"refused by `{gate}`: `{check['limit']}`"
        answer = "**taken**" if float(leverage) == story["decision"]["leverage"] else answer
        yield (
            f"| {leverage}x | {size} | `{bound}` | {float(lost):,.2f} | {own} | {percentile_text(place)} | "
            f"{chance_text(place)} | {answer} |"
        )


def _price(price: float) -> str:
    return f"{price:,.1f}"


def _away(entry: float, price: float) -> str:
    return f"{abs(price / entry - 1) * 100:.2f} %"
