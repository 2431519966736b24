"""Binance USD-M: what the user stream tells about orders, positions and money."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot import events
from paper.dialects.accounts import DELEVERAGED_PREFIX, FillRecord, OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.binance import payloads
from paper.dialects.binance.errors import QUOTE, BinanceNames
from paper.dialects.trade_prints import plain
from paper.exchange.exchange import Happened

EVENTS: Final = (
    "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE", "TRADE_LITE",
)  # fmt: skip
UserMessage = tuple[str, bytes]


def messages(account: VenueAccount, happened: Happened, names: BinanceNames) -> Iterator[UserMessage]:
    """(event name, message), in the order of the facts."""
    stream = _Stream(account, happened, names)
    for fact in happened.facts:
        yield from stream.of(fact)


class _Stream:
    def __init__(self, account: VenueAccount, happened: Happened, names: BinanceNames) -> None:
        self._account, self._time_ms, self._names = account, happened.time_ms, names
        ended = (fact for fact in happened.facts if isinstance(fact, events.OrderCancelled))
        self._cut_short = {fact.client_id for fact in ended}

    def of(self, fact: events.Event) -> Iterator[UserMessage]:
        if isinstance(fact, events.OrderAccepted):
            yield from self._about(fact.client_id, "NEW")
        elif isinstance(fact, events.OrderCancelled):
            yield from self._about(fact.client_id, "CANCELED" if fact.reason == "cancelled" else "EXPIRED")
        elif isinstance(fact, events.Fill):
            yield from self._filled(self._account.orders[fact.client_id])
        elif isinstance(fact, events.PositionLiquidated | events.PositionDeleveraged):
            yield from self._filled(next(order for order in reversed(self._account.orders.values()) if order.forced))
        elif isinstance(fact, events.FundingPaid):
            yield self._account_update("FUNDING_FEE", fact.coin, fact.amount_usd)
        elif isinstance(fact, events.Rebate):
            yield self._account_update("ADJUSTMENT", fact.coin, fact.amount_usd)
        elif isinstance(fact, events.Transfer):
            yield self._account_update("DEPOSIT" if fact.amount_usd > 0 else "WITHDRAW", "", fact.amount_usd)
        elif isinstance(fact, events.LeverageConfirmed):
            changed = {"s": self._names.symbol(fact.coin), "l": int(fact.leverage)}
            yield self._event("ACCOUNT_CONFIG_UPDATE", {"ac": changed})

    def _event(self, name: str, rest: dict[str, Any]) -> UserMessage:
        return name, msgspec.json.encode({"e": name, "T": self._time_ms, "E": self._time_ms, **rest})

    # --- orders ----------------------------------------------------------------------------------------------------

    def _about(self, client_id: str, execution: str) -> Iterator[UserMessage]:
        """An order came or went without a fill."""
        record = self._account.orders.get(client_id)
        if record is None:
            return
        if not payloads.is_algo(record):
            yield self._order_update(record, execution, None)
        elif not record.triggered_ms:
            yield self._algo_update(record, payloads.algo_status(record))
        elif not payloads.closes_position(record):
            yield self._order_update(record, execution, None)

    def _filled(self, record: OrderRecord) -> Iterator[UserMessage]:
        entry, forced = record.fills[-1], record.forced
        if payloads.is_algo(record) and len(record.fills) == 1:
            yield self._algo_update(record, "TRIGGERING")
            yield self._algo_update(record, "TRIGGERED")
            yield self._order_update(record, "NEW", None)
        if not forced:
            yield self._trade_lite(record, entry)
        yield self._order_update(record, "CALCULATED" if forced else "TRADE", entry)
        if payloads.is_algo(record) and (not record.open or record.command.client_id in self._cut_short):
            yield self._algo_update(record, "FINISHED")
        yield self._account_update("ORDER", record.command.coin, Decimal(0))

    def _order_update(self, record: OrderRecord, execution: str, entry: FillRecord | None) -> UserMessage:
        command, new = record.command, execution == "NEW"
        order: dict[str, Any] = {
            "s": self._names.symbol(command.coin),
            "c": command.client_id,
            "S": "BUY" if record.buys else "SELL",
            "o": "LIMIT" if command.limit_price is not None else "MARKET",
            "f": payloads.time_in_force(record),
            "q": plain(payloads.quantity(record)),
            "p": plain(command.limit_price or 0),
            "ap": plain(0 if new else round(record.average_price, 5)),
            "sp": plain(command.trigger_price or 0),
            "x": execution,
            "X": "NEW" if new else self._status(record, entry),
            "i": record.number,
            "l": plain(entry.fill.quantity_base if entry is not None else 0),
            "z": plain(0 if new else record.filled_base),
            "L": plain(entry.fill.price if entry is not None else 0),
            "T": self._time_ms,
            "t": entry.number if entry is not None else 0,
            "b": "0",
            "a": "0",
            "m": entry is not None and entry.fill.maker,
            "R": command.reduce_only,
            "wt": "MARK_PRICE" if payloads.is_algo(record) else "CONTRACT_PRICE",
            "ot": payloads.original_type(record),
            "ps": "BOTH",
            "cp": payloads.closes_position(record),
            "rp": plain(entry.realised_usd if entry is not None else 0),
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": "EXPIRE_MAKER",
            "pm": "NONE",
            "gtd": 0,
        }
        if entry is not None:
            order.update({"N": payloads.asset(entry.fill.fee_currency), "n": plain(entry.fill.fee)})
        return self._event("ORDER_TRADE_UPDATE", {"o": order})

    @staticmethod
    def _status(record: OrderRecord, entry: FillRecord | None) -> str:
        """At a fill that is followed by the end of the rest, the order is still only partly filled."""
        if entry is not None and record.state is VenueOrderState.CANCELLED and not payloads.closes_position(record):
            return "PARTIALLY_FILLED"
        if record.command.client_id.startswith(DELEVERAGED_PREFIX):
            return "NEW_ADL"
        return payloads.status(record)

    def _algo_update(self, record: OrderRecord, state: str) -> UserMessage:
        command, placed = record.command, state in ("TRIGGERED", "FINISHED")
        done = state == "FINISHED"
        order = {
            "caid": command.client_id,
            "aid": payloads.algo_id(record),
            "at": "CONDITIONAL",
            "o": "STOP_MARKET",
            "s": self._names.symbol(command.coin),
            "S": "BUY" if record.buys else "SELL",
            "ps": "BOTH",
            "f": "GTC",
            "q": plain(0 if payloads.closes_position(record) else command.quantity_base),
            "X": state,
            "ai": str(record.number) if placed else "",
            "ap": plain(round(record.average_price, 5) if done else 0),
            "aq": plain(record.filled_base if done else 0),
            "act": "MARKET" if placed else "0",
            "tp": plain(command.trigger_price or 0),
            "p": "0",
            "V": "EXPIRE_MAKER",
            "wt": "MARK_PRICE",
            "pm": "NONE",
            "cp": payloads.closes_position(record),
            "pP": False,
            "R": command.reduce_only,
            "tt": record.triggered_ms,
            "gtd": 0,
            "rm": "Reduce Only reject" if state == "REJECTED" else "",
        }
        return self._event("ALGO_UPDATE", {"o": order})

    def _trade_lite(self, record: OrderRecord, entry: FillRecord) -> UserMessage:
        command = record.command
        return self._event(
            "TRADE_LITE",
            {
                "s": self._names.symbol(command.coin), "c": command.client_id, "S": "BUY" if record.buys else "SELL",
                "q": plain(payloads.quantity(record)), "p": plain(command.limit_price or 0), "i": record.number,
                "l": plain(entry.fill.quantity_base), "L": plain(entry.fill.price), "t": entry.number,
                "m": entry.fill.maker,
            },
        )  # fmt: skip

    # --- money -----------------------------------------------------------------------------------------------------

    def _account_update(self, why: str, coin: str, changed_usd: Decimal) -> UserMessage:
        """The wallet, and the position of the coin it is about."""
        account = self._account
        held = [account.holding(one) for one in self._names.by_coin]
        isolated_usd = sum((one.margin_usd for one in held if one is not None), Decimal(0))
        balance = {
            "a": QUOTE, "wb": plain(account.wallet_usd), "cw": plain(account.wallet_usd - isolated_usd),
            "bc": plain(changed_usd),
        }  # fmt: skip
        positions = [self._position(coin)] if coin else []
        return self._event("ACCOUNT_UPDATE", {"a": {"m": why, "B": [balance], "P": positions}})

    def _position(self, coin: str) -> dict[str, Any]:
        account, held = self._account, self._account.holding(coin)
        realised_usd = sum(
            (payment.amount_usd for payment in account.payments if payment.kind == "realised" and payment.coin == coin),
            Decimal(0),
        )
        entry = plain(round(held.entry_price, 8)) if held is not None else "0"
        return {
            "s": self._names.symbol(coin),
            "pa": plain(held.quantity_base * held.side.value if held is not None else 0),
            "ep": entry,
            "bep": entry,
            "cr": plain(realised_usd),
            "up": plain(account.unrealised_usd(coin)),
            "mt": "isolated" if account.isolated[coin] else "cross",
            "iw": plain(held.margin_usd if held is not None else 0),
            "ps": "BOTH",
        }
