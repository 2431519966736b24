"""A market's mirror image in log price, p0 * p0 / p: what rose falls, and who was long is short.

A linear contract is no mirror image of itself: at a leverage of ten a long goes at -10.1 % in log price, a short at
+9.2 %. Its image is an *inverse* contract, exactly: what q coins gain in USD from e to p, a short of q x p0 contracts
of one USD gains in coins, times p0, from p0 * p0 / e to p0 * p0 / p, whatever margin and tiers they have.
"""

import enum
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import NO_ROWS, EventBlock, Roster, Rows
from liqbot.instruments import split_venue_key, venue_key
from liqbot.market.estimate.price_grid import position_of, price_at
from liqbot.venues.spec import VenueSpec

_SWAPPED: Final = {"buy_usd": "sell_usd", "long_usd": "short_usd"}
_PRICES: Final = {"bars": ("open", "close"), "marks": ("mark_price", "index_price"), "liquidations": ("price",),
                  "positions": ("price",)}
_WORTH: Final = {"bars": ("volume_usd", "buy_usd", "sell_usd"), "totals": ("long_usd", "short_usd"),
                 "open_interest": ("oi_usd",), "liquidations": ("size_usd",), "positions": ("size_usd",)}


class Kept(enum.IntEnum):
    """What an amount keeps in the mirror; its USD are multiplied by p0 / p to this power."""

    USD = 0
    """Nothing that is summed over time changes: for laws."""
    CONTRACTS = 1
    """Linear ones become inverse, or the other way round."""
    COINS = 2
    """Linear ones stay linear."""


def inverse_image(spec: VenueSpec) -> VenueSpec:
    """A venue that is this one but for its contracts, which are of USD where these are of coins and the other way
    round."""
    contracts = tuple(msgspec.structs.replace(one, inverse=not one.inverse) for one in spec.contracts)
    return msgspec.structs.replace(spec, venue=f"{spec.venue}image", contracts=contracts, spellings=())


def image_roster(roster: Roster, specs: Mapping[str, VenueSpec]) -> Roster:
    """The same books at the images of the venues that are known."""
    names = (split_venue_key(venue) for venue in roster.venues)
    return Roster(tuple(venue_key(f"{name}image" if name in specs else name, part) for name, part in names),
                  roster.coins)  # fmt: skip


def mirrored(
    block: EventBlock, prices: dict[tuple[int, int], float], about: dict[int, float], kept: Kept = Kept.COINS
) -> EventBlock:
    """The block in the mirror. `prices` remembers each book's newest price, `about` the edge of the price grid nearest
    to each coin's first, p0: both are filled here. What a block tells without a price of its own is worth what it is at
    the newest."""
    for kind, name in (("marks", "mark_price"), ("bars", "close")):
        for venue, coin, price in zip(*(block.rows(kind)[one].tolist() for one in ("venue", "coin", name)),
                                      strict=True):  # fmt: skip
            prices[venue, coin] = price
            about.setdefault(coin, price_at(round(position_of(price))))
    changes: dict[str, Any] = {"tops": NO_ROWS["tops"]}  # nothing that is compared reads order books
    for kind in (*_PRICES, "totals", "open_interest", "funding"):
        rows = block.rows(kind)
        if len(rows):
            changes[kind] = _turned(kind, rows.copy(), prices, about, kept)
    return msgspec.structs.replace(block, **changes)


def _turned(
    kind: str, rows: Rows, prices: dict[tuple[int, int], float], about: dict[int, float], kept: Kept
) -> Rows:
    origin = np.array([about[coin] for coin in rows["coin"].tolist()])
    centre = origin**2
    books = zip(rows["venue"].tolist(), rows["coin"].tolist(), strict=True)
    at = np.array([prices.get(book, np.nan) for book in books])
    if kind == "bars":
        rows["high"], rows["low"] = centre / rows["low"], centre / rows["high"]
        at = rows["close"].copy()
    for name in _PRICES.get(kind, ()):
        rows[name] = centre / rows[name]
    for name in _WORTH.get(kind, ()):
        rows[name] *= (origin / at) ** int(kept)
    names = rows.dtype.names or ()
    for one, other in _SWAPPED.items():
        if one in names:
            rows[one], rows[other] = rows[other].copy(), rows[one].copy()
    if "side" in names:
        rows["side"] = -rows["side"]
    if kind == "funding":
        rows["rate_pct"] = -rows["rate_pct"]
    return rows
