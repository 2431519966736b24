"""Hyperliquid: orders, fills, positions and payments of an account as the venue writes them."""

from decimal import Decimal
from typing import Final

from liqbot.commands import OrderKind
from liqbot.instruments import Side
from liqbot.venues.hyperliquid.client_ids import cloid_of
from paper.dialects.accounts import DELEVERAGED_PREFIX, FillRecord, OrderRecord, Payment, VenueAccount, VenueOrderState
from paper.dialects.hyperliquid.names import QUOTE, HyperNames, Row, figure

UNNAMED: Final = "unnamed"
"""In `params` of an order that the client gave no name."""
_REJECTED: Final = {
    "REDUCE_ONLY": "reduceOnlyRejected", "OPPOSITE_POSITION": "reduceOnlyRejected",
    "MIN_NOTIONAL": "minTradeNtlRejected", "INSUFFICIENT_MARGIN": "perpMarginRejected",
    "POST_ONLY": "badAloPxRejected", "WOULD_TRIGGER": "badTriggerPxRejected", "STOP_PRICE": "badTriggerPxRejected",
    "PRECISION": "tickRejected", "LEVERAGE_TIER": "perpMaxPositionRejected", "PRICE_BAND": "oracleRejected",
    "NO_PRICE": "marketOrderNoLiquidityRejected",
}
_CANCELLED: Final = {
    "REDUCE_ONLY": "reduceOnlyCanceled", "POSITION_CLOSED": "reduceOnlyCanceled", "LIQUIDATION": "liquidatedCanceled",
    "INSUFFICIENT_MARGIN": "marginCanceled",
}
"""What the simulated exchange says of an end -> the venue's word."""


def status_word(order: OrderRecord) -> str:
    reason = order.reason.split(":")[0]
    if order.state is VenueOrderState.FILLED:
        return "filled"
    if order.state is VenueOrderState.REJECTED:
        return _REJECTED.get(reason, "rejected")
    if order.state is VenueOrderState.CANCELLED:
        if reason == "IMMEDIATE" and not order.filled_base:
            return "iocCancelRejected"
        return _CANCELLED.get(reason, "canceled")
    return "triggered" if order.triggered_ms else "open"


class HyperRows:
    """Of an account at this moment."""

    def __init__(self, names: HyperNames) -> None:
        self._names = names

    def cloid(self, order: OrderRecord) -> str | None:
        nameless = order.params.get(UNNAMED) == "true" or order.forced
        return None if nameless else cloid_of(order.command.client_id)

    def order(self, order: OrderRecord) -> Row:
        """With what is reported of it beside the basic fields."""
        command = order.command
        stop = command.kind is OrderKind.STOP_MARKET
        trigger = figure(float(command.trigger_price or 0))
        direction = "above" if order.buys else "below"
        return self.basic(order) | {
            "triggerCondition": f"Price {direction} {trigger}" if stop else "N/A", "isTrigger": stop,
            "triggerPx": trigger, "children": [], "isPositionTpsl": False, "reduceOnly": command.reduce_only,
            "orderType": "Stop Market" if stop else "Limit", "tif": None if stop else order.params.get("tif", "Gtc"),
        }

    def basic(self, order: OrderRecord) -> Row:
        command = order.command
        left = command.quantity_base - order.filled_base
        return {
            "coin": command.coin, "side": "B" if order.buys else "A", "limitPx": order.params.get("p", "0.0"),
            "sz": figure(float(left)), "oid": order.number, "timestamp": order.created_ms,
            "origSz": figure(float(command.quantity_base)), "cloid": self.cloid(order),
        }

    def fill(self, account: VenueAccount, record: FillRecord) -> Row:
        fill, order = record.fill, account.orders[record.fill.client_id]
        word = "Close" if fill.reduces else "Open"
        row: Row = {
            "coin": fill.coin, "px": figure(float(fill.price)), "sz": figure(float(fill.quantity_base)),
            "side": "B" if order.buys else "A", "time": fill.time_ms, "startPosition": "0.0",
            "dir": f"{word} {fill.side.word.capitalize()}", "closedPnl": figure(float(record.realised_usd)),
            "hash": f"0x{record.number:064x}", "oid": order.number, "crossed": not fill.maker,
            "fee": figure(float(fill.fee)), "tid": record.number,
            "feeToken": QUOTE if fill.fee_currency == "USD" else fill.fee_currency,
        }
        if order.forced and fill.client_id.startswith(DELEVERAGED_PREFIX):
            return row | {"dir": "Auto-Deleveraging"}
        if order.forced:
            liquidation = {"liquidatedUser": account.key, "markPx": figure(float(fill.price)), "method": "market"}
            return row | {"dir": f"Liquidated Isolated {fill.side.word.capitalize()}", "liquidation": liquidation}
        return row

    def state(self, account: VenueAccount) -> Row:
        coins = [one.coin for one in self._names.listed]
        held = [coin for coin in coins if account.holding(coin) is not None]
        profit = sum((account.unrealised_usd(coin) for coin in held), Decimal(0))
        value = figure(float(account.wallet_usd + profit))
        summary = {"accountValue": value, "totalNtlPos": "0.0", "totalRawUsd": value, "totalMarginUsed": "0.0"}
        return {
            "marginSummary": summary, "crossMarginSummary": summary, "crossMaintenanceMarginUsed": "0.0",
            "withdrawable": figure(float(account.available_usd)), "time": self._names.hub.server_ms(),
            "assetPositions": [{"type": "oneWay", "position": self._position(account, coin)} for coin in held],
        }

    def _position(self, account: VenueAccount, coin: str) -> Row:
        held, mark = account.holding(coin), account.mark_price(coin)
        assert held is not None
        liquidation = None if held.liquidation_price is None else figure(float(held.liquidation_price))
        signed = held.quantity_base if held.side is Side.LONG else -held.quantity_base
        return {
            "coin": coin, "szi": figure(float(signed)), "leverage": self.leverage(account, coin),
            "entryPx": figure(float(round(held.entry_price, 8))), "positionValue": figure(float(abs(signed) * mark)),
            "unrealizedPnl": figure(float(account.unrealised_usd(coin))), "returnOnEquity": "0.0",
            "liquidationPx": liquidation, "marginUsed": figure(float(held.margin_usd)), "maxLeverage": 40,
            "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
        }

    def leverage(self, account: VenueAccount, coin: str) -> Row:
        kind = {"type": "isolated", "rawUsd": "0.0"} if account.isolated[coin] else {"type": "cross"}
        return kind | {"value": account.leverage(coin)}

    def funding(self, payment: Payment) -> Row:
        delta = {"type": "funding", "coin": payment.coin, "usdc": figure(float(payment.amount_usd)), "szi": "0.0",
                 "fundingRate": figure(payment.rate_pct / 100), "nSamples": None}
        return {"time": payment.time_ms, "hash": "0x" + "0" * 64, "delta": delta}

    def moved(self, payment: Payment) -> Row:
        usdc = figure(abs(float(payment.amount_usd)))
        delta: Row = {"type": "deposit", "usdc": usdc}
        if payment.amount_usd < 0:
            delta = {"type": "withdraw", "usdc": usdc, "nonce": payment.time_ms, "fee": "0.0"}
        return {"time": payment.time_ms, "hash": f"0x{payment.number:064x}", "delta": delta}
