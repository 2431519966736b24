"""What a venue's own list says of our contracts, now and before: whether they are there and trade, under which id, of
which size, tick and funding interval. What changes is reported once, with its reason, as a feed that is down.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from liqbot.events import FeedDown, FeedUp, FundingRate
from liqbot.market.observed.health import LISTING_FEED, TERMS_FEED
from liqbot.venues.market_states import MarketState, trouble_in
from liqbot.venues.parsing import WireBook, WireContract

_TICK: Final = "price tick"
_INTERVALS_ALIKE: Final = 3
"""Rates in a row with another interval until that is believed: a forecast may be published before its settlement."""
News = FeedUp | FeedDown


class _Precision(msgspec.Struct, frozen=True):
    price: float | None = None


class _Row(msgspec.Struct, rename="camel"):
    """Of the unified client's entry of a contract."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    symbol: str
    contract_size: float | None = None
    active: bool | None = None
    precision: _Precision = _Precision()
    info: Any = None
    """The venue's own entry."""


class ContractTerms(msgspec.Struct, frozen=True):
    """As the venue lists a contract at one time."""

    id: str
    size_ratio: float | None
    """Of one contract: base coin, or USD where it is inverse."""
    price_tick: float | None
    active: bool
    """Whether it could be traded then."""
    state: str = ""
    """What the venue itself says against trading it."""

    def differences(self, now: "ContractTerms") -> list[str]:
        """What else it says now, in words; a number that is not given is no change."""
        found = [] if self.id == now.id else [f"renamed from {self.id} to {now.id}"]
        for name, before, after in (
            ("contract size", self.size_ratio, now.size_ratio), (_TICK, self.price_tick, now.price_tick)
        ):
            if before is not None and after is not None and before != after:
                found.append(f"{name} {before:g} became {after:g}")
        return found


def terms_of(listing: object, states: tuple[MarketState, ...] = ()) -> dict[str, ContractTerms]:
    """By unified symbol; entries that do not fit are left out, as contracts of others are of no use."""
    found: dict[str, ContractTerms] = {}
    rows: Iterable[Any] = listing.values() if isinstance(listing, Mapping) else listing if isinstance(
        listing, Sequence) else ()
    for row in rows:
        try:
            one = msgspec.convert(row, _Row, strict=False)
        except msgspec.ValidationError:
            continue
        state = trouble_in(one.info, states)
        found[one.symbol] = ContractTerms(
            one.id, one.contract_size, one.precision.price, one.active is not False and not state, state
        )
    return found


class ListingWatch:
    """Of one venue's contracts. `begin` with the list at the start, then `compare` with later ones."""

    def __init__(self, clock: Callable[[], int], states: tuple[MarketState, ...] = ()) -> None:
        self._clock, self._states = clock, states
        self._terms: dict[str, ContractTerms] = {}
        self._down: dict[tuple[str, str], str] = {}
        """Venue key and coin -> why its listing is down."""
        self._intervals: dict[tuple[str, str], tuple[float, float, int]] = {}
        """Venue key and coin -> interval in force, another that was published, how often in a row."""

    @property
    def terms(self) -> dict[str, ContractTerms]:
        """As listed last, by unified symbol."""
        return dict(self._terms)

    def begin(self, listing: object, book: WireBook, before: Mapping[str, ContractTerms]) -> list[News]:
        """`before`: as an earlier process knew them. What changed meanwhile is reported, and taken as it is now; so is
        one that is closed, and one that was closed then and is open."""
        now, news = terms_of(listing, self._states), list[News]()
        self._terms = {one.symbol: now[one.symbol] for one in book.contracts if one.symbol in now}
        for one in book.contracts:
            found, known = self._terms.get(one.symbol), before.get(one.symbol)
            if found is None:
                continue
            if known is not None:
                news += self._changed(one, known.differences(found), started=True)
                if not known.active:
                    self._down.setdefault((one.venue_key, one.coin), "closed before")
            news += self._closed(one, found) if not found.active else self._rise(one)
        return news

    def compare(
        self, listing: object, book: WireBook, closed: Mapping[str, str] | None = None
    ) -> tuple[list[News], bool]:
        """What became of the contracts of `book`, and whether any is listed under another id or in another size now, so
        that it has to be subscribed anew. A list without any contract says nothing. `closed`: what the venue says of
        itself, by coin, where that means that it cannot be traded."""
        now, news, anew = terms_of(listing, self._states), list[News](), False
        if not now:
            return [], False
        for one in book.contracts:
            found, before = now.get(one.symbol), self._terms.get(one.symbol)
            if found is None:
                news += self._fall(one, f"{one.symbol} is not listed any more ({one.symbol_id})")
            elif not found.active:
                news += self._closed(one, found)
            elif said := (closed or {}).get(one.coin):
                news += self._fall(one, f"{one.symbol} does not trade: {said}")
            else:
                differences = [] if before is None else before.differences(found)
                anew |= any(not one.startswith(_TICK) for one in differences)
                news += self._rise(one) + self._changed(one, differences, started=False)
                self._terms[one.symbol] = found
        return news, anew

    def rated(self, rate: FundingRate) -> list[News]:
        """A funding rate with its interval: a lasting change of that is reported."""
        key = rate.venue, rate.coin
        held_h, other_h, times = self._intervals.get(key, (rate.interval_h, rate.interval_h, 0))
        if rate.interval_h == held_h:
            self._intervals[key] = held_h, held_h, 0
            return []
        times = times + 1 if rate.interval_h == other_h else 1
        if times < _INTERVALS_ALIKE:
            self._intervals[key] = held_h, rate.interval_h, times
            return []
        self._intervals[key] = rate.interval_h, rate.interval_h, 0
        reason = f"funding interval {held_h:g} h became {rate.interval_h:g} h"
        return self._terms_news(rate.venue, rate.coin, reason, up=True)

    def _changed(self, contract: WireContract, differences: Sequence[str], *, started: bool) -> list[News]:
        """What changed; a process that has `started` since trades under the new terms as well."""
        if not differences:
            return []
        reason = f"{contract.symbol}: {', '.join(differences)}"
        return self._terms_news(contract.venue_key, contract.coin, reason, up=started)

    def _terms_news(self, venue: str, coin: str, reason: str, *, up: bool) -> list[News]:
        now_ms = self._clock()
        down = FeedDown(time_ms=now_ms, venue=venue, coin=coin, feed=TERMS_FEED, reason=reason)
        return [down, FeedUp(time_ms=now_ms, venue=venue, coin=coin, feed=TERMS_FEED)] if up else [down]

    def refused(self, contract: WireContract, reason: str) -> list[News]:
        """Its new terms are none that this version can read."""
        return self._fall(contract, reason)

    def reason(self, contract: WireContract) -> str:
        """Why its listing is down; empty while it is not."""
        return self._down.get((contract.venue_key, contract.coin), "")

    def _closed(self, contract: WireContract, found: ContractTerms) -> list[News]:
        said = found.state or "the venue lists it as closed"
        return self._fall(contract, f"{contract.symbol} ({found.id}) does not trade: {said}")

    def _fall(self, contract: WireContract, reason: str) -> list[News]:
        key = contract.venue_key, contract.coin
        if self._down.get(key) == reason:
            return []
        self._down[key] = reason
        if (known := self._terms.get(contract.symbol)) is not None:
            # For the next process: it has to say that the contract is back.
            self._terms[contract.symbol] = msgspec.structs.replace(known, active=False)
        return [FeedDown(
            time_ms=self._clock(), venue=contract.venue_key, coin=contract.coin, feed=LISTING_FEED, reason=reason
        )]  # fmt: skip

    def _rise(self, contract: WireContract) -> list[News]:
        if self._down.pop((contract.venue_key, contract.coin), None) is None:
            return []
        return [FeedUp(time_ms=self._clock(), venue=contract.venue_key, coin=contract.coin, feed=LISTING_FEED)]
