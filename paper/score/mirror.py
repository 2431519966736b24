"""A market's mirror image in log price: what rose falls, who was long is short, and every amount keeps its coins."""

from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import NO_ROWS, EventBlock, Rows

_SWAPPED: Final = {"buy_usd": "sell_usd", "long_usd": "short_usd"}
_PRICES: Final = {"bars": ("open", "close"), "marks": ("mark_price", "index_price"), "liquidations": ("price",),
                  "positions": ("price",)}
_WORTH: Final = {"bars": ("volume_usd", "buy_usd", "sell_usd"), "totals": ("long_usd", "short_usd"),
                 "open_interest": ("oi_usd",), "liquidations": ("size_usd",), "positions": ("size_usd",)}


def mirrored(block: EventBlock, prices: dict[tuple[int, int], float], about: dict[int, float]) -> EventBlock:
    """The block in the mirror. `prices` remembers each book's newest price, `about` each coin's first: both are
    filled here. What a block tells without a price of its own is worth what it is at the newest."""
    for kind, name in (("marks", "mark_price"), ("bars", "close")):
        for venue, coin, price in zip(*(block.rows(kind)[one].tolist() for one in ("venue", "coin", name)),
                                      strict=True):  # fmt: skip
            prices[venue, coin] = price
            about.setdefault(coin, price)
    changes: dict[str, Any] = {"tops": NO_ROWS["tops"]}  # nothing that is compared reads order books
    for kind in (*_PRICES, "totals", "open_interest", "funding"):
        rows = block.rows(kind)
        if len(rows):
            changes[kind] = _turned(kind, rows.copy(), prices, about)
    return msgspec.structs.replace(block, **changes)


def _turned(kind: str, rows: Rows, prices: dict[tuple[int, int], float], about: dict[int, float]) -> Rows:
    centre = np.array([about[coin] for coin in rows["coin"].tolist()]) ** 2
    books = zip(rows["venue"].tolist(), rows["coin"].tolist(), strict=True)
    at = np.array([prices.get(book, np.nan) for book in books])
    if kind == "bars":
        rows["high"], rows["low"] = centre / rows["low"], centre / rows["high"]
        at = rows["close"].copy()
    for name in _PRICES.get(kind, ()):
        rows[name] = centre / rows[name]
    for name in _WORTH.get(kind, ()):
        rows[name] *= centre / at**2
    names = rows.dtype.names or ()
    for one, other in _SWAPPED.items():
        if one in names:
            rows[one], rows[other] = rows[other].copy(), rows[one].copy()
    if "side" in names:
        rows["side"] = -rows["side"]
    if kind == "funding":
        rows["rate_pct"] = -rows["rate_pct"]
    return rows
