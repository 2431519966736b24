"""What a fee costs in dollars, whatever it was paid in: the one table of currencies that count as dollars."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

ZERO: Final = Decimal(0)
DOLLARS: Final = frozenset(
    {"USD", "USDT", "USDC", "FDUSD", "USDE", "BUSD", "DAI", "PYUSD", "RLUSD", "TUSD", "USD1", "USDG", "USDP"}
)
"""Counted one to one. Venues of ours settle or take collateral in them, and each is redeemed for a dollar by its issuer
or by what backs it. Not here: tokens without such a redemption (USDD, USTC), which have traded far from a dollar; they
are valued by a mark like any other coin, or not at all."""


class FeeCost(msgspec.Struct, frozen=True):
    """A fee in dollars. `cost_usd` is what it costs us, `apart_usd` the part of that which another coin's wallet paid;
    `unvalued_fee` is the amount, in its own currency, that nothing here can value."""

    cost_usd: Decimal = ZERO
    apart_usd: Decimal = ZERO
    unvalued_fee: Decimal = ZERO

    @property
    def wallet_usd(self) -> Decimal:
        """What left the dollar wallet."""
        return self.cost_usd - self.apart_usd


def fee_cost(fee: Decimal, currency: str, coin: str, price: Decimal, marks: Mapping[str, float]) -> FeeCost:
    """A fee on a fill of `coin` at `price`; `marks` are the newest prices in USD by coin.

    Dollars count one to one. The traded coin counts at the fill's price and comes out of the same wallet, where it is
    collateral. Any other coin lies in a wallet of its own: its cost counts at its mark; without a mark it stays
    unvalued.
    """
    name = currency.upper()
    if name in DOLLARS:
        return FeeCost(fee)
    if name == coin:
        return FeeCost(fee * price)
    mark = marks.get(name)
    if mark is None:
        return FeeCost(unvalued_fee=fee)
    cost_usd = fee * Decimal(str(mark))
    return FeeCost(cost_usd, apart_usd=cost_usd)


def amounts_text(amounts: Mapping[str, Decimal]) -> str:
    """Amounts by currency as people read them: `0.01 BNB, 2 OKB`; empty without any."""
    return ", ".join(f"{amount.normalize():f} {currency}" for currency, amount in sorted(amounts.items()) if amount)
