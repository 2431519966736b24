"""`Mechanics`: one venue's margin physics for one coin, ready to answer for prices, leverage and requirements.

Floats serve the map and the risk floor; the Decimal methods decide, on the exchange, whether a position is liquidated.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from liqbot.instruments import Side
from liqbot.margin.formulas import MarginRule, bankruptcy_prices, liquidation_prices, positive_floats
from liqbot.margin.steps import LiquidationStep, LiquidationSteps, ladder_steps
from liqbot.margin.tiers import Floats, TierTable

SMALL_NOTIONAL_USD: Final = 10_000.0
"""Within the lowest tier of every venue's table for BTC and ETH: the size the retail mass of the map is priced at."""

_HUNDRED: Final = Decimal(100)


class Fees(msgspec.Struct, frozen=True):
    """Base-level fees in percent of notional; a maker rebate is negative, an unknown liquidation fee None."""

    maker_pct: float
    taker_pct: float
    liquidation_pct: float | None = None


class Mechanics(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """`rule` is for isolated margin, `cross_rule` for cross margin where a price of one position exists at all.

    Quantities are in base coin; of an inverse contract that is its USD face over the entry price. `session` names the
    margin session (`intraday`, `overnight`) where a venue has them. `assumed`: the figures are a stand-in, not
    this venue's.
    """

    venue_key: str
    coin: str
    rule: MarginRule
    cross_rule: MarginRule | None
    table: TierTable
    inverse: bool
    fees: Fees
    ladder: LiquidationSteps
    session: str = ""
    sessions: tuple[tuple[str, TierTable], ...] = ()
    assumed: bool = False

    @property
    def priced(self) -> bool:
        """Whether a mark price can liquidate an isolated position here at all (not so on CME)."""
        return self.rule.basis != "none"

    def in_session(self, session: str) -> "Mechanics":
        """The same venue in another margin session; its liquidation prices jump when the session changes."""
        for name, table in self.sessions:
            if name == session:
                return msgspec.structs.replace(self, session=name, table=table)
        known = ", ".join(name for name, _ in self.sessions) or "none"
        raise ValueError(f"session: {session!r} is not one of the sessions of {self.venue_key}: {known}")

    # --- prices ---------------------------------------------------------------------------------------------------

    def liquidation_prices(
        self, side: Side, entry_price: Floats | float, quantity_base: Floats | float, margin_usd: Floats | float
    ) -> Floats:
        """Vectorised `liquidation_price`; the arguments broadcast against each other."""
        return liquidation_prices(
            self.rule, self.table, inverse=self.inverse, side=side,
            entry_price=positive_floats("entry_price", entry_price),
            quantity_base=positive_floats("quantity_base", quantity_base),
            margin_usd=positive_floats("margin_usd", margin_usd, zero=True),
        )

    def liquidation_price(self, side: Side, entry_price: float, quantity_base: float, margin_usd: float) -> float:
        """Mark price at which an isolated position with this margin (initial plus added) is liquidated.

        0.0 for a long and inf for a short that no price can liquidate; NaN where the venue knows no such price.
        """
        return float(self.liquidation_prices(side, entry_price, quantity_base, margin_usd))

    def isolated_liquidation_price(
        self, side: Side, entry_price: float, quantity_base: float, leverage: float
    ) -> float:
        """The same for an isolated position opened at `leverage` without added margin (offered or not)."""
        lever = float(positive_floats("leverage", leverage))
        return self.liquidation_price(side, entry_price, quantity_base, entry_price * quantity_base / lever)

    def cross_liquidation_price(
        self, side: Side, entry_price: float, quantity_base: float, *, wallet_usd: float,
        others_maintenance_usd: float = 0.0, others_profit_usd: float = 0.0,
    ) -> float:
        """Mark price at which the whole account falls to its maintenance, all other positions standing still.

        NaN where the venue has no per-position price in cross margin.
        """
        if self.cross_rule is None:
            return float("nan")
        free_usd = wallet_usd - others_maintenance_usd + others_profit_usd
        if not np.isfinite(free_usd):
            raise ValueError(f"wallet_usd - others_maintenance_usd + others_profit_usd: {free_usd} must be finite")
        prices = liquidation_prices(
            self.cross_rule, self.table, inverse=self.inverse, side=side,
            entry_price=positive_floats("entry_price", entry_price),
            quantity_base=positive_floats("quantity_base", quantity_base),
            margin_usd=np.asarray(free_usd, dtype=np.float64),
        )
        return float(prices)

    def bankruptcy_price(self, side: Side, entry_price: float, quantity_base: float, margin_usd: float) -> float:
        """Price at which the position's margin is used up."""
        return float(
            bankruptcy_prices(
                inverse=self.inverse, side=side,
                entry_price=positive_floats("entry_price", entry_price),
                quantity_base=positive_floats("quantity_base", quantity_base),
                margin_usd=positive_floats("margin_usd", margin_usd, zero=True),
            )
        )

    def ratio(
        self, side: Side, leverage: float, *, notional_usd: float = SMALL_NOTIONAL_USD, price: float | None = None
    ) -> float:
        """Liquidation price over entry price of an isolated position; NaN where this leverage is not offered.

        A constant per leverage within a tier. `price` matters only for tables that a venue states in coin.
        """
        return float(self.ratios((leverage,), notional_usd=notional_usd, price=price)[0 if side is Side.LONG else 1, 0])

    def ratios(
        self, leverages: Sequence[float] | Floats, *, notional_usd: float = SMALL_NOTIONAL_USD,
        price: float | None = None,
    ) -> Floats:
        """`ratio` for all leverages: row 0 for longs, row 1 for shorts."""
        levers = positive_floats("leverage", np.asarray(leverages, dtype=np.float64))
        notional = float(positive_floats("notional_usd", notional_usd))
        entry = self._entry_price(price)
        prices = [
            self.liquidation_prices(side, entry, notional / entry, notional / levers)
            for side in (Side.LONG, Side.SHORT)
        ]
        offered = levers <= self.leverage_max(notional, entry)
        return np.where(offered, np.stack(prices) / entry, np.nan)

    def distance_pct(
        self, side: Side, leverage: float, notional_usd: float = SMALL_NOTIONAL_USD, price: float | None = None
    ) -> float:
        """How far the price must move against an isolated position, in percent of entry; NaN as in `ratio`."""
        return (1.0 - self.ratio(side, leverage, notional_usd=notional_usd, price=price)) * 100.0 * float(side)

    def _entry_price(self, price: float | None) -> float:
        if price is not None:
            return float(positive_floats("price", price))
        return self.table.coin_price_usd or 1.0

    # --- requirements ---------------------------------------------------------------------------------------------

    def leverage_max(self, notional_usd: float, price: float | None = None) -> float:
        """0.0 where the venue takes no position of this size."""
        return self.table.leverage_max(float(positive_floats("notional_usd", notional_usd, zero=True)), price)

    def maintenance_usd(self, notional_usd: float, price: float | None = None) -> float:
        """What equity must exceed, the closing fee included where the venue reserves it.

        `notional_usd` is the value at the mark, for an `entry` rule the value at entry; `price` is the mark.
        """
        notional = float(positive_floats("notional_usd", notional_usd, zero=True))
        return self.table.maintenance_usd(notional, price) + notional * self.rule.fee_pct / 100.0

    def maintenance_usd_exact(self, notional_usd: Decimal, price: Decimal | None = None) -> Decimal:
        """`maintenance_usd` in Decimal, from the figures as the venue writes them."""
        fee = Decimal(str(self.rule.fee_pct)) / _HUNDRED
        return self.table.maintenance_usd_exact(notional_usd, price) + notional_usd * fee

    def equity_usd_exact(
        self, side: Side, entry_price: Decimal, quantity_base: Decimal, margin_usd: Decimal, mark_price: Decimal
    ) -> Decimal:
        """Margin plus unrealised profit at the mark; an inverse contract's coin margin is valued at the mark."""
        profit_usd = int(side) * quantity_base * (mark_price - entry_price)
        if self.inverse:
            return margin_usd * mark_price / entry_price + profit_usd
        return margin_usd + profit_usd

    def is_liquidated(
        self, side: Side, entry_price: Decimal, quantity_base: Decimal, margin_usd: Decimal, mark_price: Decimal
    ) -> bool:
        """Whether an isolated position's equity no longer exceeds what the venue requires at this mark."""
        if not self.priced:
            return False
        fixed = self.inverse or self.rule.basis == "entry"
        notional_usd = quantity_base * (entry_price if fixed else mark_price)
        at_price = entry_price if self.rule.basis == "entry" else mark_price
        needed_usd = self.maintenance_usd_exact(notional_usd, at_price)
        if self.inverse and self.rule.basis == "entry":
            needed_usd = needed_usd * mark_price / entry_price
        return self.equity_usd_exact(side, entry_price, quantity_base, margin_usd, mark_price) <= needed_usd

    def ladder_steps(
        self, notional_usd: float, equity_usd: float, price: float | None = None
    ) -> tuple[LiquidationStep, ...]:
        """What the venue does with a position that reached its liquidation price."""
        return ladder_steps(self.ladder, self.table, notional_usd=notional_usd, equity_usd=equity_usd, price=price)
