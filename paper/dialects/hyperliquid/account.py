"""Hyperliquid: what anybody may ask about an account, its owner among them; and whose API wallet an address is."""

from collections.abc import Iterable
from typing import Final

from paper.dialects.accounts import OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.hyperliquid.names import ROWS_MAX, VENUE, HyperNames, HyperRefused, Params, Row, whole
from paper.dialects.hyperliquid.payloads import HyperRows, status_word
from paper.dialects.hyperliquid.signing import address_of
from paper.dialects.hyperliquid.wallets import PublicWallets

FILLS_MAX: Final = 2_000
_FAR_MS: Final = 10**15
_EMPTY: Final[Row] = {"status": "unknownOid"}


class HyperAccounts:
    """Accounts of keys are ours; every other address is one of the public wallets."""

    def __init__(self, names: HyperNames, rows: HyperRows, wallets: PublicWallets) -> None:
        self._names, self._rows, self._wallets = names, rows, wallets
        self._agents: dict[str, str] = {}
        """Private key -> address of the API wallet."""

    def of(self, address: str) -> VenueAccount | None:
        return self._names.hub.account(VENUE, address.lower())

    def by_signer(self, signer: str) -> VenueAccount | None:
        accounts = (one for (venue, _), one in self._names.hub.accounts.items() if venue == VENUE)
        return next((one for one in accounts if self._agent(one) == signer), None) if signer else None

    def _agent(self, account: VenueAccount) -> str:
        if account.secret not in self._agents:
            self._agents[account.secret] = address_of(account.secret)
        return self._agents[account.secret]

    # --- positions and settings ------------------------------------------------------------------------------------

    def state(self, params: Params) -> Row:
        account = self.of(user_of(params))
        return self._wallets.state(user_of(params)) if account is None else self._rows.state(account)

    def asset(self, params: Params) -> Row:
        one, account = self._names.instrument(params.get("coin")), self._own(params)
        leverage = self._rows.leverage(account, one.coin)
        return {"user": account.key, "coin": one.coin, "leverage": leverage, "maxTradeSzs": ["0.0", "0.0"],
                "availableToTrade": ["0.0", "0.0"]}

    def role(self, params: Params) -> Row:
        user = user_of(params)
        if self.of(user) is not None:
            return {"role": "user"}
        account = self.by_signer(user)
        if account is None or not account.may_trade:
            return {"role": "missing"}
        return {"role": "agent", "data": {"user": account.key}}

    def agents(self, params: Params) -> list[Row]:
        account = self._own(params)
        return [{"address": self._agent(account), "name": "loopback", "validUntil": 4_000_000_000_000}]

    def abstraction(self, params: Params) -> str:
        self._own(params)
        return "default"

    # --- orders ----------------------------------------------------------------------------------------------------

    def order(self, params: Params) -> Row:
        account, named = self.of(user_of(params)), params.get("oid")
        if account is None:
            return _EMPTY
        if isinstance(named, int):
            found = account.order(number=named)
        else:
            found = next((one for one in account.orders.values() if self._rows.cloid(one) == named), None)
        if found is None or found.state is VenueOrderState.SENT:
            return _EMPTY
        return {"status": "order", "order": self._described(found)}

    def _described(self, order: OrderRecord) -> Row:
        return {"order": self._rows.order(order), "status": status_word(order), "statusTimestamp": order.updated_ms}

    def resting(self, params: Params) -> list[Row]:
        account = self.of(user_of(params))
        return [] if account is None else [self._rows.order(one) for one in reversed(account.open_orders())]

    def past(self, params: Params) -> list[Row]:
        """Newest first."""
        account = self.of(user_of(params))
        known = [] if account is None else [
            one for one in account.orders.values() if one.state is not VenueOrderState.SENT
        ]
        return [self._described(one) for one in reversed(known[-FILLS_MAX:])]

    # --- what happened ---------------------------------------------------------------------------------------------

    def fills(self, params: Params) -> list[Row]:
        """Oldest first; the first 2,000 of them."""
        start_ms, end_ms = _span(params)
        account = self.of(user_of(params))
        if account is None:
            return self._wallets.history(user_of(params), start_ms, end_ms, FILLS_MAX)
        found = [one for one in account.fills if start_ms <= one.fill.time_ms <= end_ms]
        return [self._rows.fill(account, one) for one in found[:FILLS_MAX]]

    def funding(self, params: Params) -> list[Row]:
        return [self._rows.funding(one) for one in self._paid(params, ("funding",))]

    def moved(self, params: Params) -> list[Row]:
        return [self._rows.moved(one) for one in self._paid(params, ("transfer",))]

    def _paid(self, params: Params, kinds: Iterable[str]) -> list:  # type: ignore[type-arg]
        start_ms, end_ms = _span(params)
        account = self.of(user_of(params))
        found = [] if account is None else account.payments
        return [one for one in found if one.kind in kinds and start_ms <= one.time_ms <= end_ms][:ROWS_MAX]

    def _own(self, params: Params) -> VenueAccount:
        account = self.of(user_of(params))
        if account is None:
            raise self._names.not_modelled(f"{params.get('type')} of {params.get('user')}")
        return account


def _span(params: Params) -> tuple[int, int]:
    if "startTime" not in params:
        raise HyperRefused
    return whole(params, "startTime", 0), whole(params, "endTime", _FAR_MS)


def user_of(params: Params) -> str:
    """The address that is queried, in small letters. Refused for what is none."""
    user = params.get("user")
    if not isinstance(user, str) or len(user) != 42 or not user.startswith("0x"):
        raise HyperRefused
    return user.lower()
