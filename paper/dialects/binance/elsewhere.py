"""What clients of Binance ask beside USD-M: clocks and lists of its other markets, where nothing is listed here, and
the coins of the wallet. Enough for a client that loads every market with its defaults."""

from typing import Any

from paper.dialects.accounts import VenueAccount
from paper.dialects.binance.errors import QUOTE, BinanceGate, BinanceNames, Params
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer
from paper.dialects.trade_prints import plain


class BinanceElsewhere:
    """Handlers of the hosts that USD-M is not at."""

    def __init__(self, names: BinanceNames, door: BinanceGate) -> None:
        self._names, self._door = names, door

    def routes(self) -> dict[str, Handler]:
        answers = {
            "/api/v3/ping": lambda _params: HttpAnswer(),
            "/api/v3/time": self._time,
            "/api/v3/exchangeInfo": self._nothing_listed,
            "/dapi/v1/time": self._time,
            "/dapi/v1/exchangeInfo": self._nothing_listed,
            "/sapi/v1/system/status": lambda _params: HttpAnswer({"status": 0, "msg": "normal"}),
        }
        routes = {f"GET {path}": self._door.public(answer) for path, answer in answers.items()}
        for pairs in ("allPairs", "isolated/allPairs"):
            routes[f"GET /sapi/v1/margin/{pairs}"] = self._door.public(lambda _params: HttpAnswer([]))
        routes["GET /sapi/v1/capital/config/getall"] = self._door.signed(self._coins, frozenset())
        routes["GET /api/v3/account"] = self._door.signed(self._spot_account, frozenset({"omitZeroBalances"}))
        return routes

    async def _spot_account(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Nothing is in it: the money is in the futures wallet."""
        del params
        rates = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")
        return HttpAnswer({
            "makerCommission": 0, "takerCommission": 0, "buyerCommission": 0, "sellerCommission": 0,
            "commissionRates": rates, "canTrade": False, "canWithdraw": account.may_withdraw, "canDeposit": False,
            "accountType": "SPOT", "updateTime": account.now_ms, "balances": [], "permissions": ["SPOT"], "uid": 1,
        })  # fmt: skip

    def _time(self, params: Params) -> HttpAnswer:
        del params
        return HttpAnswer({"serverTime": self._names.hub.server_ms()})

    def _nothing_listed(self, params: Params) -> HttpAnswer:
        del params
        server_ms = self._names.hub.server_ms()
        return HttpAnswer(
            {"timezone": "UTC", "serverTime": server_ms, "rateLimits": [], "exchangeFilters": [], "symbols": []}
        )

    async def _coins(self, account: VenueAccount, params: Params) -> HttpAnswer:
        """Money of the futures wallet is not in it, and no network carries any coin here."""
        del account, params
        return HttpAnswer([_coin(coin) for coin in (QUOTE, *self._names.by_coin)])


def _coin(coin: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("free", "freeze", "ipoable", "ipoing", "locked", "storage", "withdrawing"), plain(0.0))
    return {
        "coin": coin, "name": coin, "depositAllEnable": False, "withdrawAllEnable": False, "isLegalMoney": False,
        "trading": True, "networkList": [], **nothing,
    }  # fmt: skip
