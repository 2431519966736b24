"""The order manager against a venue that loses answers, repeats, delays, refuses and fills in parts; then it heals."""

import random
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_house import BTC, KEY, D, target

from liqbot import events
from liqbot.commands import CancelOrder, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.execution.order_manager import OrderManager
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Side
from liqbot.risk.account import Account
from liqbot.risk.decision import Approved
from liqbot.risk.limits import RiskLimits

PARAMS = ExecutionParams()
STEP_MS = 250
PRICE = D(100)


class Venue:
    """Keeps the truth about orders and the position; its messages go through a faulty line."""

    def __init__(self, chance: random.Random, trouble: float) -> None:
        self.chance, self.trouble = chance, trouble
        self.orders: dict[str, PlaceOrder] = {}
        self.left: dict[str, Decimal] = {}
        self.ended: dict[str, type] = {}
        self.fills: dict[str, list[dict]] = {}
        self.signed = D(0)
        self.leverage = 1
        self.mail: list[tuple[int, object]] = []
        self.fill_count = 0

    def bad(self) -> bool:
        return self.chance.random() < self.trouble

    def tell(self, now_ms: int, kind: type, client_id: str | None = None, **fields: object) -> None:
        """Lost never (fills and ends are re-read by any real edge), but late, repeated and out of order; an
        acknowledgement may be lost."""
        if kind is events.OrderAccepted and self.bad():
            return
        names = {"venue": KEY[0], "coin": KEY[1], **fields}
        if client_id is not None:
            names["client_id"] = client_id
        for _ in range(2 if self.bad() else 1):
            due_ms = now_ms + (self.chance.randrange(20) * STEP_MS if self.bad() else STEP_MS)
            self.mail.append((due_ms, (kind, names)))

    def receive(self, command: object, now_ms: int) -> None:
        if isinstance(command, SetLeverage):
            if not self.bad():
                self.leverage = command.leverage
                self.tell(now_ms, events.LeverageConfirmed, leverage=float(self.leverage), isolated=True)
        elif isinstance(command, PlaceOrder):
            self._place(command, now_ms)
        elif isinstance(command, CancelOrder):
            if command.client_id in self.left and not self.bad():
                self._end(command.client_id, events.OrderCancelled, now_ms, reason="asked")
            elif not self.bad():
                self.tell(now_ms, events.CancelRejected, command.client_id, reason="no such order")
        elif isinstance(command, QueryOrder):
            self._answer(command.client_id, now_ms)

    def _place(self, order: PlaceOrder, now_ms: int) -> None:
        assert order.client_id not in self.orders, "an id is used once"
        if self.bad() and self.bad():
            return  # lost on the way: the venue never knows of it
        self.orders[order.client_id] = order
        self.fills[order.client_id] = []
        flat = self.signed * order.side <= 0
        against = flat or self._too_much(order) if order.reduce_only else self.signed * order.side < 0
        if against or self.bad():
            self.ended[order.client_id] = events.OrderRejected
            self.tell(now_ms, events.OrderRejected, order.client_id, code="NO", reason="no")
            return
        self.left[order.client_id] = order.quantity_base
        self.tell(now_ms, events.OrderAccepted, order.client_id, venue_order_id="v")

    def _too_much(self, order: PlaceOrder) -> bool:
        """With the reduce-only orders at rest it would close more than there is; stops do not count."""
        resting = [
            self.left[name] for name, one in self.orders.items()
            if name in self.left and one.reduce_only and one.kind is not OrderKind.STOP_MARKET
        ]
        counts = order.kind is not OrderKind.STOP_MARKET and bool(resting)
        return counts and sum(resting, order.quantity_base) > abs(self.signed)

    def _end(self, client_id: str, kind: type, now_ms: int, **fields: object) -> None:
        del self.left[client_id]
        self.ended[client_id] = kind
        self.tell(now_ms, kind, client_id, **fields)

    def _answer(self, client_id: str, now_ms: int) -> None:
        if self.bad():
            return
        kind = events.OrderAccepted if client_id in self.left else self.ended.get(client_id)
        for fill in self.fills.get(client_id, []):
            self.mail.append((now_ms + STEP_MS, (events.Fill, fill)))
        if client_id not in self.orders:
            self.tell(now_ms, events.OrderMissing, client_id)
        elif kind is events.OrderAccepted:
            self.tell(now_ms, kind, client_id, venue_order_id="v")
        elif kind is events.OrderRejected:
            self.tell(now_ms, kind, client_id, code="NO", reason="no")
        elif kind is events.OrderCancelled:
            self.tell(now_ms, kind, client_id, reason="gone")

    def trade(self, now_ms: int) -> None:
        """Some orders fill, wholly or in part; some are removed by the venue."""
        for client_id, order in list(self.orders.items()):
            if client_id not in self.left:
                continue
            if order.kind is OrderKind.MARKET or self.chance.random() < 0.15:
                self._fill(client_id, order, now_ms)
            elif self.bad() and self.chance.random() < 0.05:
                self._end(client_id, events.OrderCancelled, now_ms, reason="removed")

    def _fill(self, client_id: str, order: PlaceOrder, now_ms: int) -> None:
        left = self.left[client_id]
        room = self.signed * order.side if order.reduce_only else left
        quantity = min(left, room)
        if quantity <= 0:
            self._end(client_id, events.OrderCancelled, now_ms, reason="reduce only")
            return
        if quantity > BTC.quantity_step_base and self.chance.random() < 0.5:
            quantity = BTC.round_quantity(quantity / 2)
        self.fill_count += 1
        fill = {
            "venue": KEY[0], "coin": KEY[1], "client_id": client_id, "fill_id": f"f{self.fill_count}",
            "side": order.side, "reduces": order.reduce_only, "price": PRICE, "quantity_base": quantity, "fee": D(0),
        }
        self.fills[client_id].append(fill)
        names = {name: value for name, value in fill.items() if name not in ("venue", "coin", "client_id")}
        self.tell(now_ms, events.Fill, client_id, **names)
        self.signed += order.side * quantity * (-1 if order.reduce_only else 1)
        self.left[client_id] -= quantity
        if not self.left[client_id]:
            del self.left[client_id]
            self.ended[client_id] = events.Fill

    def due(self, now_ms: int) -> list:
        ready = [what for due_ms, what in self.mail if due_ms <= now_ms]
        self.mail = [(due_ms, what) for due_ms, what in self.mail if due_ms > now_ms]
        if self.bad():
            self.chance.shuffle(ready)
        return [kind(time_ms=now_ms, **names) for kind, names in ready]


class Watched:
    """Account and order manager, with the laws checked after every plan."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.account = Account(RiskLimits())
        self.order_manager = OrderManager((BTC,), PARAMS, "fault1")
        self.entries: dict[int, int] = {}
        self.log: list[bytes] = []

    def step(self, now_ms: int) -> tuple:
        for fact in self.venue.due(now_ms):
            if self.account.on_fact(fact):
                self.order_manager.on_fact(fact)
        positions = self.account.positions
        commands = self.order_manager.commands(now_ms, positions)
        assert self.order_manager.commands(now_ms, positions) == ()
        self.log.append(msgspec.json.encode(commands))
        for command in commands:
            if isinstance(command, PlaceOrder):
                self._check_order(command)
        self._check_protection(now_ms)
        return commands

    def _check_order(self, command: PlaceOrder) -> None:
        position = self.account.position(*KEY)
        if command.purpose is Purpose.ENTRY:
            assert position is None
            self.entries[command.decision_id] = self.entries.get(command.decision_id, 0) + 1
            assert self.entries[command.decision_id] == 1, "one entry per decision"
        else:
            assert command.reduce_only
            assert position is not None
            assert command.side is position.side
            exits = self.order_manager.book(*KEY).live(Purpose.EXIT) if command.purpose is Purpose.EXIT else []
            leaving_base = sum((one.remaining_base for one in exits), D(0))
            assert max(command.quantity_base, leaving_base) <= position.quantity_base

    def _check_protection(self, now_ms: int) -> None:
        position = self.account.position(*KEY)
        book = self.order_manager.book(*KEY)
        if position is None:
            return
        ours = [one for one in book.live(Purpose.STOP, Purpose.EXIT) if one.side is position.side]
        unwanted = book.target is None or book.target.side is not position.side
        waits_for_retry = bool(book.failures) and (bool(book.closing) or unwanted)
        assert ours or waits_for_retry, "an open position with neither stop nor exit under way"
        assert book.exposure is None or book.closing or now_ms - book.exposure.since_ms <= PARAMS.unprotected_ms_max


def run(seed: int, trouble: float, steps: int) -> Watched:
    chance = random.Random(seed)
    venue = Venue(chance, trouble)
    house = Watched(venue)
    decision, now_ms = 0, 1_000_000
    for _ in range(steps):
        now_ms += STEP_MS
        flat = house.account.position(*KEY) is None
        if flat and not house.order_manager.entry_in_flight(*KEY) and chance.random() < 0.2:
            decision += 1
            side = chance.choice([Side.LONG, Side.SHORT])
            wanted = target(
                decision, side=side, quantity=str(D(chance.randint(1, 50)) / 1_000), stop=str(100 - 2 * side),
                take=chance.choice([None, str(100 + 3 * side)]), limit=chance.choice([None, "100"]),
                expires_ms=now_ms + 60_000,
            )
            house.order_manager.adopt(Approved(wanted))
        elif not flat and chance.random() < 0.05:
            current, position = house.order_manager.target(*KEY), house.account.position(*KEY)
            looked_after = current is not None or house.order_manager.book(*KEY).own_base
            assert looked_after, "an open position of ours"
            if current is not None and current.side is position.side:
                nearer = current.stop_price + position.side * D("0.1")
                changes = chance.choice([
                    {"quantity_base": D(0)},
                    {"stop_price": nearer},
                    {"quantity_base": BTC.round_quantity(position.quantity_base / 2)},
                ])
                house.order_manager.adopt(Approved(msgspec.structs.replace(current, **changes)))
        for command in house.step(now_ms):
            venue.receive(command, now_ms)
        venue.trade(now_ms)
    # The venue heals; everything is read from it once more, and whatever is wished for, all shall be flat and quiet.
    venue.trouble = 0.0
    for _ in range(1_000):
        now_ms += STEP_MS
        if house.account.position(*KEY) is not None and (current := house.order_manager.target(*KEY)) is not None:
            house.order_manager.adopt(Approved(msgspec.structs.replace(current, quantity_base=D(0))))
        for command in house.step(now_ms):
            venue.receive(command, now_ms)
        venue.trade(now_ms)
        book = house.order_manager.book(*KEY)
        if not venue.mail and not book.live() and not venue.left and house.order_manager.target(*KEY) is None:
            break
    return house


@pytest.mark.drawn(singly=True)
@settings(max_examples=40)
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.05, 0.2, 0.4]))
def test_whatever_the_venue_does_we_stay_protected_and_end_flat(seed, trouble):
    house = run(seed, trouble, steps=200)
    book = house.order_manager.book(*KEY)
    assert house.venue.signed == 0, "the venue's own count is flat"
    assert house.account.position(*KEY) is None
    assert house.venue.left == {}, "no order of ours is left behind"
    assert book.live() == []
    assert house.order_manager.commands(10**12, ()) == ()


@settings(max_examples=5)
@given(st.integers(0, 10**9))
def test_the_same_troubles_give_the_same_commands(seed):
    assert run(seed, 0.2, steps=100).log == run(seed, 0.2, steps=100).log


@pytest.mark.drawn(singly=True)
def test_the_troubles_are_real():
    houses = [run(seed, 0.2, steps=300) for seed in range(10)]
    assert sum(len(house.entries) for house in houses) >= 50
    assert sum(house.venue.fill_count for house in houses) >= 200
