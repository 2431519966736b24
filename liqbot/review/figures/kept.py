"""What pictures take from a ledger: maps over time, forced orders, fills, the equity curve, the map's own record."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from liqbot.exits import Exit, ExpectedError
from liqbot.legible import counted
from liqbot.market.map.liquidation_map import Floats
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.period import Period

_OF_COIN: Final = "coin = ? AND time_ms >= ? AND time_ms < ?"


class KeptMap(NamedTuple):
    """One map of the ledger: USD of both sides in bins between ascending edges."""

    time_ms: int
    mark_price: float
    edges: Floats
    usd: Floats


def first_coin(ledger: Ledger) -> str:
    """Of the newest map; ExpectedError when none was kept yet."""
    rows = ledger.rows("SELECT coin FROM map_snapshot ORDER BY id DESC LIMIT 1")
    if not rows:
        raise ExpectedError(f"{ledger.place}: no map was kept yet", Exit.NOT_FOUND)
    return str(rows[0]["coin"])


def maps(ledger: Ledger, coin: str, period: Period) -> list[KeptMap]:
    """Oldest first. ExpectedError for fewer than two: one is a map, and `picture map` draws it."""
    rows = ledger.rows(
        f"SELECT time_ms, mark_price, bins FROM map_snapshot WHERE {_OF_COIN} ORDER BY time_ms, id",
        [coin, *period.values],
    )
    found = [_map(row) for row in rows]
    if len(found) < 2:
        raise ExpectedError(
            f"{ledger.place}: {counted(len(found), 'map')} of {coin} in that time, a heatmap needs two", Exit.NOT_FOUND
        )
    return found


def _map(row: Row) -> KeptMap:
    bins: dict[str, Any] = json.loads(row["bins"]) if isinstance(row["bins"], str) else row["bins"]
    usd = np.array(bins["long_usd"], float) + np.array(bins["short_usd"], float)
    return KeptMap(row["time_ms"], row["mark_price"] / 1e9, np.array(bins["edges"], float), usd)


def forced_orders(ledger: Ledger, coin: str, period: Period) -> list[Row]:
    """Observed liquidations: time_ms, side, price, usd."""
    return ledger.rows(
        f"SELECT time_ms, side, price / 1e9 AS price, size_usd / 1e6 AS usd FROM liquidation WHERE {_OF_COIN} "
        "ORDER BY time_ms", [coin, *period.values],
    )


def fills(ledger: Ledger, coin: str, period: Period) -> list[Row]:
    """Ours: time_ms, side, reduces, price."""
    return ledger.rows(
        f"SELECT time_ms, side, reduces, price / 1e9 AS price FROM fill WHERE {_OF_COIN} ORDER BY time_ms",
        [coin, *period.values],
    )


def equity(ledger: Ledger, period: Period) -> list[Row]:
    """time_ms, equity_usd, transfers_usd, oldest first. ExpectedError for fewer than two."""
    rows = ledger.rows(
        "SELECT time_ms, equity_usd / 1e6 AS equity_usd, transfers_usd / 1e6 AS transfers_usd FROM equity "
        "WHERE time_ms >= ? AND time_ms < ? ORDER BY id", period.values,
    )
    if len(rows) < 2:
        raise ExpectedError(f"{ledger.place}: {len(rows)} values of the equity, a curve needs two", Exit.NOT_FOUND)
    return rows


def closed_trades(ledger: Ledger) -> list[Row]:
    """closed_ms and net_usd of every trade that is over."""
    return ledger.rows(
        "SELECT closed_ms, (gross_usd - fees_usd + funding_usd) / 1e6 AS net_usd FROM trade "
        "WHERE closed_ms IS NOT NULL ORDER BY closed_ms"
    )


def calibration(ledger: Ledger, coin: str) -> list[Row]:
    """By side and decile of the map's density: prints, realised_usd, predicted_usd. ExpectedError without any."""
    rows = ledger.rows("SELECT * FROM v_map_calibration WHERE coin = ? ORDER BY side, density_decile", [coin])
    if not rows:
        raise ExpectedError(
            f"{ledger.place}: no forced order of {coin} has met a map yet: none was reported, or none of at least "
            "the size that is kept", Exit.NOT_FOUND,
        )
    return rows


def map_before(ledger: Ledger, coin: str, time_ms: int) -> KeptMap | None:
    """The newest map that was kept at that time or before; None where there is none."""
    rows = ledger.rows(
        "SELECT time_ms, mark_price, bins FROM map_snapshot WHERE coin = ? AND time_ms <= ? "
        "ORDER BY time_ms DESC, id DESC LIMIT 1", [coin, time_ms],
    )
    return _map(rows[0]) if rows else None


def open_lines(ledger: Ledger, coin: str, at_ms: int | None = None) -> Row | None:
    """Entry, first stop and liquidation price of the position in a coin, in prices of the trading market, and the ratio
    of that market to the map's; None while there is none. `at_ms`: as it was then."""
    if at_ms is None:
        chosen, values = "t.status = 'open'", list[object]()
    else:
        chosen = "t.trade_id IN (SELECT id FROM trade WHERE opened_ms <= ? AND COALESCE(closed_ms, ?) >= ?)"
        values = [at_ms, at_ms, at_ms]
    rows = ledger.rows(
        "SELECT t.trade_id, t.side, t.entry_price, t.initial_stop_price, t.liquidation_price, "
        f"COALESCE(t.mark_ratio, 1) AS ratio FROM v_trades t WHERE {chosen} AND t.coin = ? "
        "ORDER BY t.trade_id DESC LIMIT 1", [*values, coin],
    )
    return rows[0] if rows else None


def mapped_prices(position: Mapping[str, Any] | None) -> dict[str, float]:
    """Of what `open_lines` gives: by name the prices that are known, in those of the map."""
    if position is None:
        return {}
    named = {"our entry": "entry_price", "first stop": "initial_stop_price", "our liquidation": "liquidation_price"}
    return {name: position[key] / position["ratio"] for name, key in named.items() if position[key]}
