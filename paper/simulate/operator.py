"""The operator of a simulated house: gives it directions, resumes it when it halted, closes what no journal knows."""

import random
from typing import Final, Protocol

from liqbot.engine import Engine
from liqbot.events import BiasSet, Event, Resume
from liqbot.instruments import Side
from paper.exchange import PaperExchange, account_events
from paper.exchange.quotes import Key
from paper.simulate.both_markets import BothMarkets
from paper.simulate.link import Link

RESUME_MS: Final = 120_000
FOREIGN_MS: Final = 3_000_000
_FOREVER_MS: Final = 10**10


class OperatorPlace(Protocol):
    """What an operator sees and touches of a scenario."""

    chance: random.Random
    markets: BothMarkets
    exchange: PaperExchange
    link: Link
    key: Key
    @property
    def now_ms(self) -> int: ...

    @property
    def engine(self) -> Engine: ...

    def tell(self, facts: tuple[Event, ...]) -> None: ...


class Operator:
    """Comes by after every clock step, in no hurry."""

    def __init__(self, place: OperatorPlace) -> None:
        self._place = place
        self._resume_at_ms = 0
        self._foreign_since_ms = 0
        self._gone = False
        self._others: list[tuple[int, str]] = []

    @property
    def closes_foreign(self) -> bool:
        """There is something of an earlier journal left to close."""
        return self._foreign_since_ms > 0

    def finds_foreign(self) -> None:
        self._foreign_since_ms = self._place.now_ms

    def meets_another(self, client_id: str, until_ms: int) -> None:
        """Another instance trades here; it is sent away after a while, and takes its order along."""
        self._others.append((until_ms, client_id))

    def leaves(self) -> None:
        """Nobody resumes any more."""
        self._gone = True

    def look(self) -> None:
        if self._place.chance.random() < 0.03:
            self.lean()
        self._resume()
        self._close_foreign()
        self._send_away()

    def lean(self) -> None:
        """A direction given from outside, so that there is reason to trade."""
        place = self._place
        side = place.chance.choice((Side.LONG, Side.SHORT))
        until_ms = place.now_ms + _FOREVER_MS
        place.tell((BiasSet(time_ms=place.now_ms, coin=place.key[1], side=side, until_ms=until_ms, why="simulated"),))

    def _resume(self) -> None:
        place = self._place
        account = place.engine.account
        if self._gone:
            return
        if not account.halted and not account.drawdown.peak_latched:
            self._resume_at_ms = 0
        elif not self._resume_at_ms:
            self._resume_at_ms = place.now_ms + RESUME_MS
        elif place.now_ms >= self._resume_at_ms and not account.positions:
            self._resume_at_ms = 0
            place.tell((Resume(time_ms=place.now_ms, reason="looked at"),))

    def _send_away(self) -> None:
        place = self._place
        for until_ms, client_id in tuple(self._others):
            if place.now_ms >= until_ms or self._gone:
                self._others.remove((until_ms, client_id))
                place.link.post(
                    account_events.drop_order(place.exchange.accounts, client_id, "cancelled", place.now_ms)
                )

    def _close_foreign(self) -> None:
        place = self._place
        if not self._foreign_since_ms or place.now_ms - self._foreign_since_ms < FOREIGN_MS:
            return
        self._foreign_since_ms = 0
        accounts = place.exchange.accounts
        price = accounts.instruments[place.key].round_price(place.markets.price)
        place.link.post(account_events.close_by_hand(accounts, place.key, price, place.now_ms))
