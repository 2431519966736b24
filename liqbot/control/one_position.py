"""Commands about the position in one coin: close it, move its stop nearer. Each enters as a fact, journaled and
replayed like any other; the answer waits for what became of it."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liqbot.commands import Purpose
from liqbot.control.outcome import until
from liqbot.control.protocol import Reply
from liqbot.engine import Engine
from liqbot.events import CloseOrdered, Event, StopOrdered
from liqbot.instruments import Instrument, stop_on_grid
from liqbot.risk.by_hand import BY_HAND, stop_objection
from liqbot.settings import Settings

_COIN: Final = re.compile(r"[A-Z0-9]{2,12}")
WAIT_S: Final = 20.0
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e12")
"""No price of a coin lies beyond."""


def coin_of(request: dict[str, Any], settings: Settings) -> str:
    """The coin that is named. ValueError for one that is not traded."""
    coin = str(request.get("coin")).upper()
    if not _COIN.fullmatch(coin) or coin not in settings.coins:
        raise ValueError(f"coin: {coin!r} is not one of {', '.join(settings.coins)}")
    return coin


class OnePosition:
    """On the venue that is traded on. `clock` is the house's own; `submit` hands it a fact."""

    def __init__(
        self, settings: Settings, engine: Engine, clock: Callable[[], int], submit: Callable[[Event], None]
    ) -> None:
        self._settings, self._engine, self._clock, self._submit = settings, engine, clock, submit

    async def close(self, request: dict[str, Any]) -> Reply:
        coin = coin_of(request, self._settings)
        if self._is_flat(coin):
            return {"flat": True, "said": f"{coin}: no position is open, and no entry is under way"}
        reason = str(request.get("why") or BY_HAND)
        self._submit(CloseOrdered(**self._named(coin), reason=reason))
        flat = await until(lambda: self._is_flat(coin), float(request.get("wait_s", WAIT_S)))
        said = f"{coin} is flat; entries go on (liqbot pause forbids them)" if flat else f"{coin} is not flat yet"
        return {"flat": flat, "said": said}

    async def move_stop(self, request: dict[str, Any]) -> Reply:
        """ValueError for a price that is none, or where the stop may not go."""
        coin = coin_of(request, self._settings)
        wanted, engine, venue = _price(request.get("stop_price")), self._engine, self._settings.trade_venue
        position, target = engine.account.position(venue, coin), engine.order_manager.target(venue, coin)
        instrument: Instrument = engine.order_manager.book(venue, coin).instrument
        stop_price = wanted if position is None else stop_on_grid(position.side, wanted, instrument.price_tick)
        objection = stop_objection(position, target, stop_price, engine.trading_mark(coin))
        if objection:
            raise ValueError(f"{coin}: {objection}")
        reason = str(request.get("why") or BY_HAND)
        self._submit(StopOrdered(**self._named(coin), stop_price=stop_price, reason=reason))
        moved = await until(lambda: self._stopped_at(coin, stop_price), float(request.get("wait_s", WAIT_S)))
        told = "confirmed by the venue" if moved else "not confirmed yet: see liqbot status"
        return {"moved": moved, "stop_price": str(stop_price), "said": f"{coin}: stop at {stop_price}, {told}"}

    def _named(self, coin: str) -> dict[str, Any]:
        return {
            "time_ms": self._clock(), "venue": self._settings.trade_venue, "coin": coin,
            "account": self._engine.account.name,
        }

    def _is_flat(self, coin: str) -> bool:
        """Nothing is held, and no order of ours in it may fill any more."""
        venue = self._settings.trade_venue
        book = self._engine.order_manager.book(venue, coin)
        return self._engine.account.position(venue, coin) is None and not book.live() and not book.pending()

    def _stopped_at(self, coin: str, stop_price: Decimal) -> bool:
        """A confirmed stop rests there or nearer, or there is nothing to stop any more."""
        venue = self._settings.trade_venue
        position, book = self._engine.account.position(venue, coin), self._engine.order_manager.book(venue, coin)
        if position is None:
            return True
        prices = [one.command.trigger_price for one in book.live(Purpose.STOP) if one.confirmed]
        return any(
            price is not None and int(position.side) * (price - stop_price) >= 0 for price in prices
        ) and book.confirmed_base(position.side) >= position.quantity_base


def _price(text: object) -> Decimal:
    try:
        price = Decimal(str(text).replace(",", "").replace("_", ""))
    except InvalidOperation:
        price = Decimal(0)
    if not (price.is_finite() and _LEAST <= price <= _MOST):
        raise ValueError(f"price: {text!r} is no price; a positive number, as in 58200.5")
    return price
