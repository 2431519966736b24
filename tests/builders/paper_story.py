"""A house on the paper exchange, told bar by bar: one story each."""

from paper_house import SPAN_MS, House, bar, btc_at, exchange_with, target

from liqbot.commands import PlaceOrder
from liqbot.execution.params import ExecutionParams

T0 = 10 * SPAN_MS
QUIET = {"market_slippage_bps": 0, "stop_slippage_bps": 0}


RESTS = "bybit"
"""Where a stop that rides on the entry covers partial fills: there an entry may rest."""


class Story(House):
    def __init__(self, params: ExecutionParams | None = None, venue: str = "binance", **exchange) -> None:
        super().__init__(exchange_with((btc_at(venue),), **{**QUIET, **exchange}), params)
        self.key = (venue, "BTC")
        self.now_ms = T0
        self.live(bar(T0, (100.0,) * 4, venue=venue), tick_ms=T0)

    def bar(self, *prices, span_ms=SPAN_MS):
        self.now_ms += span_ms
        four = prices if len(prices) == 4 else prices * 4
        self.live(bar(self.now_ms, four, span_ms=span_ms, venue=self.key[0]), tick_ms=self.now_ms)

    def wish(self, *args, **kwargs):
        self.want(target(*args, **kwargs, venue=self.key[0]), self.now_ms)

    @property
    def placed(self):
        return [command for command in self.commands if isinstance(command, PlaceOrder)]

    def purposes(self):
        return [command.purpose for command in self.placed]

    @property
    def resting(self):
        return {order.command.purpose: order.command for order in self.exchange.accounts.resting(self.key)}

    @property
    def held(self):
        position = self.account.position(*self.key)
        return None if position is None else position.quantity_base
