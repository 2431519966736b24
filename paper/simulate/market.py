"""A cheap, wild market for simulations of the house: two venues, clock steps of any length, prices that can be pushed.

It makes no claim to resemble a real market; it is there to move prices through stops, targets and margins.
"""

import random
from typing import Any, Final

from liqbot.blocks import EventBlock, Roster, rows_of

START_MS: Final = 1_700_006_400_000
"""A whole UTC day."""
FUNDING_SPREAD_PCT: Final = 0.05
_OI_EVERY_MS: Final = 60_000


class WildMarket:
    """One coin. Time moves with `block`; the first venue of the roster leads, the other follows at once."""

    def __init__(self, chance: random.Random, roster: Roster) -> None:
        self._chance, self.roster = chance, roster
        self.now_ms = START_MS + chance.randrange(86_400) * 1_000
        self.price = round(chance.uniform(20_000.0, 90_000.0), 1)
        self.interval_h = 8.0
        self.volatility = chance.uniform(1.5e-4, 6e-4)
        """Standard deviation of a return over one second."""
        self._drift = 0.0
        self._oi_usd, self._oi_ms = chance.uniform(5e8, 4e9), 0
        self._pushed: list[float] = []

    @property
    def pushed(self) -> bool:
        """A gap is still to come."""
        return bool(self._pushed)

    def push(self, price: float) -> None:
        """The next block trades at this price: a gap when it is far."""
        self._pushed.append(round(price, 1))

    def block(self, span_ms: int, *, halted: int | None = None, backfilled: bool = False) -> EventBlock:
        """The next clock step. A venue of code `halted` trades and says nothing."""
        chance, begin_ms = self._chance, self.now_ms
        self.now_ms += span_ms
        seconds = span_ms / 1_000
        if chance.random() < min(0.2, seconds / 3_000):
            self._drift = chance.gauss(0.0, self.volatility / 20)
        opened = self.price
        if self._pushed:
            opened = self.price = self._pushed.pop(0)
        spread = self.volatility * seconds**0.5
        close = round(self.price * (1.0 + self._drift * seconds + chance.gauss(0.0, spread)), 1)
        self.price = max(close, 1_000.0)
        reach = spread * abs(chance.gauss(0.0, 0.7))
        down = chance.random() < 0.5
        low = round(min(opened, self.price) * (1.0 - (reach if down else reach / 4)), 1)
        high = round(max(opened, self.price) * (1.0 + (reach / 4 if down else reach)), 1)
        rows: dict[str, list[tuple[Any, ...]]] = {"bars": [], "marks": [], "open_interest": [], "liquidations": []}
        oi_due = self._oi_ms + _OI_EVERY_MS <= self.now_ms
        if oi_due:
            self._oi_usd *= 1.0 + chance.gauss(0.0005, 0.003)
            self._oi_ms = self.now_ms
        for code in range(len(self.roster.venues)):
            if code == halted:
                continue
            prices = tuple(round(one * (1.0 + code * 2e-5), 1) for one in (opened, high, low, self.price))
            self._tell(rows, code, span_ms, prices, oi_due=oi_due)
        self._tell_funding(rows, begin_ms, halted)
        columns: dict[str, Any] = {kind: rows_of(kind, found) for kind, found in rows.items() if found}
        return EventBlock(**columns, tick_ms=self.now_ms, backfilled=backfilled)

    def _tell(
        self, rows: dict[str, list[tuple[Any, ...]]], code: int, span_ms: int, prices: tuple[float, ...], *,
        oi_due: bool,
    ) -> None:
        opened, high, low, close = prices
        low, high = min(prices), max(prices)
        share = 0.7 if code == 0 else 0.3
        rush = (high - low) / opened
        volume_usd = share * 1e5 * span_ms / 1_000 * (1.0 + 60.0 * rush) * self._chance.uniform(0.6, 1.5)
        buys_usd = volume_usd * min(max(0.5 + 8.0 * (close - opened) / opened, 0.05), 0.95)
        head = (self.now_ms, code, 0)
        rows["bars"].append((*head, span_ms, opened, high, low, close, volume_usd, buys_usd, volume_usd - buys_usd))
        rows["marks"].append((*head, close, close))
        if oi_due:
            rows["open_interest"].append((*head, self._oi_usd * share))
        if rush > 0.01:
            fell = close < opened
            rows["liquidations"].append((*head, 1 if fell else -1, low if fell else high, volume_usd * 0.02))

    def _tell_funding(self, rows: dict[str, list[tuple[Any, ...]]], begin_ms: int, halted: int | None) -> None:
        """Once an hour, and whenever the interval is due."""
        if begin_ms // 3_600_000 == self.now_ms // 3_600_000:
            return
        rate_pct = self._chance.gauss(0.0, FUNDING_SPREAD_PCT)
        rows["funding"] = [
            (self.now_ms, code, 0, rate_pct, self.interval_h)
            for code in range(len(self.roster.venues))
            if code != halted
        ]
