"""OKX's account requests: balance, positions, settings, bills; and the rows that its private streams share."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from liqbot.commands import SetLeverage
from liqbot.events import LeverageConfirmed
from paper.dialects.accounts import Payment, VenueAccount
from paper.dialects.http import HttpAnswer
from paper.dialects.hub import Hub
from paper.dialects.okx.errors import (
    LEVERAGE_LOCKED,
    LEVERAGE_TOO_HIGH,
    NO_SUCH_INSTRUMENT,
    SETTINGS_LOCKED,
    OkxRefused,
    OkxTrouble,
    parameter,
    success,
)
from paper.dialects.okx.listing import INST_TYPE, QUOTE, Row, Swap, Swaps
from paper.dialects.okx.market import between, rows_asked
from paper.dialects.okx.payloads import trade_kind
from paper.dialects.trade_prints import plain
from paper.exchange.money import ExchangeHolding

Params = Mapping[str, str]
ZERO: Final = Decimal(0)
RECENT_MS: Final = 7 * 86_400_000
ARCHIVED_MS: Final = 90 * 86_400_000
_EMPTY: Final[Row] = dict.fromkeys(
    ("accAvgPx", "borrowFroz", "clSpotInUseAmt", "crossLiab", "interest", "isoLiab", "liab", "maxLoan",
     "maxSpotInUseAmt", "mgnRatio", "openAvgPx", "spotBal", "spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio",
     "uplLiab"), "",
) | dict.fromkeys(
    ("colBorrAutoConversion", "fixedBal", "imr", "mmr", "notionalLever", "rewardBal", "smtSyncEq",
     "spotCopyTradingEq", "spotInUseAmt", "spotIsoBal", "stgyEq", "twap"), "0",
)
# Types of bills. A rebate comes from the funding account, where the venue pays it.
_BILLS: Final[Mapping[str, str]] = {"transfer": "1", "rebate": "1", "funding": "8"}
_PAID_OR_RECEIVED: Final = {"transfer": ("12", "11"), "rebate": ("12", "11"), "funding": ("173", "174")}


def balance_row(account: VenueAccount, swaps: Swaps) -> Row:
    """Isolated margin lies outside `cashBal`; equity counts it and what is unrealised."""
    held = [one for one in (account.holding(coin) for coin in swaps.of) if one is not None]
    margins = sum((one.margin_usd for one in held), ZERO)
    unrealised = sum((account.unrealised_usd(coin) for coin in swaps.of), ZERO)
    cash, free = account.wallet_usd - margins, account.available_usd
    isolated, now_ms = margins + unrealised, str(account.now_ms)
    equity = account.wallet_usd + unrealised
    detail = _EMPTY | {
        "availBal": plain(free), "availEq": plain(free), "cashBal": plain(cash), "ccy": QUOTE, "coinUsdPrice": "1",
        "collateralEnabled": False, "collateralRestrict": False, "disEq": plain(equity), "eq": plain(equity),
        "eqUsd": plain(equity), "frozenBal": plain(cash - free + isolated), "isoEq": plain(isolated),
        "isoUpl": plain(unrealised), "ordFrozen": plain(cash - free), "uTime": now_ms, "upl": plain(unrealised),
    }
    return {
        "adjEq": "", "availEq": "", "borrowFroz": "", "details": [detail], "imr": "", "isoEq": plain(isolated),
        "mgnRatio": "", "mmr": "", "notionalUsd": "", "notionalUsdForBorrow": "", "notionalUsdForFutures": "",
        "notionalUsdForOption": "", "notionalUsdForSwap": "", "ordFroz": "", "totalEq": plain(equity),
        "uTime": now_ms, "upl": "",
    }


def position_row(account: VenueAccount, swap: Swap, held: ExchangeHolding | None) -> Row:
    """In one-way mode: `pos` is signed, in contracts; what is flat has no prices."""
    mark, last = account.mark_price(swap.coin), account.exchange.quote(account.venue, swap.coin).last_price
    row: Row = {
        "adl": "1", "baseBal": "", "bePx": "", "cTime": str(account.now_ms), "ccy": QUOTE, "fee": "0",
        "fundingFee": "0", "idxPx": "", "imr": "", "instId": swap.inst_id, "instType": INST_TYPE, "interest": "",
        "last": plain(last), "lever": str(account.leverage(swap.coin)), "liqPenalty": "0", "liqPx": "",
        "margin": "0", "markPx": plain(mark), "mgnMode": "isolated", "mgnRatio": "", "mmr": "0", "notionalUsd": "0",
        "optVal": "", "pendingCloseOrdLiabVal": "", "pnl": "0", "pos": "0", "posCcy": "", "posId": _pos_id(swap),
        "posSide": "net", "availPos": "", "avgPx": "", "quoteBal": "", "quoteBorrowed": "", "quoteInterest": "",
        "realizedPnl": "0", "spotInUseAmt": "", "spotInUseCcy": "", "tradeId": "", "uTime": str(account.now_ms),
        "upl": "0", "uplLastPx": "", "uplRatio": "", "uplRatioLastPx": "", "usdPx": "1",
    }
    return row if held is None else row | _held(account, swap, held, mark)


def _held(account: VenueAccount, swap: Swap, held: ExchangeHolding, mark: Decimal) -> Row:
    notional = held.quantity_base * mark
    table = account.exchange.accounts.mechanics[account.venue, swap.coin].table
    maintenance = table.maintenance_usd_exact(notional, mark)
    upl = account.unrealised_usd(swap.coin)
    since_ms = _opened_ms(account, swap.coin, held)
    paid = [one for one in account.payments if one.coin == swap.coin and one.time_ms >= since_ms]
    pnl, fee, funding, penalty = (_sum(paid, kind) for kind in ("realised", "fee", "funding", "liquidation"))
    return {
        "avgPx": plain(held.entry_price), "cTime": str(since_ms), "fee": plain(fee), "fundingFee": plain(funding),
        "liqPx": "" if held.liquidation_price is None else plain(held.liquidation_price),
        "liqPenalty": plain(penalty), "lever": str(held.leverage), "margin": plain(held.margin_usd),
        "mgnRatio": plain((held.margin_usd + upl) / maintenance) if maintenance else "", "mmr": plain(maintenance),
        "notionalUsd": plain(notional), "pnl": plain(pnl),
        "pos": plain(swap.contracts(held.quantity_base * held.side.value)),
        "realizedPnl": plain(pnl + fee + funding + penalty),
        "tradeId": str(account.fills[-1].number) if account.fills else "", "upl": plain(upl),
        "uplRatio": plain(upl / held.margin_usd) if held.margin_usd else "",
    }


def _pos_id(swap: Swap) -> str:
    """Stays the same as long as an account keeps trading a contract."""
    return str(int.from_bytes(swap.inst_id.encode()[:7], "big"))


def _sum(paid: list[Payment], kind: str) -> Decimal:
    return sum((one.amount_usd for one in paid if one.kind == kind and one.currency == "USD"), ZERO)


def _opened_ms(account: VenueAccount, coin: str, held: ExchangeHolding) -> int:
    """Walks the fills back to where the position was nothing; the oldest one known when that is further back."""
    before, since_ms = held.quantity_base, account.now_ms
    for record in reversed(account.fills):
        if record.fill.coin != coin:
            continue
        since_ms = record.fill.time_ms
        before += record.fill.quantity_base if record.fill.reduces else -record.fill.quantity_base
        if before <= 0:
            break
    return since_ms


def bill_rows(account: VenueAccount, swaps: Swaps) -> list[Row]:
    """Newest first. A fill is one bill: what it realised and its fee together."""
    rows: list[Row] = []
    balance = account.wallet_usd
    merged: dict[tuple[int, str], Row] = {}
    for one in reversed(account.payments):
        ours = one.currency == "USD"
        after, balance = balance, balance - (one.amount_usd if ours else ZERO)
        bill = merged.get((one.fill_number, one.currency)) if one.fill_number else None
        if bill is not None:
            bill["pnl"], bill["balChg"] = plain(one.amount_usd), plain(Decimal(bill["balChg"]) + one.amount_usd)
            continue
        row = _bill(account, swaps, one, plain(after) if ours else "")
        merged[one.fill_number, one.currency] = row
        rows.append(row)
    return rows


def _bill(account: VenueAccount, swaps: Swaps, one: Payment, after: str) -> Row:
    swap = swaps.of.get(one.coin)
    kind, subtype = _BILLS.get(one.kind, "2"), ""
    if one.fill_number:
        order = account.orders.get(account.fills[one.fill_number - 1 - account.fills[-1].number].fill.client_id)
        subtype = trade_kind(order) if order is not None else ""
        kind = {"106": "5", "107": "5", "127": "9", "128": "9"}.get(subtype, "2")
    elif one.kind in _PAID_OR_RECEIVED:
        subtype = _PAID_OR_RECEIVED[one.kind][one.amount_usd > 0]
    charged = one.kind in ("fee", "liquidation")
    return {
        "bal": after, "balChg": plain(one.amount_usd), "billId": str(one.number),
        "ccy": QUOTE if one.currency == "USD" else one.currency, "clOrdId": "", "execType": "",
        "fee": plain(one.amount_usd) if charged else "0", "fillFwdPx": "", "fillIdxPx": "", "fillMarkPx": "",
        "fillMarkVol": "", "fillPxUsd": "", "fillPxVol": "", "fillTime": str(one.time_ms), "from": "",
        "instId": "" if swap is None else swap.inst_id, "instType": "" if swap is None else INST_TYPE,
        "interest": "0", "mgnMode": "" if swap is None else "isolated", "notes": "", "ordId": "",
        "pnl": plain(one.amount_usd) if one.kind in ("realised", "funding") else "0", "posBal": "0",
        "posBalChg": "0", "px": "", "subType": subtype, "sz": "0", "tag": "", "to": "",
        "tradeId": str(one.fill_number) if one.fill_number else "", "ts": str(one.time_ms), "type": kind,
    }


def _currency(name: str) -> Row:
    return {
        "ccy": name, "name": name, "chain": f"{name}-{name}", "canDep": False, "canWd": False, "canInternal": False,
        "minWd": "0", "maxWd": "0", "minFee": "0", "maxFee": "0", "fee": "0", "wdTickSz": "8", "mainNet": True,
        "logoLink": "", "needTag": False,
    }  # fmt: skip


class OkxAccount:
    """What an account may read of itself and set."""

    def __init__(self, hub: Hub, venue: str, swaps: Swaps) -> None:
        self._hub, self._venue, self._swaps = hub, venue, swaps

    def balance(self, account: VenueAccount, params: Params) -> HttpAnswer:
        row = balance_row(account, self._swaps)
        wanted = params.get("ccy", "")
        row["details"] = [one for one in row["details"] if not wanted or one["ccy"] in wanted.split(",")]
        return success([row])

    def positions(self, account: VenueAccount, params: Params) -> HttpAnswer:
        rows = []
        for swap in self._swaps.chosen(params) if params.get("instType", INST_TYPE) == INST_TYPE else ():
            held = account.holding(swap.coin)
            if held is not None:
                rows.append(position_row(account, swap, held))
        return success(rows)

    def currencies(self, account: VenueAccount, params: Mapping[str, str]) -> HttpAnswer:
        """No network carries any of them."""
        del account
        wanted = {name for name in params.get("ccy", "").split(",") if name}
        known = (QUOTE, *self._swaps.of)
        return success([_currency(name) for name in known if not wanted or name in wanted])

    def config(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """`perm` tells what the key may do."""
        del params
        rights = ["read_only", *(["withdraw"] if account.may_withdraw else []),
                  *(["trade"] if account.may_trade else [])]
        row = {
            "acctLv": "2", "acctStpMode": "cancel_maker", "autoLoan": False, "ctIsoMode": "automatic",
            "enableSpotBorrow": False, "feeType": "0", "greeksType": "PA", "ip": "", "kycLv": "3", "label": "",
            "level": "Lv1", "levelTmp": "", "liquidationGear": "-1", "mainUid": "1", "mgnIsoMode": "automatic",
            "opAuth": "0", "perm": ",".join(rights),
            "posMode": "long_short_mode" if account.hedge_mode else "net_mode", "roleType": "0",
            "settleCcy": "USDC", "settleCcyList": ["USD", "USDC"], "spotBorrowAutoRepay": False,
            "spotOffsetType": "", "spotRoleType": "0", "spotTraderInsts": [], "stgyType": "0", "traderInsts": [],
            "type": "0", "uid": "1",
        }
        return success([row])

    def leverage(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Of both margin modes: at this venue every order says its own. What differs is not modelled: one leverage."""
        mode = params.get("mgnMode", "")
        if mode not in ("isolated", "cross"):
            raise OkxRefused(parameter("mgnMode"))
        return success([_leverage_row(swap, account.leverage(swap.coin), mode) for swap in self._swaps.chosen(params)])

    def fees(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Rates are negative when paid."""
        chosen = self._swaps.chosen(params) if params.get("instType") == INST_TYPE else []
        if not chosen:
            raise OkxRefused(NO_SUCH_INSTRUMENT)
        maker, taker = (
            plain(-Decimal(str(pct)) / 100)
            for pct in (chosen[0].instrument.maker_fee_pct, chosen[0].instrument.taker_fee_pct)
        )
        return success([{
            "category": "1", "delivery": "", "exercise": "", "instType": INST_TYPE, "level": "Lv1", "maker": maker,
            "makerU": maker, "makerUSDC": maker, "taker": taker, "takerU": taker, "takerUSDC": taker,
            "ts": str(account.now_ms), "uly": "",
        }])

    def recent_bills(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Of the last seven days."""
        return self._bills(account, params, account.now_ms - RECENT_MS)

    def bills(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Of the last three months."""
        return self._bills(account, params, account.now_ms - ARCHIVED_MS)

    def _bills(self, account: VenueAccount, params: Params, since_ms: int) -> HttpAnswer:
        newer, older = between(params, "after", "before")
        begin_ms, end_ms = between(params, "end", "begin")
        rows = [
            row for row in bill_rows(account, self._swaps)
            if newer < float(row["billId"]) < older and max(begin_ms, since_ms) <= float(row["ts"]) <= end_ms
            and params.get("type") in (None, row["type"]) and params.get("instType", row["instType"]) == row["instType"]
            and params.get("instId", row["instId"]) == row["instId"] and params.get("ccy", row["ccy"]) == row["ccy"]
            and params.get("ctType", "linear") == "linear"
        ]
        return success(rows[: rows_asked(params)])

    # --- settings --------------------------------------------------------------------------------------------------

    async def set_leverage(self, account: VenueAccount, body: dict[str, Any]) -> HttpAnswer:
        """Only for isolated margin in one-way mode; what the venue would allow with a position open is not modelled."""
        swap = self._swaps.by_id.get(str(body.get("instId", "")))
        if swap is None:
            raise OkxRefused(NO_SUCH_INSTRUMENT)
        if body.get("mgnMode") != "isolated" or body.get("posSide", "net") != "net":
            self._hub.note_unknown(self._venue, f"set-leverage for {body.get('mgnMode')} {body.get('posSide')}")
            raise OkxRefused(parameter("mgnMode"))
        text = str(body.get("lever", ""))
        if not text.isdigit() or int(text) < 1:
            raise OkxRefused(parameter("lever"))
        facts = await self._hub.execute(account, SetLeverage(self._venue, swap.coin, int(text)))
        confirmed = next((fact.leverage for fact in facts if isinstance(fact, LeverageConfirmed)), 0.0)
        if confirmed != int(text):
            raise OkxRefused(self._why_not(account, swap, int(text)))
        account.isolated[swap.coin] = True
        return success([_leverage_row(swap, int(text))])

    def _why_not(self, account: VenueAccount, swap: Swap, leverage: int) -> OkxTrouble:
        mechanics = account.exchange.accounts.mechanics[self._venue, swap.coin]
        if leverage > mechanics.leverage_max(0.0, float(account.mark_price(swap.coin)) or None):
            return LEVERAGE_TOO_HIGH
        if account.holding(swap.coin) is not None:
            self._hub.note_unknown(self._venue, "set-leverage under an open position")
        return LEVERAGE_LOCKED

    async def set_position_mode(self, account: VenueAccount, body: dict[str, Any]) -> HttpAnswer:
        mode = body.get("posMode")
        if mode not in ("net_mode", "long_short_mode"):
            raise OkxRefused(parameter("posMode"))
        hedged = mode == "long_short_mode"
        busy = account.open_orders() or any(account.holding(coin) is not None for coin in self._swaps.of)
        if hedged is not account.hedge_mode and busy:
            raise OkxRefused(SETTINGS_LOCKED)
        account.hedge_mode = hedged
        return success([{"posMode": mode}])


def _leverage_row(swap: Swap, leverage: int, mode: str = "isolated") -> Row:
    return {"ccy": "", "instId": swap.inst_id, "lever": str(leverage), "mgnMode": mode, "posSide": "net"}
