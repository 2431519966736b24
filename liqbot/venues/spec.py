"""The shape of a venue's row: what it lists, in which units it speaks, what it tells about forced orders, its margin.

`None` means unknown and is shown as such; it is never a default.
"""

from typing import Final, Literal

import msgspec

from liqbot.margin.formulas import MarginRule
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.margin.tiers import TierTable

Unit = Literal["base", "contracts", "usd"]
Completeness = Literal["complete", "sampled", "none"]
ForcedSide = Literal["order", "position"]
TierAccess = Literal["public", "key", "market_info", "rule"]

BTC_ETH: Final = ("BTC", "ETH")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One coin's perpetual (or the venue's nearest thing to one) in one contract."""

    coin: str
    symbol: str
    """As the unified client names it."""
    contract_units: float | None = None
    """In base coin, of an inverse contract in USD."""


class ContractMargin(msgspec.Struct, frozen=True, kw_only=True):
    """Margin physics of one contract; coins without a table of their own get the stand-in, marked as assumed."""

    rule: MarginRule
    cross_rule: MarginRule | None
    ladder: LiquidationSteps
    fees: Fees
    tables: tuple[tuple[str, TierTable], ...] = ()
    sessions: tuple[tuple[str, tuple[tuple[str, TierTable], ...]], ...] = ()
    """(coin, ((session, table), ...)); the first session is the one in force by default."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One book of positions of a venue: `contract` is the part behind the colon of its venue key."""

    contract: str = ""
    settle: str
    inverse: bool = False
    listings: tuple[Listing, ...]
    trade_unit: Unit | None = None
    open_interest_unit: Unit | None = None
    open_interest_two_sided: bool | None = None
    margin: ContractMargin | None = None
    note: str = ""


class Liquidations(msgspec.Struct, frozen=True, kw_only=True):
    """Where forced orders are published; `side` says whose side the venue means by its own side field."""

    source: str | None = None
    completeness: Completeness | None = None
    side: ForcedSide | None = None


class VenueRow(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the bot knows about a venue before it has talked to it."""

    venue: str
    client: str | None
    """Id of the unified client; None where it has none."""
    contracts: tuple[Contract, ...]
    liquidations: Liquidations
    tier_access: TierAccess | None = None
    one_ticker: bool | None = None
    """One websocket ticker carries mark, index, open interest and funding."""
    test_access: str | None = None
    """How to trade without money; `none` where the venue has no way."""
    client_id_max: int | None = None
    client_id_note: str = ""
    tradable: bool = False
    """First trading venues; all others are data only."""
    mapped: bool = True
    """Whether its positions belong in the liquidation map."""
    note: str = ""

    def contract(self, name: str) -> Contract | None:
        return next((contract for contract in self.contracts if contract.contract == name), None)


def listings(
    pattern: str, *sizes: tuple[str, float | None], coins: tuple[str, ...] = BTC_ETH
) -> tuple[Listing, ...]:
    """One listing per coin; `{}` in the pattern stands for the coin, sizes that are not given are unknown."""
    known = dict(sizes)
    return tuple(
        Listing(coin=coin, symbol=pattern.replace("{}", coin), contract_units=known.get(coin)) for coin in coins
    )


LINEAR_ONE: Final = (("BTC", 1.0), ("ETH", 1.0))
"""Contracts of one coin."""
