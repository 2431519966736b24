"""`VenueFeed`: one venue's live market data.

The client keeps connections and subscriptions; raw messages are decoded at the tap, so that no burst is lost. Trades
become bars, and everything goes to the inbox a few times a second.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
import structlog

from liqbot.blocks import Roster, block_of
from liqbot.connection.client import VenueClient
from liqbot.connection.instruments import wire_book
from liqbot.events import FeedDown, FeedUp, FundingRate, Liquidation, MarketEvent, MarkPrice
from liqbot.market.feeds.account_reader import AccountReader
from liqbot.market.feeds.fact_times import Fact, FactTimes
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.market.feeds.inferred_feeds import FEED_OF, facts_beside, left_out, without
from liqbot.market.feeds.listing_check import ListedAnew, ListingCheck, TermsUnknown
from liqbot.market.feeds.listing_memory import NO_MEMORY, ListingMemory
from liqbot.market.feeds.malformed_rows import MalformedRows
from liqbot.market.feeds.params import FeedParams
from liqbot.market.feeds.polls import Polls
from liqbot.market.feeds.ports import NO_RAW_SINK, Clock, RawSink, Sink
from liqbot.market.feeds.subscriptions import Subscription, subscriptions
from liqbot.market.feeds.tier_check import compare_tiers
from liqbot.market.feeds.trade_bars import TradeCollector, bar_rows
from liqbot.venues.errors import ContractChanged, VenueError
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook
from liqbot.venues.streams import VenueWire

_WATCHDOG_S: Final = 0.5
_RETRY_S_MIN: Final = 0.25
_DOUBLINGS_MAX: Final = 6
_CHANGED_MAX: Final = 3
"""Answers in a row by which a contract is not what this version knows, until that is believed."""
_SUSPECT_SILENCES: Final = 3
"""Times in a row that a stream was given up, until the feed checks whether its contract is still listed."""
_log = structlog.get_logger()


def _nothing() -> None:
    """There is no tap to take off yet."""


class VenueFeed:
    """Runs until cancelled. Trouble at the venue is a FeedDown, never an error; `stats` says how it is doing."""

    def __init__(
        self, client: VenueClient, wire: VenueWire, roster: Roster, clock: Clock, params: FeedParams | None = None,
        raw: RawSink = NO_RAW_SINK, memory: ListingMemory = NO_MEMORY,
    ) -> None:
        """The client is the feed's to use, not to close. Contracts are those of the venue's keys in the roster, and
        `memory` is how an earlier process knew them."""
        self._client, self._roster, self._clock, self._raw = client, roster, clock, raw
        self._params = params or FeedParams()
        self.left_out = left_out(client.spec, self._params)
        """Feeds that are known by inference alone, and not wanted."""
        self._wire = without(wire, self.left_out)
        self.stats = FeedStats()
        self._malformed = MalformedRows(self.stats, clock)
        self._facts: list[MarketEvent | FeedUp | FeedDown] = []
        self._times = FactTimes(self.stats)
        self._book = WireBook(wire.venue, ())
        self._subscriptions: list[Subscription] = []
        period_s = self._params.listing_check_min * 60.0
        self._listing = ListingCheck(client, roster, clock, self._take_polled, period_s, memory)
        self._polls = self._polled()
        self._reader: AccountReader | None = None
        self._collector = TradeCollector(0, self._params.trade_span_ms, self.stats)
        self._lines: dict[tuple[str, str, str], tuple[Subscription, list[FeedStatus]]] = {}
        """By feed, venue key and coin: the lines of that contract on the same stream, which live and die together."""
        self._index_of: dict[tuple[str, str], int] = {}
        """Contracts of the book by venue key and coin."""
        self._trade_lines: list[list[FeedStatus]] = []
        """By contract: the lines of the stream that carries its trades, and its forced orders where they come in it."""
        self._unconfirmed: dict[str, list[Subscription]] = {}
        """Socket -> subscriptions on which nothing has been received since they were made."""

    async def run(self, inbox: Sink) -> None:
        if self.left_out:
            _log.warning("feeds not read", venue=self._wire.venue, feeds=sorted(self.left_out),
                         reason="known from the client's parser alone; feeds.inferred = true reads them")
        while await self._read(inbox):
            _log.warning("contracts listed anew", venue=self._wire.venue)

    async def _read(self, inbox: Sink) -> bool:
        """Whether to begin again, under other terms of a contract."""
        untap: Callable[[], None] = _nothing
        again = False
        try:
            async with asyncio.TaskGroup() as group:
                flushing = group.create_task(self._flush(inbox))
                if not await self._opened():
                    flushing.cancel()
                    return False
                untap = self._client.tap(self.take)
                for subscription in self._subscriptions:
                    group.create_task(self._keep(subscription))
                self._polls.start(group)
                if self._reader is not None:
                    self._reader.start(group)
                group.create_task(self._watchdog())
                group.create_task(self._listing.run(self._book, self._silent))
                group.create_task(self._check_tiers())
        except* ListedAnew:
            self._client.drop([one.url for one in self._subscriptions if one.url is not None], "listed anew")
            again = True
        except* TermsUnknown:
            reason = "its contracts are listed in terms that this version does not read"
            self._facts += [
                news for one in self._subscriptions for line in one.lines for news in line.fall(self._clock(), reason)
            ]
        finally:
            untap()
            self._put(inbox, everything=True)
        return again

    async def _opened(self) -> bool:
        """Contracts loaded, however long the venue stays away. False when they are not what this version knows, and
        that is repeated: one such answer may be nonsense."""
        pause_s, changed = _RETRY_S_MIN, 0
        while not self._client.opened:
            try:
                await self._client.open(self._roster.coins)
            except VenueError as error:
                self._refused(str(error))
                changed = changed + 1 if isinstance(error, ContractChanged) else 0
                if changed == _CHANGED_MAX:
                    return False
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._params.retry_s_max)
        self._raw.began(self._wire.venue, self._client.exchange.markets, self._clock())
        self.prepare(self._client.exchange.markets)
        self._listing.begin(self._client.exchange.markets, self._book)
        return True

    def prepare(self, markets: Mapping[str, Any]) -> None:
        """For messages about these contracts (by unified symbol); `take` understands them from then on."""
        self._book = wire_book(markets, self._client.spec, self._roster)
        self._subscriptions = subscriptions(self._wire, self._book)
        self._polls = self._polled()
        self._reader = self._reads()
        self._collector = TradeCollector(len(self._book.contracts), self._params.trade_span_ms, self.stats)
        self._lines = {
            (line.feed, line.contract.venue_key, line.contract.coin): (subscription, subscription.beside(line))
            for subscription in self._subscriptions for line in subscription.lines
        }
        self._index_of = {(one.venue_key, one.coin): index for index, one in enumerate(self._book.contracts)}
        self._trade_lines = [] if "trades" in self.left_out else [
            self._lines["trades", contract.venue_key, contract.coin][1] for contract in self._book.contracts
        ]

    def _polled(self) -> Polls:
        return Polls(
            self._client, self._wire, self._book, self._clock, self._take_polled, self.stats, self._malformed,
            self._raw, self._listing.suspect,
        )

    def _reads(self) -> AccountReader | None:
        """None where positions are not public, or nobody wants them."""
        if self._wire.positions is None or not self._params.accounts.enabled:
            return None
        self._book.wants_parties = True
        return AccountReader(
            self._client, self._wire.positions, self._book, self._clock, self._take_polled, self.stats,
            self._malformed, self._params.accounts,
        )

    def _refused(self, reason: str) -> None:
        """Nothing of the venue can be had; said once, for every feed."""
        _log.warning("venue not reached", venue=self._wire.venue, reason=reason)
        if self.stats.refusals == 0:
            feeds = sorted({feed for stream in self._wire.streams for feed in stream.feeds})
            self._facts += [
                FeedDown(time_ms=self._clock(), venue=key, coin=coin, feed=feed, reason=reason)
                for key in self._roster.venues if key.split(":")[0] == self._wire.venue
                for coin in self._roster.coins for feed in feeds
            ]
        self.stats.refusals += 1

    def resync(self) -> None:
        """Ask soon for what requests carry, as after a gap."""
        self._polls.resync()

    # --- messages -------------------------------------------------------------------------------------------------

    def take(self, raw: str | bytes, url: str) -> bool:
        """The tap: True when the message was market data. Never raises."""
        stats = self.stats
        stats.messages += 1
        now_ms = self._book.received_ms = self._clock()
        self._raw.message(self._wire.venue, raw, url, now_ms)
        if url in self._unconfirmed:
            self._confirm(url, now_ms)
        try:
            parsed = self._wire.parse(raw, self._book)
        except MalformedMessage as error:
            self._malformed.message(error)
            # Consumed: the unified client would choke on it and stop reading its socket.
            return True
        stats.ignored += parsed.ignored
        if self._book.rejected or self._book.off_book:
            self._malformed.take(self._book)
        if parsed.trades and self._trade_lines:
            stats.trades += len(parsed.trades)
            self._collector.take(parsed.trades, now_ms)
            for index in {trade[0] for trade in parsed.trades}:
                for line in self._trade_lines[index]:
                    line.seen(now_ms)
                    if line.state != "up":
                        self._lines[line.feed, line.contract.venue_key, line.contract.coin][0].silences = 0
                        self._facts += line.rise(now_ms)
        if parsed.facts:
            self._take_facts(parsed, now_ms)
        if parsed.parties and self._reader is not None:
            self._reader.meet(parsed.parties)
        return parsed.ours

    def _take_facts(self, parsed: Parsed, now_ms: int) -> None:
        facts = self._timely(parsed.facts, now_ms)
        for fact in facts:
            self.stats.forced_orders += type(fact) is Liquidation
            if self._reader is not None and type(fact) is MarkPrice:
                self._reader.mark(self._index_of[fact.venue, fact.coin], fact.mark_price)
            found = self._lines.get((FEED_OF[type(fact)], fact.venue, fact.coin))
            if found is not None:
                subscription, lines = found
                subscription.silences = 0
                for line in lines:
                    line.seen(now_ms)
                    self._facts += line.rise(now_ms)
        self.stats.facts += len(facts)
        self._facts += facts

    def _take_polled(self, facts: Iterable[MarketEvent | FeedUp | FeedDown]) -> None:
        self._facts += self._timely(facts, self._clock())

    def _timely(self, facts: Iterable[Fact], now_ms: int) -> list[Fact]:
        """Those that are wanted and of this time."""
        found = self._times.timely(facts_beside(facts, self.left_out) if self.left_out else facts, now_ms, self._book)
        if self._book.rejected:
            self._malformed.take(self._book)
        for fact in found:
            if isinstance(fact, FundingRate):
                self._facts += self._listing.watch.rated(fact)
        return found

    def _confirm(self, url: str, now_ms: int) -> None:
        """The first message after subscribing, be it an acknowledgement: lines that may rightly be silent are up."""
        for subscription in self._unconfirmed.pop(url):
            if subscription.losses:
                self._polls.resync()
            for line in subscription.lines:
                if line.silence_ms_max is None:
                    self._facts += line.rise(now_ms)

    # --- subscriptions --------------------------------------------------------------------------------------------

    async def _keep(self, subscription: Subscription) -> None:
        pause_s = _RETRY_S_MIN
        while True:
            subscription.begin(self._clock())
            try:
                await self._watch(subscription, lambda url: self._dialled(subscription, url))
            except VenueError as error:
                self._listing.suspect(error)
                lasted_ms = self._clock() - subscription.started_ms
                pause_s = _RETRY_S_MIN if lasted_ms > 10_000 else min(2 * pause_s, self._params.retry_s_max)
                self._lost(subscription, str(error))
                await asyncio.sleep(pause_s)
            else:
                # The client read a message that the tap left to it; the subscription stands.
                await asyncio.sleep(0.01)

    async def _watch(self, subscription: Subscription, on_url: Callable[[str], None]) -> None:
        stream = subscription.stream
        if stream.socket is not None:
            await self._client.raw.watch(stream.socket, subscription.contracts, on_url)
        await self._client.watch(stream.method, *subscription.arguments, on_url=on_url)

    def _dialled(self, subscription: Subscription, url: str) -> None:
        subscription.url = url
        if not subscription.waiting:
            return
        subscription.waiting = False
        unconfirmed = self._unconfirmed.setdefault(url, [])
        if subscription not in unconfirmed:
            unconfirmed.append(subscription)

    def answered_again(self, poll: int, payload: Any) -> None:
        self._polls.answered_again(poll, payload)

    def lost_again(self, index: int, reason: str) -> None:
        """As a recording of the stream says."""
        self._lost(self._subscriptions[index], reason)

    def _lost(self, subscription: Subscription, reason: str) -> None:
        now_ms = self._clock()
        self._raw.lost(self._wire.venue, self._subscriptions.index(subscription), reason, now_ms)
        subscription.waiting = True
        subscription.losses += 1
        self.stats.reconnects += 1
        if "mark" in subscription.stream.feeds:
            self._book.forget(subscription.indices)
        for line in subscription.lines:
            self._facts += line.fall(now_ms, reason)
        _log.warning("stream lost", venue=self._wire.venue, feeds=subscription.stream.feeds, reason=reason)

    async def _watchdog(self) -> None:
        """A silent socket raises nothing by itself: it is given up, and dialled anew ever more patiently."""
        while True:
            await asyncio.sleep(_WATCHDOG_S)
            now_ms = self._clock()
            for subscription in self._subscriptions:
                silent = subscription.silent_lines(now_ms, self._params.silence_factor)
                for line, age_ms in silent:
                    self._facts += line.fall(now_ms, f"silent for {age_ms / 1_000:.1f} s")
                if silent and len(silent) == len(subscription.lines) and subscription.url is not None:
                    self._give_up(subscription, silent[0][1])

    def _give_up(self, subscription: Subscription, age_ms: float) -> None:
        patience = 2.0 ** min(subscription.silences, _DOUBLINGS_MAX)
        limit_ms = subscription.lines[0].limit_ms(self._params.silence_factor)
        if subscription.url is not None and limit_ms is not None and age_ms > limit_ms * patience:
            subscription.silences += 1
            self.stats.silences += 1
            if subscription.silences >= _SUSPECT_SILENCES:
                self._listing.suspect()
            received_ms = self._clock() - age_ms
            self._client.drop([subscription.url, *self._mute_since(received_ms)], "silent")
            subscription.url = None

    def _mute_since(self, received_ms: float) -> set[str]:
        """Sockets whose own silence says nothing, and that were silent since as well: what took one connection away
        may have taken theirs along."""
        return {
            one.url for one in self._subscriptions
            if one.url is not None and all(line.silence_ms_max is None for line in one.lines)
            and max([one.started_ms, *(line.seen_ms for line in one.lines)]) <= received_ms
        }

    def _silent(self) -> list[FeedStatus]:
        """Lines of streams that stay silent however often they are dialled."""
        return [line for one in self._subscriptions if one.silences >= _SUSPECT_SILENCES for line in one.lines]

    async def _check_tiers(self) -> None:
        """Published margin tiers against those we calculate with: a difference is shown, never taken over unseen."""
        while self._wire.tiers is not None:
            differences = await compare_tiers(self._client, self._wire.tiers, self._book, self._malformed.message)
            if differences is not None:
                self.stats.tier_differences = differences
            for difference in differences or ():
                _log.warning("margin tiers differ", venue=self._wire.venue, difference=difference)
            await asyncio.sleep(self._params.tier_check_h * 3_600 if differences is not None else 60)

    def mark_price(self, coin: str) -> float | None:
        """The newest mark of the coin's contracts, the first one's before others; None before any was received."""
        marks = (quote.mark_price for contract, quote in zip(self._book.contracts, self._book.quotes, strict=True)
                 if contract.coin == coin)
        return next((mark for mark in marks if mark == mark), None)

    # --- toward the house -----------------------------------------------------------------------------------------

    @property
    def listening(self) -> bool:
        """Whether every stream has been opened and has delivered since."""
        dialled = [subscription for subscription in self._subscriptions if not subscription.waiting]
        return 0 < len(dialled) == len(self._subscriptions) and not self._unconfirmed

    def flush(self, inbox: Sink, *, everything: bool = False) -> None:
        """Hand over what was gathered before it is time to; `everything` ends bars that are still open."""
        self._put(inbox, everything=everything)

    async def _flush(self, inbox: Sink) -> None:
        while True:
            await asyncio.sleep(self._params.flush_ms / 1_000)
            self._put(inbox)

    def _put(self, inbox: Sink, *, everything: bool = False) -> None:
        now_ms = self._clock()
        bars = self._collector.flush(now_ms, everything=everything)
        facts, self._facts = self._facts, []
        if not bars and not facts:
            return
        part = block_of(facts, self._roster)
        if bars:
            codes = [(self._roster.venue_code(one.venue_key), self._roster.coin_code(one.coin))
                     for one in self._book.contracts]
            self.stats.bars += len(bars)
            part = msgspec.structs.replace(part, bars=bar_rows(bars, self._params.trade_span_ms, codes))
        self._raw.handed_over(self._wire.venue, part.facts, now_ms, everything=everything)
        inbox.put(part)
