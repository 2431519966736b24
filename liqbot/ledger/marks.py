"""The mark by the minute: what a trade, or an entry that was refused, met with afterwards."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import LedgerState, OpenMinute
from liqbot.market.view import MarketView

_MINUTE_MS: Final = 60_000


class MarkBook:
    """A row per coin once a minute is over."""

    def __init__(self, state: LedgerState, pending: PendingRows) -> None:
        self._state, self._pending = state, pending

    def see(self, seq: int, views: Iterable[MarketView]) -> None:
        """The range of a step counts as the trading venue reported it, where it did."""
        for view in views:
            if view.backfilled or not math.isfinite(view.mark_price):
                continue
            low = min(one for one in (view.mark_price, view.low_price) if math.isfinite(one))
            high = max(one for one in (view.mark_price, view.high_price) if math.isfinite(one))
            held = self._state.minutes.get(view.coin)
            if held is not None and minute_of(held.time_ms) == minute_of(view.time_ms):
                held.low_price, held.high_price = min(held.low_price, low), max(held.high_price, high)
                held.time_ms, held.mark_price = view.time_ms, view.mark_price
                continue
            if held is not None:
                self._write(seq, view.coin, held)
            self._state.minutes[view.coin] = OpenMinute(view.time_ms, low, high, view.mark_price)

    def _write(self, seq: int, coin: str, minute: OpenMinute) -> None:
        self._pending.add(
            "mark_minute", seq=seq, time_ms=minute.time_ms, coin=coin, low_price=Decimal(str(minute.low_price)),
            high_price=Decimal(str(minute.high_price)), mark_price=Decimal(str(minute.mark_price)),
        )


def minute_of(time_ms: int) -> int:
    """A tick closes what was before it: that of the full minute belongs to the minute it ends."""
    return (time_ms - 1) // _MINUTE_MS
