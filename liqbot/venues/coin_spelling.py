"""How coins and perpetuals are written elsewhere: `BTCUSDT`, `BTC/USDT:USDT`, `BTC-USDT-SWAP`, `XBT`, `btc`.

Forms that venues, the unified client, archives and data vendors share stand here; a form that only one venue has stands
in its spec (`VenueSpec.symbols`).
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from liqbot.instruments import MAIN_CONTRACT
from liqbot.venues.spec import VenueSpec

COIN: Final = "coin"
"""The contract that is margined in its own coin."""
ALIASES: Final[Mapping[str, str]] = {"XBT": "BTC", "XDG": "DOGE"}
"""A coin's other tickers."""
_DOLLARS: Final = ("USDT", "USDC", "USD")
_ELSEWHERE: Final = ("FDUSD", "EUR", "GBP", "KRW", "JPY")
"""Currencies in which no contract of a tape is margined."""
_PLAIN: Final = re.compile(r"[A-Z0-9]{1,20}")
_VENDOR: Final = re.compile(r"\.[A-Z0-9]$")
"""One data vendor writes the venue behind the symbol: `BTCUSDT_PERP.A`."""
_DATED: Final = re.compile(r"[-_:]?\d{6}(_\w+)?$|-\d{1,2}[A-Z]{3}\d{2}\b|USD[TC]?[FGHJKMNQUVXZ]\d{2}(_\w+)?$")
_UNIFIED: Final = re.compile(r"([A-Z0-9]+)[/_][A-Z]+[:_]([A-Z0-9]+)")
"""`BTC/USDT:USDT`; as a name of a file `BTC_USDT_USDT`."""
_SPOT: Final = re.compile(r"[A-Z0-9]+/([A-Z]+)")
_MARKED: Final = re.compile(r"^PERP_|[-_](SWAP|PERP|PERPETUAL)$")
_PAIR: Final = re.compile(rf"([A-Z0-9]+?)[-_]?({'|'.join((*_ELSEWHERE, *_DOLLARS))})")
_THOUSANDS: Final = re.compile(r"k([A-Z]{2,})")
_RIGHT: Final = "a coin such as 'BTC' or its perpetual such as 'BTCUSDT' or 'BTC/USDT:USDT' is right"


class SpeltCoin(NamedTuple):
    coin: str
    contract: str | None
    """As in a venue key; None: the spelling does not tell."""


def spelt_coin(text: str, spec: VenueSpec | None) -> SpeltCoin:
    """The coin, and the contract that the spelling implies at this venue (None: at no venue in particular).

    ValueError that says what would be right: for spot, contracts that expire, other currencies, and anything else.
    """
    if (own := _own_symbol(text, spec)) is not None:
        return own
    if (small := _THOUSANDS.fullmatch(text)) is not None:
        return SpeltCoin(f"1000{small[1]}", None)
    symbol = _VENDOR.sub("", text.strip().upper())
    if _DATED.search(symbol):
        raise ValueError("it expires; perpetuals alone have a place here")
    bare = _MARKED.sub("", symbol)
    if (unified := _UNIFIED.fullmatch(bare)) is not None:
        base, settle = _ticker(unified[1]), _ticker(unified[2])
        return SpeltCoin(base, _contract(base, settle, spec))
    if (spot := _SPOT.fullmatch(bare)) is not None:
        raise ValueError(f"a spot market; its perpetual is {f'{bare}:{spot[1]}'!r}")
    if (pair := _PAIR.fullmatch(bare)) is not None:
        base, currency = pair.groups()
        if bare == symbol == f"{base}{currency}" and f"{base[-1]}{currency}" == "BUSD":
            raise ValueError(f"{base} in USD or {base[:-1]} in BUSD? Write the coin, and its contract in that column")
        return SpeltCoin(_ticker(base), _quoted(currency, spec))
    if not _PLAIN.fullmatch(bare):
        raise ValueError(_RIGHT)
    return SpeltCoin(_ticker(bare), None if bare == symbol else MAIN_CONTRACT)


def main_or(contract: str, spec: VenueSpec | None) -> str:
    """A venue's main perpetual has no name of its own in a venue key: `usdt` where that is the main one is empty."""
    main = None if spec is None else spec.contract(MAIN_CONTRACT)
    return MAIN_CONTRACT if main is not None and contract == main.settle.lower() else contract


def _own_symbol(text: str, spec: VenueSpec | None) -> SpeltCoin | None:
    for pattern, contract in () if spec is None else spec.symbols:
        before, after = pattern.split("{}")
        found = re.fullmatch(rf"{re.escape(before)}([A-Z0-9]+?){re.escape(after)}(\.[A-Z0-9])?", text, re.IGNORECASE)
        if found is not None:
            return SpeltCoin(_ticker(found[1].upper()), contract)
    return None


def _ticker(text: str) -> str:
    return ALIASES.get(text, text)


def _quoted(currency: str, spec: VenueSpec | None) -> str:
    """A contract by the currency its price is in; one quoted in USD is margined in coin unless the main one is quoted
    so."""
    if currency != "USD":
        return _contract("", currency, spec)
    main = None if spec is None else spec.contract(MAIN_CONTRACT)
    if main is None or not any("/USD:" in listing.symbol for listing in main.listings):
        return COIN
    if spec is not None and spec.contract(COIN) is not None:
        raise ValueError("two contracts are quoted in USD; write the venue's own symbol, or the column contract")
    return MAIN_CONTRACT


def _contract(base: str, settle: str, spec: VenueSpec | None) -> str:
    if settle in _DOLLARS:
        return main_or(settle.lower(), spec)
    if settle == base:
        return COIN
    raise ValueError(f"margined in {settle}; contracts in USDT, USDC, USD or their own coin have a place here")
