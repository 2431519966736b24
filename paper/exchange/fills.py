"""What moves money on the exchange: fills, forced closes and funding, each answered with facts."""

from decimal import Decimal
from typing import Final

from liqbot import events
from liqbot.events import Event
from liqbot.execution.commands import OrderKind
from liqbot.instruments import Side
from paper.exchange import matching
from paper.exchange.accounts import Accounts, name_of
from paper.exchange.matching import Resting
from paper.exchange.money import Holding, margin_needed, percent
from paper.exchange.quotes import Key

_COIN_GRID: Final = Decimal("0.00000001")


def execute(accounts: Accounts, order: Resting, price: float, time_ms: int) -> tuple[Event, ...]:
    """A resting order's price has come, with the market trading at `price` (0: nothing has traded yet)."""
    command, params = order.command, accounts.params
    instrument = accounts.instruments[command.venue, command.coin]
    if command.kind is OrderKind.STOP_MARKET and not order.triggered:
        at_price = matching.stop_price(order, price, params.stop_slippage_bps, instrument)
    elif command.kind is OrderKind.LIMIT:
        at_price = matching.limit_price(order, price, params.market_slippage_bps, instrument)
    else:
        at_price = matching.worse(price, params.market_slippage_bps, instrument, buys=order.buys)
    maker = command.kind is OrderKind.LIMIT and not order.crossing
    if command.reduce_only:
        return _reduce(accounts, order, at_price, time_ms, maker=maker)
    return _enter(accounts, order, at_price, time_ms, maker=maker)


def _enter(accounts: Accounts, order: Resting, price: Decimal, time_ms: int, *, maker: bool) -> tuple[Event, ...]:
    command = order.command
    key = (command.venue, command.coin)
    held, leverage = accounts.holding(key), accounts.entries.leverages[name_of(key)]
    if held is not None and held.side is not command.side:
        return (accounts.remove(order, "OPPOSITE_POSITION", time_ms),)
    quantity_base = _piece(accounts, order, price, order.rest_base)
    free_usd = accounts.available_usd(command.venue) + accounts.reserve_usd(order)
    if margin_needed(price * quantity_base, leverage) > free_usd:
        return (accounts.remove(order, "INSUFFICIENT_MARGIN", time_ms),)
    if held is None:
        held = accounts.entries.holdings[name_of(key)] = Holding(command.side, leverage)
    held.add(price, quantity_base)
    return _filled(accounts, order, price, quantity_base, Decimal(0), time_ms, maker=maker)


def _piece(accounts: Accounts, order: Resting, price: Decimal, wanted_base: Decimal) -> Decimal:
    """How much of it fills at once: at least one step, on the step."""
    most_usd = accounts.params.fill_usd_max
    if most_usd is None:
        return wanted_base
    instrument = accounts.instruments[order.command.venue, order.command.coin]
    most_base = instrument.round_quantity(Decimal(str(most_usd)) / price)
    return min(wanted_base, max(most_base, instrument.quantity_step_base))


def _reduce(accounts: Accounts, order: Resting, price: Decimal, time_ms: int, *, maker: bool) -> tuple[Event, ...]:
    """Never more than the position; what is left of the order when the position is gone is cancelled."""
    command = order.command
    held = accounts.holding((command.venue, command.coin))
    if held is None or held.side is not command.side:
        return (accounts.remove(order, "REDUCE_ONLY", time_ms),)
    quantity_base = _piece(accounts, order, price, min(order.rest_base, held.quantity_base))
    gone = quantity_base == held.quantity_base and quantity_base < order.rest_base
    realised_usd = held.profit_usd(price, quantity_base)
    held.remove(quantity_base)
    facts = _filled(accounts, order, price, quantity_base, realised_usd, time_ms, maker=maker)
    return (*facts, accounts.remove(order, "REDUCE_ONLY", time_ms)) if gone else facts


def _filled(
    accounts: Accounts,
    order: Resting,
    price: Decimal,
    quantity_base: Decimal,
    realised_usd: Decimal,
    time_ms: int,
    *,
    maker: bool,
) -> tuple[Event, ...]:
    command = order.command
    key = (command.venue, command.coin)
    instrument = accounts.instruments[key]
    fee_usd = percent(price * quantity_base, instrument.maker_fee_pct if maker else instrument.taker_fee_pct)
    fee, currency = _charge(accounts, command.venue, fee_usd)
    accounts.entries.wallets[command.venue].book(realised_usd=realised_usd)
    order.filled_base += quantity_base
    order.pieces += 1
    order.not_before_ms = time_ms + accounts.params.fill_pause_ms
    accounts.reprice(key)
    fill = events.Fill(
        time_ms=time_ms,
        venue=command.venue,
        coin=command.coin,
        client_id=command.client_id,
        fill_id=f"{order.number}-{order.pieces}",
        side=command.side,
        reduces=command.reduce_only,
        price=price,
        quantity_base=quantity_base,
        fee=fee,
        fee_currency=currency,
        maker=maker,
    )
    if not order.rest_base:
        accounts.entries.resting.remove(order)
        accounts.end(fill, command.client_id)
    return fill, accounts.balance(key, time_ms)


def _charge(accounts: Accounts, venue: str, fee_usd: Decimal) -> tuple[Decimal, str]:
    """From the wallet, or in the coin that fees are taken in: the fee and its currency."""
    entries = accounts.entries
    if not entries.fee_coin:
        entries.wallets[venue].book(fee_usd=fee_usd)
        return fee_usd, "USD"
    fee = (fee_usd / entries.fee_coin_price).quantize(_COIN_GRID)
    entries.fee_coin_spent[venue] = entries.fee_coin_spent.get(venue, Decimal(0)) + fee
    return fee, entries.fee_coin


def liquidate(accounts: Accounts, key: Key, price: float, time_ms: int) -> tuple[Event, ...]:
    """The mark has reached the liquidation price while the market trades at `price`: the whole position is closed.

    Never better than the liquidation price and never worse than bankruptcy, beyond which the loss is the venue's.
    """
    held = accounts.holding(key)
    if held is None or held.liquidation_price is None:
        return ()
    gone = tuple(accounts.remove(order, "LIQUIDATION", time_ms) for order in accounts.resting(key))
    traded = accounts.instruments[key].round_price(price) if price else held.liquidation_price
    if held.side is Side.LONG:
        at_price = max(min(held.liquidation_price, traded), held.bankruptcy_price)
    else:
        at_price = min(max(held.liquidation_price, traded), held.bankruptcy_price)
    quantity_base, margin_usd = held.quantity_base, held.margin_usd
    realised_usd = held.profit_usd(at_price, quantity_base)
    known_pct = accounts.mechanics[key].fees.liquidation_pct
    fee_pct = accounts.params.liquidation_fee_pct if known_pct is None else known_pct
    fee_usd = min(percent(at_price * quantity_base, fee_pct), max(margin_usd + realised_usd, Decimal(0)))
    held.remove(quantity_base)
    accounts.entries.wallets[key[0]].book(realised_usd=realised_usd, fee_usd=fee_usd)
    accounts.reprice(key)
    closed = events.PositionLiquidated(
        time_ms=time_ms,
        venue=key[0],
        coin=key[1],
        side=held.side,
        price=at_price,
        quantity_base=quantity_base,
        fee=fee_usd,
    )
    return (*gone, closed, accounts.balance(key, time_ms))


def pay_funding(accounts: Accounts, key: Key, mark_price: float, rate_pct: float, time_ms: int) -> tuple[Event, ...]:
    """Longs pay a positive rate. What the free balance cannot pay comes out of the position's margin."""
    held = accounts.holding(key)
    if held is None:
        return ()
    amount_usd = -held.side.value * percent(held.quantity_base * Decimal(str(mark_price)), rate_pct)
    short_usd = max(-amount_usd - max(accounts.available_usd(key[0]), Decimal(0)), Decimal(0))
    accounts.entries.wallets[key[0]].book(funding_usd=amount_usd)
    if short_usd:
        held.margin_usd -= short_usd
        accounts.reprice(key)
    paid = events.FundingPaid(
        time_ms=time_ms, venue=key[0], coin=key[1], amount_usd=amount_usd, rate_pct=rate_pct
    )
    return paid, accounts.balance(key, time_ms)
