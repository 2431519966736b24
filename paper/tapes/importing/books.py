"""Which book of positions a foreign symbol names, and how the amounts of that book become USD."""

import difflib
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from liqbot.instruments import CONTRACTS, venue_key
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import Contract, Unit, VenueSpec
from paper.tapes.format import AGGREGATE, TapeError
from paper.tapes.validation import Floats

_QUOTES: Final = ("USDT", "USDC", "USD")
_PLAIN: Final = re.compile(r"(?P<coin>[A-Z0-9]+?)[-_/]?(?P<quote>USDT|USDC|USD)(?P<rest>$|[-_:].*)")
_COINS: Final[Mapping[str, str]] = {"XBT": "BTC"}
_VENUES: Final[Mapping[str, str]] = {
    "binanceusdm": "binance", "binancecoinm": "binance", "binancefutures": "binance", "binancedelivery": "binance",
    "okex": "okx", "okexswap": "okx", "huobi": "htx", "huobidmlinearswap": "htx", "huobidmswap": "htx",
    "gateio": "gate", "gateiofutures": "gate", "kraken": "krakenfutures", "cryptofacilities": "krakenfutures",
    "kucoinfutures": "kucoin", "bitgetfutures": "bitget", "bitfinexderivatives": "bitfinex", "dydxv4": "dydx",
    "cryptocomderivatives": "cryptocom",
}
_DATED: Final = re.compile(r"[-_]\d{6}|\d{1,2}[A-Z]{3}\d{2}")


class Symbol(msgspec.Struct, frozen=True):
    """`quote` is '' where the word names a coin alone; `settle` is '' where it does not say what margin is paid in."""

    coin: str
    quote: str = ""
    settle: str = ""


def symbol_of(word: str) -> Symbol:
    """BTCUSDT, BTC/USDT:USDT, BTC_USDT_USDT, BTC-USDT-SWAP, BTCUSD_PERP, XBTUSD, BTC. ValueError for what is none."""
    text = _without_habits(word.strip().upper())
    found = _PLAIN.fullmatch(text)
    if found is None:
        if not re.fullmatch(r"[A-Z0-9]{1,15}", text):
            raise ValueError(f"{word!r} is no symbol; one such as BTCUSDT or BTC/USDT:USDT is right")
        return Symbol(_COINS.get(text, text))
    if _DATED.search(found["rest"]):
        raise ValueError(f"{word!r} has an expiry date; perpetuals are right")
    settle = found["rest"].strip("-_:")
    settle = "" if settle in ("", "SWAP", "PERP", "PERPETUAL", "UMCBL", "DMCBL") else settle
    return Symbol(_COINS.get(found["coin"], found["coin"]), found["quote"], settle)


def _without_habits(text: str) -> str:
    """Kraken's prefixes (PF linear, PI inverse) and Deribit's BTC-PERPETUAL, as others would write them."""
    if text.startswith("PF_"):
        return f"{text[3:]}:USD"
    return re.sub(r"^([A-Z0-9]+)-PERPETUAL$", r"\1-USD", text.removeprefix("PI_"))


def venue_of(word: str) -> str:
    """A venue's plain name, of Binance, binanceusdm, OKEx, Gate.io. ValueError, with the nearest, for others."""
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    plain = _VENUES.get(plain, plain)
    if plain in VENUES or plain == AGGREGATE:
        return plain
    near = difflib.get_close_matches(plain, [*VENUES, *_VENUES], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; one of {', '.join(VENUES)} is right"
    raise ValueError(f"venue {word!r} is not known{hint}")


class Book(msgspec.Struct, frozen=True):
    """One coin's positions in one contract of a venue, as a tape names them."""

    venue_key: str
    coin: str
    inverse: bool = False
    trade_unit: Unit | None = None
    open_interest_unit: Unit | None = None
    contract_units: float | None = None
    """One contract in base coin, of an inverse contract in USD; None: unknown."""
    two_sided: bool = False
    """The venue's open interest counts longs and shorts."""

    def usd(self, amounts: Floats, prices: Floats, unit: Unit | None) -> Floats:
        """Amounts in `unit` as USD. TapeError where it is not known what one contract is."""
        if unit == "usd":
            return amounts
        if unit == "base":
            return amounts * prices
        if unit is None or self.contract_units is None:
            what = "in which unit amounts are" if unit is None else "what one contract is"
            right = f"in {'USD' if self.inverse else self.coin}"
            raise TapeError(f"{self.venue_key} {self.coin}: {what} is not known; say it with --contract-units, {right}")
        return amounts * self.contract_units * (1.0 if self.inverse else prices)


def book_of(venue: str, symbol: Symbol, contract: str | None = None, contract_units: float | None = None) -> Book:
    """The book of `symbol` at a venue; `contract` and `contract_units` say what the symbol and the venue leave open.

    ValueError for a contract that the venue does not have.
    """
    if venue == AGGREGATE:
        return Book(AGGREGATE, symbol.coin)
    spec = VENUES[venue]
    chosen = _contract(spec, symbol) if contract is None else _named(spec, contract)
    inverse, linear_base = chosen.inverse, not chosen.inverse and chosen.trade_unit == "base"
    listed = next((one.contract_units for one in chosen.listings if one.coin == symbol.coin), None)
    units = contract_units or listed or (1.0 if linear_base or chosen.trade_unit == "usd" else None)
    told = contract_units is not None
    return Book(
        venue_key(spec.venue, chosen.contract), symbol.coin, inverse,
        chosen.trade_unit or ("contracts" if told else None),
        chosen.open_interest_unit or ("contracts" if told else None),
        units, bool(chosen.open_interest_two_sided),
    )  # fmt: skip


def _named(spec: VenueSpec, contract: str) -> Contract:
    found = spec.contract(contract)
    if found is None:
        known = ", ".join(one.contract or "(none)" for one in spec.contracts)
        raise ValueError(f"contract {contract!r}: {spec.venue} has {known} (of {', '.join(CONTRACTS)})")
    return found


def _contract(spec: VenueSpec, symbol: Symbol) -> Contract:
    """By what margin is paid in: the coin itself, else the quote. USD alone means the coin where the venue has that."""
    if not symbol.quote:
        return spec.contracts[0]
    bare = symbol.quote == "USD" and not symbol.settle
    if bare or symbol.settle == symbol.coin:
        inverse = next((one for one in spec.contracts if one.inverse), None)
        if inverse is not None:
            return inverse
    for contract in spec.contracts:
        if not contract.inverse and contract.settle == (symbol.settle or symbol.quote):
            return contract
    if bare:
        return spec.contracts[0]
    raise ValueError(f"{spec.venue} has no contract of {symbol.coin} with margin in {symbol.settle or symbol.quote}")
