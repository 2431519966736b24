"""Lighter: accounts whose positions everybody may read, and who is on either side of a trade.

They are whoever a test or a simulated market says they are; without any, trades are between two that hold nothing.
"""

import zlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.instruments import Side
from paper.dialects.hub import Hub
from paper.dialects.market_data.contracts import MarketContract
from paper.dialects.trade_prints import plain

TAKEN_EVERY_MS: Final = 60_000
"""Of market time: how often the traders of a simulated market are looked at."""
ACCOUNTS_MAX: Final = 2_000
NOBODY: Final = (1, 2)
UNKNOWN: Final = {"code": 21_100, "message": "account not found"}
Row = dict[str, Any]


class AccountHolding(msgspec.Struct, frozen=True, kw_only=True):
    """`liquidation_price` is None where no mark liquidates it."""

    coin: str
    side: Side
    quantity_base: float
    entry_price: float
    liquidation_price: float | None


class PublicAccounts:
    """Positions by the number of an account; where the market knows everybody's positions, the largest of those."""

    def __init__(self, hub: Hub, contracts: Callable[[], list[MarketContract]]) -> None:
        self._hub, self._contracts = hub, contracts
        self.positions: dict[int, tuple[AccountHolding, ...]] = {}
        self._turn, self._taken_ms = 0, -TAKEN_EVERY_MS

    def hold(self, account: int, *positions: AccountHolding) -> None:
        """All that it holds from now on."""
        self.positions[account] = positions

    def refresh(self) -> None:
        """What the market's traders hold now, an account for each position."""
        hub = self._hub
        if hub.open_positions is None or hub.now_ms - self._taken_ms < TAKEN_EVERY_MS:
            return
        self._taken_ms = hub.now_ms
        listed, rows = {one.coin: one for one in self._contracts()}, hub.open_positions()
        rows = rows[rows["venue"] == hub.roster.venue_code("lighter")]
        rows = rows[np.argsort(-rows["size_usd"], kind="stable")[:ACCOUNTS_MAX]]
        self.positions = {}
        for _, _, coin, side, leverage, entry, price, size_usd in rows.tolist():
            one = listed.get(hub.roster.coins[coin])
            if one is None:
                continue
            # Known again by what does not change while it is open.
            number = zlib.crc32(f"{one.coin} {side} {leverage} {entry}".encode())
            self.positions[number] = (AccountHolding(
                coin=one.coin, side=Side(side), quantity_base=size_usd / one.ticker.mark_or_last_price,
                entry_price=entry, liquidation_price=price if leverage > 1.0 else None,
            ),)

    def sides(self) -> tuple[int, int]:
        """Seller and buyer of the next trade: everyone who holds something in turn, so that all are met."""
        self.refresh()
        accounts = list(self.positions)
        if len(accounts) < 2:
            return (accounts[0], NOBODY[1]) if accounts else NOBODY
        self._turn += 1
        return accounts[self._turn % len(accounts)], accounts[(self._turn + len(accounts) // 2) % len(accounts)]

    def state(self, named: str | None) -> Row:
        """As the request for an account by its number answers."""
        self.refresh()
        number = int(named) if named is not None and named.isdigit() else -1
        if number not in self.positions:
            return UNKNOWN if number not in NOBODY else _account(number, [])
        held = {one.coin: one for one in self.positions[number]}
        # A market that it has left stays in its list.
        return _account(number, [_position(one, held.get(one.coin)) for one in self._contracts()])


def _account(number: int, positions: list[Row]) -> Row:
    return {"code": 200, "total": 1, "accounts": [{
        "code": 0, "account_type": 0, "index": number, "l1_address": "0x" + "0" * 40, "status": 1,
        "collateral": "0.000000", "account_index": number, "positions": positions, "assets": [], "shares": [],
    }]}  # fmt: skip


def _position(contract: MarketContract, held: AccountHolding | None) -> Row:
    size = 0.0 if held is None else held.quantity_base
    price = None if held is None else held.liquidation_price
    return {
        "market_id": int(contract.id), "symbol": contract.coin, "initial_margin_fraction": "10.00",
        "open_order_count": 0, "pending_order_count": 0, "position_tied_order_count": 0,
        "sign": -1 if held is not None and held.side is Side.SHORT else 1, "position": plain(size),
        "avg_entry_price": plain(0.0 if held is None else held.entry_price),
        "position_value": plain(size * contract.ticker.mark_or_last_price), "unrealized_pnl": "0.000000",
        "realized_pnl": "0.000000", "liquidation_price": "0" if price is None else plain(price), "margin_mode": 0,
        "allocated_margin": "0.000000",
    }  # fmt: skip
