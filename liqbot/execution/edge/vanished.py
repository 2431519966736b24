"""`Vanished`: a reading in which a position is smaller than what was executed leaves it is not believed at once.

An answer can be well-formed and wrong: an empty list while something is held, or a state from before the last fill. Who
believes that nothing is held takes the stops away. Whatever makes a position smaller is an execution, and the venue
lists those apart; one that is listed nowhere (a delisting is settled without any) is believed once the position has
been read so again and again.
"""

import asyncio
from decimal import Decimal
from typing import Final

import msgspec
import structlog

from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.protection_check import Watched
from liqbot.venues.trading import ZERO, TradedContract

BELIEVED_AFTER_S: Final = 60.0
READINGS_MIN: Final = 3
_log = structlog.get_logger(__name__)


class _Account(msgspec.Struct):
    """Of one coin. `read_base` None: nothing has been believed yet."""

    read_base: Decimal | None = None
    moved_base: Decimal = ZERO
    """What had been executed by then, see `OrderCache.moved_base`."""
    doubted_s: float = 0.0
    readings: int = 0


class Vanished:
    """Of one account. `watched` has every coin of which the house holds a position under a stop."""

    def __init__(self, orders: OrderCache, watched: Watched) -> None:
        self._orders, self._watched = orders, watched
        self._coins: dict[str, _Account] = {}

    @property
    def again(self) -> bool:
        """Whether a position is doubted that was read again already: there is no hurry any more."""
        return any(one.readings > 1 for one in self._coins.values())

    def believed(self, traded: TradedContract, signed_base: Decimal) -> bool:
        """Whether the position that was read counts. To be asked of readings that were made after the executions."""
        coin, now_s = traded.instrument.coin, asyncio.get_running_loop().time()
        known = self._coins.setdefault(coin, _Account())
        moved_base = self._orders.moved_base.get(coin, ZERO)
        missing_base = self._missing_base(coin, known, moved_base, signed_base)
        if missing_base is not None:
            known.doubted_s = known.doubted_s if known.readings else now_s
            known.readings += 1
            if known.readings < READINGS_MIN or now_s - known.doubted_s < BELIEVED_AFTER_S:
                _log.error("a position is gone, and nothing was executed that would explain it: read again",
                           coin=coin, read_base=str(signed_base), missing=missing_base, readings=known.readings)
                return False
            _log.error("believed after all: a position is gone", coin=coin, read_base=str(signed_base))
        known.read_base, known.moved_base, known.readings = signed_base, moved_base, 0
        return True

    def _missing_base(
        self, coin: str, known: _Account, moved_base: Decimal, signed_base: Decimal
    ) -> str | None:
        """In words, how much is held less than it should be; None for nothing."""
        if known.read_base is None:
            # The first reading of a process: of what others executed before it nothing is known but that they did.
            others = coin in self._orders.others_traded
            return None if signed_base or others or coin not in self._watched() else "all"
        expected_base = known.read_base + moved_base - known.moved_base
        side = -1 if expected_base < 0 else 1
        missing_base = abs(expected_base) - side * signed_base
        return str(missing_base) if expected_base and missing_base > 0 else None
