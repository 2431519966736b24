"""What the broker remembers of this process's orders: which id belongs to which order, what was published, what is in
flight.

Nothing here is needed after a restart: facts published twice are harmless, all else is read from the venue again.
"""

from collections.abc import Callable, Container
from decimal import Decimal
from typing import Final, TypeVar

from liqbot.accounting.dedupe import REMEMBERED_MAX, RecentIds
from liqbot.commands import Purpose
from liqbot.events import Event, Fill, PositionDeleveraged, PositionLiquidated
from liqbot.execution import client_order_id
from liqbot.instruments import Side
from liqbot.venues.trading import ZERO, TradedContract, TradeKind, TradeReport

Publish = Callable[[tuple[Event, ...]], None]
"""Takes facts to the engine; never blocks."""
Clock = Callable[[], int]
"""UTC milliseconds."""

KEPT_MAX: Final = REMEMBERED_MAX
Key = TypeVar("Key")
Value = TypeVar("Value")


class OrderCache:
    """One account's. `clock` stamps facts; what the venue dates itself keeps the venue's time."""

    def __init__(
        self, publish: Publish, clock: Clock, journal_id: str, kin: Container[str] = ()
    ) -> None:
        """`kin` are journals that are ours too: earlier ones, and those that were adopted."""
        self._publish, self.clock, self.journal_id, self._kin = publish, clock, journal_id, kin
        self.submitting: set[str] = set()
        """Client ids whose outcome a task of the broker is resolving: nobody else should."""
        self.sent_s: dict[str, float] = {}
        """When an order left, on the loop's clock."""
        self.checked_s: dict[str, float] = {}
        """Stops that rode on an entry and were read back as they should be, with when, on the loop's clock."""
        self.filled_base: dict[str, Decimal] = {}
        """By client id: what was published of its fills."""
        self.dirty_count: dict[str, int] = {}
        """By coin: counts everything that may have made a reading of the account out of date."""
        self.moved_base: dict[str, Decimal] = {}
        """By coin: all executions that were met, whosever they are; bought less sold."""
        self.others_traded: set[str] = set()
        """Coins of which executions were met that are none of ours."""
        self._owners: dict[tuple[str, str], str] = {}
        self._published, self._met = RecentIds(), RecentIds()

    def publish(self, *facts: Event) -> None:
        if facts:
            self._publish(facts)

    def mark_dirty(self, coin: str) -> None:
        self.dirty_count[coin] = self.dirty_count.get(coin, 0) + 1

    def ours(self, client_id: str) -> bool:
        """Whether this journal made the id."""
        return client_order_id.sequence_of(client_id, self.journal_id) is not None

    def kin(self, client_id: str) -> bool:
        """Whether this journal made the id, or one that is ours too."""
        return self.ours(client_id) or client_order_id.journal_of(client_id) in self._kin

    def sent(self, client_id: str, now_s: float) -> None:
        _keep(self.sent_s, client_id, now_s)

    def checked(self, stop_id: str, now_s: float) -> None:
        _keep(self.checked_s, stop_id, now_s)

    def link(self, coin: str, venue_order_id: str, client_id: str) -> None:
        """Fills under `venue_order_id` belong to `client_id`; empty: to nobody of ours."""
        if venue_order_id:
            _keep(self._owners, (coin, venue_order_id), client_id)

    def owner(self, coin: str, trade: TradeReport) -> str | None:
        """Client id of ours, empty when it is none of ours, None when the venue must be queried."""
        if self.ours(trade.client_id):
            return trade.client_id
        return self._owners.get((coin, trade.venue_order_id))

    def named(self, coin: str, venue_order_id: str) -> str:
        """Client id of ours under which the venue's order is known here; empty when it is not."""
        return self._owners.get((coin, venue_order_id), "")

    def trade(self, traded: TradedContract, trade: TradeReport, client_id: str) -> bool:
        """Publish an execution unless that was done; False when there was nothing new. One that seems to be nobody's is
        not remembered: who owned its order may only be known later."""
        coin = traded.instrument.coin
        fact, execution = fact_of(trade, client_id, traded), f"{coin} {trade.trade_id}"
        if not self._met.is_repeat(execution):
            moved_base = trade.quantity_base if trade.buys else -trade.quantity_base
            self.moved_base[coin] = self.moved_base.get(coin, ZERO) + moved_base
        if fact is None:
            self.others_traded.add(coin)
        if fact is None or self._published.is_repeat(execution):
            return False
        if isinstance(fact, Fill):
            _keep(self.filled_base, client_id, self.filled_base.get(client_id, ZERO) + fact.quantity_base)
        self.mark_dirty(coin)
        self.publish(fact)
        return True


def fact_of(
    trade: TradeReport, client_id: str, traded: TradedContract
) -> Fill | PositionLiquidated | PositionDeleveraged | None:
    """None for an execution that is nobody's of ours: it shows in the position alone."""
    venue, coin = traded.instrument.venue, traded.instrument.coin
    closed = Side.SHORT if trade.buys else Side.LONG
    if trade.kind is TradeKind.LIQUIDATION:
        return PositionLiquidated(
            time_ms=trade.time_ms, venue=venue, coin=coin, side=closed, price=trade.price,
            quantity_base=trade.quantity_base, fee=trade.fee, event_id=trade.trade_id,
        )
    if trade.kind is TradeKind.DELEVERAGED:
        return PositionDeleveraged(
            time_ms=trade.time_ms, venue=venue, coin=coin, side=closed, price=trade.price,
            quantity_base=trade.quantity_base, event_id=trade.trade_id,
        )
    purpose = client_order_id.purpose_of(client_id)
    if purpose is None:
        return None
    reduces = purpose is not Purpose.ENTRY
    return Fill(
        time_ms=trade.time_ms, venue=venue, coin=coin, client_id=client_id, fill_id=trade.trade_id,
        side=closed if reduces else closed.opposite, reduces=reduces, price=trade.price,
        quantity_base=trade.quantity_base, fee=trade.fee, fee_currency=trade.fee_currency, maker=trade.maker,
    )


def _keep(where: dict[Key, Value], key: Key, value: Value) -> None:
    where[key] = value
    if len(where) > KEPT_MAX:
        del where[next(iter(where))]
