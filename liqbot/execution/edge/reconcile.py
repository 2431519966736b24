"""REST as the truth: orders, fills, position, leverage, money and payments read in full and published as facts.

A reading counts only if nothing moved while it was made; else it is made again. At start, after every break of the
user stream, and every so often.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

import structlog

from liqbot.events import (
    Balance,
    Event,
    FeedDown,
    FeedUp,
    FundingPaid,
    Halt,
    HaltCode,
    OrderAccepted,
    PositionSnapshot,
    Reconciled,
    Transfer,
)
from liqbot.execution import client_order_id
from liqbot.execution.edge.account_alerts import AccountAlerts
from liqbot.execution.edge.broker import Broker
from liqbot.execution.edge.order_cache import OrderCache
from liqbot.execution.edge.order_status import OVERLAP_MS, OrderStatusResolver
from liqbot.execution.edge.presence import AccountPresence
from liqbot.execution.edge.vanished import Vanished
from liqbot.instruments import Side
from liqbot.risk.account import ACCOUNT_FEED, CLOCK_FEED
from liqbot.venues.errors import VenueAuth, VenueError
from liqbot.venues.trading import (
    AccountSettings,
    OrderReport,
    OrderStatus,
    PaymentReport,
    PositionReport,
    TradedContract,
    TradingAdapter,
    VenueCaller,
)

TRIES: Final = 4
QUIET_S: Final = 0.3
AFTER_FAILURE_S: Final = 3.0
AFTER_DOUBT_S: Final = 10.0
"""Until a position is read again that may have vanished: all that is read costs some venues a tenth of their minute."""
UNDER_WAY_S_MAX: Final = 3.0
LOOK_S: Final = 0.02
RATE_AWAY_MS_MAX: Final = 300_000
_log = structlog.get_logger(__name__)


class Reconciler:
    """Of one account. `ready` is set once every contract has been read in full."""

    def __init__(
        self,
        client: VenueCaller,
        adapter: TradingAdapter,
        traded: Sequence[TradedContract],
        orders: OrderCache,
        resolver: OrderStatusResolver,
        broker: Broker,
        alerts: AccountAlerts,
        *,
        period_s: float,
        payments_since_ms: int,
        presence: AccountPresence | None = None,
        vanished: Vanished | None = None,
    ) -> None:
        """`vanished` says which readings of a position do not count yet; None: all do."""
        self._client, self._adapter, self._traded = client, adapter, tuple(traded)
        self._orders, self._resolver, self._broker, self._alerts = orders, resolver, broker, alerts
        self._period_s, self._payments_since_ms = period_s, payments_since_ms
        self._presence, self._vanished = presence, vanished
        self._requested = asyncio.Event()
        self._down = True
        self._alarmed: set[str] = set()
        self.ready = asyncio.Event()

    def request(self) -> None:
        """Soon, whatever the period."""
        self._requested.set()

    def down(self, reason: str) -> None:
        """The user stream broke: nothing counts as reconciled until it has been read again."""
        if not self._down:
            self._down = True
            now_ms = self._orders.clock()
            self._orders.publish(*(
                FeedDown(time_ms=now_ms, venue=one.instrument.venue, coin=one.instrument.coin, feed=ACCOUNT_FEED,
                         reason=reason)
                for one in self._traded
            ))  # fmt: skip

    def doubt(self, reason: str) -> tuple[Event, ...]:
        """Time was lost: nothing that was read, or is being read, counts any more. Reads anew, and gives what says so,
        for the engine to know before anything else."""
        self._down = True
        self.request()
        now_ms = self._orders.clock()
        for one in self._traded:
            self._orders.mark_dirty(one.instrument.coin)
        return tuple(
            FeedDown(time_ms=now_ms, venue=one.instrument.venue, coin=one.instrument.coin, feed=CLOCK_FEED,
                     reason=reason)
            for one in self._traded
        )  # fmt: skip

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            whole = await self.once()
            try:
                async with asyncio.timeout(self._period_s if whole else self._again_s()):
                    await self._requested.wait()
                await asyncio.sleep(QUIET_S)
            except TimeoutError:
                pass
            self._requested.clear()

    def _again_s(self) -> float:
        """After a reading that was not whole."""
        return AFTER_DOUBT_S if self._vanished is not None and self._vanished.again else AFTER_FAILURE_S

    async def once(self) -> bool:
        """One round; True when everything was read in full."""
        try:
            await self._payments()
            whole = True
            for traded in self._traded:
                whole = await self._contract(traded) and whole
            # Last of money: without the payments and fills that it is made of a balance would not be explained.
            await self._balance()
            await self._look_for_others()
        except VenueError as error:
            _log.warning("not reconciled", error=str(error))
            self.down(str(error))
            if isinstance(error, VenueAuth):
                self._alarm(HaltCode.KEY_REFUSED, f"key refused: {error}")
            return False
        if whole and self._down:
            self._down = False
            now_ms = self._orders.clock()
            self._orders.publish(*(
                FeedUp(time_ms=now_ms, venue=one.instrument.venue, coin=one.instrument.coin, feed=ACCOUNT_FEED)
                for one in self._traded
            ))  # fmt: skip
        if whole:
            self.ready.set()
        return whole

    async def _look_for_others(self) -> None:
        """Last in a round: what we hold is read first, and protected, whoever else is there."""
        other = await self._presence.look() if self._presence is not None else None
        if other is not None:
            venue = self._traded[0].instrument.venue
            self._alarm(
                HaltCode.FOREIGN_ORDERS,
                f"orders of another liqbot on {venue}: journal {other.journal_id}, {other.newest.client_id}; "
                "stop it, or take over what it left with liqbot adopt",
            )

    # --- one contract ---------------------------------------------------------------------------------------------

    async def _contract(self, traded: TradedContract) -> bool:
        """False when it never held still, or when what was read of its position does not count yet."""
        coin = traded.instrument.coin
        for _ in range(TRIES):
            await self._nothing_under_way()
            started_ms, dirty_count = self._orders.clock(), self._orders.dirty_count.get(coin, 0)
            settings = await self._adapter.settings(self._client, traded)
            resting = await self._adapter.resting(self._client, traded)
            # Marks of instances expire by themselves.
            resting = [one for one in resting if not client_order_id.is_mark(one.client_id)]
            # Fills before the position: one that comes between shows as somebody else's until published, whereas a
            # position older than a fill that we know would look closed.
            await self._resolver.catch_up(traded)
            position = await self._adapter.position(self._client, traded)
            self._alerts.position(traded, position)
            if dirty_count == self._orders.dirty_count.get(coin, 0) and not self._orders.submitting:
                if self._vanished is not None and not self._vanished.believed(traded, position.signed_base):
                    return False
                self._say(traded, settings, resting, position)
                self._resolver.trades_since_ms = max(self._resolver.trades_since_ms, started_ms - OVERLAP_MS)
                return True
            await asyncio.sleep(QUIET_S)
        return False

    async def _nothing_under_way(self) -> None:
        """While the outcome of an order is open a reading does not count, and on some venues costs a tenth of what they
        allow in a minute."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNDER_WAY_S_MAX):
                while self._orders.submitting:  # noqa: ASYNC110 -- many tasks take from it
                    await asyncio.sleep(LOOK_S)

    def _say(
        self,
        traded: TradedContract,
        settings: AccountSettings,
        resting: Sequence[OrderReport],
        position: PositionReport,
    ) -> None:
        here: dict[str, Any] = {
            "time_ms": self._orders.clock(), "venue": traded.instrument.venue, "coin": traded.instrument.coin
        }
        facts: list[Event] = []
        for report in resting:
            known = report.client_id or self._orders.named(here["coin"], report.venue_order_id)
            client_id = known or f"venue-{report.venue_order_id}"
            if client_order_id.journal_of(client_id) and not self._orders.kin(client_id):
                self._alarm(
                    HaltCode.FOREIGN_ORDERS,
                    f"orders of another liqbot rest on {here['venue']} {here['coin']}: {client_id}",
                )
            ours = self._orders.ours(client_id)
            self._orders.link(here["coin"], report.venue_order_id, client_id if ours else "")
            if ours and report.status is OrderStatus.UNKNOWN:
                # Not mentioned, so that it is queried by its name.
                continue
            facts.append(OrderAccepted(**here, client_id=client_id, venue_order_id=report.venue_order_id))
        self._broker.confirm(traded, settings)
        flat = not position.signed_base
        facts.append(
            PositionSnapshot(
                **here,
                side=Side.SHORT if position.signed_base < 0 else Side.LONG,
                quantity_base=abs(position.signed_base),
                entry_price=position.entry_price,
                leverage=settings.leverage if flat else position.leverage,
                isolated=settings.isolated if flat else position.isolated,
                liquidation_price=None if flat else position.liquidation_price,
            )
        )
        self._orders.publish(*facts, Reconciled(**here))

    # --- money ----------------------------------------------------------------------------------------------------

    async def _payments(self) -> None:
        started_ms = self._orders.clock()
        async for part in self._adapter.payments(self._client, self._traded, self._payments_since_ms, started_ms):
            await self._publish_paid(part.rows)
            # Published to there, whatever becomes of the rest.
            self._payments_since_ms = max(self._payments_since_ms, min(part.read_to_ms, started_ms) - OVERLAP_MS)

    async def _balance(self) -> None:
        wallet_usd = await self._adapter.wallet_usd(self._client)
        first = self._traded[0].instrument
        self._orders.publish(
            Balance(time_ms=self._orders.clock(), venue=first.venue, coin=first.coin, wallet_usd=wallet_usd)
        )

    async def _publish_paid(self, payments: Sequence[PaymentReport]) -> None:
        """Told again every time it is read: under the venue's id it counts once."""
        unrated: dict[str, list[int]] = {}
        for payment in payments:
            if payment.kind == "funding" and payment.rate_pct is None:
                unrated.setdefault(payment.market_id, []).append(payment.time_ms)
        rates = {
            one.market_id: await self._adapter.funding_rates(
                self._client, one, min(unrated[one.market_id]) - RATE_AWAY_MS_MAX,
                max(unrated[one.market_id]) + RATE_AWAY_MS_MAX,
            )
            for one in self._traded if one.market_id in unrated
        }  # fmt: skip
        self._orders.publish(*(self._paid(payment, rates.get(payment.market_id, ())) for payment in payments))

    def _paid(self, payment: PaymentReport, rates: Sequence[tuple[int, float]]) -> FundingPaid | Transfer:
        traded = next((one for one in self._traded if one.market_id == payment.market_id), self._traded[0])
        here: dict[str, Any] = {
            "time_ms": payment.time_ms, "venue": traded.instrument.venue, "coin": traded.instrument.coin,
            "event_id": payment.payment_id,
        }
        if payment.kind == "transfer":
            return Transfer(**here, amount_usd=payment.amount_usd)
        rate_pct = payment.rate_pct if payment.rate_pct is not None else nearest_rate_pct(rates, payment.time_ms)
        return FundingPaid(**here, amount_usd=payment.amount_usd, rate_pct=rate_pct)

    def _alarm(self, code: HaltCode, reason: str) -> None:
        """No entries until a person looks; said once."""
        if reason not in self._alarmed:
            self._alarmed.add(reason)
            _log.error("halted", code=code, reason=reason)
            self._orders.publish(Halt(time_ms=self._orders.clock(), reason=reason, code=code))


def nearest_rate_pct(rates: Sequence[tuple[int, float]], time_ms: int) -> float:
    """The published rate of the settlement at `time_ms`; 0 when none is published for it."""
    near = [(abs(at_ms - time_ms), rate_pct) for at_ms, rate_pct in rates if abs(at_ms - time_ms) <= RATE_AWAY_MS_MAX]
    return min(near)[1] if near else 0.0
