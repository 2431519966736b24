"""Deliberate defects of the house, each a patch of one promise: a simulation that misses one proves nothing."""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import msgspec

from liqbot import engine
from liqbot.accounting.books import AccountBooks
from liqbot.accounting.changes import CashMoved, Change, Execution
from liqbot.accounting.dedupe import RecentIds
from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, Command, PlaceOrder, Purpose, QueryOrder
from liqbot.engine import Engine
from liqbot.events import Event, Fill, Transfer
from liqbot.execution import order_manager, plan
from liqbot.execution.instrument_orders import InstrumentOrders
from liqbot.execution.order_lifecycle import Order
from liqbot.ledger.trades import TradeBook
from liqbot.risk import placement, review
from liqbot.risk.account import Account
from liqbot.risk.decision import Adjustment, Approved, Refusal, Target
from liqbot.runtime import step
from paper.simulate.journal_first_mutants import not_waiting, silent_when_stuck
from paper.simulate.mutant import Mutant, Patch, instead, unasked
from paper.simulate.outside_mutants import OUTSIDE
from paper.simulate.practice_mutants import PRACTICE

# --- execution --------------------------------------------------------------------------------------------------------


def _resends(sound: Callable[..., tuple[Command, ...]]) -> Callable[..., tuple[Command, ...]]:
    def mutant(
        book: InstrumentOrders, position: Position | None, now_ms: int, params: Any, mint: Any
    ) -> tuple[Command, ...]:
        orders = {order.client_id: order.command for order in book.orders}
        answers: list[Command] = []
        for command in sound(book, position, now_ms, params, mint):
            if isinstance(command, QueryOrder):
                placed = orders[command.client_id]
                answers.append(msgspec.structs.replace(placed, client_id=mint(placed.purpose)))
            else:
                answers.append(command)
        return tuple(answers)

    return mutant


def _cancels_foreign(sound: Callable[..., tuple[Command, ...]]) -> Callable[..., tuple[Command, ...]]:
    def mutant(self: order_manager.OrderManager, now_ms: int, positions: Any) -> tuple[Command, ...]:
        others = [(key, client_id) for key, book in self._books.items() for client_id in book.external]
        return (*sound(self, now_ms, positions), *(CancelOrder(client_id, *key) for key, client_id in others))

    return mutant


def _enters_the_other_way(sound: Callable[..., list[Command]]) -> Callable[..., list[Command]]:
    def mutant(*args: Any) -> list[Command]:
        return [
            msgspec.structs.replace(command, side=command.side.opposite) if isinstance(command, PlaceOrder) else command
            for command in sound(*args)
        ]

    return mutant


def _cancels_first(sound: Callable[..., list[Command]]) -> Callable[..., list[Command]]:
    def mutant(book: InstrumentOrders, position: Position, *args: Any, **kwargs: Any) -> list[Command]:
        commands = sound(book, position, *args, **kwargs)
        if any(isinstance(command, PlaceOrder) for command in commands):
            old = [stop for stop in book.live(Purpose.STOP) if stop.confirmed]
            commands = [*(CancelOrder(stop.client_id, position.venue, position.coin) for stop in old), *commands]
        return commands

    return mutant


def _only_confirmed(book: InstrumentOrders, *purposes: Purpose) -> list[Order]:
    return [order for order in book.orders if order.confirmed and (not purposes or order.purpose in purposes)]


def _gives_up_exits(sound: Callable[..., list[Command]]) -> Callable[..., list[Command]]:
    def mutant(book: InstrumentOrders, *args: Any, **kwargs: Any) -> list[Command]:
        failed = any(failure.purpose is Purpose.EXIT for failure in book.failures)
        return [] if failed else sound(book, *args, **kwargs)

    return mutant


def _remembers_refused_exits(sound: Callable[[Any, int, int], None]) -> Callable[[Any, int, int], None]:
    """A reading of the account would have exits tried again whatever was refused."""

    def mutant(self: InstrumentOrders, read_ms: int, before_ms: int) -> None:
        refused = [failure for failure in self.failures if failure.purpose is Purpose.EXIT]
        sound(self, read_ms, before_ms)
        self.failures = refused

    return mutant


def _forgets_orders(sound: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def mutant(self: order_manager.OrderManager, state: dict[str, Any]) -> None:
        sound(self, {**state, "books": [{**book, "orders": []} for book in state["books"]]})

    return mutant


# --- risk -------------------------------------------------------------------------------------------------------------


def _keeps_the_position(sound: Callable[..., Approved]) -> Callable[..., Approved]:
    def mutant(adjustment: Adjustment, position: Position, target: Target | None) -> Approved:
        approved = sound(adjustment, position, target)
        if target is None or not adjustment.exit_base:
            return approved
        return msgspec.structs.replace(approved, target=target)

    return mutant


Fold = Callable[[AccountBooks, Execution], tuple[Change, ...]]


def _first_fill_only(sound: Fold) -> Fold:
    def mutant(self: AccountBooks, fact: Execution) -> tuple[Change, ...]:
        if isinstance(fact, Fill) and self._now.seen.is_repeat(f"order {fact.client_id}"):
            return ()
        return sound(self, fact)

    return mutant


def _forced_unnoticed(sound: Fold) -> Fold:
    return lambda self, fact: sound(self, fact) if isinstance(fact, Fill) else ()


def _withdrawal_is_a_loss(sound: Callable[..., None]) -> Callable[..., None]:
    def mutant(self: Account, moved: CashMoved, before_usd: Decimal) -> None:
        if not isinstance(moved.fact, Transfer):
            sound(self, moved, before_usd)

    return mutant


def _loosens(sound: Callable[..., Approved]) -> Callable[..., Approved]:
    def mutant(adjustment: Adjustment, position: Position, target: Target | None) -> Approved:
        approved = sound(adjustment, position, target)
        if target is None or adjustment.exit_base:
            return approved
        looser = target.stop_price - target.side * position.entry_price / 500
        looser = looser.quantize(target.stop_price, ROUND_HALF_EVEN)
        return msgspec.structs.replace(approved, target=msgspec.structs.replace(target, stop_price=looser))

    return mutant


def _stops_too_late(sound: Callable[..., Any]) -> Callable[..., Any]:
    def mutant(*args: Any, **kwargs: Any) -> Any:
        reviewed = sound(*args, **kwargs)
        decision = reviewed.decision
        if not isinstance(decision, Approved):
            return reviewed
        beyond = decision.target.liquidation_price * (1 - decision.target.side / Decimal(100))
        late = msgspec.structs.replace(
            decision.target, stop_price=beyond.quantize(decision.target.stop_price, ROUND_HALF_EVEN)
        )
        return reviewed._replace(decision=msgspec.structs.replace(decision, target=late))

    return mutant


def _anywhere(*codes: Refusal) -> Callable[[Callable[..., Refusal | None]], Callable[..., Refusal | None]]:
    """A liquidation price that is refused for one of these reasons is fine."""

    def replace(sound: Callable[..., Refusal | None]) -> Callable[..., Refusal | None]:
        def mutant(*args: Any) -> Refusal | None:
            refusal = sound(*args)
            return None if refusal in codes else refusal

        return mutant

    return replace


def _remembers_less(sound: Callable[[Engine, bytes], None]) -> Callable[[Engine, bytes], None]:
    def mutant(self: Engine, snapshot: bytes) -> None:
        sound(self, snapshot)
        self._last_codes = {}

    return mutant


def _counts_from_zero(sound: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    return lambda self, state: sound(self, {**state, "sequence": 0})


def _deaf(_account: Account, _fact: Event) -> None:
    """Nothing follows from it."""


_ALL: Final = (
    Mutant("drop_stop", "no stop is ever placed", (Patch(plan, "_protect", instead(lambda *_, **__: [])),)),
    Mutant(
        "forget_in_flight",
        "only confirmed orders count",
        (Patch(InstrumentOrders, "live", instead(_only_confirmed)),),
        shows_in=("create_lost", "answer_lost"),
    ),
    Mutant(
        "resend",
        "silence is answered with the same order under a new id",
        (Patch(order_manager, "plan", _resends),),
        shows_in=("answer_lost",),
    ),
    Mutant("first_fill_only", "later fills of an order are ignored",
           (Patch(AccountBooks, "_on_execution", _first_fill_only),)),
    Mutant(
        "skip_journal",
        "commands leave before they are on disk",
        (Patch(step.WriteAhead, "take", not_waiting),),
    ),
    Mutant(
        "refuse_exit",
        "the position is kept whatever the guard says",
        (Patch(engine, "review_reduction", _keeps_the_position),),
        shows_in=("halted_by_hand",),
    ),
    Mutant("wrong_side", "entries go the other way", (Patch(plan, "_enter", _enters_the_other_way),)),
    Mutant(
        "stale_accepted",
        "old prices are good enough",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.STALE)),),
        shows_in=("feed_silent", "maintenance"),
    ),
    Mutant(
        "lag_accepted",
        "late answers are good enough",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.LAGGING)),),
        shows_in=("suspended",),
    ),
    Mutant(
        "withdrawal_as_loss",
        "money taken out counts as lost",
        (Patch(Account, "_on_cash", _withdrawal_is_a_loss),),
        shows_in=("withdrawal",),
    ),
    Mutant(
        "leverage_unread",
        "whatever leverage the venue has is taken for ours",
        (Patch(plan, "_leverage_is", instead(lambda *_: True)),),
        shows_in=("leverage_by_hand",),
    ),
    Mutant(
        "count_twice",
        "facts told twice count twice",
        (Patch(RecentIds, "is_repeat", instead(lambda *_: False)),),
        shows_in=("events_duplicated",),
    ),
    Mutant(
        "halt_ignored",
        "entries go on while halted",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.HALTED)),),
        shows_in=("halted_by_hand", "liquidation"),
    ),
    Mutant(
        "unread_account",
        "nobody waits for the account to be read",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.UNRECONCILED)),),
        shows_in=("restart", "disconnected", "upgrade"),
    ),
    Mutant("cancel_first", "the old stop goes before the new one is there", (Patch(plan, "_protect", _cancels_first),)),
    Mutant(
        "beside_foreign",
        "what others hold and place is none of our business",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.FOREIGN_POSITION)),),
        shows_in=("second_instance", "database_deleted"),
    ),
    Mutant(
        "give_up_exits",
        "an exit that was refused is not tried again",
        (
            Patch(plan, "_reduce", _gives_up_exits),
            Patch(InstrumentOrders, "mark_unknown", _remembers_refused_exits),
        ),
        shows_in=("exit_rejected",),
    ),
    Mutant(
        "orders_forgotten",
        "a restart remembers no orders",
        (Patch(order_manager.OrderManager, "load_state", _forgets_orders),),
        shows_in=("restart",),
    ),
    Mutant(
        "touch_foreign",
        "orders of others are cancelled",
        (Patch(order_manager.OrderManager, "commands", _cancels_foreign),),
        shows_in=("second_instance",),
    ),
    Mutant("loosen_stop", "a moved stop goes away from the price", (Patch(engine, "review_reduction", _loosens),)),
    Mutant(
        "cluster_ignored",
        "the own liquidation price may lie where everybody's lies",
        (Patch(placement, "_where", _anywhere(Refusal.LIQUIDATION_IN_CLUSTER)),),
    ),
    Mutant(
        "stop_too_late", "the stop lies beyond the liquidation price", (Patch(engine, "review_entry", _stops_too_late),)
    ),
    Mutant(
        "losses_ignored",
        "entries go on after the day's loss",
        (Patch(review, "PRE_TRADE_CHECKS", unasked(Refusal.DAILY_LOSS, Refusal.WEEKLY_LOSS, Refusal.DRAWDOWN)),),
        shows_in=("liquidation",),
    ),
    Mutant(
        "stuck_means_silent",
        "without a disk nothing is sent, not even stops and exits",
        (Patch(step.WriteAhead, "_leaving", silent_when_stuck),),
        shows_in=("journal_stuck",),
    ),
    *OUTSIDE,
    *PRACTICE,
    Mutant(
        "ids_again",
        "a restart gives order ids that were given before",
        (Patch(order_manager.OrderManager, "load_state", _counts_from_zero),),
        shows_in=("restart",),
    ),
    Mutant(
        "ids_unrecorded",
        "ids that were used unrecorded are used again",
        (Patch(order_manager.OrderManager, "_leap", instead(_deaf)),),
        shows_in=("killed_without_disk",),
    ),
    Mutant(
        "strays_left",
        "orders that were left unrecorded stay",
        (Patch(plan, "_clear", instead(lambda *_: [])),),
        shows_in=("killed_without_disk",),
    ),
    Mutant(
        "snapshot_incomplete",
        "a snapshot leaves out what was said last",
        (Patch(Engine, "restore", _remembers_less),),
        shows_in=("restart",),
    ),
    Mutant(
        "funding_unbooked",
        "the ledger has no rows for funding",
        (Patch(TradeBook, "_funding", instead(lambda *_: None)),),
    ),
    Mutant(
        "forced_unnoticed",
        "nobody notices forced closes",
        (Patch(AccountBooks, "_on_execution", _forced_unnoticed),),
        shows_in=("liquidation", "adl"),
    ),
)
MUTANTS: Final = {mutant.name: mutant for mutant in _ALL}
