"""All venues: the built-in ones, found by looking into this package, and those a user adds; and the margin mechanics
of each.

A module or package beside this one that holds a `VENUE` is a venue: there is no list to add it to.
"""

import difflib
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import liqbot.venues
from liqbot.instruments import AGGREGATE, split_venue_key, venue_key
from liqbot.margin.mechanics import Mechanics
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import grades_of
from liqbot.venues.mechanics import mechanics_for
from liqbot.venues.parsing import INTERVAL_H_USUAL
from liqbot.venues.spec import Capability, VenueSpec
from liqbot.venues.streams import Poll, VenueWire
from liqbot.venues.trading import TradingAdapter

_NAME: Final = re.compile(r"[a-z][a-z0-9]*")
_MARKET: Final = re.compile(r"(futures|swap|perps?|perpetuals?|derivatives|linear)$")
"""What many append to a venue's name for its perpetuals."""


class VenueRegistry(Mapping[str, VenueSpec]):
    """Venue -> spec: first those that can be traded on, then those that are read live, then all others, by name.

    Filled before an engine is built; mechanics that were handed out do not change afterwards.
    """

    def __init__(self, specs: Sequence[VenueSpec]) -> None:
        self._built_in = frozenset(spec.venue for spec in specs)
        self._specs = _ordered(specs)

    def __getitem__(self, venue: str) -> VenueSpec:
        return self._specs[venue]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def spelt(self, name: str) -> str | None:
        """The venue key of a name as clients, archives and data vendors write it (`Binance`, `binance-delivery`,
        `okex-swap`); None for a name that no venue has."""
        plain = _letters(name)
        while plain:
            if plain in self._spellings:
                return self._spellings[plain]
            shorter = _MARKET.sub("", plain)
            if shorter == plain:
                return None
            plain = shorter
        return None

    def nearest(self, name: str) -> str | None:
        """The venue that a name which is none's resembles most."""
        near = difflib.get_close_matches(_letters(name), self._spellings, n=1)
        return split_venue_key(self._spellings[near[0]])[0] if near else None

    @functools.cached_property
    def _spellings(self) -> dict[str, str]:
        """Letters and digits of every spelling -> venue key. A venue's name wins over what others are called, what is
        built in over what was added, and titles give way to all else."""
        ranked = sorted(self._specs.values(), key=lambda spec: spec.venue not in self._built_in)
        spelt = [(spelling, spec.venue) for spec in ranked for spelling in spec.spellings]
        known = {_letters(venue): venue for venue in (*self._specs, AGGREGATE)}
        for spelling, venue in (*spelt, *((spec.title, spec.venue) for spec in ranked)):
            name, contract = split_venue_key(spelling)
            known.setdefault(_letters(name), venue_key(venue, contract))
        return known

    def add(self, spec: VenueSpec) -> None:
        """A venue of the user's. ValueError for a name that is no plain one, or that a built-in venue has; a venue that
        was added before is replaced."""
        if not _NAME.fullmatch(spec.venue) or spec.venue == AGGREGATE:
            raise ValueError(f"venue {spec.venue!r}: small letters and digits are right, as in myvenue")
        if spec.venue in self._built_in:
            raise ValueError(f"venue {spec.venue!r} is built in; give yours another name")
        self._specs = _ordered([*(one for one in self._specs.values() if one.venue != spec.venue), spec])
        self._forget()

    def remove(self, venue: str) -> None:
        """A venue that was added. ValueError for any other."""
        if venue in self._built_in or venue not in self._specs:
            raise ValueError(f"venue {venue!r} was not added")
        self._specs = {name: spec for name, spec in self._specs.items() if name != venue}
        self._forget()

    def _forget(self) -> None:
        self.__dict__.pop("_spellings", None)
        mechanics_of.cache_clear()
        quote_of.cache_clear()


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _ordered(specs: Sequence[VenueSpec]) -> dict[str, VenueSpec]:
    ordered = sorted(specs, key=lambda spec: (spec.trading is None, spec.wire is None, spec.venue))
    return {spec.venue: spec for spec in ordered}


def built_in() -> tuple[VenueSpec, ...]:
    """Every `VENUE` of this package, by the name of its module."""
    found = []
    for module in pkgutil.iter_modules(liqbot.venues.__path__, f"{liqbot.venues.__name__}."):
        if module.name not in _SUPPORT:
            spec = getattr(importlib.import_module(module.name), "VENUE", None)
            if isinstance(spec, VenueSpec):
                found.append(spec)
    return tuple(found)


_SUPPORT: Final = frozenset({__name__, *(f"{liqbot.venues.__name__}.{name}" for name in ("books", "conformance"))})
"""Not looked into: this module, and those that read the registry."""
VENUES: Final = VenueRegistry(built_in())


@functools.lru_cache(maxsize=1024)
def mechanics_of(venue_key: str, coin: str) -> Mechanics:
    """`mechanics_for` of the venue that a key names."""
    return mechanics_for(VENUES.get(split_venue_key(venue_key)[0]), venue_key, coin)


def us_regulated(venue_key: str) -> bool:
    """Whether US rules hold there; a venue that is not known is offshore."""
    spec = VENUES.get(split_venue_key(venue_key)[0])
    return spec is not None and spec.us_regulated


def has_us_basis(venue_key: str) -> bool:
    """Whether its contracts expire under US rules."""
    spec = VENUES.get(split_venue_key(venue_key)[0])
    return spec is not None and spec.us_regulated and not spec.pays_funding


def known_by_inference(venue_key: str) -> bool:
    """Whether the shape of its trades, marks or open interest is known from the unified client's parser alone."""
    spec = VENUES.get(split_venue_key(venue_key)[0])
    grades = grades_of(spec.evidence) if spec is not None and spec.wire is not None else {}
    return any(grades.get(feed) == "inferred" for feed in ("trades", "mark", "open_interest"))


@functools.lru_cache(maxsize=1024)
def quote_of(venue_key: str, coin: str) -> str:
    """The currency in which a contract's prices are; empty where nothing says so. Coin-margined ones are in USD."""
    venue, name = split_venue_key(venue_key)
    spec = VENUES.get(venue)
    contract = spec.contract(name) if spec is not None else None
    if contract is None:
        return {"usdt": "USDT", "usdc": "USDC", "usd": "USD", "coin": "USD"}.get(name, "")
    first = next((one for one in contract.listings if one.coin == coin), contract.listings[0])
    quote = first.symbol.partition("/")[2].partition(":")[0]
    return quote or ("USD" if contract.inverse else contract.settle)


def usual_interval_h(venue_key: str) -> float:
    """Hours between settlements there where nothing that was published says otherwise."""
    spec = VENUES.get(split_venue_key(venue_key)[0])
    return (spec.funding_interval_h if spec is not None else None) or INTERVAL_H_USUAL


def wire_of(venue: str) -> VenueWire:
    """How its market data is read live. ValueError that says why where it cannot be."""
    spec = VENUES.get(venue)
    if spec is None or spec.wire is None:
        raise ValueError(refusal("venues", venue, "market_data"))
    return spec.wire


def mark_poll_of(venue: str) -> Poll:
    """How the marks of its main contracts are asked for. ValueError that says why where they cannot be."""
    for poll in wire_of(venue).polls:
        if poll.feed == "mark" and poll.inverse is not True:
            return poll
    raise ValueError(
        f"trade_venue: {venue!r} has no request for its mark, only a stream: prices cannot be translated into those of "
        "its test access; name another venue, or add a Poll of the feed `mark` to its wire"
    )


def trading_of(venue: str) -> TradingAdapter:
    """How it is traded on. ValueError that says why where it cannot be."""
    spec = VENUES.get(venue)
    if spec is None or spec.trading is None:
        raise ValueError(refusal("trade_venue", venue, "orders"))
    return spec.trading


def protection_of(venue: str) -> EntryProtection:
    """How a position is guarded from its first fill; where that is not known, no stop rides on an entry."""
    spec = VENUES.get(venue)
    known = None if spec is None else spec.protection
    return known or EntryProtection(attached=None, naked="not looked up yet", source="")


_UNABLE: Final[Mapping[Capability, str]] = {
    "market_data": "cannot be read live", "orders": "takes no orders", "forced_orders": "tells no forced orders",
    "test_access": "has no test access",
}


def refusal(setting: str, venue: str, capability: Capability) -> str:
    """One line: what cannot be done with a venue, why, and with which it can."""
    if venue not in VENUES:
        return unknown(setting, venue)
    able = ", ".join(name for name, spec in VENUES.items() if not spec.lack(capability))
    return f"{setting}: {venue} {_UNABLE[capability]} ({VENUES[venue].lack(capability)}); possible with {able}"


def unknown(setting: str, venue: str) -> str:
    """One line for a name that no venue has, with the nearest that one has."""
    near = VENUES.spelt(venue) or VENUES.nearest(venue)
    hint = f"did you mean {near!r}?" if near else "liqbot venues lists them"
    return f"{setting}: no such venue: {venue!r}; {hint}"


def access_refusal(venue: str, access: str) -> str:
    """One line that says how a venue can be traded on without money; empty when it offers this access."""
    spec = VENUES[venue]
    offered = ("live", *spec.practice_kinds)
    if access in offered:
        return ""
    why = f" ({reason})" if (reason := spec.lack("test_access")) else ""
    return f"mode: {venue} offers no {access} access{why}; it has {', '.join(offered)}"
