"""Recorded wallets as they stood at any time: accounts, and the prices their trades were made at."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

MAINTENANCE_SHARE: Final = 0.01
"""Half the initial margin at 50x, the highest leverage of that time, for every coin."""
_DUST_BASE: Final = 1e-9


class WalletAccount:
    """One wallet in cross margin: cash, and what it holds."""

    def __init__(self) -> None:
        self.cash_usd = 0.0
        self.held: dict[str, tuple[float, float]] = {}
        """Coin -> (signed quantity, mean entry price)."""

    def copied(self) -> "WalletAccount":
        found = WalletAccount()
        found.cash_usd, found.held = self.cash_usd, dict(self.held)
        return found

    def trade(self, coin: str, quantity: float, price: float) -> None:
        held, entry = self.held.get(coin, (0.0, price))
        if held * quantity >= 0:
            entry = (held * entry + quantity * price) / (held + quantity) if held + quantity else price
        else:
            closed = min(abs(held), abs(quantity)) * (1.0 if held > 0 else -1.0)
            self.cash_usd += closed * (price - entry)
            entry = price if abs(quantity) > abs(held) else entry
        if abs(held + quantity) < _DUST_BASE:
            self.held.pop(coin, None)
        else:
            self.held[coin] = held + quantity, entry

    def value_usd(self, marks: dict[str, float]) -> float:
        return self.cash_usd + sum(held * (marks[coin] - entry) for coin, (held, entry) in self.held.items())

    def notional_usd(self, marks: dict[str, float]) -> float:
        return sum(abs(held) * marks[coin] for coin, (held, _) in self.held.items())

    def liquidation_price(self, coin: str, marks: dict[str, float]) -> float:
        """Where value equals maintenance while the other coins stand still."""
        held, entry = self.held[coin]
        others = {name: mark for name, mark in marks.items() if name != coin}
        rest = WalletAccount()
        rest.cash_usd, rest.held = self.cash_usd, {name: one for name, one in self.held.items() if name != coin}
        free = rest.value_usd(others) - MAINTENANCE_SHARE * rest.notional_usd(others)
        return (held * entry - free) / (held - MAINTENANCE_SHARE * abs(held))


class HeldPosition(NamedTuple):
    """As a venue that knows its wallets would tell it. `side` is +1 for long, -1 for short."""

    user: str
    coin: str
    side: int
    liquidation_price: float
    usd: float


class WalletHistory:
    """Accounts and prices after every event, in order of time. Times are seconds."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[list[float], list[WalletAccount]]] = {}
        self.prices: dict[str, tuple[list[float], list[float], list[str]]] = {}
        """Coin -> (times, prices, users) of its trades."""

    def note_account(self, user: str, at_s: float, account: WalletAccount) -> None:
        times, accounts = self._accounts.setdefault(user, ([], []))
        times.append(at_s)
        accounts.append(account.copied())

    def note_trade(self, coin: str, at_s: float, price: float, user: str) -> None:
        times, prices, users = self.prices.setdefault(coin, ([], [], []))
        times.append(at_s)
        prices.append(price)
        users.append(user)

    def account(self, user: str, at_s: float) -> WalletAccount | None:
        """As it stood; None before it was first heard of."""
        times, accounts = self._accounts.get(user, ([], []))
        number = bisect_right(times, at_s)
        return accounts[number - 1] if number else None

    def marks(self, at_s: float) -> dict[str, float]:
        """The last price of every coin traded by then."""
        found = {}
        for coin, (times, prices, _) in self.prices.items():
            number = bisect_right(times, at_s)
            if number:
                found[coin] = prices[number - 1]
        return found

    def positions(self, at_s: float) -> Iterator[HeldPosition]:
        """Every one open then, coin by coin of each wallet."""
        marks = self.marks(at_s)
        for user in self._accounts:
            account = self.account(user, at_s) or WalletAccount()
            for coin, (held, _) in account.held.items():
                price = account.liquidation_price(coin, marks)
                yield HeldPosition(user, coin, 1 if held > 0 else -1, price, abs(held) * marks[coin])
