"""What is traded: venue ids, sides, and an instrument's units with rounding toward less risk.

This is the one place where float statistics become Decimal money.
"""

import enum
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

MAIN_CONTRACT: Final = ""
CONTRACTS: Final = ("usdt", "usdc", "usd", "coin")
AGGREGATE: Final = "aggregate"
"""In the place of a venue: the sum over venues without a split by venue."""


class Side(enum.IntEnum):
    """Side of a *position*; its value is the sign s of the liquidation formulas."""

    LONG = 1
    SHORT = -1

    @property
    def opposite(self) -> "Side":
        return Side(-self.value)

    @property
    def word(self) -> str:
        """Lower-case name, as written in tapes, logs and tables."""
        return self.name.lower()


class FundingStage(enum.IntEnum):
    """Whether a published funding rate is a forecast (what will be paid as things stand) or was paid."""

    FORECAST = 0
    SETTLEMENT = 1

    @property
    def word(self) -> str:
        """Lower-case name, as written in tapes."""
        return self.name.lower()


def side_of(word: str) -> Side:
    """`long`/`short` in any case; anything else is a ValueError that names what would be right."""
    try:
        return Side[word.strip().upper()]
    except KeyError:
        raise ValueError(f"side: {word!r} is neither 'long' nor 'short'") from None


def venue_key(venue: str, contract: str = MAIN_CONTRACT) -> str:
    """One name per book of positions: `binance` is the main linear perpetual, `binance:coin` its inverse one."""
    return f"{venue}:{contract}" if contract else venue


def split_venue_key(key: str) -> tuple[str, str]:
    """Inverse of `venue_key`: (venue, contract)."""
    venue, _, contract = key.partition(":")
    return venue, contract


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A perpetual contract as one venue lists it. Sizes are in base coin (`_base`), never in contracts:
    the edge multiplies by `contract_size_base`."""

    venue: str
    coin: str
    symbol: str
    price_tick: Decimal
    quantity_step_base: Decimal
    contract_size_base: Decimal = Decimal(1)
    min_notional_usd: Decimal = Decimal(5)
    inverse: bool = False
    maker_fee_pct: float = 0.02
    taker_fee_pct: float = 0.05

    def __post_init__(self) -> None:
        for name in ("price_tick", "quantity_step_base", "contract_size_base"):
            value = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ValueError(f"{self.symbol} {name}: {value} must be a positive number")

    def round_quantity(self, quantity_base: float | Decimal) -> Decimal:
        """Down to the step: never more exposure than requested."""
        return _to_grid(quantity_base, self.quantity_step_base, ROUND_FLOOR)

    def round_stop(self, side: Side, price: float | Decimal) -> Decimal:
        """Toward the entry (up for a long), so that rounding never adds loss."""
        return stop_on_grid(side, price, self.price_tick)

    def round_entry(self, side: Side, price: float | Decimal) -> Decimal:
        """A limit entry rounds to the better price for us (down for a long)."""
        return limit_on_grid(side, price, self.price_tick)

    def round_take(self, side: Side, price: float | Decimal) -> Decimal:
        """Toward the entry, so that the target is reached no later than requested."""
        return limit_on_grid(side, price, self.price_tick)

    def round_price(self, price: float | Decimal) -> Decimal:
        """Nearest tick, for prices that are nobody's risk (marks, simulated fills)."""
        return _to_grid(price, self.price_tick, ROUND_HALF_EVEN)


def stop_on_grid(side: Side, price: float | Decimal, price_tick: Decimal) -> Decimal:
    """Of a stop of a position of that side: toward the entry."""
    return _to_grid(price, price_tick, ROUND_CEILING if side is Side.LONG else ROUND_FLOOR)


def limit_on_grid(side: Side, price: float | Decimal, price_tick: Decimal) -> Decimal:
    """Of a limit entry, or of a take: down for a long."""
    return _to_grid(price, price_tick, ROUND_FLOOR if side is Side.LONG else ROUND_CEILING)


def _to_grid(value: float | Decimal, grid: Decimal, rounding: str) -> Decimal:
    # str() of a float is its shortest round-trip form: 0.1 becomes Decimal("0.1"), not its binary expansion.
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if not exact.is_finite():
        raise ValueError(f"cannot round {value!r} to a grid of {grid}: not a finite number")
    return (exact / grid).to_integral_value(rounding=rounding) * grid
