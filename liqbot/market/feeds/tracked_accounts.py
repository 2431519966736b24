"""Accounts whose positions may be read: learnt from trades, bounded in number, and which of them to read next.

Read first is whose liquidation price the mark has reached, then whoever matters most: USD held or traded, times how
long it has not been read.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.feeds.params import AccountReadingParams
from liqbot.venues.parsing import Party
from liqbot.venues.public_accounts import AccountPosition

ROUND: Final = 25
"""Accounts chosen at once: the order among thousands is not made anew for every request."""
AGAIN_MS: Final = 10_000
"""A position beyond its price that the venue has not closed yet is not polled more often."""
_FLOOR_USD: Final = 1_000.0
"""Even who holds nothing is looked at again some time."""
_KEPT_SHARE: Final = 0.9
"""Of the most that are remembered, after some had to be forgotten."""


class TrackedAccount(msgspec.Struct):
    """Mutable. `turnover_usd` was traded since it was read last: what it holds may be something else by now."""

    name: str
    met_ms: int
    turnover_usd: float = 0.0
    read_ms: int = 0
    """0: never."""
    held: tuple[AccountPosition, ...] = ()
    reached: bool = False
    """The mark was where a position of it is liquidated, since it was read last."""

    @property
    def weight_usd(self) -> float:
        return sum(one.size_usd for one in self.held) + self.turnover_usd

    def urgency(self, now_ms: int) -> float:
        return (self.weight_usd + _FLOOR_USD) * max(now_ms - max(self.read_ms, self.met_ms), 1_000)


class TrackedAccounts:
    """All accounts of one venue that are known, and which to read next."""

    def __init__(self, params: AccountReadingParams) -> None:
        self._params = params
        self._accounts: dict[str, TrackedAccount] = {}
        self._round: list[str] = []
        self._reached: dict[str, TrackedAccount] = {}
        self._nearest: dict[int, tuple[float, float]] = {}
        """Per contract: the highest price below which longs are reached, the lowest above which shorts are."""

    def __len__(self) -> int:
        return len(self._accounts)

    def add(self, names: Iterable[str], now_ms: int) -> None:
        """Accounts that somebody has named."""
        for name in names:
            self._accounts.setdefault(name, TrackedAccount(name, now_ms))

    def meet(self, parties: Iterable[Party], now_ms: int) -> None:
        """Both sides of trades."""
        for _, _, name, size_usd in parties:
            account = self._accounts.get(name)
            if account is None:
                if len(self._accounts) >= self._params.accounts_max:
                    self._forget(now_ms)
                account = self._accounts[name] = TrackedAccount(name, now_ms)
            account.turnover_usd += size_usd

    def _forget(self, now_ms: int) -> None:
        """Those that hold and trade least; at the same weight those that were met first."""
        kept = heapq.nlargest(
            int(self._params.accounts_max * _KEPT_SHARE), self._accounts.values(),
            key=lambda one: (one.weight_usd, max(one.read_ms, one.met_ms) - now_ms),
        )
        self._accounts = {one.name: one for one in kept}

    def mark(self, index: int, low: float, high: float, now_ms: int) -> None:
        """Between which marks a contract was since this was said last."""
        nearest = self._nearest.get(index)
        if nearest is not None and nearest[0] < low and high < nearest[1]:
            return
        below, above = 0.0, float("inf")
        for account in self._accounts.values():
            for one in account.held:
                if one.index != index or one.liquidation_price is None or account.reached:
                    continue
                if _within(one, low, high):
                    if now_ms - account.read_ms < AGAIN_MS:
                        below, above = high, low  # Looked through anew with the next mark.
                        continue
                    account.reached = True
                    self._reached[account.name] = account
                elif one.side is Side.LONG:
                    below = max(below, one.liquidation_price)
                else:
                    above = min(above, one.liquidation_price)
        self._nearest[index] = below, above

    def next(self, now_ms: int) -> TrackedAccount | None:
        """Whom to read now; None while nobody is known. Everybody has one turn in a round."""
        if self._reached:
            return self._reached.pop(max(self._reached, key=lambda name: self._reached[name].weight_usd))
        for _ in range(2):
            while self._round:
                account = self._accounts.get(self._round.pop())
                if account is not None:
                    return account
            chosen = heapq.nlargest(ROUND, self._accounts.values(), key=lambda one: one.urgency(now_ms))
            self._round = [one.name for one in reversed(chosen)]
        return None

    def read(self, account: TrackedAccount, held: tuple[AccountPosition, ...], now_ms: int) -> bool:
        """What an account holds now. True when the mark had reached a position of it that is gone or smaller now: it
        may have been force-closed."""
        closed = account.reached and any(_smaller(before, held) for before in account.held)
        account.held, account.read_ms, account.turnover_usd, account.reached = held, now_ms, 0.0, False
        for one in held:
            # Looked through anew with the next mark.
            self._nearest.pop(one.index, None)
        return closed

    def put_off(self, account: TrackedAccount, now_ms: int) -> None:
        """It could not be read: others have their turn first."""
        account.met_ms, account.reached = now_ms, False
        self._nearest.clear()

    def reportable(self, index: int, now_ms: int) -> Iterator[AccountPosition]:
        """Positions of a contract that are fresh and large enough, with or without a liquidation price."""
        oldest_ms = now_ms - int(self._params.stale_min * 60_000)
        for account in self._accounts.values():
            if account.read_ms > oldest_ms:
                for one in account.held:
                    if one.index == index and one.size_usd >= self._params.told_usd_min:
                        yield one


def _within(one: AccountPosition, low: float, high: float) -> bool:
    if one.liquidation_price is None:
        return False
    return low <= one.liquidation_price if one.side is Side.LONG else high >= one.liquidation_price


def _smaller(before: AccountPosition, held: tuple[AccountPosition, ...]) -> bool:
    now = next((one for one in held if (one.index, one.side) == (before.index, before.side)), None)
    return now is None or now.size_usd < 0.95 * before.size_usd
