"""What a fact changed in the books, as plain values: whoever keeps rows, limits or statistics of our money reads these.

Money is in whole micro-dollars, and the amounts of all changes add up to what the wallets changed.
"""

from decimal import Decimal

import msgspec

from liqbot.accounting.round_trips import TripFigures
from liqbot.events import (
    AccountEvent,
    Balance,
    Fill,
    FundingPaid,
    PositionDeleveraged,
    PositionLiquidated,
    Rebate,
    Reconciled,
    Transfer,
)

ZERO = Decimal(0)
Execution = Fill | PositionLiquidated | PositionDeleveraged


class FillBooked(msgspec.Struct, frozen=True, tag=True):
    """A fill or a forced close, or one part of it: a reversal closes one round trip and opens another. `trip` is None
    for a part that closed what was not open."""

    fact: Execution
    kind: str
    """`fill`, `liquidation` or `deleveraging`."""
    trip: TripFigures | None
    quantity_base: Decimal
    reduces: bool
    realised_usd: Decimal
    fee_usd: Decimal = ZERO
    """What the fee cost, in dollars."""
    fee_apart_usd: Decimal = ZERO
    """The part of it that another coin's wallet paid: no flow of the dollar wallet."""
    fee_unvalued: Decimal = ZERO
    """The fee in its own currency, when nothing values it."""


class TripClosed(msgspec.Struct, frozen=True, tag=True):
    """A round trip of ours or an adopted one is flat."""

    trip: TripFigures


class FundingBooked(msgspec.Struct, frozen=True, tag=True):
    fact: FundingPaid
    amount_usd: Decimal
    trip: TripFigures | None


class CashMoved(msgspec.Struct, frozen=True, tag=True):
    """Money that came or went without a trade. `kind` is opening, deposit, withdrawal or rebate."""

    fact: Balance | Transfer | Rebate
    kind: str
    amount_usd: Decimal


class PositionDiffers(msgspec.Struct, frozen=True, tag=True):
    """The venue, read in full, holds something else than the fills add up to; signed. `changed` are the round trips
    that stay open at another size, and the one adopted from the venue."""

    fact: Reconciled
    held_base: Decimal
    venue_base: Decimal
    changed: tuple[TripFigures, ...]
    leverage: float | None
    liquidation_price: Decimal | None


class TripCorrected(msgspec.Struct, frozen=True, tag=True):
    """An adopted position shrank, because fills of ours have explained that part since; or a person made it ours."""

    trip: TripFigures


class Duplicate(msgspec.Struct, frozen=True, tag=True):
    """Delivered before; nothing changed."""

    fact: AccountEvent


class OtherAccount(msgspec.Struct, frozen=True, tag=True):
    """A fact of an account that is not ours; nothing changed."""

    fact: AccountEvent


Change = (
    FillBooked | TripClosed | FundingBooked | CashMoved | PositionDiffers | TripCorrected | Duplicate | OtherAccount
)


class CashSummary(msgspec.Struct, frozen=True):
    """The wallets in total. `unexplained_usd` is what no change accounts for, `brought_usd` openings, transfers and
    rebates; `fees_other` are the fees that nothing values, as people read them."""

    account: str = ""
    wallet_usd: Decimal = ZERO
    brought_usd: Decimal = ZERO
    unexplained_usd: Decimal = ZERO
    fees_other: str = ""
    is_open: bool = False
    """Whether any venue has stated a wallet."""
