"""Hyperliquid: signed actions: placing, cancelling, leverage. Refusals are words in an answer of status 200."""

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liqbot import events
from liqbot.commands import CancelOrder, SetLeverage
from liqbot.instruments import Instrument
from liqbot.venues.hyperliquid.client_ids import client_id_of
from paper.dialects.accounts import OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.http import HttpAnswer, Request
from paper.dialects.hub import HeldTooLong
from paper.dialects.hyperliquid.account import HyperAccounts
from paper.dialects.hyperliquid.names import VENUE, HyperNames, HyperRefused, Params, Row, body_of, unprocessable
from paper.dialects.hyperliquid.payloads import UNNAMED
from paper.dialects.hyperliquid.signing import signer_of
from paper.dialects.order_entry import IMMEDIATE, PLAIN, POST_ONLY, NotModelled, OrderRequest, order_of, passes_by

DAY_MS: Final = 86_400_000
NONCES_MAX: Final = 100
AT_MARKET: Final = Decimal("0.02")
"""An immediate limit this far beyond the last price is a market order: its price bounds nothing that happens here."""
TIFS: Final = {"Gtc": PLAIN, "Ioc": IMMEDIATE, "Alo": POST_ONLY}
"""All there are."""
MISSING: Final = "Order was never placed, already canceled, or filled."
WORDS: Final = {
    "NO_PRICE": "No liquidity available for market order.", "INVALID": "Order has invalid size.",
    "PRICE_BAND": "Order price too far from oracle", "STOP_PRICE": "Invalid TP/SL price.",
    "WOULD_TRIGGER": "Invalid TP/SL price.", "REDUCE_ONLY": "Reduce only order would increase position.",
    "OPPOSITE_POSITION": "Reduce only order would increase position.",
    "MIN_NOTIONAL": "Order must have minimum value of $10.", "PRECISION": "Price must be divisible by tick size.",
    "LEVERAGE_TIER": "Order would cause position to exceed margin tier limit at current leverage",
    "INSUFFICIENT_MARGIN": "Insufficient margin to place order.",
    "POST_ONLY": "Post only order would have immediately matched, bbo was 0@0.",
}
Act = Callable[[VenueAccount, Params], Awaitable[Row]]


class ActionRefused(Exception):
    """The whole action is refused in these words."""


class HyperActions:
    def __init__(self, names: HyperNames, accounts: HyperAccounts) -> None:
        self._names, self._accounts = names, accounts
        self._nonces: dict[str, list[int]] = {}
        """By signer, the highest ones."""

    def acting(self, act: Act) -> Callable[[Request], Awaitable[HttpAnswer]]:
        """A handler of signed actions: checks who signed, once, and in time."""

        async def handle(request: Request) -> HttpAnswer:
            try:
                body = body_of(request)
                account = self._checked(body, request)
                return HttpAnswer({"status": "ok", "response": await act(account, body["action"])})
            except HyperRefused as refused:
                return unprocessable(refused)
            except ActionRefused as refused:
                return HttpAnswer({"status": "err", "response": str(refused)})
            except HeldTooLong:
                return HttpAnswer(b"<html><body>504 Gateway Time-out</body></html>", 504, {"Content-Type": "text/html"})

        return handle

    def _checked(self, body: Row, request: Request) -> VenueAccount:
        signer = signer_of(body, testnet="testnet" in request.host)
        account = self._accounts.by_signer(signer)
        if account is None or not account.may_trade:
            raise ActionRefused(f"User or API Wallet {signer or '0x' + '0' * 40} does not exist.")
        nonce, known = body["nonce"], self._nonces.setdefault(signer, [])
        clocks_ms = self._names.hub.clocks_ms(request.skew_ms)
        if nonce in known or not any(now_ms - 2 * DAY_MS < nonce < now_ms + DAY_MS for now_ms in clocks_ms):
            raise ActionRefused(f"Invalid nonce: {nonce}")
        expires = body.get("expiresAfter")
        now_ms = min(clocks_ms, key=lambda clock_ms: abs(clock_ms - nonce))
        if isinstance(expires, int) and expires < now_ms:
            raise ActionRefused("Action expired")
        known.append(nonce)
        del known[:-NONCES_MAX]
        return account

    # --- placing ---------------------------------------------------------------------------------------------------

    async def order(self, account: VenueAccount, action: Params) -> Row:
        if action.get("grouping") != "na" or "builder" in action:
            raise self._names.not_modelled(f"orders grouped {action.get('grouping')}, builder {action.get('builder')}")
        statuses = [await self._placed(account, wish) for wish in action["orders"]]
        return {"type": "order", "data": {"statuses": statuses}}

    async def _placed(self, account: VenueAccount, wish: Row) -> Row:
        one = self._names.numbered(wish.get("a"))
        if one is None:
            raise ActionRefused("Order has invalid asset.")
        cloid = wish.get("c")
        client_id = client_id_of(cloid) if cloid else f"x{self._names.hub.next_order()}"
        if client_id in account.orders:
            raise self._names.not_modelled(f"the name {client_id} used again")
        noted = {"p": str(wish["p"]), "tif": str(wish["t"].get("limit", {}).get("tif", ""))}
        if not cloid:
            noted[UNNAMED] = "true"
        try:
            request = self._wish(wish, client_id, one)
            command = order_of(request, account)
        except NotModelled as error:
            raise self._names.not_modelled(str(error)) from None
        last = self._names.hub.ticker(one.venue, one.coin).last_price
        if not account.isolated[one.coin] and not passes_by(request, last):
            raise self._names.not_modelled("trading in cross margin")
        facts = await self._names.hub.execute(account, command, noted)
        refused = next((fact for fact in facts if isinstance(fact, events.OrderRejected)), None)
        if refused is not None:
            return {"error": f"{WORDS[refused.code]} asset={wish['a']}"}
        if passes_by(request, last):
            # It is published at once; the simulated exchange ends it with the next price.
            return _met_nobody(wish)
        return _outcome(account.orders[client_id], wish)

    def _wish(self, wish: Row, client_id: str, one: Instrument) -> OrderRequest:
        kind, reduces = wish["t"], wish.get("r") is True
        trigger, limit = kind.get("trigger"), kind.get("limit")
        price, quantity = _amount(wish.get("p")), _amount(wish.get("s"))
        terms = None if limit is None else TIFS.get(str(limit.get("tif")))
        if trigger is not None:
            if trigger.get("isMarket") is not True or trigger.get("tpsl") != "sl" or not reduces:
                raise NotModelled(f"a trigger order {trigger}, reduce-only {reduces}")
            return OrderRequest(client_id=client_id, coin=one.coin, buys=wish["b"], quantity_base=quantity,
                                reduce_only=True, trigger_price=_amount(trigger.get("triggerPx")))
        if terms is None:
            raise HyperRefused
        last = Decimal(str(self._names.hub.ticker(one.venue, one.coin).last_price or 0))
        beyond = price >= last * (1 + AT_MARKET) if wish["b"] else price <= last * (1 - AT_MARKET)
        at_market = terms.immediate and beyond
        return OrderRequest(
            client_id=client_id, coin=one.coin, buys=wish["b"], quantity_base=quantity, reduce_only=reduces,
            limit_price=None if at_market else price, terms=PLAIN if at_market else terms,
        )

    # --- cancelling and leverage -----------------------------------------------------------------------------------

    async def cancel(self, account: VenueAccount, action: Params) -> Row:
        found = [await self._gone(account, account.order(number=int(one["o"])), one["a"]) for one in action["cancels"]]
        return {"type": "cancel", "data": {"statuses": found}}

    async def cancel_named(self, account: VenueAccount, action: Params) -> Row:
        found = [
            await self._gone(account, account.orders.get(client_id_of(one["cloid"])), one["asset"])
            for one in action["cancels"]
        ]
        return {"type": "cancel", "data": {"statuses": found}}

    async def _gone(self, account: VenueAccount, order: OrderRecord | None, asset: Any) -> Any:
        one = self._names.numbered(asset)
        if order is None or not order.open or one is None or order.command.coin != one.coin:
            return {"error": MISSING}
        command = CancelOrder(order.command.client_id, account.venue, order.command.coin)
        facts = await self._names.hub.execute(account, command)
        cancelled = any(isinstance(fact, events.OrderCancelled) for fact in facts)
        return "success" if cancelled else {"error": MISSING}

    async def leverage(self, account: VenueAccount, action: Params) -> Row:
        one = self._names.numbered(action.get("asset"))
        if one is None:
            raise ActionRefused("Invalid asset.")
        isolated, leverage = action.get("isCross") is False, int(action["leverage"])
        if isolated is not account.isolated[one.coin] and account.holding(one.coin) is not None:
            raise ActionRefused("Cannot switch leverage type with open position.")
        if leverage != account.leverage(one.coin):
            facts = await self._names.hub.execute(account, SetLeverage(VENUE, one.coin, leverage))
            confirmed = next((fact for fact in facts if isinstance(fact, events.LeverageConfirmed)), None)
            if confirmed is None or confirmed.leverage != leverage:
                raise ActionRefused("Invalid leverage value")
        account.isolated[one.coin] = isolated
        return {"type": "default"}


def _outcome(order: OrderRecord, wish: Row) -> Row:
    named = {"oid": order.number} | ({"cloid": wish["c"]} if wish.get("c") else {})
    if order.state is VenueOrderState.CANCELLED and not order.filled_base:
        return _met_nobody(wish)
    if order.filled_base and not order.open:
        return {"filled": {"totalSz": str(order.filled_base), "avgPx": str(order.average_price)} | named}
    return {"resting": named}


def _met_nobody(wish: Row) -> Row:
    return {"error": f"Order could not immediately match against any resting orders. asset={wish['a']}"}


def _amount(value: Any) -> Decimal:
    """A positive number in a text. Refused for anything else."""
    try:
        amount = Decimal(value) if isinstance(value, str) else Decimal(0)
    except InvalidOperation:
        raise HyperRefused from None
    if not amount.is_finite() or amount <= 0:
        raise HyperRefused
    return amount
