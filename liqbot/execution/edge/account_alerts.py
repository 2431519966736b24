"""What the venue says of an account before it hurts: a position soon deleveraged for others, a key that ends."""

import asyncio
from typing import Any, Final

import structlog

from liqbot.execution.edge.order_cache import Clock
from liqbot.venues.trading import PositionReport, TradedContract

ADL_RANK_WARN: Final = 4
"""Of 5, which is next."""
KEY_DAYS_WARN: Final = 14
DAY_MS: Final = 86_400_000
AGAIN_S: Final = 86_400.0
_log = structlog.get_logger(__name__)


def near_deleveraging(position: PositionReport) -> bool:
    """Whether winners of the other side are close to being closed with this one."""
    return bool(position.signed_base) and (position.adl_rank or 0) >= ADL_RANK_WARN


class AccountAlerts:
    """Remembers the newest word of the venue for `status`, and logs what is new and near."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key_expires_ms: int | None = None
        self._key_known = asyncio.Event()
        self._ranks: dict[str, int] = {}
        self._warned: set[str] = set()

    def position(self, traded: TradedContract, report: PositionReport) -> None:
        """As just read. Said once until the rank has fallen again."""
        coin = traded.instrument.coin
        if report.adl_rank is None or not report.signed_base:
            self._ranks.pop(coin, None)
        else:
            self._ranks[coin] = report.adl_rank
        if not near_deleveraging(report):
            self._warned.discard(coin)
        elif coin not in self._warned:
            self._warned.add(coin)
            _log.warning("may be deleveraged for others' losses soon", coin=coin, rank=report.adl_rank, highest=5)

    def key(self, expires_ms: int | None) -> None:
        """When the key ends, read from the venue."""
        self._key_expires_ms = expires_ms
        self._key_known.set()

    @property
    def key_days_left(self) -> float | None:
        """None for a key that has no end, or of which the venue says none."""
        return None if self._key_expires_ms is None else (self._key_expires_ms - self._clock()) / DAY_MS

    async def run(self) -> None:
        """Warns of the key every day of its last ones. Until cancelled."""
        await self._key_known.wait()
        while True:
            left = self.key_days_left
            if left is not None and left < KEY_DAYS_WARN:
                _log.warning("the key ends soon, and no stop can be placed after it: make a new one",
                             days_left=round(left, 1))
            await asyncio.sleep(AGAIN_S)

    @property
    def notices(self) -> dict[str, Any]:
        """For `status`; ranks from 1 (or 0) to 5 by coin."""
        left = self.key_days_left
        return {"adl_ranks": dict(self._ranks), "key_days_left": None if left is None else round(left, 1)}
