"""What a simulated market tells of its open positions: by which venues, from which size on, how often."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np

from liqbot.blocks import EventBlock, Roster, Rows, unknown_rows
from liqbot.instruments import Side

_HOUR_MS: Final = 3_600_000


class Telling(msgspec.Struct, frozen=True):
    """`venues` tell every position of at least `above_usd`, at the first step at or after every multiple of
    `every_ms`."""

    venues: tuple[str, ...]
    above_usd: float = 0.0
    every_ms: int = _HOUR_MS


class TrueMarket(Protocol):
    """A simulated market that knows its positions as of the last block taken."""

    @property
    def roster(self) -> Roster: ...

    def positions(self) -> Rows:
        """Every one open, see `truth.POSITIONS`."""


def told_blocks(blocks: Iterator[EventBlock], market: TrueMarket, told: Telling) -> Iterator[EventBlock]:
    """The market's blocks, with a snapshot of what is told in each that is due. ValueError for an unknown venue."""
    for venue in told.venues:
        market.roster.venue_code(venue)
    last_ms: int | None = None
    for block in blocks:
        now_ms = block.tick_ms
        # Positions are known as of a bar's end; by crossing, as steps need not divide the interval.
        if now_ms is None or not len(block.bars):
            yield block
            continue
        if last_ms is not None and now_ms // told.every_ms > last_ms // told.every_ms:
            rows = position_rows(market.positions(), market.roster, told.venues, told.above_usd, now_ms)
            block = msgspec.structs.replace(block, positions=rows)  # noqa: PLW2901
        yield block
        last_ms = now_ms


def position_rows(
    positions: Rows, roster: Roster, venues: Sequence[str], above_usd: float, now_ms: int
) -> Rows:
    """Rows for the `positions` of a block, of rows as in `truth.POSITIONS`: one snapshot per venue and coin, the empty
    ones told as such."""
    codes = np.array([roster.venue_code(venue) for venue in venues])
    chosen = positions[np.isin(positions["venue"], codes) & (positions["size_usd"] >= above_usd)]
    silent = [
        (venue, coin)
        for coin in range(len(roster.coins))
        for venue in codes.tolist()
        if not ((chosen["venue"] == venue) & (chosen["coin"] == coin)).any()
    ]
    rows = unknown_rows("positions", len(chosen) + len(silent))
    rows["time_ms"] = now_ms
    stated, empty = rows[: len(chosen)], rows[len(chosen) :]
    for name in ("venue", "coin", "side", "size_usd"):
        stated[name] = chosen[name]
    stated["price"] = chosen["liquidation_price"]
    if silent:
        # A position of no size at no matter which price and side says that there is none.
        empty["venue"], empty["coin"] = zip(*silent, strict=True)
        empty["side"], empty["price"], empty["size_usd"] = int(Side.LONG), 1.0, 0.0
    return rows
