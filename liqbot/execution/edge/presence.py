"""One instance per account, wherever it runs: each leaves marks at the venue and looks for those of others.

A mark is an order that expires as it comes, under a client id that names the journal. Each instance writes first and
reads afterwards. The venue puts all orders of an account in one sequence, so of two that begin together at least the
later one sees the other: the earlier goes on, the later refuses, and says so by a mark too.
"""

import asyncio
import time
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final, NamedTuple

import structlog

from liqbot.execution import client_order_id
from liqbot.execution.client_order_id import GONE, PRESENT
from liqbot.instruments import Instrument
from liqbot.venues.errors import OutcomeUnknown, VenueError, VenueRefused
from liqbot.venues.marks import AccountMarks, OrderMark
from liqbot.venues.trading import TradedContract, VenueCaller

RENEW_S: Final = 3_600.0
"""The shortest memory of a venue for an order without a fill is two hours."""
MARK_MS: Final = 8_100_000
"""A mark that is older says nothing any more: whoever lives has renewed it twice since."""
ORDER_MS: Final = 86_400_000
"""The same of an order of a trade."""
SETTLE_S: Final = 1.0
"""Between one's own mark being listed and the reading that counts: lists of orders may come by a moment late."""
AGAIN_S: Final = 300.0
"""Between two tries to leave a mark that the venue did not take."""
LISTED_S_MAX: Final = 15.0
LOOK_S: Final = 0.25
BANISHED_S_MAX: Final = 3.0
PRICE_MAX: Final = 1e12
MARGIN: Final = Decimal("1.2")
"""Over the least notional that a venue takes."""
_log = structlog.get_logger(__name__)


class OtherInstance(NamedTuple):
    """Another instance: its journal, and its newest order."""

    journal_id: str
    newest: OrderMark


class MarkRefusedError(VenueError):
    """The venue did not take our mark, so others will not see us."""


class NotListedError(VenueError):
    """The venue took our mark and does not list it: nothing it lists can be relied on."""


class AccountPresence:
    """Ours on one account, and that of others. `ours` are the journals that count as our own."""

    def __init__(
        self, client: VenueCaller, marks: AccountMarks, venue: str, traded: Sequence[TradedContract], journal_id: str,
        ours: frozenset[str] = frozenset(), *, leaves_marks: bool = True,
    ) -> None:
        self._client, self._marks, self._venue, self._traded = client, marks, venue, tuple(traded)
        self._journal_id, self._ours, self._leaves_marks = journal_id, ours | {journal_id}, leaves_marks
        self._sequence_ms = 0
        self._claimed_s = 0.0
        """When our newest mark was placed: by the wall clock, because a machine that sleeps stops every other."""
        self._claimed_ms = 0
        """The venue's time of one of them; 0 before the first."""
        self._not_before_s = 0.0

    async def begin(self) -> OtherInstance | None:
        """Take the account: None when it is ours now, else who has it. VenueError when that cannot be known."""
        found = _others(await self._recent(everywhere=True), self._ours, time.time_ns() // 1_000_000)
        if found or not self._leaves_marks:
            return found[0] if found else None
        return await self._claim()

    async def look(self) -> OtherInstance | None:
        """Whether another instance trades here, read at every reconciliation: once its orders are there, or its mark
        when ours had lapsed (a process that was suspended for hours). Renews our mark when it is due."""
        lapsed_s = time.time() - self._claimed_s
        if self._leaves_marks and lapsed_s > RENEW_S and time.time() >= self._not_before_s:
            self._not_before_s = time.time() + AGAIN_S
            try:
                if lapsed_s > MARK_MS / 1_000:
                    return await self.begin()
                await self._listed(await self._place(PRESENT))
            except MarkRefusedError as error:
                # Perhaps all money is in the position: that is managed all the same, and orders of others are seen.
                _log.error("no mark was left: another instance that begins now would not see us", error=str(error))
            else:
                lapsed_s = 0.0
        now_ms = self._claimed_ms + int(lapsed_s * 1_000) if self._claimed_ms else time.time_ns() // 1_000_000
        found = _others(await self._recent(), self._ours, now_ms)
        return next((one for one in found if one.newest.client_id[0] != PRESENT), None)

    async def leave(self) -> None:
        """We are here no more: whoever comes next need not wait. Best effort."""
        if not self._claimed_ms:
            return
        try:
            async with asyncio.timeout(BANISHED_S_MAX):
                await self._place(GONE)
        except (VenueError, TimeoutError) as error:
            _log.warning("no word of our end at the venue", error=str(error))

    # --- the claim ------------------------------------------------------------------------------------------------

    async def _claim(self) -> OtherInstance | None:
        mine = await self._listed(await self._place(PRESENT))
        await asyncio.sleep(SETTLE_S)
        others = _others(await self._recent(), self._ours, mine.time_ms)
        earlier = [one for one in others if _counts(one.newest, mine)]
        if earlier:
            await self.leave()
            return earlier[0]
        return None

    async def _listed(self, mark_id: str) -> OrderMark:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + LISTED_S_MAX
        while True:
            for mark in await self._recent():
                if mark.client_id == mark_id:
                    self._claimed_ms = mark.time_ms
                    return mark
            if loop.time() > until_s:
                raise NotListedError(self._venue, f"our order {mark_id} was taken and is not listed")
            await asyncio.sleep(LOOK_S)

    async def _recent(self, *, everywhere: bool = False) -> list[OrderMark]:
        return await self._marks.recent(self._client, self._traded, everywhere=everywhere)

    async def _place(self, letter: str) -> str:
        """A mark; VenueError when it was not taken."""
        traded = self._traded[0]
        instrument = traded.instrument
        price = mark_price(instrument, await self._last_price(instrument), self._marks.away_pct)
        self._sequence_ms = max(self._sequence_ms + 1, time.time_ns() // 1_000_000)
        mark_id = client_order_id.mark_id(self._journal_id, self._sequence_ms, letter)
        call = self._marks.place(mark_id, traded, mark_quantity(instrument, price), price)
        try:
            await self._client.call(call.method, *call.args, weight=call.weight, retry="never")
        except OutcomeUnknown as error:
            _log.warning("whether our mark was taken shows by the list", error=str(error))
        except VenueRefused as refusal:
            if refusal.code not in self._marks.taken_codes:
                why = f"{refusal.code or refusal.kind} {refusal.reason}"
                said = f"it refused the order by which we take the account ({why})"
                raise MarkRefusedError(self._venue, said) from refusal
        if letter == PRESENT:
            self._claimed_s = time.time()
        return mark_id


    async def _last_price(self, instrument: Instrument) -> Decimal:
        ticker = await self._client.call("fetch_ticker", instrument.symbol)
        last = ticker.get("last") if isinstance(ticker, dict) else None
        if not isinstance(last, int | float) or not 0 < last < PRICE_MAX:
            raise VenueError(self._venue, f"it gives no price of {instrument.symbol}: {last!r}")
        return Decimal(str(last))


def mark_price(instrument: Instrument, last_price: Decimal, away_pct: Decimal) -> Decimal:
    """So far below the market that it cannot trade as it comes."""
    return instrument.round_price(last_price * (100 - away_pct) / 100)


def mark_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    """The least that the venue takes."""
    least_base = max(instrument.quantity_step_base, instrument.min_notional_usd * MARGIN / price)
    steps = (least_base / instrument.quantity_step_base).to_integral_value(ROUND_CEILING)
    return steps * instrument.quantity_step_base


def _others(marks: Sequence[OrderMark], ours: frozenset[str], now_ms: int) -> list[OtherInstance]:
    """Instances of other journals that may be alive: whatever rests counts, and what is new enough, unless its newest
    word is that it has gone. The newest first."""
    found: dict[str, list[OrderMark]] = {}
    for mark in marks:
        journal_id = client_order_id.journal_of(mark.client_id)
        if journal_id and journal_id not in ours:
            found.setdefault(journal_id, []).append(mark)
    signs = {journal_id: _sign(of_one, now_ms) for journal_id, of_one in found.items()}
    others = [OtherInstance(journal_id, newest) for journal_id, newest in signs.items() if newest is not None]
    return sorted(others, key=lambda other: other.newest.time_ms, reverse=True)


def _sign(marks: Sequence[OrderMark], now_ms: int) -> OrderMark | None:
    """The newest order that says that one of them lives: an order of a trade before a mere mark."""
    ends = [mark for mark in marks if mark.client_id[0] == GONE]
    gone_ms = max((mark.time_ms for mark in ends), default=-1)
    last_end = max((mark.client_id[1:] for mark in ends), default="")
    traded = [mark for mark in marks if mark.client_id[0] not in (PRESENT, GONE)]
    resting = [mark for mark in traded if mark.resting]
    traded = [mark for mark in traded if now_ms - mark.time_ms < ORDER_MS and mark.time_ms > gone_ms]
    # Marks of one journal count on in their ids.
    claims = [mark for mark in marks if mark.client_id[0] == PRESENT and mark.client_id[1:] > last_end]
    claims = [mark for mark in claims if now_ms - mark.time_ms < MARK_MS]
    return next((max(signs, key=lambda mark: mark.time_ms) for signs in (resting, traded, claims) if signs), None)


def _counts(other: OrderMark, mine: OrderMark) -> bool:
    """Whether it was there before us. Of two marks of the same millisecond both refuse."""
    return other.client_id[0] != PRESENT or other.time_ms <= mine.time_ms
