"""What an order must satisfy before the simulated exchange takes it."""

from decimal import Decimal
from typing import NamedTuple

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from paper.exchange.money import ExchangeHolding, margin_needed
from paper.exchange.params import PaperParams


class OrderRefusal(NamedTuple):
    code: str
    reason: str


class Circumstances(NamedTuple):
    """What the exchange knows when an order arrives; prices are 0 when not known yet."""

    instrument: Instrument
    mechanics: Mechanics
    holding: ExchangeHolding | None
    leverage: int
    available_usd: Decimal
    """Wallet minus margins minus what resting entries reserve."""
    price: float
    mark_price: float
    open_reducing_base: Decimal = Decimal(0)
    """What reduce-only orders at rest would close already, where the venue counts them."""


def refusal(order: PlaceOrder, now: Circumstances, params: PaperParams) -> OrderRefusal | None:
    """None when the order may be; the first rule it breaks otherwise."""
    if not now.price:
        return OrderRefusal("NO_PRICE", "nothing has traded yet")
    return _misshapen(order, now.instrument) or _mispriced(order, now, params) or (
        _nothing_to_reduce(order, now) if order.reduce_only else _too_much(order, now)
    )


def _misshapen(order: PlaceOrder, instrument: Instrument) -> OrderRefusal | None:
    price: Decimal | None = Decimal(1)
    if order.kind is not OrderKind.MARKET:
        price = order.limit_price if order.kind is OrderKind.LIMIT else order.trigger_price
    if price is None or price <= 0 or order.quantity_base <= 0:
        return OrderRefusal("INVALID", f"{order.kind} with quantity {order.quantity_base} and price {price}")
    if order.kind is OrderKind.STOP_MARKET and not order.reduce_only:
        return OrderRefusal("INVALID", "stops are taken reduce-only")
    if order.quantity_base % instrument.quantity_step_base:
        return OrderRefusal(
            "PRECISION", f"quantity {order.quantity_base} is off the step {instrument.quantity_step_base}"
        )
    if order.kind is not OrderKind.MARKET and price % instrument.price_tick:
        return OrderRefusal("PRECISION", f"price {price} is off the tick {instrument.price_tick}")
    return None


def _mispriced(order: PlaceOrder, now: Circumstances, params: PaperParams) -> OrderRefusal | None:
    buys = (order.side is Side.LONG) is not order.reduce_only
    if order.kind is OrderKind.STOP_MARKET and order.trigger_price is not None:
        trigger, mark = float(order.trigger_price), now.mark_price or now.price
        if trigger <= mark if buys else trigger >= mark:
            return OrderRefusal("WOULD_TRIGGER", f"mark {mark} is already at or beyond {trigger}")
    if order.stop_price is not None:
        trigger, mark = float(order.stop_price), now.mark_price or now.price
        if trigger >= mark if buys else trigger <= mark:
            return OrderRefusal("STOP_PRICE", f"mark {mark} is already at or beyond its stop at {trigger}")
    if order.kind is OrderKind.LIMIT and order.limit_price is not None:
        limit = float(order.limit_price)
        if order.post_only and crosses(order, now.price):
            return OrderRefusal("POST_ONLY", f"would take at {now.price}")
        band = params.price_band_pct
        if band is not None and abs(limit - now.mark_price) > now.mark_price * band / 100.0:
            return OrderRefusal("PRICE_BAND", f"{limit} is more than {band} % from the mark {now.mark_price}")
    return None


def crosses(order: PlaceOrder, price: float) -> bool:
    """A limit that could trade at once."""
    if order.kind is not OrderKind.LIMIT or order.limit_price is None:
        return False
    buys = (order.side is Side.LONG) is not order.reduce_only
    return float(order.limit_price) > price if buys else float(order.limit_price) < price


def _nothing_to_reduce(order: PlaceOrder, now: Circumstances) -> OrderRefusal | None:
    if now.holding is None or now.holding.side is not order.side:
        return OrderRefusal("REDUCE_ONLY", f"there is no {order.side.word} position to reduce")
    open_base, held_base = now.open_reducing_base, now.holding.quantity_base
    if order.kind is not OrderKind.STOP_MARKET and open_base and open_base + order.quantity_base > held_base:
        reason = f"{open_base} of {held_base} would be closed by reduce-only orders at rest"
        return OrderRefusal("REDUCE_ONLY_OPEN_ORDERS", reason)
    return None


def _too_much(order: PlaceOrder, now: Circumstances) -> OrderRefusal | None:
    if now.holding is not None and now.holding.side is not order.side:
        return OrderRefusal("OPPOSITE_POSITION", f"a {now.holding.side.word} position is open: reduce it first")
    notional_usd = entry_notional_usd(order, now.price)
    if notional_usd < now.instrument.min_notional_usd:
        return OrderRefusal("MIN_NOTIONAL", f"{notional_usd} USD is below {now.instrument.min_notional_usd}")
    held_usd = Decimal(0) if now.holding is None else now.holding.quantity_base * Decimal(str(now.price))
    total_usd = notional_usd + held_usd
    leverage_max = now.mechanics.leverage_max(float(total_usd), now.price)
    if now.leverage > leverage_max:
        return OrderRefusal("LEVERAGE_TIER", f"{total_usd} USD allows leverage {leverage_max}, not {now.leverage}")
    needed_usd = reserve_usd(order, now.price, now.leverage, now.instrument)
    if needed_usd > now.available_usd:
        return OrderRefusal("INSUFFICIENT_MARGIN", f"needs {needed_usd} USD, {now.available_usd} are free")
    return None


def entry_notional_usd(order: PlaceOrder, price: float) -> Decimal:
    at_price = Decimal(str(price)) if order.limit_price is None else order.limit_price
    return at_price * order.quantity_base


def reserve_usd(order: PlaceOrder, price: float, leverage: int, instrument: Instrument) -> Decimal:
    """Margin and taker fee that an entry would need."""
    notional_usd = entry_notional_usd(order, price)
    return margin_needed(notional_usd, leverage) + notional_usd * Decimal(str(instrument.taker_fee_pct)) / 100
