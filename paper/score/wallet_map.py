"""Recorded wallets as a map: positions told some time before, against where and when they were liquidated.

The control is the depth of the move: liquidations come when price goes far, and a map that only knows that places
nothing. So as many hours as the map was reached in are compared with as many of the deepest.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from paper.score.wallet_history import HeldPosition, WalletHistory

AGES_MIN: Final = (1, 10, 60, 360, 1440)
WITHIN_PCT: Final = (0.2, 0.5, 1.0, 2.0)
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_WORTH_USD: Final = 100.0
"""Smaller positions are dust."""


class ForcedClose(NamedTuple):
    """One recorded liquidation: of which wallet's position in which coin, and the mark then."""

    at_s: float
    user: str
    coin: str
    mark_price: float
    usd: float


class Placed(msgspec.Struct, frozen=True):
    """Positions told `age_min` before they were liquidated: how many were open then, how many lay within each of
    `WITHIN_PCT` of the mark at which they were closed, and the share of all closed USD in these."""

    age_min: int
    open_count: int
    within_count: tuple[int, ...]
    within_usd_share: tuple[float, ...]


class ToldMap(msgspec.Struct, frozen=True):
    """Told anew every hour. An hour of a coin counts when a position in it was told and the coin was traded; it is
    `reached` when price went through a told position, `deepest` are as many hours with the farthest moves."""

    closed_count: int
    placed: tuple[Placed, ...]
    hours_count: int
    liquidated_hours_count: int
    reached_hours_count: int
    reached_hits_count: int
    """Hours with a liquidation among the reached ones; the next, with the share of liquidated USD in them."""
    reached_usd_share: float
    deepest_hits_count: int
    deepest_usd_share: float
    reached_positions_count: int
    then_closed_count: int
    """Of the reached positions, those liquidated in that hour or the next."""
    then_closed_usd_share: float


class _CoinHour(NamedTuple):
    depth: float
    reached: tuple[HeldPosition, ...]
    closed_usd: float


def told_map(history: WalletHistory, closed: Sequence[ForcedClose]) -> ToldMap:
    """All measures of a history and the liquidations in it."""
    hours = _hours(history, closed)
    was_reached = np.array([bool(hour.reached) for _, hour in hours], np.bool_)
    closed_usd, depth = (np.array([getattr(hour, name) for _, hour in hours]) for name in ("closed_usd", "depth"))
    deepest = np.argsort(-depth, kind="stable")[: int(was_reached.sum())]
    positions = [(at_s, one) for at_s, hour in hours for one in hour.reached]
    then = [one.usd for at_s, one in positions if _closed_soon(at_s, one, closed)]
    return ToldMap(
        closed_count=len(closed), placed=tuple(_placed(history, closed, age) for age in AGES_MIN),
        hours_count=len(hours), liquidated_hours_count=int((closed_usd > 0).sum()),
        reached_hours_count=int(was_reached.sum()), reached_hits_count=int((closed_usd[was_reached] > 0).sum()),
        reached_usd_share=_share(closed_usd[was_reached].sum(), closed_usd.sum()),
        deepest_hits_count=int((closed_usd[deepest] > 0).sum()),
        deepest_usd_share=_share(closed_usd[deepest].sum(), closed_usd.sum()),
        reached_positions_count=len(positions), then_closed_count=len(then),
        then_closed_usd_share=_share(sum(then), sum(one.usd for _, one in positions)),
    )  # fmt: skip


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0


def _placed(history: WalletHistory, closed: Sequence[ForcedClose], age_min: int) -> Placed:
    apart, weights = [], []
    for one in closed:
        then_s = one.at_s - age_min * _MINUTE_S
        account = history.account(one.user, then_s)
        if account is not None and one.coin in account.held:
            price = account.liquidation_price(one.coin, history.marks(then_s))
            apart.append(abs(price / one.mark_price - 1.0) * 100.0)
            weights.append(one.usd)
    away, usd = np.array(apart), np.array(weights)
    within = [away <= limit for limit in WITHIN_PCT]
    total = sum(one.usd for one in closed)
    return Placed(
        age_min, len(apart), tuple(int(inside.sum()) for inside in within),
        tuple(_share(float(usd[inside].sum()), total) for inside in within),
    )  # fmt: skip


def _hours(history: WalletHistory, closed: Sequence[ForcedClose]) -> list[tuple[float, _CoinHour]]:
    """(Start, coin's hour) of every hour and coin with a told position and a trade in it."""
    times = [own for own, _, _ in history.prices.values()]
    if not times:
        return []
    first, last = min(own[0] for own in times), max(own[-1] for own in times)
    found = []
    for hour in range(int(first // _HOUR_S) + 1, int(last // _HOUR_S) + 1):
        begin_s = hour * _HOUR_S
        marks, held = history.marks(begin_s), defaultdict(list)
        for position in history.positions(begin_s):
            if position.usd >= _WORTH_USD:
                held[position.coin].append(position)
        for coin, positions in held.items():
            own, prices, users = history.prices[coin]
            low, high = bisect_left(own, begin_s), bisect_left(own, begin_s + _HOUR_S)
            if high > low:
                mark, trades = marks[coin], list(zip(prices[low:high], users[low:high], strict=True))
                depth = max(max(price / mark, mark / price) for price, _ in trades)
                hit = tuple(one for one in positions if _reached(one, mark, trades))
                usd = sum(one.usd for one in closed if one.coin == coin and int(one.at_s // _HOUR_S) == hour)
                found.append((begin_s, _CoinHour(depth, hit, usd)))
    return found


def _reached(one: HeldPosition, mark: float, trades: Sequence[tuple[float, str]]) -> bool:
    """By trades (price, user) of others, from a mark on the right side of its liquidation price: its own forced order
    proves nothing."""
    others = [price for price, user in trades if user != one.user]
    return one.side * (mark - one.liquidation_price) > 0 and any(
        one.side * (one.liquidation_price - price) >= 0 for price in others
    )


def _closed_soon(begin_s: float, position: HeldPosition, closed: Sequence[ForcedClose]) -> bool:
    return any(
        (one.user, one.coin) == (position.user, position.coin) and 0 <= one.at_s - begin_s < 2 * _HOUR_S
        for one in closed
    )
