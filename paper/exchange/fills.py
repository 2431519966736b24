"""What moves money on the exchange: fills, forced closes and funding, each answered with facts."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from liqbot import events
from liqbot.accounting.currencies import DOLLARS
from liqbot.commands import OrderKind
from liqbot.events import Event
from paper.exchange import attached_stops, matching, rules
from paper.exchange.accounts import ExchangeAccounts, name_of
from paper.exchange.funding import Stake
from paper.exchange.matching import Resting
from paper.exchange.money import ExchangeHolding, margin_needed, percent
from paper.exchange.quotes import Key

_COIN_GRID: Final = Decimal("0.00000001")


def execute(
    accounts: ExchangeAccounts, order: Resting, price: float, time_ms: int, *, minute_usd: float = 0.0
) -> tuple[Event, ...]:
    """A resting order's price has come, with the market trading at `price` (0: nothing has traded yet) and usually
    `minute_usd` per minute (0: not known, so depth bounds nothing)."""
    command, params = order.command, accounts.params
    instrument = accounts.instruments[command.venue, command.coin]
    held = accounts.holding((command.venue, command.coin))
    if command.reduce_only and (held is None or held.side is not command.side):
        return (accounts.remove(order, "REDUCE_ONLY", time_ms),)
    if command.immediate and not rules.crosses(command, price):
        return (accounts.remove(order, "IMMEDIATE", time_ms), *attached_stops.after_entry(accounts, order, time_ms))
    wanted_base = order.rest_base
    if command.reduce_only and held is not None:
        wanted_base = min(wanted_base, held.quantity_base)
    about_price = Decimal(str(price)) or command.trigger_price or command.limit_price or instrument.price_tick
    piece_base = _piece(accounts, order, about_price, wanted_base, minute_usd)
    impact_bps = matching.impact_bps(params.impact_bps, float(piece_base * about_price), minute_usd)
    if command.kind is OrderKind.STOP_MARKET and not order.triggered:
        at_price = matching.stop_price(order, price, params.stop_slippage_bps + impact_bps, instrument)
    elif command.kind is OrderKind.LIMIT:
        at_price = matching.limit_price(order, price, params.market_slippage_bps + impact_bps, instrument)
    else:
        at_price = matching.worse(price, params.market_slippage_bps + impact_bps, instrument, buys=order.buys)
    maker = command.kind is OrderKind.LIMIT and not order.crossing
    if command.reduce_only and held is not None:
        return _reduce(accounts, order, held, at_price, piece_base, time_ms, maker=maker)
    return _enter(accounts, order, at_price, piece_base, time_ms, maker=maker)


def _enter(
    accounts: ExchangeAccounts, order: Resting, price: Decimal, quantity_base: Decimal, time_ms: int, *, maker: bool
) -> tuple[Event, ...]:
    command = order.command
    key = (command.venue, command.coin)
    held, leverage = accounts.holding(key), accounts.entries.leverages[name_of(key)]
    if held is not None and held.side is not command.side:
        return (accounts.remove(order, "OPPOSITE_POSITION", time_ms),)
    free_usd = accounts.available_usd(command.venue) + accounts.reserve_usd(order)
    if margin_needed(price * quantity_base, leverage) > free_usd:
        gone = accounts.remove(order, "INSUFFICIENT_MARGIN", time_ms)
        return (gone, *attached_stops.after_entry(accounts, order, time_ms))
    if held is None:
        held = accounts.entries.holdings[name_of(key)] = ExchangeHolding(command.side, leverage)
    held.add(price, quantity_base)
    facts = _filled(accounts, order, price, quantity_base, Decimal(0), time_ms, maker=maker)
    if command.immediate and order.rest_base:
        facts = (*facts, accounts.remove(order, "IMMEDIATE", time_ms))
    return (*facts, *attached_stops.after_entry(accounts, order, time_ms))


def _piece(
    accounts: ExchangeAccounts, order: Resting, price: Decimal, wanted_base: Decimal, minute_usd: float
) -> Decimal:
    """How much of it fills at once: at least one step, on the step."""
    params = accounts.params
    bounds_usd = [] if params.fill_usd_max is None else [params.fill_usd_max]
    if minute_usd > 0:
        bounds_usd.append(minute_usd * params.depth_pct / 100.0)
    if not bounds_usd:
        return wanted_base
    instrument = accounts.instruments[order.command.venue, order.command.coin]
    most_base = instrument.round_quantity(Decimal(str(min(bounds_usd))) / price)
    return min(wanted_base, max(most_base, instrument.quantity_step_base))


def _reduce(
    accounts: ExchangeAccounts,
    order: Resting,
    held: ExchangeHolding,
    price: Decimal,
    quantity_base: Decimal,
    time_ms: int,
    *,
    maker: bool,
) -> tuple[Event, ...]:
    """Never more than the position; what is left of the order when the position is gone is cancelled."""
    gone = quantity_base == held.quantity_base and quantity_base < order.rest_base
    realised_usd = held.profit_usd(price, quantity_base)
    held.remove(quantity_base)
    facts = _filled(accounts, order, price, quantity_base, realised_usd, time_ms, maker=maker)
    if gone:
        facts = (*facts, accounts.remove(order, "REDUCE_ONLY", time_ms))
    return (*facts, *attached_stops.after_position(accounts, (order.command.venue, order.command.coin), time_ms))


def _filled(
    accounts: ExchangeAccounts,
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
    fee, currency = _charge(accounts, key, price, fee_usd)
    accounts.book(command.venue, realised_usd=realised_usd)
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


def _charge(accounts: ExchangeAccounts, key: Key, price: Decimal, fee_usd: Decimal) -> tuple[Decimal, str]:
    """The fee and its currency. Dollars of any kind and the traded coin, which is collateral, come out of the wallet;
    any other coin out of a wallet of its own."""
    entries, (venue, coin) = accounts.entries, key
    if not entries.fee_coin or entries.fee_coin in DOLLARS:
        accounts.book(venue, fee_usd=fee_usd)
        return fee_usd, entries.fee_coin or "USD"
    own = entries.fee_coin == coin
    fee = (fee_usd / (price if own else entries.fee_coin_price)).quantize(_COIN_GRID, ROUND_HALF_EVEN)
    if own:
        accounts.book(venue, fee_usd=fee * price)  # exactly: the coin is what the wallet lost
    else:
        entries.fee_coin_spent[venue] = entries.fee_coin_spent.get(venue, Decimal(0)) + fee
    return fee, entries.fee_coin


def pay_funding(
    accounts: ExchangeAccounts, key: Key, payments: Iterable[tuple[Sequence[Stake], float]], time_ms: int
) -> tuple[Event, ...]:
    """Of (stakes, rate in percent): longs pay a positive rate on what they held when it was due. What the free balance
    cannot pay comes out of the position's margin. Who has left since neither pays nor is paid."""
    paid: list[Event] = []
    others = {other.name: other for other in accounts.others(key)}
    for stake, rate_pct in ((stake, rate_pct) for stakes, rate_pct in payments for stake in stakes):
        amount_usd = _funding_usd(stake, rate_pct)
        if not stake.holder:
            paid += _pay_ours(accounts, key, amount_usd, rate_pct, time_ms)
        elif (other := others.get(stake.holder)) is not None:
            accounts.till(key[0]).book(other.wallet, funding_usd=amount_usd)
            _pay_from_margin(other.holding, amount_usd, other.wallet.wallet_usd - other.holding.margin_usd)
            accounts.reprice(key, other.name)
    return tuple(paid)


def _pay_ours(
    accounts: ExchangeAccounts, key: Key, amount_usd: Decimal, rate_pct: float, time_ms: int
) -> tuple[Event, ...]:
    """Also when the position has been closed since."""
    held, free_usd = accounts.holding(key), accounts.available_usd(key[0])
    accounts.book(key[0], funding_usd=amount_usd)
    if held is not None and _pay_from_margin(held, amount_usd, free_usd + amount_usd):
        accounts.reprice(key)
    paid = events.FundingPaid(
        time_ms=time_ms, venue=key[0], coin=key[1], amount_usd=amount_usd, rate_pct=rate_pct,
        event_id=accounts.new_event_id(),
    )
    return paid, accounts.balance(key, time_ms)


def _funding_usd(stake: Stake, rate_pct: float) -> Decimal:
    return -stake.side.value * percent(stake.quantity_base * Decimal(str(stake.mark_price)), rate_pct)


def _pay_from_margin(held: ExchangeHolding, amount_usd: Decimal, free_after_usd: Decimal) -> bool:
    """Whether some of it had to come out of the margin."""
    short_usd = min(-amount_usd, -free_after_usd)
    if short_usd > 0:
        held.margin_usd -= short_usd
    return short_usd > 0
