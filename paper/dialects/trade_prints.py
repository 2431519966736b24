"""Bars as the single trades that venues print, and numbers as venues write them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from liqbot.blocks import Rows


class TradePrint(NamedTuple):
    """One trade. `price` and `quantity_base` are as they go over the wire."""

    number: int
    time_ms: int
    price: float
    quantity_base: float
    taker_buys: bool


def plain(value: float | Decimal) -> str:
    """Shortest exact decimal form, never with an exponent: what venues put into their strings."""
    if isinstance(value, float):
        text = repr(value)
        if "e" not in text and value:
            return text.removesuffix(".0")
        value = Decimal(text)
    text = format(Decimal(value) + 0, "f")  # plus zero: no negative zero
    return text.rstrip("0").rstrip(".") if "." in text else text


class Printer:
    """Turns bars into prints: open, the nearer extreme, the other, close, without repeats of a price.

    Volume is spread evenly over these points and split by taker side. On a step, quantities are whole steps whose sum
    is the volume within one step per side, but every price is printed with at least one step. Without (`step_base`
    None) quantities are exact, so that the prints add up to the bar. Times lie within the bar, or all at its end.
    """

    def __init__(self, step_base: float | None, *, spread: bool) -> None:
        self._step_base, self._spread = step_base, spread
        self._number = 0

    def of(self, bars: Rows) -> Iterator[TradePrint]:
        for row in bars.tolist():
            yield from self._bar(row)

    def _bar(self, row: tuple[Any, ...]) -> Iterator[TradePrint]:
        end_ms, _, _, span_ms, opened, high, low, close, volume_usd, buy_usd, _sell = row
        path = (opened, low, high, close) if opened - low <= high - opened else (opened, high, low, close)
        prices = [price for number, price in enumerate(path) if not number or price != path[number - 1]]
        bought_usd = volume_usd / 2 if buy_usd != buy_usd else min(max(buy_usd, 0.0), volume_usd)
        owed_usd = {True: 0.0, False: 0.0}
        shares = {True: bought_usd / len(prices), False: (volume_usd - bought_usd) / len(prices)}
        for number, price in enumerate(prices):
            at_ms = self._at(end_ms, span_ms, number, len(prices))
            printed = False
            for buys in (True, False):
                owed_usd[buys] += shares[buys]
                quantity_base = self._quantity(owed_usd[buys], price)
                if quantity_base > 0.0:
                    owed_usd[buys] -= quantity_base * price
                    printed = True
                    yield self._print(at_ms, price, quantity_base, buys=buys)
            if not printed and self._step_base:
                buys = shares[True] >= shares[False]
                owed_usd[buys] -= self._step_base * price
                yield self._print(at_ms, price, self._step_base, buys=buys)

    def _at(self, end_ms: int, span_ms: int, number: int, count: int) -> int:
        if not self._spread or count == 1:
            return int(end_ms)
        begin_ms = end_ms - max(span_ms - 1, 0)
        return int(begin_ms + (end_ms - begin_ms) * number // (count - 1))

    def _quantity(self, owed_usd: float, price: float) -> float:
        if owed_usd <= 0.0:
            return 0.0
        if self._step_base is None:
            return owed_usd / price
        # Through the decimal form of the step: 3 steps of 0.001 are 0.003, not 0.003 and a bit.
        steps = round(owed_usd / (price * self._step_base))
        return float(steps * Decimal(str(self._step_base)))

    def _print(self, at_ms: int, price: float, quantity_base: float, *, buys: bool) -> TradePrint:
        self._number += 1
        return TradePrint(self._number, at_ms, price, quantity_base, buys)
