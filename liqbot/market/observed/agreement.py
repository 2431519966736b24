"""Which venues agree on one coin's price: a venue that leaves the others for a while is put in quarantine, and what
nobody can decide is a dispute.

Prices are compared as ratios, so that a half and a double are equally far. A venue is judged by prices that others
gave after it left: one that leads by seconds is not wrong, it is early.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from liqbot.market.observed.feed_news import FeedNews
from liqbot.market.observed.majority import majority_price, within_ratio
from liqbot.market.params import AgreementParams

PRICE_FEED: Final = "price"
"""The feed that is down while a venue's price is not that of the others."""
ABSENT = float("nan")


class Accord(StrEnum):
    """How a venue stands to the others."""

    AGREES = ""
    QUARANTINED = "quarantined"
    """Most venues agree with each other and not with it: nothing of it is used."""
    DISPUTED = "disputed"
    """No majority agrees: nobody knows which of them is wrong."""


class OwnPrice(NamedTuple):
    """The newest price that a venue gave, believed or not, in the reference quote."""

    venue: int
    price: float
    time_ms: int


class VenueStanding(msgspec.Struct):
    """One venue's. Mutable: folded step by step."""

    accord: Accord = Accord.AGREES
    since_ms: int = 0
    """Of the accord."""
    outside_ms: int = 0
    """Since when its price is outside the band without a break; 0 inside."""
    left_price: float = ABSENT
    """Its price then, and that of the others, in the reference quote."""
    others_price: float = ABSENT
    inside_ms: int = 0
    """While it does not agree: since when its price is well inside the band again; 0 outside."""
    price: float = ABSENT
    """The newest that it gave, in its own quote; kept while some venue is apart."""
    price_ms: int = 0
    far: bool = False
    """Its newest prices are refused one by one."""


class PriceAgreement:
    """`vote` at steps where some venue is apart; then `left_out` are the venues of which nothing is used."""

    def __init__(self, coin: str, venues: Sequence[str], params: AgreementParams) -> None:
        self._venues, self._params = venues, params
        self._band = 1.0 + params.band_pct / 100.0
        self._inner = 1.0 + params.return_band_pct / 100.0
        self.standings = [VenueStanding() for _ in venues]
        self.apart = False
        """Whether any venue is outside the band, or was and has not returned."""
        self.left_out: frozenset[int] = frozenset()
        self.news = FeedNews(coin)
        """Who left and who returned."""

    # --- the vote -----------------------------------------------------------------------------------------------------

    def newest(self, venue: int, price: float, time_ms: int) -> tuple[float, int]:
        """Price and time of a venue's newest price in its own quote; `price` at `time_ms` is the last believed one."""
        own = self.standings[venue]
        return (own.price, own.price_ms) if own.price_ms > time_ms else (price, time_ms)

    def note(self, offered: Mapping[int, float], now_ms: int) -> None:
        """What venues gave in this step."""
        for venue, price in offered.items():
            self.standings[venue].price, self.standings[venue].price_ms = price, now_ms

    def vote(self, prices: Sequence[OwnPrice], offered: Iterable[int], now_ms: int) -> None:
        """Judge the venues that offered a price in this step, against every fresh price."""
        around = majority_price((one.price for one in prices), self._band)
        by_venue = {one.venue: one for one in prices}
        for venue, standing in enumerate(self.standings):
            if standing.accord is Accord.DISPUTED and venue not in by_venue:
                # What is silent disputes nothing; it is used again once it agrees.
                standing.accord, standing.since_ms = Accord.QUARANTINED, now_ms
        for venue in offered:
            if venue in by_venue:
                self._judge(by_venue[venue], prices, around, now_ms)
        self._settle()

    def _judge(self, own: OwnPrice, prices: Sequence[OwnPrice], around: float | None, now_ms: int) -> None:
        standing = self.standings[own.venue]
        if around is not None and within_ratio(own.price, around, self._band):
            standing.outside_ms = 0
            if standing.accord is Accord.DISPUTED or len(prices) > 1:
                self._approach(own, standing, around, now_ms)
            return
        others = around if around is not None else self._nearest(own, prices)
        standing.inside_ms = 0
        if not standing.outside_ms or self._followed(own.price, others, standing):
            standing.outside_ms, standing.left_price, standing.others_price = now_ms, own.price, others
        if now_ms - standing.outside_ms < self._params.after_ms or not self._confirmed(own, standing, prices):
            return
        if around is not None:
            self._enter(own, standing, Accord.QUARANTINED, now_ms, f"{_away(own.price, around)} most venues")
        elif standing.accord is Accord.AGREES:
            why = f"{_away(own.price, others)} the nearest other, without a majority"
            self._enter(own, standing, Accord.DISPUTED, now_ms, why)

    def _nearest(self, own: OwnPrice, prices: Sequence[OwnPrice]) -> float:
        """Of the prices that do not agree with a venue's; its own where all do."""
        others = [one.price for one in prices if not within_ratio(one.price, own.price, self._band)]
        return min(others, key=lambda price: abs(price - own.price), default=own.price)

    def _followed(self, price: float, others: float, standing: VenueStanding) -> bool:
        """Whether the others have come where it was when it left, or it has come where they were: one of them is only
        early, however fast and far they go."""
        if standing.accord is not Accord.AGREES:
            return False
        came = (others, standing.left_price), (price, standing.others_price)
        return any(within_ratio(one, other, self._inner) for one, other in came)

    def _confirmed(self, own: OwnPrice, standing: VenueStanding, prices: Sequence[OwnPrice]) -> bool:
        """Whether others disagree by prices that they gave after this one left, and not by older ones alone."""
        later = [one.price for one in prices if one.venue != own.venue and one.time_ms > standing.outside_ms]
        return 2 * sum(not within_ratio(price, own.price, self._band) for price in later) >= max(1, len(later))

    def _approach(self, own: OwnPrice, standing: VenueStanding, around: float, now_ms: int) -> None:
        """Back for good once it has been well inside for a while."""
        if standing.accord is Accord.AGREES:
            return
        if not within_ratio(own.price, around, self._inner):
            standing.inside_ms = 0
            return
        standing.inside_ms = standing.inside_ms or now_ms
        if now_ms - standing.inside_ms >= self._params.return_ms:
            standing.accord, standing.since_ms, standing.inside_ms = Accord.AGREES, now_ms, 0
            self.news.up(self._venues[own.venue], PRICE_FEED, now_ms)

    def _enter(self, own: OwnPrice, standing: VenueStanding, accord: Accord, now_ms: int, reason: str) -> None:
        if standing.accord is accord:
            return
        standing.accord, standing.since_ms = accord, now_ms
        self.news.down(self._venues[own.venue], PRICE_FEED, now_ms, f"{accord}: {own.price:.8g} is {reason}")

    # --- the outcome --------------------------------------------------------------------------------------------------

    def refused(self, venues: Iterable[int], believed: Callable[[int], bool]) -> None:
        """After the step's prices were weighed one by one: of which of these `venues` none was believed."""
        for venue in venues:
            self.standings[venue].far = not believed(venue)
        self._settle()

    def _settle(self) -> None:
        self.apart = any(one.accord or one.outside_ms or one.far for one in self.standings)
        self.left_out = frozenset(
            venue for venue, one in enumerate(self.standings) if one.far or one.accord is Accord.QUARANTINED
        )

    def quarantined(self, venue: int) -> bool:
        return self.standings[venue].accord is Accord.QUARANTINED

    def accord_of(self, venue: int) -> Accord:
        return self.standings[venue].accord

    @property
    def disputed(self) -> bool:
        """Whether nobody knows which of some venues is wrong."""
        return self.apart and any(one.accord is Accord.DISPUTED for one in self.standings)

    def state(self) -> list[Any]:
        return [[msgspec.to_builtins(one) for one in self.standings], self.news.state()]

    def load_state(self, state: list[Any]) -> None:
        self.standings = [VenueStanding(**one | {"accord": Accord(one["accord"])}) for one in state[0]]
        self.news.load_state(state[1])
        self._settle()


def _away(price: float, other: float) -> str:
    return f"{(price / other - 1.0) * 100.0:+.1f} % from"
