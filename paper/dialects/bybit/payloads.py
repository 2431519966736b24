"""Bybit v5: orders, executions, positions and wallet as the venue writes them, in answers and on the private stream."""

from decimal import ROUND_HALF_EVEN, Decimal
from itertools import takewhile
from typing import Final

import msgspec

from liqbot import events
from liqbot.commands import OrderKind
from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from paper.dialects.accounts import DELEVERAGED_PREFIX, FillRecord, OrderRecord, Payment, VenueAccount, VenueOrderState
from paper.dialects.bybit import attached_stops
from paper.dialects.bybit.errors import (
    CATEGORY,
    FILL_ID,
    FUNDING_ID,
    ORDER_ID,
    QUOTE,
    VENUE,
    BybitNames,
    Row,
    identity,
)
from paper.dialects.order_entry import POST_ONLY, terms_by_word, word_for
from paper.dialects.trade_prints import plain

POST_ONLY_REFUSED: Final = "POST_ONLY"
TIMES_IN_FORCE: Final = terms_by_word(PostOnly=POST_ONLY)
_RATE: Final = Decimal("0.00000001")
_REASONS: Final = {
    "cancelled": ("CancelByUser", "EC_PerCancelRequest"),
    "REDUCE_ONLY": ("CancelByReduceOnly", "EC_NoError"),
    "POSITION_CLOSED": ("CancelByTpSlTsClear", "EC_NoError"),
    "IMMEDIATE": ("CancelByPrepareTimeout", "EC_NoError"),
    "LIQUIDATION": ("CancelAllBeforeLiq", "EC_NoError"),
    "INSUFFICIENT_MARGIN": ("UNKNOWN", "EC_Others"),
}
"""What the simulated exchange says of a cancelled order -> (cancelType, rejectReason)."""


def visible(order: OrderRecord) -> bool:
    """Refused orders never existed for the venue; but a post-only order that would have taken was accepted first and
    then cancelled. What is still on its way is not known yet."""
    if order.state is VenueOrderState.REJECTED:
        return order.reason.startswith(POST_ONLY_REFUSED)
    return order.state is not VenueOrderState.SENT


def origin(order: OrderRecord) -> tuple[str, str]:
    """(createType, execType): the client's, or the venue's own that liquidates or deleverages."""
    if not order.forced:
        return "CreateByUser", "Trade"
    if order.command.client_id.startswith(DELEVERAGED_PREFIX):
        return "CreateByAdl_PassThrough", "AdlTrade"
    return "CreateByLiq", "BustTrade"


def currency(named: str) -> str:
    """`USD` stands for what the contract is quoted in."""
    return QUOTE if named == "USD" else named


def status_of(order: OrderRecord) -> str:
    """An untriggered stop that is cancelled is Deactivated; one that triggered in vain is Rejected."""
    stop = order.command.kind is OrderKind.STOP_MARKET
    if order.state is VenueOrderState.NEW:
        return "Untriggered" if stop else "New"
    if order.state is VenueOrderState.PARTLY:
        return "PartiallyFilled"
    if order.state is VenueOrderState.FILLED:
        return "Filled"
    if stop and not order.filled_base:
        return "Rejected" if order.reason in ("REDUCE_ONLY", "INSUFFICIENT_MARGIN") else "Deactivated"
    return "Cancelled"


def _ending(order: OrderRecord) -> tuple[str, str]:
    """(cancelType, rejectReason)"""
    if order.state is VenueOrderState.REJECTED:
        return "UNKNOWN", "EC_PostOnlyWillTakeLiquidity"
    if order.state is VenueOrderState.CANCELLED:
        return _REASONS.get(order.reason, ("UNKNOWN", "EC_Others"))
    return "UNKNOWN", "EC_NoError"


class _Sums(msgspec.Struct):
    """What trading brought, by coin, up to a payment: summing a long history anew for every message would be slow."""

    upto: int = 0
    by_coin: dict[str, Decimal] = {}


class Rows:
    """Every amount is the account's own; remembered is only how far its payments have been summed."""

    def __init__(self, names: BybitNames) -> None:
        self._names = names
        self._sums: dict[str, _Sums] = {}

    # --- orders ----------------------------------------------------------------------------------------------------

    def order(self, order: OrderRecord) -> Row:
        command, params = order.command, order.params
        stop = command.kind is OrderKind.STOP_MARKET
        cancel_type, reject_reason = _ending(order)
        left = command.quantity_base - order.filled_base if order.open else Decimal(0)
        price = command.limit_price or Decimal(0)
        fees: dict[str, Decimal] = {}
        for record in order.fills:
            coin = currency(record.fill.fee_currency)
            fees[coin] = fees.get(coin, Decimal(0)) + record.fill.fee
        market = command.kind is not OrderKind.LIMIT
        return {
            "category": CATEGORY, "symbol": self._names.symbol(command.coin),
            "orderId": identity(ORDER_ID, order.number), "orderLinkId": self.link_id(order), "blockTradeId": "",
            "side": "Buy" if order.buys else "Sell", "orderType": "Market" if market else "Limit",
            "price": plain(price), "qty": plain(command.quantity_base), "isLeverage": "", "positionIdx": 0,
            "orderStatus": status_of(order), "createType": origin(order)[0], "cancelType": cancel_type,
            "rejectReason": reject_reason, "avgPrice": plain(order.average_price) if order.filled_base else "",
            "leavesQty": plain(left), "leavesValue": plain(left * price), "cumExecQty": plain(order.filled_base),
            "cumExecValue": plain(order.filled_usd), "cumExecFee": plain(sum(fees.values(), Decimal(0))),
            "cumFeeDetail": {coin: plain(fee) for coin, fee in fees.items()}, "feeCurrency": next(iter(fees), QUOTE),
            "timeInForce": "IOC" if market else word_for(command, TIMES_IN_FORCE),
            "stopOrderType": "Stop" if stop else "", "orderIv": "", "marketUnit": "",
            "triggerPrice": plain(command.trigger_price) if command.trigger_price is not None else "",
            "triggerDirection": (1 if order.buys else 2) if stop else 0, "triggerBy": "MarkPrice" if stop else "",
            "takeProfit": "", "stopLoss": params.get("stopLoss", ""), "tpslMode": params.get("tpslMode", ""),
            "tpTriggerBy": "", "slTriggerBy": params.get("slTriggerBy", ""), "parentOrderLinkId": "",
            "tpLimitPrice": "0", "slLimitPrice": "0", "lastPriceOnCreated": params.get("lastPriceOnCreated", ""),
            "reduceOnly": command.reduce_only, "closeOnTrigger": params.get("closeOnTrigger") == "true",
            "placeType": "", "smpType": "None", "smpGroup": 0, "smpOrderId": "",
            "createdTime": str(order.created_ms), "updatedTime": str(order.updated_ms),
            **(attached_stops.shown(order) if order.rode_in_with else {}),
        }  # fmt: skip

    def link_id(self, order: OrderRecord) -> str:
        """Empty when the client named none, and for the venue's own orders."""
        nameless = order.params.get("unnamed") == "true" or order.forced or bool(order.rode_in_with)
        return "" if nameless else order.command.client_id

    # --- executions ------------------------------------------------------------------------------------------------

    def execution(self, account: VenueAccount, record: FillRecord) -> Row:
        fill = record.fill
        order = account.orders[fill.client_id]
        value = fill.price * fill.quantity_base
        create_type, execution_type = origin(order)
        coin = currency(fill.fee_currency)
        before = [one.fill.quantity_base for one in order.fills if one.number <= record.number]
        left = max(order.command.quantity_base - sum(before, Decimal(0)), Decimal(0))
        return {
            **self._executed(fill.coin, identity(FILL_ID, record.number), fill.time_ms),
            "orderId": identity(ORDER_ID, order.number), "orderLinkId": self.link_id(order),
            "side": "Buy" if order.buys else "Sell", "execType": execution_type, "execPrice": plain(fill.price),
            "execQty": plain(fill.quantity_base), "execValue": plain(value), "execFee": plain(fill.fee),
            "feeRate": self._rate(fill) if coin == QUOTE else "", "feeCurrency": coin,
            "execPnl": plain(record.realised_usd),
            "closedSize": plain(fill.quantity_base) if fill.reduces else "0", "leavesQty": plain(left),
            "orderPrice": plain(order.command.limit_price or fill.price),
            "orderQty": plain(order.command.quantity_base),
            "orderType": "Limit" if order.command.kind is OrderKind.LIMIT else "Market",
            "stopOrderType": "Stop" if order.command.trigger_price is not None else "UNKNOWN",
            "isMaker": fill.maker, "createType": create_type, "markPrice": plain(account.mark_price(fill.coin)),
        }  # fmt: skip

    def _rate(self, fill: events.Fill) -> str:
        value = fill.price * fill.quantity_base
        return plain((fill.fee / value).quantize(_RATE, ROUND_HALF_EVEN)) if value else "0"

    def funded(self, account: VenueAccount, payment: Payment, side: Side, quantity_base: Decimal) -> Row:
        """A positive fee is paid; the rate is signed alike, so that fee = value x rate."""
        mark_price = account.mark_price(payment.coin)
        return {
            **self._executed(payment.coin, identity(FUNDING_ID, payment.number), payment.time_ms),
            "orderId": identity(FUNDING_ID, payment.number), "side": "Buy" if side is Side.LONG else "Sell",
            "execType": "Funding", "execPrice": plain(mark_price), "execQty": plain(quantity_base),
            "execValue": plain(quantity_base * mark_price), "execFee": plain(-payment.amount_usd),
            "feeRate": plain(side.value * Decimal(str(payment.rate_pct)) / 100), "orderType": "UNKNOWN",
            "createType": "", "feeCurrency": "", "markPrice": plain(mark_price),
        }  # fmt: skip

    def _executed(self, coin: str, execution_id: str, time_ms: int) -> Row:
        """What all kinds of executions have; an execution without an order leaves it at that."""
        return {
            "category": CATEGORY, "symbol": self._names.symbol(coin), "execId": execution_id,
            "execTime": str(time_ms), "orderLinkId": "", "orderPrice": "0", "orderQty": "0", "leavesQty": "0",
            "closedSize": "0", "stopOrderType": "UNKNOWN", "isMaker": False, "isLeverage": "0",
            "feeCurrency": QUOTE, "tradeIv": "", "markIv": "", "indexPrice": "", "underlyingPrice": "",
            "blockTradeId": "", "marketUnit": "", "execPnl": "0", "extraFees": "", "seq": time_ms,
        }  # fmt: skip

    # --- position and wallet ---------------------------------------------------------------------------------------

    def position(self, account: VenueAccount, one: Instrument, *, index: int = 0) -> Row:
        """Both names of the entry price: answers write `avgPrice`, the stream `entryPrice`."""
        held = account.holding(one.coin)
        mechanics = mechanics_in(account, one.coin)
        value = Decimal(0) if held is None else held.cost_usd
        margin = Decimal(0) if held is None else held.margin_usd
        needed = mechanics.maintenance_usd_exact(value) if held is not None else Decimal(0)
        entry = "0" if held is None else plain(round(held.entry_price, 8))
        liquidation = "" if held is None or held.liquidation_price is None else plain(held.liquidation_price)
        tier = mechanics.table.tier_at(float(value))
        return {
            "positionIdx": index, "riskId": mechanics.table.tiers.index(tier) + 1,
            "riskLimitValue": plain(tier.notional_usd_cap), "symbol": self._names.symbol(one.coin),
            "side": "" if held is None else "Buy" if held.side is Side.LONG else "Sell",
            "size": "0" if held is None else plain(held.quantity_base), "avgPrice": entry, "entryPrice": entry,
            "positionValue": plain(value), "tradeMode": 0, "positionStatus": "Normal", "autoAddMargin": 0,
            "adlRankIndicator": 0 if held is None else 1, "leverage": str(account.leverage(one.coin)),
            "positionBalance": plain(margin), "markPrice": plain(account.mark_price(one.coin)),
            "liqPrice": liquidation, "bustPrice": "" if held is None else plain(held.bankruptcy_price),
            "positionMM": plain(needed), "positionIM": plain(margin), "positionMMByMp": plain(needed),
            "positionIMByMp": plain(margin), "category": CATEGORY, "tpslMode": "Full", "takeProfit": "",
            "stopLoss": "", "trailingStop": "0", "sessionAvgPrice": "",
            "unrealisedPnl": plain(account.unrealised_usd(one.coin)) if held is not None else "",
            "curRealisedPnl": "0", "cumRealisedPnl": plain(self._realised(account, one.coin)),
            "isReduceOnly": False, "mmrSysUpdatedTime": "", "leverageSysUpdatedTime": "",
            "createdTime": str(account.now_ms), "updatedTime": str(account.now_ms), "seq": account.now_ms,
        }  # fmt: skip

    def _realised(self, account: VenueAccount, coin: str) -> Decimal:
        """Everything that trading this coin ever brought or cost."""
        sums = self._sums.setdefault(account.key, _Sums())
        new = list(takewhile(lambda one: one.number > sums.upto, reversed(account.payments)))
        for one in new:
            if one.currency == "USD" and one.coin:
                sums.by_coin[one.coin] = sums.by_coin.get(one.coin, Decimal(0)) + one.amount_usd
        if new:
            sums.upto = new[0].number
        return sums.by_coin.get(coin, Decimal(0))

    def wallet(self, account: VenueAccount) -> Row:
        """In isolated margin the venue leaves the account-wide rates empty."""
        coins = [one.coin for one in self._names.by_symbol.values()]
        wallet, profit = account.wallet_usd, sum((account.unrealised_usd(coin) for coin in coins), Decimal(0))
        holdings = [(coin, held) for coin in coins if (held := account.holding(coin)) is not None]
        margin = sum((held.margin_usd for _, held in holdings), Decimal(0))
        needed = sum(
            (mechanics_in(account, coin).maintenance_usd_exact(held.cost_usd) for coin, held in holdings), Decimal(0)
        )
        reserved = wallet - margin - account.available_usd
        realised = sum((self._realised(account, coin) for coin in coins), Decimal(0))
        isolated = all(account.isolated.values())
        share = "" if isolated else "0"
        return {
            "accountType": "UNIFIED", "totalEquity": plain(wallet + profit), "totalWalletBalance": plain(wallet),
            "totalMarginBalance": "" if isolated else plain(wallet + profit),
            "totalAvailableBalance": "" if isolated else plain(account.available_usd),
            "totalPerpUPL": plain(profit), "totalInitialMargin": "" if isolated else plain(margin + reserved),
            "totalMaintenanceMargin": "" if isolated else plain(needed), "accountIMRate": share,
            "accountMMRate": share, "accountLTV": "",
            "coin": [
                {
                    "coin": QUOTE, "equity": plain(wallet + profit), "usdValue": plain(wallet + profit),
                    "walletBalance": plain(wallet), "availableToWithdraw": "", "availableToBorrow": "",
                    "borrowAmount": "0", "accruedInterest": "0", "totalOrderIM": plain(reserved),
                    "totalPositionIM": plain(margin), "totalPositionMM": plain(needed),
                    "unrealisedPnl": plain(profit), "cumRealisedPnl": plain(realised), "bonus": "0", "locked": "0",
                    "spotBorrow": "0", "spotHedgingQty": "0", "collateralSwitch": True, "marginCollateral": True,
                }
            ],
        }  # fmt: skip


def mechanics_in(account: VenueAccount, coin: str) -> Mechanics:
    return account.exchange.accounts.mechanics[VENUE, coin]
