"""A venue's contracts as it lists them now: found, checked against the spec, and turned into instruments."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from liqbot.blocks import Roster
from liqbot.instruments import Instrument, venue_key
from liqbot.venues.answers import FigureOrNothing, Positive, answer, as_it_is
from liqbot.venues.errors import AnswerMalformed, ContractChanged
from liqbot.venues.parsing import INTERVAL_H_USUAL, WireBook, WireContract
from liqbot.venues.spec import Contract, Listing, VenueSpec
from liqbot.venues.trading import decimal

_ASKED: Final = "fetch_markets"

FINEST_PLACES: Final = 8
DECIMAL_PLACES: Final = 2
"""The unified client's word for precisions that are numbers of digits; else they are steps."""


class WantedListing(Listing, frozen=True, kw_only=True):
    """A listing and the part behind the colon of its venue key."""

    contract: str
    inverse: bool
    open_interest_two_sided: bool


class _ListedContract(msgspec.Struct, rename="camel"):
    """Of the unified client's entry, what any use of a contract needs."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    contract_size: Positive | None


class _Steps(msgspec.Struct):
    price: Positive
    amount: Positive


class _Cost(msgspec.Struct):
    min: FigureOrNothing = FigureOrNothing(0)


class _Limits(msgspec.Struct):
    cost: _Cost | None = None


class _TradedListing(_ListedContract, rename="camel"):
    """What trading it needs besides."""

    precision: _Steps
    limits: _Limits
    inverse: bool


def listed_contracts(spec: VenueSpec, coins: Sequence[str], markets: Any) -> list[Any]:
    """Of all contracts as the unified client lists them those of our coins, as they are. AnswerMalformed when the
    listing, or an entry of ours, is not fit for use; ContractChanged when one is missing or of another size."""
    rows: list[dict[str, Any]] = answer(spec.venue, _ASKED, markets, list[dict[str, Any]], as_it_is)
    found = {str(row.get("symbol")): row for row in rows}
    if not found:
        # The client takes a page, or nothing, for a list without contracts.
        raise AnswerMalformed(spec.venue, _ASKED, "$", "", "no contract at all is listed")
    return [
        market_of(found, symbol, listing, spec) for symbol, listing in symbols_of(spec, coins)
        if listing.contract == "" or symbol in found
    ]


def symbols_of(
    spec: VenueSpec, coins: Sequence[str], contract: str | None = None
) -> Iterator[tuple[str, WantedListing]]:
    """(unified symbol, listing) of our coins, contract by contract; a coin that the spec does not name is listed like
    its first one."""
    for found in spec.contracts:
        if contract is None or found.contract == contract:
            for coin in coins:
                wanted = _listing(found, coin)
                yield wanted.symbol, wanted


def _listing(contract: Contract, coin: str) -> WantedListing:
    first = contract.listings[0]
    pattern = first.symbol.replace(f"{first.coin}/", f"{coin}/").replace(f":{first.coin}", f":{coin}")
    listing = next((one for one in contract.listings if one.coin == coin), Listing(coin=coin, symbol=pattern))
    return WantedListing(
        coin=coin, symbol=listing.symbol, contract_units=listing.contract_units, contract=contract.contract,
        inverse=contract.inverse, open_interest_two_sided=bool(contract.open_interest_two_sided),
    )


def market_of(markets: Mapping[str, Any], symbol: str, wanted: WantedListing, spec: VenueSpec) -> Any:
    """The venue's own entry; ContractChanged when it is missing or its size is not the spec's."""
    market = markets.get(symbol)
    if market is None:
        raise ContractChanged(spec.venue, f"{symbol} is not listed")
    trades = spec.trading is not None and wanted.contract == ""
    found = answer(spec.venue, _ASKED, market, _TradedListing if trades else _ListedContract, as_it_is)
    size = float(found.contract_size or 1.0)
    if spec.client_sizes and wanted.contract_units is not None and size != wanted.contract_units:
        raise ContractChanged(spec.venue, f"{symbol}: contract size {size}, expected {wanted.contract_units}")
    return market


def documented_market(exchange: Any, spec: VenueSpec, coin: str) -> Any:
    """What the unified client needs of a contract to read a position and to close it, without the venue's list: id,
    symbol and size. Tick and step are finer than any, so nothing is rounded: quantities come from the position itself.
    ContractChanged where the spec does not say id and size."""
    contract = spec.contracts[0]
    listing = next((one for one in contract.listings if one.coin == coin), None)
    if listing is None or listing.contract_units is None or not contract.market_id:
        raise ContractChanged(spec.venue, f"{coin}: its contract is known from the venue's list only")
    finest = int(FINEST_PLACES) if exchange.precisionMode == DECIMAL_PLACES else 10.0**-FINEST_PLACES
    quote = listing.symbol.partition("/")[2].partition(":")[0]
    return exchange.safe_market_structure({
        "id": contract.market_id.replace("{}", coin), "symbol": listing.symbol, "base": coin, "quote": quote,
        "settle": contract.settle, "baseId": coin, "quoteId": quote, "settleId": contract.settle, "type": "swap",
        "spot": False, "margin": False, "swap": True, "future": False, "option": False, "active": True,
        "contract": True, "linear": True, "inverse": False, "contractSize": listing.contract_units,
        "precision": {"amount": finest, "price": finest}, "limits": {}, "info": {"orderTypes": ["LIMIT", "MARKET"]},
    })  # fmt: skip


def instrument_of(exchange: Any, spec: VenueSpec, coin: str, symbol: str) -> Instrument:
    """Tick, step and smallest order from the venue; sizes in base coin, contracts multiplied out."""
    market = answer(spec.venue, _ASKED, exchange.market(symbol), _TradedListing, as_it_is)
    size = decimal(market.contract_size or 1)
    cost = market.limits.cost.min if market.limits.cost is not None else 0
    fees = spec.contracts[0].margin.fees if spec.contracts[0].margin is not None else None
    return Instrument(
        venue=spec.venue,
        coin=coin,
        symbol=symbol,
        price_tick=decimal(market.precision.price),
        quantity_step_base=decimal(market.precision.amount) * size,
        contract_size_base=size,
        min_notional_usd=decimal(cost) if cost else Decimal(5),
        inverse=market.inverse,
        maker_fee_pct=fees.maker_pct if fees is not None else 0.02,
        taker_fee_pct=fees.taker_pct if fees is not None else 0.05,
    )


def wire_book(markets: Mapping[str, Any], spec: VenueSpec, roster: Roster) -> WireBook:
    """The contracts of a venue that the roster names, by the ids that its messages use."""
    return WireBook(spec.venue, [
        WireContract(
            symbol_id=markets[symbol][spec.message_id], symbol=symbol, venue_key=venue_key(spec.venue, wanted.contract),
            coin=wanted.coin, contract_units=_units(markets[symbol], wanted, spec), inverse=wanted.inverse,
            open_interest_two_sided=wanted.open_interest_two_sided,
            funding_interval_h=spec.funding_interval_h or INTERVAL_H_USUAL,
        )
        for symbol, wanted in symbols_of(spec, roster.coins)
        if symbol in markets and venue_key(spec.venue, wanted.contract) in roster.venues
    ])


def _units(market: Mapping[str, Any], wanted: WantedListing, spec: VenueSpec) -> float:
    """What one contract is of, as the unified client has it, unless it means something else."""
    size = market["contractSize"] if spec.client_sizes else wanted.contract_units
    return float(size or 1.0)
