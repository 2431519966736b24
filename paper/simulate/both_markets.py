"""The market that the house hears of and the one where its orders rest: the same, or a test market beside it."""

from liqbot.blocks import EventBlock
from liqbot.events import Event
from paper.exchange.quotes import Key
from paper.exchange.repricing import at_ratio
from paper.simulate.market import WildMarket
from paper.simulate.practice_prices import PracticePrices


class BothMarkets:
    """Time moves with `block`, in both."""

    def __init__(self, heard: WildMarket, practice: PracticePrices | None) -> None:
        """`practice`: of the test market; None where there is none."""
        self._heard, self._practice = heard, practice

    @property
    def price(self) -> float:
        """Where orders rest."""
        return self._heard.price * (1.0 if self._practice is None else self._practice.ratio)

    def push(self, price: float) -> None:
        """Where orders rest the next block begins at this price: a gap when it is far."""
        self._heard.push(price * self._heard.price / self.price)

    def block(self, span_ms: int, *, halted: int | None = None, backfilled: bool = False) -> EventBlock:
        """The next clock step of what is heard. A venue of code `halted` trades and says nothing."""
        told = self._heard.block(span_ms, halted=halted, backfilled=backfilled)
        if self._practice is not None:
            self._practice.move(self._heard.now_ms, span_ms)
        return told

    def where_orders_rest(self, told: EventBlock) -> EventBlock:
        """The same clock step there."""
        return told if self._practice is None else at_ratio(told, self._practice.ratio)

    def mark_reading(self, key: Key, said_ms: int) -> tuple[Event, ...]:
        """Of the test market's mark, dated `said_ms`; nothing while none is due."""
        if self._practice is None:
            return ()
        return self._practice.reading(key, self._heard.price, self._heard.now_ms, said_ms=said_ms)
