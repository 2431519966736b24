"""What a parser needs to know and to remember about a venue's contracts, and what it gives back.

A message names a contract by the venue's own id and speaks in the venue's own units; facts are in USD. Open interest in
coin needs a price and updates may carry only what changed, so the book remembers the newest quote of each contract.
"""

import itertools
import reprlib
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Side

Trade = tuple[int, int, float, float, bool]
"""(index of the contract in the book, time_ms, price, size_usd, the taker bought)."""

Party = tuple[int, int, str, float]
"""(index of the contract in the book, time_ms, account that traded, size_usd), where a venue names accounts."""

PRICE_MAX: Final = 1e12
TIME_MS_MAX: Final = 4_102_444_800_000
AMOUNT_MAX: Final = 1e15
OI_STEP_MS: Final = 5_000
"""Open interest is passed on at most this often."""
FUNDING_STEP_MS: Final = 60_000
"""A funding rate that moves is passed on at most this often, a changed interval at once."""
INTERVAL_H_USUAL: Final = 8.0
"""Of venues of which nothing is known."""

TOLD_MAX: Final = 4_000
"""Names of trades and forced orders that are remembered, at venues that may tell one again."""
REJECTED_MAX: Final = 100
"""Rows that are kept to be looked at; further ones are counted alone."""

Decoded = TypeVar("Decoded")
TimeMs = TypeVar("TimeMs", int, float)

def shown(value: object) -> str:
    """Any value in one short line, however deep or long it is, with the control signs of its texts escaped."""
    shortener = reprlib.Repr()
    shortener.maxlevel, shortener.maxdict, shortener.maxlist = 3, 20, 4
    shortener.maxstring = shortener.maxother = 200
    return shortener.repr(value)[:600]


class MalformedMessage(ValueError):
    """A message of a kind we read, or one row of it, with a field that cannot be what it says.

    `sample` shows what it stood in, in one line of bounded length.
    """

    def __init__(self, venue: str, field: str, value: object, sample: object = None) -> None:
        self.venue, self.field = venue, field
        self.value = shown(str(value) if isinstance(value, Exception) else value)
        self.sample = "" if sample is None else shown(sample)
        super().__init__(f"{venue} {field}: {self.value} is not readable")


class WireContract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract as messages name it."""

    symbol_id: str
    """The venue's own id."""
    symbol: str
    """As the unified client names it."""
    venue_key: str
    coin: str
    contract_units: float = 1.0
    """Of one unit of a trade's amount: in base coin, of an inverse contract in USD."""
    inverse: bool = False
    open_interest_two_sided: bool = False
    """The venue adds longs and shorts; halve it."""
    funding_interval_h: float = INTERVAL_H_USUAL
    """Until a message names another one."""

    def usd(self, amount: float, price: float) -> float:
        return amount * self.contract_units if self.inverse else amount * self.contract_units * price


class ContractQuote(msgspec.Struct):
    """The newest known state of one contract; NaN while unknown. Mutable: merged update by update."""

    mark_price: float = float("nan")
    index_price: float = float("nan")
    rate_pct: float = float("nan")
    interval_h: float = INTERVAL_H_USUAL
    funding_ms: int = 0
    """When funding was last passed on."""
    open_interest_ms: int = 0


class Parsed(msgspec.Struct):
    """`ours` is False for what this house does not read (acknowledgements, pongs, other channels): the unified client
    must see it. `ignored` counts entries that were understood and are of no use: contracts outside the book."""

    trades: list[Trade] = []
    facts: list[MarketEvent] = []
    ignored: int = 0
    ours: bool = True
    parties: list[Party] = []
    """Who traded; only where the book wants it."""


class WireBook:
    """The contracts of one venue that are watched, by the venue's ids."""

    def __init__(self, venue: str, contracts: Sequence[WireContract]) -> None:
        self.venue, self.contracts = venue, tuple(contracts)
        self.index_of = {contract.symbol_id: index for index, contract in enumerate(self.contracts)}
        self.quotes = [ContractQuote(interval_h=one.funding_interval_h) for one in self.contracts]
        self.trade_numbers = [0] * len(self.contracts)
        """Of the newest trade of each contract, where the venue numbers them; kept over a gap, which they measure."""
        self.wants_parties = False
        """Whether anybody asks who traded."""
        self.off_book = 0
        """Trades agreed on outside the order book, which are no price of the market and left out; whoever counts them
        sets it back."""
        self.rejected = 0
        """Rows that could not be read; whoever counts them sets it back. The newest are kept until they are taken."""
        self._rejected: deque[MalformedMessage] = deque(maxlen=REJECTED_MAX)
        self.received_ms = 0
        """When the message that is read now came, by our clock: the time of what bears none of its own."""
        self._reported: dict[object, None] = {}
        self.channels: dict[int, tuple[str, int]] = {}
        """What comes under a number, and of which contract, where messages name neither: stated on subscribing."""
        self.closes: list[dict[int, float]] = [{} for _ in self.contracts]
        """Prices of bars read from the past, by their end: what coins of that time were worth."""
        # (units of USD per amount and price, per amount): one of them is zero, so that no branch is needed per trade.
        self.factors = [
            (0.0, contract.contract_units) if contract.inverse else (contract.contract_units, 0.0)
            for contract in self.contracts
        ]

    def forget(self, indices: Iterable[int]) -> None:
        """After a gap: old prices convert nothing any more."""
        for index in indices:
            self.quotes[index] = ContractQuote(interval_h=self.quotes[index].interval_h)

    # --- from fields to values ------------------------------------------------------------------------------------

    def malformed(self, field: str, value: object, sample: object = None) -> MalformedMessage:
        return MalformedMessage(self.venue, field, value, sample)

    def reject(self, error: MalformedMessage, row: object = None) -> None:
        """Note a row that is left out; `row` where the error does not show it yet."""
        if row is not None and not error.sample:
            error.sample = shown(row)
        self.rejected += 1
        self._rejected.append(error)

    def take_rejected(self) -> list[MalformedMessage]:
        """The newest rows that were left out since the last call."""
        found = list(self._rejected)
        self._rejected.clear()
        return found

    def first_time(self, name: object) -> bool:
        """Whether something that a venue repeats under the same name is reported for the first time. What is
        looked up again is remembered on; what was not for longest is forgotten."""
        if name in self._reported:
            self._reported[name] = self._reported.pop(name)
            return False
        self._reported[name] = None
        if len(self._reported) > TOLD_MAX:
            del self._reported[next(iter(self._reported))]
        return True

    def convert(self, payload: object, shape: type[Decoded], what: str) -> Decoded:
        """Decoded JSON as a typed value; MalformedMessage when it is not of that shape."""
        try:
            return msgspec.convert(payload, shape, strict=False)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self.malformed(what, error, payload) from None

    def positive(self, field: str, value: float, limit: float = AMOUNT_MAX) -> float:
        if not 0.0 < value < limit:
            raise self.malformed(field, value)
        return value

    def figure(self, field: str, value: float | str | None, row: object) -> float | None:
        """None where the venue leaves it out or empty, and where it is no number, which is noted."""
        if value is None or value == "":
            return None
        try:
            return value if isinstance(value, float) else self.convert(value, float, field)
        except MalformedMessage as error:
            error.sample = ""
            self.reject(error, row)
            return None

    def time(self, field: str, time_ms: TimeMs) -> TimeMs:
        if not 0 < time_ms < TIME_MS_MAX:
            raise self.malformed(field, time_ms)
        return time_ms

    def iso_time(self, field: str, text: str) -> int:
        """UTC milliseconds of `2026-11-30T08:00:00.123Z`; digits beyond the millisecond are cut off."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.malformed(field, text) from None
        if moment.tzinfo is None:
            raise self.malformed(field, text)
        return self.time(field, int(moment.replace(microsecond=0).timestamp()) * 1_000 + moment.microsecond // 1_000)

    # --- from values to facts -------------------------------------------------------------------------------------

    def liquidation(
        self, index: int, time_ms: int, side: Side, price: float, amount: float, fill_price: float | None = None
    ) -> Liquidation:
        """`side` of the position that was closed; valued at `fill_price` where the venue tells it, else at `price`."""
        contract = self.contracts[index]
        self.positive("liquidation price", price, PRICE_MAX)
        self.positive("liquidation amount", amount)
        value_price = price if fill_price is None else self.positive("liquidation fill price", fill_price, PRICE_MAX)
        return Liquidation(
            time_ms=self.time("liquidation time", time_ms), venue=contract.venue_key, coin=contract.coin, side=side,
            price=price, size_usd=contract.usd(amount, value_price),
        )

    def mark(self, index: int, time_ms: int, mark_price: float | None, index_price: float | None) -> list[MarketEvent]:
        """Whatever of the two is known now; nothing before the first mark."""
        contract, quote = self.contracts[index], self.quotes[index]
        self.time("mark time", time_ms)
        if index_price is not None and 0.0 < index_price < PRICE_MAX:
            quote.index_price = index_price
        elif index_price is not None:
            # It goes with the mark where both are published, and does not cost it.
            self.reject(self.malformed("index price", index_price))
        if mark_price is not None:
            quote.mark_price = self.positive("mark price", mark_price, PRICE_MAX)
        if mark_price is None or quote.mark_price != quote.mark_price:
            return []
        known_index = quote.index_price if quote.index_price == quote.index_price else None
        return [MarkPrice(time_ms=time_ms, venue=contract.venue_key, coin=contract.coin,
                          mark_price=quote.mark_price, index_price=known_index)]

    def funding(
        self, index: int, time_ms: int, rate: float | None, interval_h: float | None = None
    ) -> list[MarketEvent]:
        """`rate` as a fraction per interval, positive when longs pay, as the venue expects it to be settled."""
        contract, quote = self.contracts[index], self.quotes[index]
        self.time("funding time", time_ms)
        changed = interval_h is not None and interval_h != quote.interval_h
        if interval_h is not None:
            quote.interval_h = self.positive("funding interval", interval_h, 24.0 * 31)
        if rate is not None:
            if not -1.0 < rate < 1.0:
                raise self.malformed("funding rate", rate)
            quote.rate_pct = rate * 100.0
        if quote.rate_pct != quote.rate_pct or (not changed and 0 <= time_ms - quote.funding_ms < FUNDING_STEP_MS):
            return []
        quote.funding_ms = time_ms
        return [FundingRate(time_ms=time_ms, venue=contract.venue_key, coin=contract.coin, rate_pct=quote.rate_pct,
                            interval_h=quote.interval_h, rate_stage=FundingStage.FORECAST)]

    def open_interest(
        self, index: int, time_ms: int, amount: float, *, two_sided: bool | None = None
    ) -> list[MarketEvent]:
        """`amount` in units of a trade's amount; nothing while no price is known to value coins with."""
        contract, quote = self.contracts[index], self.quotes[index]
        if not 0.0 <= amount < AMOUNT_MAX:
            raise self.malformed("open interest", amount)
        halved = contract.open_interest_two_sided if two_sided is None else two_sided
        price = 1.0 if contract.inverse else quote.mark_price
        if price != price:
            return []
        return self.open_interest_usd(index, time_ms, contract.usd(amount, price) * (0.5 if halved else 1.0))

    def open_interest_usd(self, index: int, time_ms: int, oi_usd: float) -> list[MarketEvent]:
        contract, quote = self.contracts[index], self.quotes[index]
        self.time("open interest time", time_ms)
        if not 0.0 <= oi_usd < AMOUNT_MAX:
            raise self.malformed("open interest in USD", oi_usd)
        if 0 <= time_ms - quote.open_interest_ms < OI_STEP_MS:
            return []
        quote.open_interest_ms = time_ms
        return [OpenInterest(time_ms=time_ms, venue=contract.venue_key, coin=contract.coin, oi_usd=oi_usd)]

    # --- the past -------------------------------------------------------------------------------------------------

    def bar(
        self, index: int, start_ms: int, span_ms: int, prices: tuple[float, float, float, float], volume_usd: float,
        buy_usd: float | None = None,
    ) -> TradeBar:
        """`prices`: open, high, low, close."""
        contract = self.contracts[index]
        for name, price in zip(("open", "high", "low", "close"), prices, strict=True):
            self.positive(f"bar {name}", price, PRICE_MAX)
        self.closes[index][start_ms + span_ms] = prices[3]
        if not 0.0 <= volume_usd < AMOUNT_MAX or not 0.0 <= (buy_usd or 0.0) <= volume_usd * 1.000001:
            raise self.malformed("bar volume", (volume_usd, buy_usd))
        return TradeBar(
            time_ms=self.time("bar time", start_ms) + span_ms, venue=contract.venue_key, coin=contract.coin,
            span_ms=span_ms, open=prices[0], high=prices[1], low=prices[2], close=prices[3], volume_usd=volume_usd,
            buy_usd=buy_usd, sell_usd=None if buy_usd is None else max(0.0, volume_usd - buy_usd),
        )

    def past_usd(self, index: int, time_ms: int, amount: float) -> float | None:
        """`amount` in units of a trade's amount; None where no price of that time is known."""
        price = 1.0 if self.contracts[index].inverse else self.closes[index].get(time_ms)
        return None if price is None else self.contracts[index].usd(amount, price)

    def past_open_interest(self, index: int, time_ms: int, oi_usd: float) -> OpenInterest:
        contract = self.contracts[index]
        if not 0.0 <= oi_usd < AMOUNT_MAX:
            raise self.malformed("past open interest", oi_usd)
        return OpenInterest(time_ms=self.time("past open interest time", time_ms), venue=contract.venue_key,
                            coin=contract.coin, oi_usd=oi_usd)

    def paid(self, index: int, payments: Sequence[tuple[int, float]]) -> list[MarketEvent]:
        """(time, rate as a fraction) of payments, each with its interval as `payment_intervals_h` finds it."""
        contract = self.contracts[index]
        known: list[tuple[int, float]] = []
        for time_ms, rate in sorted(payments):
            if not -1.0 < rate < 1.0 or not 0 < time_ms < TIME_MS_MAX:
                self.reject(self.malformed("past funding", (time_ms, rate)))
            else:
                known.append((time_ms, rate))
        intervals_h = payment_intervals_h([time_ms for time_ms, _ in known], self.quotes[index].interval_h)
        return [
            FundingRate(time_ms=time_ms, venue=contract.venue_key, coin=contract.coin, rate_pct=rate * 100.0,
                        interval_h=interval_h, rate_stage=FundingStage.SETTLEMENT)
            for (time_ms, rate), interval_h in zip(known, intervals_h, strict=True)
        ]


def payment_intervals_h(times_ms: Sequence[int], usual_h: float) -> list[float]:
    """The interval that each payment ended: the whole hours since the one before, `usual_h` where that says nothing.

    A gap that is a multiple of the gaps on both sides of it is a payment that is missing, not a longer interval.
    Histories tell times alone: the interval of a venue may have changed since.
    """
    gaps_h = [round((after - before) / 3_600_000) for before, after in itertools.pairwise(times_ms)]
    found: list[float] = []
    for place in range(len(times_ms)):
        gap_h = gaps_h[place - 1] if place else 0
        before_h = found[-1] if place > 1 else usual_h
        after_h = gaps_h[place] if place < len(gaps_h) else before_h
        missing = gap_h > before_h == after_h and gap_h % before_h == 0
        found.append(float(gap_h) if 1 <= gap_h <= 24 and not missing else before_h)
    return found


def decoded(raw: str | bytes, book: WireBook) -> Any:
    """A message that is not of a kind read every day. None for plain text such as a pong."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        head = raw[:1] if isinstance(raw, str) else raw[:1].decode("latin-1")
        if head in ("{", "[", ""):
            raise book.malformed("message", error) from None
        return None


NOT_OURS: Final = Parsed(ignored=1, ours=False)
"""Handed out again and again: never changed."""
