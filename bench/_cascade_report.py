"""What `all_venues.py` found: sent and arrived by venue, what of it is lost, rates, stalls, memory, ages of the map."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

AGE_MS: Final = 10
USD_SHARE: Final = 1e-6
"""Volumes may differ so much: sums in another order, and amounts as venues write them."""
Minute = dict[str, Any]
Numbers = Sequence[float]


def minute_of(
    before: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    after: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    busy: dict[str, Any], busy_line: dict[str, Any], lines: Sequence[dict[str, Any]], flooded_s: float,
    load: tuple[float, float, float],
) -> Minute:
    """Of (sent, newest line, status) when all was silent before and after it, and of its end while it was busy."""
    (sent0, line0, status0), (sent1, line1, status1) = before, after
    span_s = max(busy_line["time_s"] - lines[0]["time_s"], 1e-9)
    messages = {venue: count - sent0["messages"].get(venue, 0) for venue, count in busy["messages"].items()}
    return {
        "flooded_s": flooded_s, "load": load, "messages": messages,
        "bytes": sum(busy["bytes"].values()) - sum(sent0["bytes"].values()),
        "cpu_share": (busy_line["cpu_s"] - lines[0]["cpu_s"]) / span_s, "late_ms": busy["late_ms"],
        "rss_mb": [line["rss_mb"] for line in lines], "queued_max": busy["queued"],
        "turns_ms": [one for line in lines for one in line["turns_ms"]],
        "computed_ms": [one for line in lines for one in line["computed_ms"]],
        "turns": sum(line["turns"] for line in lines),
        "ages": {kind: _less(line1["ages"][kind], line0["ages"][kind]) for kind in line1["ages"]},
        "downs": line1["downs"] - line0["downs"], "slow": _slower(lines[0]["slow"], line1["slow"]),
        "grown": next((line["grown"] for line in reversed(lines) if line["grown"]), []),
        "gc_ms": [one for line in lines for one in line["gc_ms"]],
        "venues": _venues(sent0, sent1, line0, line1, status0, status1),
        "merged_rows": status1["inbox"]["merged_rows"] - status0["inbox"]["merged_rows"],
        "raw": status1.get("raw"),
    }


def _slower(before: list[Any], after: list[Any]) -> list[Any]:
    old = {name: count for name, count in before}  # noqa: C416 -- pairs of JSON
    return [[name, count - old.get(name, 0)] for name, count in after if count > old.get(name, 0)]


def _less(new: dict[str, int], old: dict[str, int]) -> dict[str, int]:
    return {place: count - old.get(place, 0) for place, count in new.items() if count != old.get(place, 0)}


def _venues(
    sent0: dict[str, Any], sent1: dict[str, Any], line0: dict[str, Any], line1: dict[str, Any],
    status0: dict[str, Any], status1: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """By venue: pairs of what was sent and what has arrived."""
    found: dict[str, dict[str, Any]] = {}
    for name, one in sent1["contracts"].items():
        old, venue = sent0["contracts"][name], name.split(" ")[0].split(":")[0]
        row = found.setdefault(venue, {
            "trades": [0, 0], "usd": [0.0, 0.0], "forced": [0, 0], "marks": [0, 0], "open_interest": [0, 0],
            "funding": [0, 0], "wrong_marks": 0,
        })
        arrived = {"usd": _change("usd", "bars", name, line0, line1)} | {
            field: _change("counts", kind, name, line0, line1) for field, kind in (
                ("forced", "liquidations"), ("marks", "marks"), ("open_interest", "open_interest"),
                ("funding", "funding"))}
        wanted = {"usd": one["trades_usd"] - old["trades_usd"]} | {
            field: one[field] - old[field] for field in ("forced", "marks", "open_interest", "funding")}
        for field, count in arrived.items():
            row[field] = [row[field][0] + wanted[field], row[field][1] + count]
        row["trades"][0] += one["trades"] - old["trades"]
        # Marks go on in silence: the newest may be on its way.
        row["wrong_marks"] += not _near(line1["marks"].get(name), one["last_mark"])
    for venue, row in found.items():
        stats0, stats1 = status0["feeds"].get(venue, {}), status1["feeds"].get(venue, {})
        row["trades"][1] = stats1.get("trades", 0) - stats0.get("trades", 0)
        row |= {name: stats1.get(name, 0) - stats0.get(name, 0) for name in (
            "malformed", "malformed_rows", "reconnects", "silences", "late_trades", "misdated_trades")}
    return found


def _change(group: str, kind: str, name: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    return new[group][kind].get(name, 0) - old[group][kind].get(name, 0)


def _near(told: float | None, sent: float) -> bool:
    return told is not None and abs(told - sent) < 0.01 * sent


def lost(minutes: Iterable[Minute]) -> list[str]:
    """What was sent and did not arrive, or arrived and was not sent, venue by venue."""
    found = []
    for number, minute in enumerate(minutes, 1):
        for venue, row in minute["venues"].items():
            found += [f"minute {number} {venue}: {field} {row[field][1]:,} of {row[field][0]:,}"
                      for field in ("trades", "forced") if row[field][0] != row[field][1]]
            sent_usd, usd = row["usd"]
            if abs(sent_usd - usd) > USD_SHARE * max(sent_usd, 1.0):
                found.append(f"minute {number} {venue}: volume {usd:,.0f} of {sent_usd:,.0f} USD")
            if row["wrong_marks"]:
                found.append(f"minute {number} {venue}: the last mark is not the one that was sent")
            found += [f"minute {number} {venue}: {field} {row[field]}"
                      for field in ("malformed", "malformed_rows") if row[field]]
        found += [f"minute {number}: {field} {minute[field]:g}" for field in ("downs", "merged_rows") if minute[field]]
    return found


def good(minutes: Sequence[Minute]) -> bool:
    return bool(minutes) and not lost(minutes)


def quantile(values: Numbers, share: float, count: int | None = None) -> float:
    """Of `count` values of which only the largest are here."""
    ordered, count = sorted(values), count or len(values)
    place = int(count * share) - (count - len(ordered))
    return ordered[min(place, len(ordered) - 1)] if place >= 0 and ordered else 0.0


def age_ms(ages: dict[str, int], share: float) -> float:
    total, seen = sum(ages.values()), 0
    for place, count in sorted((int(place), count) for place, count in ages.items()):
        seen += count
        if seen >= share * total:
            return (place + 1) * AGE_MS
    return 0.0


def text_of(minutes: Sequence[Minute], *, short: bool) -> str:
    if not minutes:
        return "no minute is over"
    seconds = sum(one["flooded_s"] for one in minutes)
    messages = sum(sum(one["messages"].values()) for one in minutes)
    trades, forced, marks = (sum(row[field][1] for one in minutes for row in one["venues"].values())
                             for field in ("trades", "forced", "marks"))
    rss = [value for one in minutes for value in one["rss_mb"]]
    loads, collected_ms = [one["load"][0] for one in minutes], [ms for one in minutes for ms in one["gc_ms"]]
    late_ms = minutes[-1]["late_ms"]
    rate = f"{messages / seconds:,.0f} messages/s ({sum(one['bytes'] for one in minutes) / seconds / 1e6:.2f} MB/s)"
    cpu_pct = sum(one["cpu_share"] for one in minutes) / len(minutes) * 100
    slope_mb = _slope(rss[len(rss) // 2:]) * 60
    lines = [
        f"{len(minutes)} of {seconds / len(minutes):.0f} s: {rate}",
        f"arrived {trades:,} trades, {forced:,} forced orders, {marks:,} marks",
        f"a step of the sender left {late_ms[0]:.0f} ms (p50), {late_ms[1]:.0f} ms (p99) after its time",
        f"CPU {cpu_pct:.0f} % of one core; load of the machine {min(loads):.1f} to {max(loads):.1f}",
        _turns(minutes),
        *_ages(minutes),
        f"whole collections of garbage: {len(collected_ms)}, longest {max(collected_ms, default=0.0):.0f} ms",
        f"memory {rss[0]:.0f} -> {rss[-1]:.0f} MB, highest {max(rss):.0f}, later half {slope_mb:+.2f} MB/min",
    ]
    missing = lost(minutes)
    lines += [f"LOST {one}" for one in missing] or ["none lost"]
    if not short:
        lines += ["", *_table(minutes)]
        slow: Counter[str] = Counter()
        for one in minutes:
            slow.update({name: count for name, count in one["slow"]})  # noqa: C416
        lines += [f"grown {one}" for one in minutes[-1]["grown"]]
        lines += [f"slow {count:5} {name}" for name, count in slow.most_common(25)]
    return "\n".join(lines)


def _turns(minutes: Sequence[Minute]) -> str:
    told = []
    count = sum(one["turns"] for one in minutes)
    for name in ("turns_ms", "computed_ms"):
        values = [value for one in minutes for value in one[name]]
        told.append(f"p99 {quantile(values, 0.99, count):.0f}, p99.9 {quantile(values, 0.999, count):.0f}, longest "
                    f"{max(values, default=0.0):.0f} ms, {sum(value > 50 for value in values)} over 50 ms")
    return f"turns of the loop: {told[0]} by the wall; {told[1]} computing"


def _ages(minutes: Sequence[Minute]) -> list[str]:
    names = {"bars": "trades (the oldest of a bar)", "marks": "marks", "liquidations": "forced orders"}
    found = []
    for kind, name in names.items():
        ages: Counter[str] = Counter()
        for one in minutes:
            ages.update(one["ages"].get(kind, {}))
        found.append(f"age in the map, {name}: p50 {age_ms(ages, 0.5):,.0f}, p99 {age_ms(ages, 0.99):,.0f}, "
                     f"p99.9 {age_ms(ages, 0.999):,.0f}, oldest {age_ms(ages, 1.0):,.0f} ms")
    return found


def _slope(values: Numbers) -> float:
    """Per value, least squares."""
    count = len(values)
    if count < 2:
        return 0.0
    mean_x, mean_y = (count - 1) / 2, sum(values) / count
    above = sum((place - mean_x) * (value - mean_y) for place, value in enumerate(values))
    return above / sum((place - mean_x) ** 2 for place in range(count))


def _table(minutes: Sequence[Minute]) -> list[str]:
    names = ("venue", "messages/s", "trades sent", "arrived", "forced orders sent", "arrived", "marks sent",
             "in the map", "open interest", "funding", "reconnects")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    seconds = sum(one["flooded_s"] for one in minutes)
    for venue in sorted(minutes[0]["venues"]):
        rows = [one["venues"][venue] for one in minutes]
        total = {field: [sum(row[field][side] for row in rows) for side in (0, 1)]
                 for field in ("trades", "forced", "marks", "open_interest", "funding")}
        per_s = sum(one["messages"].get(venue, 0) for one in minutes) / seconds
        cells = [f"{total[field][side]:,}" for field in ("trades", "forced", "marks") for side in (0, 1)]
        cells += [f"{total[field][1]:,} of {total[field][0]:,}" for field in ("open_interest", "funding")]
        lines.append(f"| {venue} | {per_s:,.0f} | {' | '.join(cells)} | {sum(row['reconnects'] for row in rows)} |")
    return lines
