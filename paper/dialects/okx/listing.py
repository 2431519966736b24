"""OKX's names and units: instrument ids, sizes in contracts, the public list of swaps and its tiers of maintenance."""

import zlib
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import msgspec

from liqbot.instruments import Instrument
from liqbot.venues.registry import mechanics_of
from paper.dialects.trade_prints import plain

INST_TYPE: Final = "SWAP"
QUOTE: Final = "USDT"
_LISTED_MS: Final = "1573557408000"
_ORDER_CONTRACTS_MAX: Final = "100000000"
_MARKET_CONTRACTS_MAX: Final = "12000"

Row = dict[str, Any]


class Swap(msgspec.Struct, frozen=True):
    """One linear perpetual as OKX speaks of it."""

    coin: str
    instrument: Instrument

    @property
    def inst_id(self) -> str:
        return f"{self.coin}-{QUOTE}-SWAP"

    @property
    def family(self) -> str:
        """Also the name of its index."""
        return f"{self.coin}-{QUOTE}"

    @property
    def size_base(self) -> Decimal:
        return self.instrument.contract_size_base

    @property
    def lot(self) -> Decimal:
        """The step of sizes, in contracts."""
        return self.instrument.quantity_step_base / self.size_base

    def contracts(self, quantity_base: Decimal | float) -> Decimal:
        exact = quantity_base if isinstance(quantity_base, Decimal) else Decimal(str(quantity_base))
        return exact / self.size_base

    def lots(self, size_usd: float, price: float) -> Decimal:
        """Contracts of about this value: whole lots, at least one."""
        count = (Decimal(str(size_usd / price)) / self.size_base / self.lot).to_integral_value(ROUND_HALF_EVEN)
        return max(count, Decimal(1)) * self.lot


class Swaps:
    """The listed swaps, by coin and by instrument id."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.of = {coin: Swap(coin, instrument) for coin, instrument in instruments.items()}
        self.by_id = {swap.inst_id: swap for swap in self.of.values()}
        self.by_family = {swap.family: swap for swap in self.of.values()}

    def chosen(self, params: Mapping[str, str]) -> list[Swap]:
        """Those that `instId` (several with commas), `instFamily` or `uly` name; all when nothing is named."""
        ids = [name for name in params.get("instId", "").split(",") if name]
        family = params.get("instFamily") or params.get("uly") or ""
        return [
            swap for swap in self.of.values()
            if (not ids or swap.inst_id in ids) and (not family or swap.family == family)
        ]


def instrument_row(swap: Swap) -> Row:
    """As `public/instruments` lists it. `baseCcy` and `quoteCcy` are empty for swaps."""
    table = mechanics_of(swap.instrument.venue, swap.coin).table
    return {
        "alias": "", "auctionEndTime": "", "baseCcy": "", "category": "1", "contTdSwTime": "", "ctMult": "1",
        "ctType": "linear", "ctVal": plain(swap.size_base), "ctValCcy": swap.coin, "expTime": "",
        "futureSettlement": False, "instFamily": swap.family, "instId": swap.inst_id,
        "instIdCode": zlib.crc32(swap.inst_id.encode()) % 100_000, "instType": INST_TYPE,
        "lever": plain(table.tiers[0].leverage_max), "listTime": _LISTED_MS, "lotSz": plain(swap.lot),
        "maxIcebergSz": _ORDER_CONTRACTS_MAX, "maxLmtAmt": "20000000", "maxLmtSz": _ORDER_CONTRACTS_MAX,
        "maxMktAmt": "", "maxMktSz": _MARKET_CONTRACTS_MAX, "maxPlatOILmt": "", "maxStopSz": _MARKET_CONTRACTS_MAX,
        "maxTriggerSz": _ORDER_CONTRACTS_MAX, "maxTwapSz": _ORDER_CONTRACTS_MAX, "minSz": plain(swap.lot),
        "openType": "", "optType": "", "posLmtAmt": "", "posLmtPct": "", "preMktSwTime": "", "quoteCcy": "",
        "ruleType": "normal", "settleCcy": QUOTE, "state": "live", "stk": "",
        "tickSz": plain(swap.instrument.price_tick), "tradeQuoteCcyList": [], "uly": swap.family,
    }


def tier_rows(swap: Swap) -> list[Row]:
    """Borders in contracts; rates as fractions."""
    table = mechanics_of(swap.instrument.venue, swap.coin).table
    coin_price = Decimal(str(table.coin_price_usd or 1))
    rows: list[Row] = []
    below = Decimal(0)
    for number, tier in enumerate(table.tiers, 1):
        cap = Decimal(str(tier.notional_usd_cap)) / coin_price / swap.size_base
        rows.append({
            "baseMaxLoan": "", "imr": plain(round(1.0 / tier.leverage_max, 6)), "instFamily": swap.family,
            "instId": "", "maxLever": plain(tier.leverage_max), "maxSz": plain(cap),
            "minSz": plain(below + swap.lot if below else below),
            "mmr": plain(Decimal(str(tier.maintenance_pct)) / 100), "optMgnFactor": "0", "quoteMaxLoan": "",
            "tier": str(number), "uly": swap.family,
        })
        below = cap
    return rows
