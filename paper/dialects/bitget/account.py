"""Bitget: the account: key, balances, margin mode, leverage, positions and bills."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from liqbot.commands import SetLeverage
from liqbot.events import LeverageConfirmed
from liqbot.instruments import Instrument, Side
from paper.dialects.accounts import FillRecord, Payment, VenueAccount
from paper.dialects.bitget.errors import (
    QUOTE,
    VENUE,
    BitgetNames,
    BitgetRefused,
    Params,
    Row,
    page,
    within,
)
from paper.dialects.bitget.payloads import trade_side
from paper.dialects.trade_prints import plain

ZERO: Final = Decimal(0)
_READS: Final = ("coor", "cpor", "stor")
_TRADES: Final = ("coow", "cpow")
_MODES: Final = {"isolated": True, "crossed": False}
_BILLS: Final = {"funding": "contract_settle_fee"}


def position_row(account: VenueAccount, names: BitgetNames, one: Instrument) -> Row | None:
    """What is held of a contract; None when nothing is."""
    held = account.holding(one.coin)
    if held is None:
        return None
    mark, size = account.mark_price(one.coin), held.quantity_base
    mechanics = account.exchange.accounts.mechanics[VENUE, one.coin]
    needed = mechanics.maintenance_usd_exact(size * mark)
    return {
        "marginCoin": QUOTE, "symbol": names.symbol(one.coin),
        "holdSide": "long" if held.side is Side.LONG else "short", "openDelegateSize": "0",
        "marginSize": plain(held.margin_usd), "available": plain(size), "locked": "0", "total": plain(size),
        "leverage": str(held.leverage), "achievedProfits": "0", "openPriceAvg": plain(round(held.entry_price, 8)),
        "marginMode": "isolated", "posMode": "one_way_mode", "unrealizedPL": plain(account.unrealised_usd(one.coin)),
        "liquidationPrice": "0" if held.liquidation_price is None else plain(held.liquidation_price),
        "keepMarginRate": plain(needed / (size * mark)) if mark else "0", "markPrice": plain(mark),
        "breakEvenPrice": plain(round(held.entry_price, 8)), "totalFee": "", "deductedFee": "0",
        "marginRatio": plain(needed / held.margin_usd) if held.margin_usd else "", "assetMode": "single",
        "autoMargin": "off", "cTime": str(account.now_ms), "uTime": str(account.now_ms),
    }  # fmt: skip


class BitgetAccountRequests:
    """Handlers of `/account/...` and `/position/...`; every one is given account and parameters."""

    def __init__(self, names: BitgetNames) -> None:
        self._names = names

    # --- key and balance -------------------------------------------------------------------------------------------

    async def key(self, account: VenueAccount, params: Params) -> Row:
        """`authorities` in the venue's abbreviations: futures orders and holdings, wallet transfer and withdrawal."""
        del params
        rights = [*_READS, *(_TRADES if account.may_trade else ())]
        rights += ["wtow"] * account.may_transfer + ["wwow"] * account.may_withdraw
        return {
            "userId": "1", "inviterId": "", "ips": "", "authorities": rights, "parentId": 1,
            "traderType": "not_trader", "channelCode": "", "channel": "", "regisTime": "1704067200000",
        }

    async def settings_of_unified(self, account: VenueAccount, params: Params) -> Row:
        del account, params
        return {"accountMode": "unified", "assetMode": "single", "holdMode": "one_way_mode", "uid": "1"}

    async def balance(self, account: VenueAccount, params: Params) -> Row:
        """With the settings of one contract."""
        one = self._names.instrument(params)
        lever = str(account.leverage(one.coin))
        return self._balance(account) | {
            "crossedMarginLeverage": lever, "isolatedLongLever": lever, "isolatedShortLever": lever,
            "marginMode": "isolated" if account.isolated[one.coin] else "crossed",
            "posMode": "hedge_mode" if account.hedge_mode else "one_way_mode",
        }

    async def balances(self, account: VenueAccount, params: Params) -> list[Row]:
        return [self._balance(account)] if self._names.linear(params) else []

    def _balance(self, account: VenueAccount) -> Row:
        coins = [one.coin for one in self._names.by_symbol.values()]
        profit = sum((account.unrealised_usd(coin) for coin in coins), ZERO)
        free, equity = plain(account.available_usd), plain(account.wallet_usd + profit)
        return {
            "marginCoin": QUOTE, "locked": "0", "available": free, "crossedMaxAvailable": free,
            "isolatedMaxAvailable": free, "maxTransferOut": free, "accountEquity": equity, "usdtEquity": equity,
            "btcEquity": "0", "crossedRiskRate": "0", "unrealizedPL": plain(profit), "coupon": "0",
            "crossedUnrealizedPL": "0", "isolatedUnrealizedPL": plain(profit), "assetMode": "single",
        }  # fmt: skip

    # --- positions -------------------------------------------------------------------------------------------------

    async def position(self, account: VenueAccount, params: Params) -> list[Row]:
        self._names.linear(params)
        row = position_row(account, self._names, self._names.instrument(params))
        return [] if row is None else [row]

    async def positions(self, account: VenueAccount, params: Params) -> list[Row]:
        rows = (position_row(account, self._names, one) for one in self._names.chosen(params))
        return [row for row in rows if row is not None]

    async def adl_ranks(self, account: VenueAccount, params: Params) -> list[Row]:
        """From 0 to 1, which is deleveraged next; nothing here is near."""
        return [
            {"symbol": row["symbol"], "marginCoin": QUOTE, "holdSide": row["holdSide"], "adlRank": "0.2"}
            for row in await self.positions(account, {"productType": params.get("productType", "")})
        ]

    # --- settings --------------------------------------------------------------------------------------------------

    async def set_leverage(self, account: VenueAccount, params: Params) -> Row:
        """Of both sides alike; what the venue would allow with a position open is not modelled."""
        one, text = self._names.instrument(params), str(params.get("leverage", ""))
        strange = [name for name in ("longLeverage", "shortLeverage", "holdSide") if params.get(name)]
        if strange or not text.isdigit() or not int(text):
            raise self._names.not_modelled(f"leverage {dict(params)}")
        facts = await self._names.hub.execute(account, SetLeverage(VENUE, one.coin, int(text)))
        confirmed = next((fact.leverage for fact in facts if isinstance(fact, LeverageConfirmed)), 0.0)
        if confirmed != int(text):
            raise self._leverage_refused(account, one, int(text))
        return self._settings(account, one)

    def _leverage_refused(self, account: VenueAccount, one: Instrument, leverage: int) -> BitgetRefused:
        if leverage > account.exchange.accounts.mechanics[VENUE, one.coin].leverage_max(0.0):
            return BitgetRefused("45045", "Exceeds the maximum possible leverage")
        if account.holding(one.coin) is not None:
            return self._names.not_modelled("leverage changed with a position open")
        return BitgetRefused("45097", "There is currently an order, and the leverage cannot be adjusted")

    def _settings(self, account: VenueAccount, one: Instrument) -> Row:
        lever = str(account.leverage(one.coin))
        return {
            "symbol": self._names.symbol(one.coin), "marginCoin": QUOTE, "longLeverage": lever, "shortLeverage": lever,
            "crossMarginLeverage": lever, "marginMode": "isolated" if account.isolated[one.coin] else "crossed",
        }

    async def set_margin_mode(self, account: VenueAccount, params: Params) -> Row:
        one, wanted = self._names.instrument(params), _MODES.get(str(params.get("marginMode", "")))
        if wanted is None:
            raise BitgetRefused("40020", "Parameter marginMode error")
        busy = account.holding(one.coin) is not None or account.open_orders(one.coin)
        if account.isolated[one.coin] is not wanted and busy:
            raise BitgetRefused("45117", "Currently holding positions or orders, the margin mode cannot be adjusted")
        account.isolated[one.coin] = wanted
        return self._settings(account, one)

    async def set_position_mode(self, account: VenueAccount, params: Params) -> Row:
        """Of the whole kind of products."""
        self._names.linear(params)
        mode = params.get("posMode")
        if mode not in ("one_way_mode", "hedge_mode"):
            raise BitgetRefused("40020", "Parameter posMode error")
        hedged = mode == "hedge_mode"
        busy = account.open_orders() or any(account.holding(one.coin) for one in self._names.by_symbol.values())
        if hedged is not account.hedge_mode and busy:
            raise BitgetRefused("40920", "Position or order exists, the position mode cannot be switched")
        account.hedge_mode = hedged
        return {"posMode": mode}

    # --- bills -----------------------------------------------------------------------------------------------------

    async def bills(self, account: VenueAccount, params: Params) -> Row:
        """Newest first, twenty by default; of thirty days at once."""
        if not self._names.linear(params):
            return {"bills": None, "endId": None}
        wanted, coin = params.get("businessType"), params.get("coin")
        rows = [
            row for row in _bills(account, self._names)
            if within(params, int(row["cTime"])) and wanted in (None, "", row["businessType"])
            and coin in (None, "", row["coin"])
        ]
        return page(rows, params, "bills", "billId", usual=20)


def _bills(account: VenueAccount, names: BitgetNames) -> Iterator[Row]:
    """Newest first. A fill is one bill for each currency: what it realised, with its fee."""
    fills = {record.number: record for record in account.fills}
    balance, shown = account.wallet_usd, set[tuple[int, str]]()
    merged: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
    for one in account.payments:
        amount, fee = merged.get((one.fill_number, one.currency), (ZERO, ZERO))
        if one.fill_number and one.kind in ("fee", "liquidation"):
            merged[one.fill_number, one.currency] = amount, fee + one.amount_usd
        elif one.fill_number:
            merged[one.fill_number, one.currency] = amount + one.amount_usd, fee
    for one in reversed(account.payments):
        after, ours = balance, one.currency == "USD"
        balance -= one.amount_usd if ours else ZERO
        key = (one.fill_number, one.currency)
        if one.fill_number and key in shown:
            continue
        shown.add(key)
        amount, fee = merged[key] if one.fill_number else (one.amount_usd, ZERO)
        yield {
            "billId": str(one.number), "symbol": names.symbol(one.coin) if one.coin else "", "amount": plain(amount),
            "fee": plain(fee), "feeByCoupon": "", "businessType": _business(account, one, fills),
            "coin": QUOTE if ours else one.currency, "balance": plain(after) if ours else "",
            "cTime": str(one.time_ms),
        }


def _business(account: VenueAccount, one: Payment, fills: dict[int, FillRecord]) -> str:
    """In the venue's words. A rebate comes from the spot account, where the venue pays it."""
    if one.fill_number:
        record = fills.get(one.fill_number)
        order = None if record is None else account.orders.get(record.fill.client_id)
        words = {"burst": "burst_", "dte": "adl_"}
        side = "buy" if order is not None and order.buys else "sell"
        prefix = "" if order is None else words.get(trade_side(order).split("_")[0], "")
        return f"{prefix}{side}_in_single_side_mode" if prefix == "adl_" else f"{prefix}{side}"
    if one.kind in _BILLS:
        return _BILLS[one.kind]
    return "trans_from_exchange" if one.amount_usd >= 0 else "trans_to_exchange"
