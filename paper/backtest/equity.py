"""Equity tick by tick, by the facts that explain it and not by the wallets as stated: drawdown, exposure, against
holding the coin."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.accounting.books import AccountBooks
from liqbot.engine import Engine

_ZERO: Final = Decimal(0)


class LargestFall(msgspec.Struct, frozen=True):
    """Deepest fall from a peak, seen at ticks."""

    pct: float = 0.0
    usd: float = 0.0
    peak_ms: int = 0
    trough_ms: int = 0


class Falls:
    """Running maximum and the deepest fall below it."""

    def __init__(self) -> None:
        self.deepest = LargestFall()
        self._peak = self._peak_ms = 0.0

    def add(self, time_ms: int, value: float) -> None:
        if value > self._peak:
            self._peak, self._peak_ms = value, time_ms
        elif (pct := (self._peak - value) / self._peak * 100.0 if self._peak > 0 else 0.0) > self.deepest.pct:
            self.deepest = LargestFall(pct, self._peak - value, int(self._peak_ms), time_ms)


class Hold:
    """Buying a coin at its first mark and holding to the last, unlevered and free of cost."""

    def __init__(self, mark_price: float) -> None:
        self.first_price = self.last_price = mark_price
        self.falls = Falls()

    def add(self, time_ms: int, mark_price: float) -> None:
        self.last_price = mark_price
        self.falls.add(time_ms, mark_price)

    @property
    def return_pct(self) -> float:
        return (self.last_price / self.first_price - 1.0) * 100.0


class EquityCurve:
    """Fed at every tick, with the engine that has folded the step."""

    def __init__(self) -> None:
        self.start_usd = self.equity_usd = _ZERO
        self.unrealised_usd = _ZERO
        self.falls = Falls()
        self.holds: dict[str, Hold] = {}
        self.first_ms = self.last_ms = 0
        self.open_ms = 0
        """Time with a position."""
        self._leverage_ms = 0.0
        self.leverage_max = 0.0
        self._leverage = 0.0

    def start(self, wallet_usd: Decimal) -> None:
        """What the exchange stated before the first market block."""
        self.start_usd = self.equity_usd = wallet_usd

    def on_tick(self, time_ms: int, engine: Engine) -> None:
        prices = {view.coin: view.mark_price for view in engine.views if not view.backfilled}
        if not prices:
            return
        self.first_ms = self.first_ms or time_ms
        self._weigh(time_ms)
        for coin, mark_price in prices.items():
            if coin not in self.holds:
                self.holds[coin] = Hold(mark_price)
            self.holds[coin].add(time_ms, mark_price)
        self._value(engine.account.books)
        self.falls.add(time_ms, float(self.equity_usd))
        self.last_ms = time_ms

    def _weigh(self, time_ms: int) -> None:
        """The time since the last tick counts with the leverage held at that tick."""
        if self._leverage > 0 and self.last_ms:
            self.open_ms += time_ms - self.last_ms
            self._leverage_ms += self._leverage * (time_ms - self.last_ms)

    def _value(self, books: AccountBooks) -> None:
        cash = books.cash
        self.unrealised_usd = books.unrealised_usd
        notional_usd = sum((abs(one.signed_base) * (one.mark_price or _ZERO) for one in books.holdings), _ZERO)
        realised_usd = cash.gross_usd - cash.fees_usd + cash.funding_usd + cash.rebates_usd
        self.equity_usd = self.start_usd + cash.transfers_usd + realised_usd + self.unrealised_usd
        self._leverage = float(notional_usd / self.equity_usd) if notional_usd and self.equity_usd > 0 else 0.0
        self.leverage_max = max(self.leverage_max, self._leverage)

    @property
    def exposure_pct(self) -> float:
        """Share of time with a position."""
        span_ms = self.last_ms - self.first_ms
        return 100.0 * self.open_ms / span_ms if span_ms else 0.0

    @property
    def leverage_mean(self) -> float:
        """Notional over equity, averaged over the time with a position."""
        return self._leverage_ms / self.open_ms if self.open_ms else 0.0
