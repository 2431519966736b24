"""`PaperExchange`: the simulated exchange and its clock. Commands arrive after latency, prices walk through their bars,
and what happens is handed to the house in order of time, so that it can still act inside the same bar."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, KINDS, NO_ROWS, EventBlock, Roster
from liqbot.commands import Command, PlaceOrder
from liqbot.events import Event
from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from paper.exchange import commands, fills, liquidation_engine
from paper.exchange.accounts import Entries, ExchangeAccounts
from paper.exchange.funding import FundingDues, Rate, rates_of, stakes_of
from paper.exchange.matching import Cursor, Happening, Rank, first_of
from paper.exchange.money import ExchangeHolding, ExchangeWallet
from paper.exchange.params import PaperParams
from paper.exchange.price_path import PathMark, course
from paper.exchange.quotes import Key, News, Quote, Quotes, flow_of

React = Callable[[tuple[Event, ...], int], tuple[Command, ...]]


class Sent(msgspec.Struct, frozen=True):
    """A command on its way."""

    arrives_ms: int
    command: Command


class Happened(NamedTuple):
    """What the exchange did at one instant. `obeyed` is the very command object that this answers, None when nobody
    asked for it."""

    time_ms: int
    facts: tuple[Event, ...]
    obeyed: Command | None


class PaperExchange:
    """Linear isolated perpetuals of any number of venues, each venue with its own wallet. Pure and deterministic."""

    def __init__(
        self,
        params: PaperParams,
        instruments: Iterable[Instrument],
        mechanics: Mapping[Key, Mechanics],
        roster: Roster,
    ) -> None:
        """`mechanics` by (venue, coin). ValueError for an inverse contract, KeyError for missing mechanics."""
        listed = tuple(instruments)
        self._params = params
        self.accounts = ExchangeAccounts(params, listed, mechanics)
        self._quotes = Quotes(listed, roster)
        self._on_the_way: list[Sent] = []
        self._held_funding = NO_ROWS["funding"]
        """Told since the last block with a price."""
        self._awaiting = False
        """In the present block no price is told, and a bar that is under way may still come."""
        self._path_ms: int | None = None
        """Where time stood when it last went on without the price's path; None while that is lived through to now."""
        self._now_ms = 0
        self._cursors: dict[Key, Cursor] = {}
        self._news: dict[Key, News] = {}
        self._untold: dict[Key, list[Rate]] = {}
        """Funding rows of the block whose time has not come."""
        self._funding = {key: FundingDues() for key in self.accounts.instruments}

    # --- the house's side ------------------------------------------------------------------------------------------

    def facts_at_start(self, time_ms: int = 0) -> tuple[Event, ...]:
        """What a reconciliation reads, instrument by instrument: balance, position, leverage, orders, `Reconciled`."""
        self._now_ms = max(self._now_ms, time_ms)
        return tuple(fact for key in self.accounts.instruments for fact in self.accounts.snapshot(key, self._now_ms))

    def submit(self, command: Command, time_ms: int) -> None:
        """It arrives `latency_ms` later, when a block reaches that time. KeyError for an instrument not listed."""
        if (command.venue, command.coin) not in self.accounts.instruments:
            raise KeyError(f"{command.venue} {command.coin} is not listed on the paper exchange")
        self._pass_to(time_ms)
        self._on_the_way.append(Sent(time_ms + self._params.latency_ms, command))
        self._on_the_way.sort(key=lambda sent: sent.arrives_ms)  # stable: first sent, first served

    def transfer(self, venue: str, amount_usd: Decimal, time_ms: int) -> tuple[Event, ...]:
        """Deposit or withdraw; the facts are the caller's to hand on."""
        self._pass_to(time_ms)
        return self.accounts.transfer(venue, amount_usd, self._now_ms)

    @property
    def on_the_way(self) -> tuple[Command, ...]:
        """Commands that were sent and have not arrived yet."""
        return tuple(sent.command for sent in self._on_the_way)

    def seat(
        self, key: Key, name: str, side: Side, quantity_base: Decimal, price: Decimal, leverage: int,
        wallet_usd: Decimal,
    ) -> None:
        """Somebody else joins with a position: it pays funding, can be liquidated, and be deleveraged like ours.
        ValueError for a name that is taken."""
        holding = ExchangeHolding(side, leverage)
        holding.add(price, quantity_base)
        self.accounts.seat(key, name, holding, wallet_usd)

    def wallet(self, venue: str) -> ExchangeWallet:
        """Balance and where it comes from; read only."""
        return self.accounts.entries.wallets[venue]

    def quote(self, venue: str, coin: str) -> Quote:
        """Last price and mark as the exchange knows them between blocks."""
        self._quotes.catch_up()
        return self._quotes.of[venue, coin]

    # --- time ------------------------------------------------------------------------------------------------------

    def advance(self, block: EventBlock, react: React) -> None:
        """Live through the block. `react` gets facts as they happen; what it answers is sent at that time.

        While a bar is under way a block without a price passes no time: the bar fills its own span, and what happens
        in it happens at its own time, whatever else was told meanwhile.
        """
        if self._awaits_bar(block):
            self._hold(block)
            return
        for happened in self._live(block):
            for command in react(happened.facts, happened.time_ms):
                self.submit(command, happened.time_ms)

    def walk(self, block: EventBlock) -> Iterator[Happened]:
        """`advance` for a caller that cannot answer at once: lives through the block from happening to happening, and
        what is submitted before the next one is asked for is sent at that instant. Always walk to the end.

        A caller that cannot hold back what it sends: commands are obeyed in a block without a price too, at their own
        time. All that follows the price waits for the bar, as in `advance`.
        """
        self._awaiting = self._awaits_bar(block)
        if self._awaiting:
            self._hold(block)
            block = msgspec.structs.replace(block, funding=NO_ROWS["funding"])
        yield from self._live(block)
        self._awaiting = False

    def _awaits_bar(self, block: EventBlock) -> bool:
        busy = self._on_the_way or not self.accounts.quiet
        return bool(busy) and not self._quotes.tells_price(block) and self._quotes.expects_bar(block.tick_ms or 0)

    def _hold(self, block: EventBlock) -> None:
        self._held_funding = np.concatenate([self._held_funding, block.funding])
        if self._path_ms is None:
            self._path_ms = self._now_ms

    def _pass_to(self, time_ms: int) -> None:
        """Time goes on without a block; what follows the price is lived through later, from where it stands."""
        if 0 < self._now_ms < time_ms and self._path_ms is None:
            self._path_ms = self._now_ms
        self._now_ms = max(self._now_ms, time_ms)

    def _live(self, block: EventBlock) -> Iterator[Happened]:
        if len(self._held_funding) and not self._awaiting:
            block = msgspec.structs.replace(block, funding=np.concatenate([self._held_funding, block.funding]))
            self._held_funding = NO_ROWS["funding"]
        if not self._on_the_way and self.accounts.quiet and not any(dues.owed for dues in self._funding.values()):
            self._quotes.put_aside(block)
            self._path_ms = None
            self._untold = rates_of(block.funding, self._quotes.keys)
            self._hear_rates()
            return
        end_ms = self._read(block)
        if self._passes_by(end_ms):
            return
        self._open()
        while (happening := self._next(end_ms)) is not None:
            obeyed = self._on_the_way[0].command if happening.rank is Rank.ARRIVAL else None
            facts = self._happen(happening)
            if facts:
                yield Happened(self._now_ms, facts, obeyed)
        self._close(end_ms)

    def _read(self, block: EventBlock) -> int:
        """The answer is when the block ends."""
        self._quotes.catch_up()
        self._news = self._quotes.read(block)
        self._untold = rates_of(block.funding, self._quotes.keys)
        if not self._awaiting:
            for dues in self._funding.values():
                dues.now_ms = self._now_ms if self._path_ms is None else self._path_ms
            self._path_ms = None
        ends_ms = [int(rows["time_ms"][-1]) for kind in KINDS if len(rows := block.rows(kind))]
        return max(self._now_ms, block.tick_ms or 0, *ends_ms)

    def _passes_by(self, end_ms: int) -> bool:
        """Nothing can happen in this block: only the quotes move. A shortcut; the long way would find the same."""
        if self._on_the_way and self._on_the_way[0].arrives_ms <= end_ms:
            return False
        if any(self._funding_ms(key, end_ms) is not None for key in self._funding):
            return False
        gap_ms = self._params.mark_gap_ms_max
        moved = {key: self._quotes.moved(key, news, self._bounds(key), gap_ms) for key, news in self._news.items()}
        if any(quote is None for quote in moved.values()):
            return False
        self._quotes.of = {key: quote for key, quote in moved.items() if quote is not None}
        self._hear_rates()
        self._now_ms, self._news = end_ms, {}
        return True

    def _bounds(self, key: Key) -> tuple[float, float]:
        """Between these prices, both excluded, no order waits and no margin runs out."""
        low, high = 0.0, math.inf
        for order in self.accounts.resting(key):
            level, below = order.level
            low, high = (max(low, level), high) if below else (low, min(high, level))
        for _, held in self.accounts.holders(key):
            if held.liquidation_price is not None:
                level = float(held.liquidation_price)
                low, high = (max(low, level), high) if held.side is Side.LONG else (low, min(high, level))
        return low, high

    def _open(self) -> None:
        """Lay out each instrument's course."""
        for key, news in self._news.items():
            quote, ours = self._quotes.of[key], self._our_side(key)
            legs = course(
                news.bars,
                news.marks,
                adverse_to=ours if self._params.bar_order == "adverse" else ours.opposite,
                from_ms=quote.bar_ms,
                last_price=quote.last_price,
                last_mark=PathMark(quote.mark_ms, quote.mark_price),
                mark_gap_ms_max=self._params.mark_gap_ms_max,
            )
            self._cursors[key] = Cursor(key, legs, quote.bar_ms, quote.last_price, quote.mark_price)

    def _our_side(self, key: Key) -> Side:
        """Whose harm comes first: the position's, else that of an entry resting or on its way."""
        held = self.accounts.holding(key)
        if held is not None:
            return held.side
        resting = (order.command for order in self.accounts.resting(key))
        sent = (sent.command for sent in self._on_the_way)
        for command in (*resting, *sent):
            if isinstance(command, PlaceOrder) and (command.venue, command.coin) == key:
                return command.side
        return Side.LONG

    def _next(self, end_ms: int) -> Happening | None:
        happenings: list[Happening | None] = []
        for key, cursor in self._cursors.items():
            happenings.append(cursor.next(self.accounts.resting(key), self.accounts.holders(key)))
            at_ms = self._funding_ms(key, end_ms)
            if at_ms is not None:
                happenings.append(Happening(float(at_ms), Rank.FUNDING, key, None))
        if self._on_the_way and self._on_the_way[0].arrives_ms <= end_ms:
            command = self._on_the_way[0].command
            arrives_ms = max(self._on_the_way[0].arrives_ms, self._now_ms)
            happenings.append(Happening(float(arrives_ms), Rank.ARRIVAL, (command.venue, command.coin), None))
        return first_of(happenings)

    def _funding_ms(self, key: Key, end_ms: int) -> int | None:
        """When funding is next due or may be paid, in this block: once it is known what was held by then."""
        if self._awaiting:
            return None
        held = bool(self.accounts.holders(key))
        at_ms = self._funding[key].next_ms(self._untold.get(key, ()), held=held)
        return at_ms if at_ms is not None and at_ms <= end_ms else None

    def _hear_rates(self) -> None:
        """All that the block still has."""
        for key, rates in self._untold.items():
            for rate in rates:
                self._funding[key].told.take(rate)
        self._untold = {}

    def _happen(self, happening: Happening) -> tuple[Event, ...]:
        between_legs = happening.rank >= Rank.FUNDING
        for key, cursor in self._cursors.items():
            on_leg = happening.leg if key == happening.key and not between_legs else None
            cursor.stand_at(happening.time_ms, on_leg=on_leg, inclusive=between_legs)
        self._now_ms = max(self._now_ms, math.ceil(happening.time_ms))
        dues = self._funding[happening.key]
        # Who holds from now on owes nothing of before.
        dues.now_ms = max(dues.now_ms, math.ceil(happening.time_ms) - 1)
        price, mark_price = self._cursors[happening.key].prices()
        if happening.rank is Rank.ARRIVAL:
            return commands.obey(self.accounts, self._on_the_way.pop(0).command, price, mark_price, self._now_ms)
        if happening.rank is Rank.FUNDING:
            stakes = stakes_of(self.accounts.holders(happening.key), mark_price or price)
            untold = self._untold.setdefault(happening.key, [])
            payments = dues.walk(int(happening.time_ms), untold, stakes)
            return fills.pay_funding(self.accounts, happening.key, payments, self._now_ms)
        if happening.order is None:
            return liquidation_engine.margin_call(self.accounts, happening.key, happening.holder, price, self._now_ms)
        minute_usd = self._quotes.of[happening.key].minute_usd
        return fills.execute(self.accounts, happening.order, price, self._now_ms, minute_usd=minute_usd)

    def _close(self, end_ms: int) -> None:
        self._now_ms = max(self._now_ms, end_ms)
        for key, cursor in self._cursors.items():
            quote, news = self._quotes.of[key], self._news[key]
            cursor.finish()
            quote.minute_usd = flow_of(news.bars, quote.minute_usd)
            quote.last_price, quote.mark_price = cursor.price, cursor.mark
            if news.bars:
                quote.bar_ms, quote.bar_span_ms = max(quote.bar_ms, news.bars[-1].end_ms), news.bars[-1].span_ms
            if news.marks:
                quote.mark_ms = max(quote.mark_ms, *(mark.time_ms for mark in news.marks))
        self._hear_rates()
        self._cursors, self._news = {}, {}

    # --- saving ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything, as builtins that msgpack can carry. Between blocks, never inside `react`."""
        return {
            "now_ms": self._now_ms,
            "entries": msgspec.to_builtins(self.accounts.entries),
            "quotes": self._quotes.state(),
            "funding": [msgspec.to_builtins(dues) for dues in self._funding.values()],
            "held_funding": self._held_funding.tolist(),
            "path_ms": self._path_ms,
            "on_the_way": msgspec.to_builtins(self._on_the_way),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`, for an exchange with the same instruments."""
        self._now_ms = state["now_ms"]
        self.accounts.entries = msgspec.convert(state["entries"], Entries)
        self._quotes.load_state(state["quotes"])
        self._funding = {
            key: msgspec.convert(dues, FundingDues) for key, dues in zip(self._funding, state["funding"], strict=True)
        }
        self._held_funding = np.array([tuple(row) for row in state["held_funding"]], DTYPES["funding"])
        self._path_ms = state["path_ms"]
        self._on_the_way = msgspec.convert(state["on_the_way"], list[Sent])
