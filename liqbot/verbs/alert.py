"""`liqbot alert`: says when a cluster of a size comes within a distance of price."""

import re
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import typer

from liqbot import places
from liqbot.control import protocol
from liqbot.exits import Exit, ExpectedError
from liqbot.market.map.zones import Cluster
from liqbot.market.record import clusters_from
from liqbot.observers.alert_rules import ClusterRule, cluster_text, clusters_over
from liqbot.review.durations import seconds_of
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, find_map
from liqbot.settings.alerts import ClusterAlertParams
from liqbot.venues.coin_spelling import spelt_coin
from liqbot.verbs.amounts import usd_of
from liqbot.verbs.options import Data, Json, Profile

_STALE_MS: Final = 120_000
_WITHIN_PCT_MAX: Final = 40.0


def alert(
    min_usd: Annotated[str, typer.Option("--min-usd", metavar="USD", help="Size of a cluster at least, as in 500M.")],
    within: Annotated[str, typer.Option("--within", metavar="PCT", help="Distance from the mark at most, as in 5%.")],
    coin: Annotated[
        str | None, typer.Option("--coin", help="BTC, or as venues write it: BTCUSDT [default: all].")
    ] = None,
    side: Annotated[str, typer.Option("--side", help="Of long or of short positions alone.")] = "",
    once: Annotated[
        bool, typer.Option("--once", help="Look once: exit code 0 when there is one, 1 when there is none.")
    ] = False,
    every: Annotated[str, typer.Option("--every", metavar="SPAN", help="How often to look.")] = "5s",
    profile: Profile = "paper",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Watch the map of the running bot; print an alert when a cluster is that large and near. USD is an estimate.

    Each cluster is told once, and again only after it was clearly smaller or farther away. With --once and no running
    bot the newest map of the books is looked at.
    """
    wanted = _Wanted(_params(min_usd, within, coin, side), places.data_dir(data, profile), as_json)
    if once:
        return _look_once(wanted, Choice(profile), data)
    wait_s, rule = seconds_of(every, "--every"), ClusterRule("alert", wanted.params)
    while True:
        for one in _running(wanted):
            _say(wanted, one, rule.fresh(one.coin, one.clusters))
        time.sleep(wait_s)


class _Wanted(NamedTuple):
    params: ClusterAlertParams
    directory: Any
    as_json: bool


class _Seen(NamedTuple):
    """The clusters of a coin at a time."""

    coin: str
    time_ms: int
    clusters: tuple[Cluster, ...]


def _params(min_usd: str, within: str, coin: str | None, side: str) -> ClusterAlertParams:
    """ExpectedError (usage) for what is no size, no distance, no coin or no side."""
    if side not in {"", "long", "short"}:
        raise ExpectedError(f"--side {side!r}: expected 'long' or 'short'", Exit.USAGE)
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", within.strip())
    within_pct = 0.0 if percent is None else float(percent[1])
    if not 0 < within_pct <= _WITHIN_PCT_MAX:
        raise ExpectedError(f"--within {within!r}: percent of the mark up to 40, as in 5%", Exit.USAGE)
    try:
        named = "" if coin is None else spelt_coin(coin, None).coin
    except ValueError as error:
        raise ExpectedError(f"--coin {coin!r}: {error}", Exit.USAGE) from None
    return ClusterAlertParams(usd_min=usd_of(min_usd, "--min-usd"), within_pct=within_pct, coin=named, side=side)


def _running(wanted: _Wanted) -> Iterable[_Seen]:
    """What the running bot sees now, of the coins that are asked for. ExpectedError (not found) without one."""
    told = protocol.request(wanted.directory, {"verb": "clusters"})["coins"]
    seen = [_Seen(one["coin"], one["time_ms"], clusters_from(one)) for one in told]
    return _asked_for(wanted, seen)


def _asked_for(wanted: _Wanted, seen: list[_Seen]) -> list[_Seen]:
    found = [one for one in seen if wanted.params.coin in {"", one.coin}]
    if not found:
        there = ", ".join(one.coin for one in seen) or "none yet"
        raise ExpectedError(f"--coin {wanted.params.coin!r}: there is no map of it; there is {there}", Exit.NOT_FOUND)
    return found


def _look_once(wanted: _Wanted, choice: Choice, data: Any) -> int:
    try:
        seen = list(_running(wanted))
    except ExpectedError as error:
        if error.exit_code != Exit.NOT_FOUND or "no bot is running" not in str(error):
            raise
        seen = [_stored(wanted, choice, data)]
    params, found = wanted.params, False
    for one in seen:
        over = clusters_over(one.clusters, params.usd_min, params.within_pct, params.side)
        found = found or bool(over)
        _say(wanted, one, over)
    return Exit.OK if found else Exit.FAILED


def _stored(wanted: _Wanted, choice: Choice, data: Any) -> _Seen:
    reading = find_map(MapQuery(wanted.params.coin or None), choice, data=data).reading
    chart = reading.chart
    age_ms = time.time_ns() // 1_000_000 - chart.as_of_ms
    if age_ms > _STALE_MS:
        print(f"note: no bot is running; the newest map is {_age(age_ms)} old", file=sys.stderr)
    return _Seen(chart.coin, chart.as_of_ms, reading.clusters)


def _age(age_ms: int) -> str:
    minutes = age_ms // 60_000
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2_880 else f"{minutes // 1_440} days"


def _say(wanted: _Wanted, seen: _Seen, clusters: Iterable[Cluster]) -> None:
    for cluster in clusters:
        if wanted.as_json:
            plain: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(cluster))  # NaN is null
            told = {"coin": seen.coin, "time_ms": seen.time_ms, **plain, "side": cluster.side.word}
            print(msgspec.json.encode(told).decode(), flush=True)
        else:
            coin = "" if wanted.params.coin else f"{seen.coin} "
            print(f"{coin}ALERT: {cluster_text(cluster)}", flush=True)
