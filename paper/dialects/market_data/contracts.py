"""A contract of a venue that is only read: its own id, sizes and grids, and its figures as of the newest row."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

import msgspec

from liqbot.instruments import Instrument, Side, venue_key
from paper.dialects.tickers import VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

_FINEST_BASE: Final = Decimal("0.00000001")
"""Step of an inverse contract's trades in base coin: its own step is in USD."""


class ListedContract(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's own list says of one perpetual."""

    coin: str
    id: str
    """As the venue writes it."""
    tick: str
    size: str = "1"
    """One unit of its amounts: in base coin, of an inverse contract in USD."""
    lot: str = "1"
    """Smallest step of its amounts, in such units."""
    contract: str = ""
    """The part behind the colon of the venue key."""
    inverse: bool = False

    def instrument(self, venue: str) -> Instrument:
        """As the simulated market lists it."""
        size, lot = Decimal(self.size), Decimal(self.lot)
        return Instrument(
            venue=venue_key(venue, self.contract), coin=self.coin, symbol=self.id, price_tick=Decimal(self.tick),
            quantity_step_base=_FINEST_BASE if self.inverse else size * lot,
            contract_size_base=Decimal(1) if self.inverse else size, inverse=self.inverse,
        )


class ForcedPrint(NamedTuple):
    """`side` is that of the position that was closed, `amount_units` in the venue's units."""

    time_ms: int
    side: Side
    price: float
    size_usd: float
    amount_units: Decimal


class Figures(msgspec.Struct):
    """What the venue shows of a contract at a moment; None: not published yet. Rates in percent per interval."""

    time_ms: int = 0
    last_price: float | None = None
    mark_price: float | None = None
    index_price: float | None = None
    oi_usd: float | None = None
    rate_pct: float | None = None
    interval_h: float = 8.0

    @classmethod
    def of(cls, ticker: VenueTicker) -> "Figures":
        """As the market has them now."""
        rated = ticker.rate_ms > 0
        return cls(
            ticker.time_ms, ticker.last_price or None, ticker.mark_price or None, ticker.index_price or None,
            ticker.oi_usd if ticker.oi_ms else None, ticker.rate_pct if rated else None, ticker.interval_h,
        )


class MarketContract:
    """One listed contract of a running market."""

    def __init__(self, listed: ListedContract, venue: str, ticker: VenueTicker, *, on_step: bool) -> None:
        self.listed, self.ticker = listed, ticker
        self.venue_key = venue_key(venue, listed.contract)
        self.size, self.lot = Decimal(listed.size), Decimal(listed.lot)
        self.figures = Figures.of(ticker)
        """As of the row that is being published; answers to requests take `now` instead."""
        self._on_step = on_step

    @property
    def id(self) -> str:
        return self.listed.id

    @property
    def coin(self) -> str:
        return self.listed.coin

    @property
    def inverse(self) -> bool:
        return self.listed.inverse

    @property
    def now(self) -> Figures:
        """At the end of the last block."""
        return Figures.of(self.ticker)

    def amount(self, size_usd: float, price: float) -> Decimal:
        """USD in the venue's units, in whole lots where the market trades in steps."""
        value = Decimal(repr(size_usd)) / self.size
        value = value if self.inverse else value / Decimal(repr(price))
        return (value / self.lot).to_integral_value(ROUND_HALF_EVEN) * self.lot if self._on_step else value

    def traded(self, print_: TradePrint) -> Decimal:
        """The amount of a trade, at least one lot."""
        return max(self.amount(print_.quantity_base * print_.price, print_.price), self.lot)

    def counted(self, figures: Figures) -> str:
        """Open interest in the venue's units, as text; empty while it or a price to value it with is not known."""
        price = figures.mark_price or figures.last_price
        return "" if figures.oi_usd is None or price is None else plain(self.amount(figures.oi_usd, price))


def text(value: float | None) -> str:
    """A figure as venues write it; empty while it is not known: a zero would be a figure."""
    return "" if value is None else plain(value)


def ratio(pct: float | None) -> str:
    """A rate in percent as the fraction that venues write, without the noise of a binary division."""
    return "" if pct is None else plain(Decimal(str(pct)) / 100)
