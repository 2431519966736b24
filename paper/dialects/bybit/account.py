"""Bybit v5: the account: balance, key, margin mode, leverage and positions."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from liqbot import events
from liqbot.commands import SetLeverage
from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.bybit.errors import QUOTE, VENUE, BybitNames, BybitRefused, Params, Row, linear, page
from paper.dialects.bybit.payloads import Rows
from paper.dialects.http import HttpAnswer
from paper.dialects.trade_prints import plain

MARGIN_MODES: Final = {"ISOLATED_MARGIN": True, "REGULAR_MARGIN": False}
UNIFIED_PRO: Final = 6
"""A unified account of the present kind."""
_PERMISSIONS: Final = {
    "ContractTrade": ["Order", "Position"], "Spot": [], "Wallet": ["AccountTransfer"], "Options": [],
    "Derivatives": [], "CopyTrading": [], "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [], "Earn": [],
}  # fmt: skip


def _coin(coin: str) -> Row:
    return {"name": coin, "coin": coin, "remainAmount": "0", "chains": []}


class AccountRequests:
    """Handlers of `/v5/account`, `/v5/position` and `/v5/user`; every one is given account and parameters."""

    def __init__(self, names: BybitNames, rows: Rows) -> None:
        self._names, self._rows = names, rows

    # --- key, margin mode, balance ---------------------------------------------------------------------------------

    async def key(self, account: VenueAccount, params: Params) -> Row:
        del params
        wallet = [*(_PERMISSIONS["Wallet"] if account.may_transfer else []), *(["Withdraw"] * account.may_withdraw)]
        trade = _PERMISSIONS["ContractTrade"] if account.may_trade else []
        return {
            "id": "1", "note": "loopback", "apiKey": account.key, "readOnly": 0 if account.may_trade else 1,
            "secret": "", "permissions": {**_PERMISSIONS, "Wallet": wallet, "ContractTrade": trade}, "ips": ["*"],
            "type": 1, "deadlineDay": 90, "expiredAt": "2100-01-01T00:00:00Z", "createdAt": "2024-01-01T00:00:00Z",
            "unified": 0, "uta": 1, "userID": 1, "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0",
            "affiliateID": 0, "rsaPublicKey": "", "isMaster": True, "parentUid": "0", "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        }  # fmt: skip

    async def coins(self, account: VenueAccount, params: Params) -> Row:
        """No network carries any coin here."""
        del account
        wanted = params.get("coin", "")
        known = (QUOTE, *self._names.by_coin)
        return {"rows": [_coin(coin) for coin in known if wanted in ("", coin)]}

    async def info(self, account: VenueAccount, params: Params) -> Row:
        del params
        isolated = all(account.isolated.values())
        return {
            "marginMode": "ISOLATED_MARGIN" if isolated else "REGULAR_MARGIN", "updatedTime": str(account.now_ms),
            "unifiedMarginStatus": UNIFIED_PRO, "dcpStatus": "OFF", "timeWindow": 0, "smpGroup": 0,
            "isMasterTrader": False, "spotHedgingStatus": "OFF",
        }  # fmt: skip

    async def set_margin_mode(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """One mode for the whole account; setting it anew is accepted, too."""
        wanted = MARGIN_MODES.get(str(params.get("setMarginMode", "")))
        if wanted is None:
            raise self._names.not_modelled(f"margin mode {params.get('setMarginMode', '')!r}")
        changes = any(isolated is not wanted for isolated in account.isolated.values())
        if changes and (account.open_orders() or self._holdings(account)):
            raise self._names.not_modelled("margin mode changed with positions or orders open")
        account.isolated = dict.fromkeys(account.isolated, wanted)
        return HttpAnswer({"retCode": 0, "retMsg": "Request accepted", "result": {"reasons": []}})

    async def wallet(self, account: VenueAccount, params: Params) -> Row:
        if params.get("accountType") != "UNIFIED":
            raise BybitRefused(10001, "accountType only support UNIFIED.")
        return {"list": [self._rows.wallet(account)]}

    async def fees(self, account: VenueAccount, params: Params) -> Row:
        del account
        rows = [
            {
                "symbol": self._names.symbol(one.coin), "baseCoin": "",
                "takerFeeRate": plain(Decimal(str(one.taker_fee_pct)) / 100),
                "makerFeeRate": plain(Decimal(str(one.maker_fee_pct)) / 100),
            }
            for one in self._names.chosen(params)
        ]  # fmt: skip
        return {"list": rows}

    # --- positions -------------------------------------------------------------------------------------------------

    async def positions(self, account: VenueAccount, params: Params) -> Row:
        """A named contract is shown even when nothing is held; otherwise only what is held."""
        chosen = self._names.chosen(params)
        if chosen and not any(params.get(name) for name in ("symbol", "settleCoin", "baseCoin")):
            raise BybitRefused(10001, "params error: symbol or settleCoin is needed")
        if not params.get("symbol"):
            chosen = [one for one in chosen if account.holding(one.coin) is not None]
        places = (1, 2) if account.hedge_mode else (0,)
        found = [self._rows.position(account, one, index=index) for one in chosen for index in places]
        rows, cursor = page(found, params, usual=20, most=200)
        return {"category": params["category"], "list": rows, "nextPageCursor": cursor}

    async def set_leverage(self, account: VenueAccount, params: Params) -> Row:
        one = self._one(params)
        try:
            wanted = [Decimal(str(params.get(name, ""))) for name in ("buyLeverage", "sellLeverage")]
        except InvalidOperation:
            raise BybitRefused(10001, "leverage invalid") from None
        if wanted[0] != wanted[1] or wanted[0] != wanted[0].to_integral_value(ROUND_HALF_EVEN):
            raise self._names.not_modelled(f"leverage {wanted[0]} and {wanted[1]}")
        leverage = int(wanted[0])
        if leverage == account.leverage(one.coin):
            raise BybitRefused(110043, "leverage not modified")
        facts = await self._names.hub.execute(account, SetLeverage(VENUE, one.coin, leverage))
        confirmed = next((fact for fact in facts if isinstance(fact, events.LeverageConfirmed)), None)
        if confirmed is None or confirmed.leverage != leverage:
            raise self._leverage_refused(account, one, leverage)
        return {}

    def _leverage_refused(self, account: VenueAccount, one: Instrument, leverage: int) -> BybitRefused:
        mechanics = account.exchange.accounts.mechanics[VENUE, one.coin]
        highest = mechanics.leverage_max(0.0)
        if not 1 <= leverage <= highest:
            text = f"cannot set leverage [{leverage}] gt maxLeverage [{highest:g}] by risk limit"
            return BybitRefused(110013, text)
        return self._names.not_modelled("leverage changed with a position or an entry open")

    async def switch_mode(self, account: VenueAccount, params: Params) -> Row:
        if not linear(params) or not (params.get("symbol") or params.get("coin")):
            raise BybitRefused(10001, "params error: symbol or coin is needed")
        wanted = str(params.get("mode", ""))
        if wanted not in ("0", "3"):
            raise BybitRefused(10001, "params error: mode invalid")
        if account.hedge_mode is (wanted == "3"):
            raise BybitRefused(110025, "Position mode is not modified")
        if self._holdings(account):
            raise BybitRefused(110024, "You have an existing position, so the position mode cannot be switched")
        if account.open_orders():
            raise BybitRefused(110028, "You have existing open orders, so the position mode cannot be switched")
        account.hedge_mode = wanted == "3"
        return {}

    def _holdings(self, account: VenueAccount) -> list[str]:
        return [coin for coin in account.isolated if account.holding(coin) is not None]

    def _one(self, params: Params) -> Instrument:
        if not linear(params):
            raise self._names.not_modelled(f"leverage of category {params['category']!r}")
        return self._names.instrument(params)
