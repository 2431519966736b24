"""The loop that reads a venue's list of contracts again: every so often, and soon when something suggests that one of
ours is gone."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.events import FeedDown
from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.market.feeds.listing_memory import NO_MEMORY, ListingMemory
from liqbot.market.feeds.listing_watch import ListingWatch, News
from liqbot.venues.errors import ContractChanged, VenueError, VenueRefused
from liqbot.venues.parsing import WireBook

_PAUSE_S: Final = 5.0
"""Between two looks that something suggests."""
_GONE: Final = frozenset({"BadSymbol"})
"""How the unified client calls refusals of a contract that is not there."""
_log = structlog.get_logger()


class ListedAnew(Exception):
    """A contract is listed under another id or in another size: everything is subscribed anew."""


class TermsUnknown(Exception):
    """A contract's new terms are none that this version can read: nothing of the venue is, until one can."""


class ListingCheck:
    """Of one venue. `take` receives what there is to report."""

    def __init__(
        self, client: VenueClient, roster: Roster, clock: Callable[[], int], take: Callable[[Iterable[News]], None],
        period_s: float, memory: ListingMemory = NO_MEMORY,
    ) -> None:
        self._client, self._roster, self._clock, self._take = client, roster, clock, take
        self._period_s, self._memory = period_s, memory
        self.watch = ListingWatch(clock, client.spec.states)
        self._said: dict[str, str] = {}
        """Coin -> why the venue's market is closed as a whole, as it said last."""
        self._suspected = asyncio.Event()

    def suspect(self, error: Exception | None = None) -> None:
        """Something is silent for so long, or was refused in such words, that its contract may be gone."""
        if error is None or (isinstance(error, VenueRefused) and error.kind in _GONE):
            self._suspected.set()

    def begin(self, markets: Mapping[str, Any], book: WireBook) -> None:
        """With the contracts as they are loaded."""
        for end in self._client.spec.ends:
            if warning := end.warning(self._clock()):
                _log.warning("venue changes", venue=self._client.venue, reason=warning)
        self._report(self.watch.begin(markets, book, self._memory.terms(self._client.venue)))
        self._memory.keep(self._client.venue, self.watch.terms)

    async def run(self, book: WireBook, silent: Callable[[], Iterable[FeedStatus]]) -> None:
        """Until something is listed anew. Lines that are `silent` for long are down with their contract's reason."""
        if await self._ask():
            self._report(self.watch.compare(self._client.exchange.markets, book, self._said)[0])
        while True:
            suspected = await self._due()
            try:
                listing = await self._client.listed()
            except VenueError as error:
                _log.info("contracts not read", venue=self._client.venue, reason=str(error))
                continue
            await self._ask()
            news, anew = self.watch.compare(listing, book, self._said)
            self._report(news)
            if suspected:
                self._take([
                    FeedDown(time_ms=self._clock(), venue=line.contract.venue_key, coin=line.contract.coin,
                             feed=line.feed, reason=reason)
                    for line in silent() if (reason := self.watch.reason(line.contract))
                ])
            if anew:
                await self._open_anew(book)
            self._memory.keep(self._client.venue, self.watch.terms)

    async def _ask(self) -> bool:
        """Whether the venue says that its market is closed; without an answer what it said before stands."""
        status = self._client.spec.status
        if status is None:
            return False
        try:
            self._said = await self._client.call(status.method, {}, decode=lambda answer: {
                coin: said for coin in self._roster.coins if (said := status.read(answer, coin))
            })
        except VenueError as error:
            _log.info("status not read", venue=self._client.venue, reason=str(error))
        return bool(self._said)

    async def _due(self) -> bool:
        """Whether something suggested it."""
        try:
            async with asyncio.timeout(self._period_s):
                await self._suspected.wait()
        except TimeoutError:
            return False
        self._suspected.clear()
        await asyncio.sleep(min(_PAUSE_S, self._period_s / 4))
        return True

    async def _open_anew(self, book: WireBook) -> None:
        try:
            await self._client.open(self._roster.coins)
        except ContractChanged as error:
            self._report([news for one in book.contracts for news in self.watch.refused(one, str(error))])
            raise TermsUnknown from error
        self._memory.keep(self._client.venue, self.watch.terms)
        raise ListedAnew

    def _report(self, news: list[News]) -> None:
        self._take(news)
        for one in news:
            if isinstance(one, FeedDown):
                _log.warning("contract changed", venue=one.venue, coin=one.coin, reason=one.reason)
