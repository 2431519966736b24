"""Hyperliquid: wallets whose positions everybody may read, and who is on either side of a trade.

They are whoever a test or a simulated market says they are; without any, trades are between two that hold nothing.
"""

import hashlib
from typing import Final

import msgspec
import numpy as np

from liqbot.instruments import Side
from paper.dialects.hyperliquid.names import VENUE, HyperNames, Row, figure

TAKEN_EVERY_MS: Final = 60_000
"""Of market time: how often the traders of a simulated market are looked at."""
WALLETS_MAX: Final = 2_000
NOBODY: Final = ("0x" + "0" * 39 + "1", "0x" + "0" * 39 + "2")


class WalletPosition(msgspec.Struct, frozen=True, kw_only=True):
    """`liquidation_price` is None where no mark liquidates it."""

    coin: str
    side: Side
    quantity_base: float
    entry_price: float
    liquidation_price: float | None
    leverage: int = 10
    isolated: bool = False


class WalletFill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill as a wallet's history tells it; `liquidated` is the wallet whose position was closed, empty for others."""

    coin: str
    buys: bool
    price: float
    quantity_base: float
    time_ms: int
    start_base: float
    liquidated: str = ""
    method: str = "market"
    number: int = 0


class PublicWallets:
    """Positions and fills by address; where the market knows everybody's positions, the largest of those."""

    def __init__(self, names: HyperNames) -> None:
        self._names = names
        self.positions: dict[str, tuple[WalletPosition, ...]] = {}
        self.fills: dict[str, list[WalletFill]] = {}
        self._turn, self._taken_ms = 0, -TAKEN_EVERY_MS

    def refresh(self) -> None:
        """What the market's traders hold now, a wallet for each position."""
        hub = self._names.hub
        if hub.open_positions is None or hub.now_ms - self._taken_ms < TAKEN_EVERY_MS:
            return
        self._taken_ms = hub.now_ms
        rows = hub.open_positions()
        rows = rows[rows["venue"] == hub.roster.venue_code(VENUE)]
        rows = rows[np.argsort(-rows["size_usd"], kind="stable")[:WALLETS_MAX]]
        self.positions = {}
        for _, _, coin, side, leverage, entry, price, size_usd in rows.tolist():
            one = self._names.by_coin.get(hub.roster.coins[coin])
            if one is None:
                continue
            mark = hub.ticker(one.venue, one.coin).mark_or_last_price
            # Known again by what does not change while it is open.
            name = wallet_of(f"{one.coin} {side} {leverage} {entry}" if leverage > 1.0 else f"{one.coin} {side} maker")
            self.positions[name] = (WalletPosition(
                coin=one.coin, side=Side(side), quantity_base=size_usd / mark, entry_price=entry,
                liquidation_price=price if leverage > 1.0 else None, leverage=max(round(leverage), 1),
            ),)

    def hold(self, wallet: str, *positions: WalletPosition) -> None:
        """All that it holds from now on."""
        self.positions[wallet] = positions

    def filled(self, wallet: str, fill: WalletFill) -> None:
        self.fills.setdefault(wallet, []).append(fill)

    def sides(self) -> tuple[str, str]:
        """Buyer and seller of the next trade: everyone who holds something in turn, so that all are met."""
        self.refresh()
        wallets = list(self.positions)
        if len(wallets) < 2:
            return (wallets[0], NOBODY[1]) if wallets else NOBODY
        self._turn += 1
        return wallets[self._turn % len(wallets)], wallets[(self._turn + len(wallets) // 2) % len(wallets)]

    def state(self, wallet: str) -> Row:
        """As `clearinghouseState` of an address; of one that nobody knows, that of an empty account."""
        self.refresh()
        hub = self._names.hub
        marks = {one.coin: hub.ticker(one.venue, one.coin).mark_or_last_price for one in self._names.listed}
        held = self.positions.get(wallet, ())
        rows = [{"type": "oneWay", "position": _position(one, marks[one.coin])} for one in held]
        worth = sum(one.quantity_base * marks[one.coin] for one in held)
        margin = sum(one.quantity_base * marks[one.coin] / one.leverage for one in held)
        summary = {"accountValue": figure(margin), "totalNtlPos": figure(worth), "totalRawUsd": figure(margin),
                   "totalMarginUsed": figure(margin)}
        return {
            "marginSummary": summary, "crossMarginSummary": summary, "crossMaintenanceMarginUsed": "0.0",
            "withdrawable": "0.0", "assetPositions": rows, "time": hub.server_ms(),
        }

    def history(self, wallet: str, start_ms: int, end_ms: int, most: int) -> list[Row]:
        """Oldest first."""
        found = [one for one in self.fills.get(wallet, ()) if start_ms <= one.time_ms <= end_ms]
        return [_fill(one) for one in sorted(found, key=lambda fill: fill.time_ms)[:most]]


def wallet_of(what: object) -> str:
    """An address for somebody who is known by something else."""
    return "0x" + hashlib.sha256(str(what).encode()).hexdigest()[:40]


def _position(one: WalletPosition, mark: float) -> Row:
    sign = 1.0 if one.side is Side.LONG else -1.0
    worth = one.quantity_base * mark
    return {
        "coin": one.coin, "szi": figure(sign * one.quantity_base),
        "leverage": {"type": "isolated" if one.isolated else "cross", "value": one.leverage},
        "entryPx": figure(one.entry_price), "positionValue": figure(worth),
        "unrealizedPnl": figure(sign * one.quantity_base * (mark - one.entry_price)), "returnOnEquity": "0.0",
        "liquidationPx": None if one.liquidation_price is None else figure(one.liquidation_price),
        "marginUsed": figure(worth / one.leverage), "maxLeverage": 40,
        "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
    }


def _fill(one: WalletFill) -> Row:
    liquidation = {"liquidatedUser": one.liquidated, "markPx": figure(one.price), "method": one.method}
    row: Row = {
        "coin": one.coin, "px": figure(one.price), "sz": figure(one.quantity_base), "side": "B" if one.buys else "A",
        "time": one.time_ms, "startPosition": figure(one.start_base), "dir": "Buy" if one.buys else "Sell",
        "closedPnl": "0.0", "hash": "0x" + "0" * 64, "oid": one.number, "crossed": True, "fee": "0.0",
        "tid": one.number, "feeToken": "USDC",
    }
    return row | ({"liquidation": liquidation} if one.liquidated else {})
