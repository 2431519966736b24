"""The exchange's books: wallets, positions, leverage and resting orders, and what may be read there."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.events import Event
from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from paper.exchange import rules
from paper.exchange.insurance_and_fees import FeesAndInsurance
from paper.exchange.matching import Resting
from paper.exchange.money import ExchangeHolding, ExchangeWallet, liquidation_tick, micro
from paper.exchange.params import PaperParams
from paper.exchange.quotes import Key

ENDED_ORDERS_KEPT: Final = 1_000


class Other(msgspec.Struct):
    """Somebody else's position at this exchange, with a wallet of its own: who can be liquidated, or deleveraged."""

    name: str
    venue: str
    coin: str
    wallet: ExchangeWallet
    holding: ExchangeHolding


class Entries(msgspec.Struct):
    """All that changes; plain values, so that it can be saved as it is."""

    wallets: dict[str, ExchangeWallet]
    leverages: dict[str, int]
    holdings: dict[str, ExchangeHolding] = {}
    resting: list[Resting] = []
    ended: dict[str, Event] = {}
    """The last word about orders that are over, oldest first, bounded."""
    orders_seen: int = 0
    events_seen: int = 0
    tills: dict[str, FeesAndInsurance] = {}
    others: list[Other] = []
    departed_usd: dict[str, Decimal] = {}
    """Per venue, the wallets of others who have no position any more."""
    fee_coin: str = ""
    """Fees are taken in this coin, from a wallet of its own; empty: in USD."""
    fee_coin_price: Decimal = Decimal(1)
    fee_coin_spent: dict[str, Decimal] = {}
    """Per venue, in that coin."""


class ExchangeAccounts:
    """Instruments are named by (venue, coin)."""

    def __init__(
        self, params: PaperParams, instruments: Iterable[Instrument], mechanics: Mapping[Key, Mechanics]
    ) -> None:
        self.params = params
        self.instruments = {(instrument.venue, instrument.coin): instrument for instrument in instruments}
        self.mechanics = {key: mechanics[key] for key in self.instruments}
        for key, instrument in self.instruments.items():
            if instrument.inverse or self.mechanics[key].inverse:
                raise ValueError(f"{instrument.symbol}: the paper exchange trades linear contracts only")
        start_usd = micro(params.wallet_usd)
        self.entries = Entries(
            wallets={
                instrument.venue: ExchangeWallet(start_usd, start_usd) for instrument in self.instruments.values()
            },
            leverages={name_of(key): params.leverage_initial for key in self.instruments},
            tills={instrument.venue: self._new_till(start_usd) for instrument in self.instruments.values()},
        )

    def _new_till(self, start_usd: Decimal) -> FeesAndInsurance:
        insurance_usd = micro(self.params.insurance_usd)
        return FeesAndInsurance(paid_in_usd=start_usd + insurance_usd, insurance_usd=insurance_usd)

    # --- what is ---------------------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        return not self.entries.resting and not self.entries.holdings and not self.entries.others

    def holding(self, key: Key) -> ExchangeHolding | None:
        return self.entries.holdings.get(name_of(key))

    def others(self, key: Key) -> list[Other]:
        return [other for other in self.entries.others if (other.venue, other.coin) == key]

    def holders(self, key: Key) -> list[tuple[str, ExchangeHolding]]:
        """Everybody's positions by name; ours, without a name, first."""
        ours = self.holding(key)
        named = [(other.name, other.holding) for other in self.others(key)]
        return named if ours is None else [("", ours), *named]

    def wallet(self, venue: str, name: str = "") -> ExchangeWallet:
        """Of an account by name; ours has none. KeyError for a stranger."""
        if not name:
            return self.entries.wallets[venue]
        return {other.name: other.wallet for other in self.entries.others if other.venue == venue}[name]

    def till(self, venue: str) -> FeesAndInsurance:
        return self.entries.tills[venue]

    def missing_usd(self, venue: str) -> Decimal:
        """Money that came from nowhere or is lost, over all accounts, fees, funding and insurance: zero, always."""
        wallets = [self.entries.wallets[venue], *(one.wallet for one in self.entries.others if one.venue == venue)]
        return self.till(venue).missing_usd(wallets) - self.entries.departed_usd.get(venue, Decimal(0))

    def resting(self, key: Key) -> list[Resting]:
        return [order for order in self.entries.resting if (order.command.venue, order.command.coin) == key]

    def available_usd(self, venue: str) -> Decimal:
        """Free for new margin: wallet minus margins of positions and reserves of resting entries."""
        free_usd = self.entries.wallets[venue].wallet_usd
        for key in self.instruments:
            held = self.holding(key)
            if key[0] == venue and held is not None:
                free_usd -= held.margin_usd
        return free_usd - sum(
            (self.reserve_usd(order) for order in self.entries.resting if order.command.venue == venue), Decimal(0)
        )

    def reserve_usd(self, order: Resting) -> Decimal:
        """What a resting limit entry keeps aside; a market entry is checked again when it fills."""
        command = order.command
        if command.reduce_only or command.limit_price is None:
            return Decimal(0)
        key = (command.venue, command.coin)
        if order.pieces:
            command = msgspec.structs.replace(command, quantity_base=order.rest_base)
        return rules.reserve_usd(command, 0.0, self.entries.leverages[name_of(key)], self.instruments[key])

    def snapshot(self, key: Key, time_ms: int) -> tuple[Event, ...]:
        """What a reconciliation reads: balance, position, leverage, resting orders, and that this was all."""
        venue, coin = key
        held, leverage = self.holding(key), self.entries.leverages[name_of(key)]
        position = events.PositionSnapshot(
            time_ms=time_ms,
            venue=venue,
            coin=coin,
            side=Side.LONG if held is None else held.side,
            quantity_base=Decimal(0) if held is None else held.quantity_base,
            entry_price=Decimal(0) if held is None else held.entry_price,
            leverage=float(leverage if held is None else held.leverage),
            isolated=True,
            liquidation_price=None if held is None else held.liquidation_price,
        )
        return (
            self.balance(key, time_ms),
            position,
            self.leverage_confirmed(key, time_ms),
            *(accepted(order, time_ms) for order in self.resting(key)),
            events.Reconciled(time_ms=time_ms, venue=venue, coin=coin),
        )

    def balance(self, key: Key, time_ms: int) -> Event:
        venue, coin = key
        wallet_usd = self.entries.wallets[venue].wallet_usd
        return events.Balance(time_ms=time_ms, venue=venue, coin=coin, wallet_usd=wallet_usd)

    def leverage_confirmed(self, key: Key, time_ms: int) -> Event:
        leverage = float(self.entries.leverages[name_of(key)])
        return events.LeverageConfirmed(time_ms=time_ms, venue=key[0], coin=key[1], leverage=leverage, isolated=True)

    # --- what changes ----------------------------------------------------------------------------------------------

    def book(self, venue: str, **amounts_usd: Decimal) -> None:
        """On our wallet and in the till, named as `Till.book` names them."""
        self.till(venue).book(self.entries.wallets[venue], **amounts_usd)

    def seat(self, key: Key, name: str, holding: ExchangeHolding, wallet_usd: Decimal) -> None:
        """Somebody comes with money and a position. ValueError for a name that is taken."""
        if not name or any(other.name == name for other in self.entries.others):
            raise ValueError(f"name: {name!r} must be new and not empty")
        wallet_usd = micro(wallet_usd)
        self.till(key[0]).paid_in_usd += wallet_usd
        self.entries.others.append(Other(name, *key, ExchangeWallet(wallet_usd, wallet_usd), holding))
        self.reprice(key, name)

    def reprice(self, key: Key, name: str = "") -> None:
        """After quantity or margin changed: drop an empty position, else find its liquidation price anew."""
        held = dict(self.holders(key)).get(name)
        if held is None:
            return
        if held.quantity_base:
            held.liquidation_price = liquidation_tick(held, self.instruments[key], self.mechanics[key])
        elif not name:
            del self.entries.holdings[name_of(key)]
        else:
            gone = next(other for other in self.others(key) if other.name == name)
            self.entries.others.remove(gone)
            departed = self.entries.departed_usd
            departed[key[0]] = departed.get(key[0], Decimal(0)) + gone.wallet.wallet_usd

    def new_event_id(self) -> str:
        """For money or positions that move without an order of their holder."""
        self.entries.events_seen += 1
        return f"e{self.entries.events_seen}"

    def end(self, last_word: Event, client_id: str) -> Event:
        """Keep the last word about an order for those who ask."""
        ended = self.entries.ended
        ended[client_id] = last_word
        if len(ended) > ENDED_ORDERS_KEPT:
            del ended[next(iter(ended))]
        return last_word

    def remove(self, order: Resting, reason: str, time_ms: int) -> Event:
        """Take a resting order off the book."""
        self.entries.resting.remove(order)
        return self.end(cancelled(order, reason, time_ms), order.command.client_id)

    def transfer(self, venue: str, amount_usd: Decimal, time_ms: int) -> tuple[Event, ...]:
        """Deposit (positive) or withdrawal. ValueError when more than what is free would be withdrawn."""
        amount_usd = micro(amount_usd)
        if self.available_usd(venue) + min(amount_usd, Decimal(0)) < 0:
            raise ValueError(f"transfer of {amount_usd} USD: only {self.available_usd(venue)} are free on {venue}")
        self.book(venue, transfer_usd=amount_usd)
        key = next(key for key in self.instruments if key[0] == venue)
        moved = events.Transfer(
            time_ms=time_ms, venue=venue, coin=key[1], event_id=self.new_event_id(), amount_usd=amount_usd
        )
        return moved, self.balance(key, time_ms)


def name_of(key: Key) -> str:
    return " ".join(key)


def accepted(order: Resting, time_ms: int) -> Event:
    command = order.command
    return events.OrderAccepted(
        time_ms=time_ms,
        venue=command.venue,
        coin=command.coin,
        client_id=command.client_id,
        venue_order_id=str(order.number),
    )


def cancelled(order: Resting, reason: str, time_ms: int) -> Event:
    command = order.command
    return events.OrderCancelled(
        time_ms=time_ms, venue=command.venue, coin=command.coin, client_id=command.client_id, reason=reason
    )
