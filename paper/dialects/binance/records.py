"""Binance USD-M: what is on record about an account, what it costs to trade, and what its key may do."""

from decimal import Decimal
from typing import Any, Final

from paper.dialects.accounts import Payment, VenueAccount
from paper.dialects.binance import payloads
from paper.dialects.binance.errors import VENUE, BinanceGate, BinanceNames, BinanceRefused, Params, number
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer
from paper.dialects.trade_prints import plain

ROWS_MAX: Final = 1_000
SPAN_MS_MAX: Final = 7 * 86_400_000
_INCOME: Final = {
    "realised": "REALIZED_PNL", "fee": "COMMISSION", "funding": "FUNDING_FEE", "transfer": "TRANSFER",
    "liquidation": "INSURANCE_CLEAR", "rebate": "COMMISSION_REBATE",
}  # fmt: skip


class BinanceRecords:
    """Handlers for fills, income, brackets, fees and rights."""

    def __init__(self, names: BinanceNames, door: BinanceGate) -> None:
        self._names, self._door = names, door

    def routes(self) -> dict[str, Handler]:
        signed, symbol = self._door.signed, frozenset({"symbol"})
        span = frozenset({"symbol", "startTime", "endTime", "limit"})
        return {
            "GET /fapi/v1/userTrades": signed(self._trades, span | {"orderId", "fromId"}),
            "GET /fapi/v1/income": signed(self._income, span | {"incomeType", "page"}),
            "GET /fapi/v1/leverageBracket": signed(self._brackets, symbol),
            "GET /fapi/v1/commissionRate": signed(self._commission, symbol),
            "GET /fapi/v1/apiTradingStatus": signed(self._trading_status, symbol),
            "GET /sapi/v1/account/apiRestrictions": signed(self._restrictions, frozenset()),
        }

    async def _trades(self, account: VenueAccount, params: Params) -> HttpAnswer:
        one, limit = self._names.instrument(params), _limit(params, 500)
        from_id, order_id = number(params, "fromId"), number(params, "orderId")
        _require_span(params, from_id)
        found = [
            payloads.trade(entry, account, self._names)
            for entry in account.fills
            if entry.fill.coin == one.coin and _within(entry.fill.time_ms, params)
            and (from_id is None or entry.number >= from_id)
            and (order_id is None or account.orders[entry.fill.client_id].number == order_id)
        ]
        return HttpAnswer(found[:limit] if from_id is not None or "startTime" in params else found[-limit:])

    async def _income(self, account: VenueAccount, params: Params) -> HttpAnswer:
        limit, page = _limit(params, 100), number(params, "page", 1) or 1
        wanted = params.get("incomeType", "")
        coins = {one.coin for one in self._names.chosen(params)} | ({""} if not params.get("symbol") else set())
        found = [
            self._income_of(payment)
            for payment in account.payments
            if payment.coin in coins and wanted in ("", _INCOME[payment.kind]) and _within(payment.time_ms, params)
        ]
        return HttpAnswer(found[limit * (page - 1) :][:limit] if "startTime" in params or page > 1 else found[-limit:])

    def _income_of(self, payment: Payment) -> dict[str, Any]:
        kind = _INCOME[payment.kind]
        return {
            "symbol": self._names.symbol(payment.coin) if payment.coin else "",
            "incomeType": kind,
            "income": plain(payment.amount_usd),
            "asset": payloads.asset(payment.currency),
            "info": str(payment.fill_number) if payment.fill_number else kind,
            "time": payment.time_ms,
            "tranId": payment.number,
            "tradeId": str(payment.fill_number) if payment.fill_number else "",
        }

    async def _brackets(self, account: VenueAccount, params: Params) -> HttpAnswer:
        shown = [
            {
                "symbol": self._names.symbol(one.coin),
                "notionalCoef": 1.0,
                "brackets": [
                    {
                        "bracket": bracket,
                        "initialLeverage": int(tier.leverage_max),
                        "notionalCap": tier.notional_usd_cap,
                        "notionalFloor": tier.notional_usd_floor,
                        "maintMarginRatio": float(Decimal(str(tier.maintenance_pct)) / 100),
                        "cum": tier.deduction_usd,
                    }
                    for bracket, tier in enumerate(account.exchange.accounts.mechanics[VENUE, one.coin].table.tiers, 1)
                ],
            }
            for one in self._names.chosen(params)
        ]
        return HttpAnswer(shown[0] if params.get("symbol") else shown)

    async def _commission(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del account
        one = self._names.instrument(params)
        rates = [plain(Decimal(str(pct)) / 100) for pct in (one.maker_fee_pct, one.taker_fee_pct)]
        return HttpAnswer(
            {"symbol": params["symbol"], "makerCommissionRate": rates[0], "takerCommissionRate": rates[1]}
        )

    async def _trading_status(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer({"indicators": {}, "updateTime": account.now_ms})

    async def _restrictions(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer(
            {
                "ipRestrict": True,
                "createTime": 1_698_645_219_000,
                "enableReading": True,
                "enableWithdrawals": account.may_withdraw,
                "enableInternalTransfer": account.may_transfer,
                "enableMargin": False,
                "enableFutures": account.may_trade,
                "permitsUniversalTransfer": account.may_transfer,
                "enableVanillaOptions": False,
                "enableFixApiTrade": False,
                "enableFixReadOnly": False,
                "enableSpotAndMarginTrading": False,
                "enablePortfolioMarginTrading": False,
            }
        )


def _limit(params: Params, usual: int) -> int:
    return min(number(params, "limit", usual) or usual, ROWS_MAX)


def _require_span(params: Params, from_id: int | None) -> None:
    """Of `userTrades`: seven days at most, and either times or an id to begin with."""
    start_ms, end_ms = number(params, "startTime"), number(params, "endTime")
    if from_id is not None and (start_ms is not None or end_ms is not None):
        raise BinanceRefused(-1128, "Combination of optional parameters invalid.")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > SPAN_MS_MAX:
        raise BinanceRefused(-4165, "Maximum time interval is 7 days.")


def _within(time_ms: int, params: Params) -> bool:
    start_ms, end_ms = number(params, "startTime"), number(params, "endTime")
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)
