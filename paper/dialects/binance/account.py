"""Binance USD-M: the account over REST: money, positions, leverage and modes."""

import hashlib
from decimal import Decimal
from typing import Any, Final

from liqbot import events
from liqbot.commands import SetLeverage
from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.binance.errors import QUOTE, VENUE, BinanceGate, BinanceNames, BinanceRefused, Params, number
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer
from paper.dialects.trade_prints import plain

NONE: Final[frozenset[str]] = frozenset()


class BinanceAccounts:
    """Handlers for everything about the account that is not an order."""

    def __init__(self, names: BinanceNames, door: BinanceGate) -> None:
        self._names, self._hub, self._door = names, names.hub, door

    def routes(self) -> dict[str, Handler]:
        signed, symbol = self._door.signed, frozenset({"symbol"})
        return {
            "GET /fapi/v2/account": signed(self._account, NONE),
            "GET /fapi/v3/account": signed(self._account, NONE),
            "GET /fapi/v2/balance": signed(self._balance, NONE),
            "GET /fapi/v3/balance": signed(self._balance, NONE),
            "GET /fapi/v2/positionRisk": signed(self._positions_v2, symbol),
            "GET /fapi/v3/positionRisk": signed(self._positions_v3, symbol),
            "GET /fapi/v1/accountConfig": signed(self._config, NONE),
            "GET /fapi/v1/symbolConfig": signed(self._symbol_config, symbol),
            "GET /fapi/v1/positionSide/dual": signed(self._position_mode, NONE),
            "POST /fapi/v1/positionSide/dual": signed(self._set_position_mode, frozenset({"dualSidePosition"})),
            "GET /fapi/v1/multiAssetsMargin": signed(self._multi_assets, NONE),
            "POST /fapi/v1/leverage": signed(self._set_leverage, frozenset({"symbol", "leverage"})),
            "POST /fapi/v1/marginType": signed(self._set_margin_type, frozenset({"symbol", "marginType"})),
        }

    # --- money and positions ---------------------------------------------------------------------------------------

    async def _account(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        wallet_usd, open_usd, isolated_usd = self._sums(account)
        asset = {
            "asset": QUOTE,
            "walletBalance": plain(wallet_usd),
            "unrealizedProfit": plain(open_usd),
            "marginBalance": plain(wallet_usd + open_usd),
            "maintMargin": plain(self._maintenance_usd(account)),
            "initialMargin": plain(isolated_usd),
            "positionInitialMargin": plain(isolated_usd),
            "openOrderInitialMargin": plain(wallet_usd - isolated_usd - account.available_usd),
            "crossWalletBalance": plain(wallet_usd - isolated_usd),
            "crossUnPnl": "0.00000000",
            "availableBalance": plain(account.available_usd),
            "maxWithdrawAmount": plain(account.available_usd),
            "marginAvailable": True,
            "updateTime": account.now_ms,
        }
        totals = {
            "totalInitialMargin": asset["initialMargin"],
            "totalMaintMargin": asset["maintMargin"],
            "totalWalletBalance": asset["walletBalance"],
            "totalUnrealizedProfit": asset["unrealizedProfit"],
            "totalMarginBalance": asset["marginBalance"],
            "totalPositionInitialMargin": asset["positionInitialMargin"],
            "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
            "totalCrossWalletBalance": asset["crossWalletBalance"],
            "totalCrossUnPnl": asset["crossUnPnl"],
            "availableBalance": asset["availableBalance"],
            "maxWithdrawAmount": asset["maxWithdrawAmount"],
        }
        held = [self._position(account, one) for one in self._names.by_symbol.values()]
        return HttpAnswer({**self._rights(account), **totals, "assets": [asset], "positions": held})

    async def _balance(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        wallet_usd, _, isolated_usd = self._sums(account)
        entry = {
            "accountAlias": hashlib.sha256(account.key.encode()).hexdigest()[:8],
            "asset": QUOTE,
            "balance": plain(wallet_usd),
            "crossWalletBalance": plain(wallet_usd - isolated_usd),
            "crossUnPnl": "0.00000000",
            "availableBalance": plain(account.available_usd),
            "maxWithdrawAmount": plain(account.available_usd),
            "marginAvailable": True,
            "updateTime": account.now_ms,
        }
        return HttpAnswer([entry])

    async def _positions_v2(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """All contracts, flat ones too."""
        return HttpAnswer([self._position(account, one) for one in self._names.chosen(params)])

    async def _positions_v3(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Only contracts with a position or an order."""
        lively = [
            one
            for one in self._names.chosen(params)
            if account.holding(one.coin) is not None or account.open_orders(one.coin)
        ]
        return HttpAnswer([self._position(account, one) for one in lively])

    def _position(self, account: VenueAccount, one: Instrument) -> dict[str, Any]:
        held, mark = account.holding(one.coin), account.mark_price(one.coin)
        signed_base = held.quantity_base * held.side.value if held is not None else Decimal(0)
        margin_usd = held.margin_usd if held is not None else Decimal(0)
        open_usd, entry = account.unrealised_usd(one.coin), held.entry_price if held is not None else Decimal(0)
        isolated, leverage = account.isolated[one.coin], account.leverage(one.coin)
        return {
            "symbol": self._names.symbol(one.coin),
            "positionAmt": plain(signed_base),
            "entryPrice": plain(round(entry, 8)),
            "breakEvenPrice": plain(round(entry, 8)),
            "markPrice": plain(mark),
            "unRealizedProfit": plain(open_usd),
            "unrealizedProfit": plain(open_usd),
            "liquidationPrice": plain((held.liquidation_price if held is not None else None) or 0),
            "leverage": str(leverage),
            "maxNotionalValue": plain(self._notional_max_usd(account, one, leverage)),
            "marginType": "isolated" if isolated else "cross",
            "isolated": isolated,
            "isolatedMargin": plain(margin_usd + open_usd if held is not None else 0),
            "isAutoAddMargin": "false",
            "positionSide": "BOTH",
            "notional": plain(signed_base * mark),
            "isolatedWallet": plain(margin_usd),
            "initialMargin": plain(margin_usd),
            "maintMargin": plain(_maintenance_usd(account, one)),
            "positionInitialMargin": plain(margin_usd),
            "openOrderInitialMargin": "0",
            "adl": 0,
            "bidNotional": "0",
            "askNotional": "0",
            "marginAsset": QUOTE,
            "updateTime": account.now_ms,
        }

    def _sums(self, account: VenueAccount) -> tuple[Decimal, Decimal, Decimal]:
        """(wallet, unrealised, margin of isolated positions)."""
        coins = list(self._names.by_coin)
        held = [account.holding(coin) for coin in coins]
        open_usd = sum((account.unrealised_usd(coin) for coin in coins), Decimal(0))
        return account.wallet_usd, open_usd, sum((one.margin_usd for one in held if one is not None), Decimal(0))

    def _maintenance_usd(self, account: VenueAccount) -> Decimal:
        return sum((_maintenance_usd(account, one) for one in self._names.by_symbol.values()), Decimal(0))

    # --- leverage and modes ----------------------------------------------------------------------------------------

    def _notional_max_usd(self, account: VenueAccount, one: Instrument, leverage: int) -> float:
        tiers = account.exchange.accounts.mechanics[VENUE, one.coin].table.tiers
        return max((tier.notional_usd_cap for tier in tiers if tier.leverage_max >= leverage), default=0.0)

    async def _set_leverage(self, account: VenueAccount, params: Params) -> HttpAnswer:
        one, leverage = self._names.instrument(params), number(params, "leverage")
        notional_usd = self._notional_max_usd(account, one, leverage or 0)
        if leverage is None or leverage < 1 or not notional_usd:
            raise BinanceRefused(-4028, f"Leverage {leverage} is not valid")
        before = account.leverage(one.coin)
        if before != leverage:
            facts = await self._hub.execute(account, SetLeverage(VENUE, one.coin, leverage))
            confirmed = [fact.leverage for fact in facts if isinstance(fact, events.LeverageConfirmed)]
            if confirmed != [float(leverage)]:
                if leverage < before:
                    text = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
                    raise BinanceRefused(-4161, text)
                raise self._names.not_modelled("raising leverage while a position or an entry is open")
        return HttpAnswer({"leverage": leverage, "maxNotionalValue": plain(notional_usd), "symbol": params["symbol"]})

    async def _set_margin_type(self, account: VenueAccount, params: Params) -> HttpAnswer:
        one, wanted = self._names.instrument(params), params.get("marginType", "")
        if wanted not in ("ISOLATED", "CROSSED"):
            raise BinanceRefused(-1102, "Mandatory parameter 'marginType' was not sent, was empty/null, or malformed.")
        isolated = wanted == "ISOLATED"
        if account.isolated[one.coin] is isolated:
            raise BinanceRefused(-4046, "No need to change margin type.")
        if account.open_orders(one.coin):
            raise BinanceRefused(-4047, "Margin type cannot be changed if there exists open orders.")
        if account.holding(one.coin) is not None:
            raise BinanceRefused(-4048, "Margin type cannot be changed if there exists position.")
        account.isolated[one.coin] = isolated
        return HttpAnswer({"code": 200, "msg": "success"})

    async def _position_mode(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer({"dualSidePosition": account.hedge_mode})

    async def _set_position_mode(self, account: VenueAccount, params: Params) -> HttpAnswer:
        hedge = params.get("dualSidePosition") == "true"
        if hedge is account.hedge_mode:
            raise BinanceRefused(-4059, "No need to change position side.")
        if account.open_orders():
            raise BinanceRefused(-4067, "Position side cannot be changed if there exists open orders.")
        if any(account.holding(coin) is not None for coin in self._names.by_coin):
            raise BinanceRefused(-4068, "Position side cannot be changed if there exists position.")
        account.hedge_mode = hedge
        return HttpAnswer({"code": 200, "msg": "success"})

    async def _multi_assets(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del account, params
        return HttpAnswer({"multiAssetsMargin": False})

    async def _config(self, account: VenueAccount, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer({**self._rights(account), "dualSidePosition": account.hedge_mode})

    async def _symbol_config(self, account: VenueAccount, params: Params) -> HttpAnswer:
        return HttpAnswer(
            [
                {
                    "symbol": self._names.symbol(one.coin),
                    "marginType": "ISOLATED" if account.isolated[one.coin] else "CROSSED",
                    "isAutoAddMargin": False,
                    "leverage": account.leverage(one.coin),
                    "maxNotionalValue": plain(self._notional_max_usd(account, one, account.leverage(one.coin))),
                }
                for one in self._names.chosen(params)
            ]
        )

    def _rights(self, account: VenueAccount) -> dict[str, Any]:
        return {
            "feeTier": 0, "feeBurn": True, "canTrade": account.may_trade, "canDeposit": True,
            "canWithdraw": account.may_withdraw, "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
        }  # fmt: skip


def _maintenance_usd(account: VenueAccount, one: Instrument) -> Decimal:
    held = account.holding(one.coin)
    if held is None:
        return Decimal(0)
    notional_usd = held.quantity_base * account.mark_price(one.coin)
    return round(account.exchange.accounts.mechanics[VENUE, one.coin].maintenance_usd_exact(notional_usd), 8)
