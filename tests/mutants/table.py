"""Deliberate defects of the live path, each in the code that runs with money, and the test that catches it.

`target` is looked up when a mutant is applied, so that no defect hides behind a name that has moved.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.mutants import defects


class LiveMutant(NamedTuple):
    name: str
    what: str
    """In one line: what goes wrong."""
    target: str
    """`module:attribute` or `module:Class.attribute`."""
    replace: Callable[[Any], Any]
    """Makes the defective thing from the sound one."""
    caught_by: str
    """A pytest node id of the ordinary selection."""

    def place(self) -> tuple[Any, str]:
        """The owner of what is replaced, and its name there. AttributeError or ImportError when it is gone."""
        module, path = self.target.split(":")
        *outer, name = path.split(".")
        owner = importlib.import_module(module)
        for part in outer:
            owner = getattr(owner, part)
        if name not in vars(owner):
            raise AttributeError(f"{self.name}: {self.target} is not defined there any more")
        return owner, name

    def apply(self) -> None:
        """For the life of this process."""
        owner, name = self.place()
        setattr(owner, name, self.replace(vars(owner)[name]))


_STEP, _LOOP = "liqbot.runtime.step:WriteAhead", "liqbot.runtime.live_loop:Runtime"
_BROKER, _RECONCILER = "liqbot.execution.edge.broker:Broker", "liqbot.execution.edge.reconcile:Reconciler"
_RESOLVER = "liqbot.execution.edge.order_status:OrderStatusResolver"
_LIVE_LOOP, _BROKER_TESTS = "tests/runtime/test_live_loop.py", "tests/execution/edge/test_broker.py"
_ATTACHED_TESTS = "tests/execution/edge/test_attached_stops.py"
_RECONCILE_TESTS, _DESK_TESTS = "tests/execution/edge/test_reconcile.py", "tests/execution/test_order_manager.py"

_ALL: Final = (
    # --- journal first, then decide, then act -------------------------------------------------------------------------
    LiveMutant(
        "command_before_durable", "commands leave before their intent is on disk",
        f"{_STEP}.take", defects.not_waiting,
        f"{_LIVE_LOOP}::test_nothing_leaves_until_the_disk_answers_then_all_of_it_in_order",
    ),
    LiveMutant(
        "entry_while_stuck", "an entry leaves although the journal cannot be written",
        f"{_STEP}._leaving", defects.everything_leaves,
        f"{_LIVE_LOOP}::test_a_disk_that_reports_failure_is_waited_for_no_longer",
    ),
    LiveMutant(
        "exit_held_by_hung_disk", "an exit waits for a disk that never answers",
        f"{_STEP}.expire", defects.nothing_expires,
        f"{_LIVE_LOOP}::test_a_disk_that_never_answers_holds_no_reduction_back_and_lets_no_entry_go",
    ),
    LiveMutant(
        "exit_held_by_stuck_disk", "an exit stays when the journal cannot be written",
        f"{_STEP}._leaving", defects.silent_when_stuck,
        f"{_LIVE_LOOP}::test_a_disk_that_reports_failure_is_waited_for_no_longer",
    ),
    LiveMutant(
        "entry_sent_late", "an entry leaves when its intent is durable at last, however old it is",
        f"{_STEP}.expire", defects.only_reductions_expire,
        f"{_LIVE_LOOP}::test_an_entry_whose_intent_is_durable_too_late_is_never_sent",
    ),
    LiveMutant(
        "entry_lost_in_silence", "the engine is not told that an entry never left",
        f"{_STEP}._leaving", defects.reports_nothing,
        f"{_LIVE_LOOP}::test_a_disk_that_never_answers_holds_no_reduction_back_and_lets_no_entry_go",
    ),
    LiveMutant(
        "decided_before_journaled", "the engine sees a block before it is journaled",
        f"{_STEP}.take", defects.decides_first,
        "tests/runtime/test_step.py::test_a_block_is_journaled_before_it_is_folded_and_its_answer_before_anything_leaves",
    ),
    LiveMutant(
        "unrecorded_observed", "observers see what the journal refused",
        f"{_STEP}.take", defects.observes_everything,
        f"{_LIVE_LOOP}::test_a_full_journal_lets_the_exit_leave_and_nobody_observes",
    ),
    LiveMutant(
        "loop_waits_for_disk", "no block is taken while an earlier one waits for the disk",
        f"{_LOOP}._take", defects.waits_for_the_disk,
        f"{_LIVE_LOOP}::test_while_an_entry_waits_for_the_disk_the_next_blocks_are_decided",
    ),
    LiveMutant(
        "id_used_again", "ids that left unrecorded are used again after a restart",
        "liqbot.execution.order_manager:OrderManager._leap", defects.does_nothing,
        "tests/execution/test_caution.py::test_ids_that_a_dead_process_used_unrecorded_are_not_used_again",
    ),
    LiveMutant(
        "full_inbox_drops", "a full inbox drops forced orders",
        "liqbot.runtime.inbox:Inbox._merge_rows", defects.drops_liquidations,
        "tests/runtime/test_inbox.py::test_a_full_inbox_merges_bars_and_keeps_every_forced_order",
    ),
    # --- start-up is recovery -----------------------------------------------------------------------------------------
    LiveMutant(
        "recovery_sends_again", "what was sent before a restart is sent again",
        "liqbot.runtime.recovery:recover", defects.sends_again,
        "tests/runtime/test_restart.py::test_what_was_sent_before_a_restart_is_not_sent_again",
    ),
    LiveMutant(
        "recovery_forgets_orders", "a restart knows no orders",
        "liqbot.execution.order_manager:OrderManager.load_state", defects.forgets_orders,
        "tests/runtime/test_restart.py::test_what_was_sent_before_a_restart_is_not_sent_again",
    ),
    LiveMutant(
        "wrong_account", "a journal of another account is written on",
        "liqbot.journal.schema:require_same", defects.does_nothing,
        "tests/journal/test_journal.py::test_a_stamp_of_something_else_is_refused",
    ),
    # --- protection ---------------------------------------------------------------------------------------------------
    LiveMutant(
        "stop_not_replaced", "a stop that vanished is not placed again",
        "liqbot.execution.plan:_protect", defects.one_stop_only,
        f"{_DESK_TESTS}::test_a_stop_that_vanishes_is_replaced_and_three_are_the_end",
    ),
    LiveMutant(
        "stop_not_resized", "a stop over a part of the position is good enough",
        "liqbot.execution.plan:_fits", defects.any_size_fits,
        f"{_DESK_TESTS}::test_the_stop_follows_what_has_filled",
    ),
    LiveMutant(
        "stop_behind_reads", "a stop waits for the requests of a reading of the account",
        "liqbot.connection.rate_limit:RateLimiter.acquire", defects.one_queue,
        "tests/connection/test_client.py::test_a_stop_does_not_wait_behind_a_queue_of_reads",
    ),
    LiveMutant(
        "stop_on_last_price", "stops trigger on the last price instead of the mark",
        "liqbot.connection.client:VenueClient.call", defects.triggers_on_last,
        f"{_BROKER_TESTS}::test_from_entry_to_the_stop_that_is_hit",
    ),
    LiveMutant(
        "stop_not_read_back", "a stop counts whatever the venue made of it",
        "liqbot.execution.edge.broker:stop_mismatch", defects.reads_nothing_wrong,
        "tests/execution/edge/test_stop_read_back.py::test_a_stop_that_is_not_as_ordered_is_named",
    ),
    LiveMutant(
        "attached_stop_believed", "a stop that rode in counts whatever the venue made of it",
        "liqbot.execution.edge.attached_stops:attached_mismatch", defects.reads_nothing_wrong,
        f"{_ATTACHED_TESTS}::test_one_at_another_price_is_refused_and_taken_away",
    ),
    LiveMutant(
        "attached_stop_not_looked_for", "after the fill nobody looks for the stop that rode in",
        "liqbot.execution.plan:_patience_ms", defects.always_patient,
        "tests/execution/test_entry_stops.py::test_it_is_asked_for_with_the_first_word_of_the_fill_and_waited_for",
    ),
    LiveMutant(
        "attached_stop_left_behind", "a stop that outlives its position is kept for the trade",
        "liqbot.execution.plan:_may_stay", defects.always,
        "tests/execution/test_entry_stops.py::test_where_it_outlives_the_position_a_stop_of_its_own_takes_over",
    ),
    LiveMutant(
        "entry_sent_late", "an entry leaves whenever its turn comes",
        "liqbot.connection.client:VenueClient._turn", defects.awaits_nothing,
        "tests/connection/test_client.py::test_an_order_whose_turn_does_not_come_is_given_up_and_never_sent",
    ),
    LiveMutant(
        "expiry_not_said", "the venue is not told until when an order may be carried out",
        "liqbot.connection.client:signed", defects.signs_only,
        "tests/connection/test_client.py::test_okx_is_told_until_when_an_order_may_be_carried_out_in_a_header_and_"
        "nothing_else_is",
    ),
    LiveMutant(
        "reduce_only_dropped", "orders that should only reduce could open",
        f"{_BROKER}._place", defects.opens_anything,
        "tests/execution/edge/test_stop_read_back.py::test_what_reduces_rests_as_reduce_only_at_the_venue",
    ),
    # --- orders of unknown outcome ------------------------------------------------------------------------------------
    LiveMutant(
        "unknown_sent_again", "an order of unknown outcome is sent again under a new id",
        f"{_BROKER}._after_silence", defects.sends_anew,
        f"{_BROKER_TESTS}::test_a_lost_answer_is_not_a_lost_order",
    ),
    LiveMutant(
        "unknown_taken_as_refused", "an order of unknown outcome is told as refused",
        f"{_BROKER}._after_silence", defects.calls_it_refused,
        f"{_BROKER_TESTS}::test_a_gateway_error_on_a_submit_is_an_unknown_outcome",
    ),
    LiveMutant(
        "missing_too_soon", "an order that may still arrive is told as missing",
        f"{_RESOLVER}.still_on_its_way", defects.never,
        f"{_BROKER_TESTS}::test_a_lost_request_is_reported_missing_and_only_once_it_cannot_come_any_more",
    ),
    LiveMutant(
        "missing_taken_as_filled", "an order that the venue does not know counts as filled",
        "liqbot.execution.order_lifecycle:TABLE", defects.missing_is_filled,
        "tests/execution/test_order_lifecycle.py::test_missing_is_believed_only_after_asking",
    ),
    LiveMutant(
        "cancel_believed", "a cancel that was accepted ends an order that may have filled",
        f"{_BROKER}._cancel", defects.believes_the_cancel,
        f"{_BROKER_TESTS}::test_a_cancel_that_comes_too_late_tells_the_true_fate",
    ),
    # --- the account --------------------------------------------------------------------------------------------------
    LiveMutant(
        "foreign_orders_ignored", "another liqbot on the same account is no reason to halt",
        f"{_RECONCILER}._alarm", defects.does_nothing,
        f"{_RECONCILE_TESTS}::test_orders_of_another_liqbot_halt_entries",
    ),
    LiveMutant(
        "broken_stream_untold", "nobody is told that the user stream broke",
        f"{_RECONCILER}.down", defects.does_nothing,
        f"{_RECONCILE_TESTS}::test_a_broken_user_stream_says_so_and_is_read_up",
    ),
    LiveMutant(
        "hedge_mode_accepted", "an account in hedge mode is traded on",
        f"{_BROKER}.confirm", defects.any_mode,
        f"{_BROKER_TESTS}::test_an_account_in_hedge_mode_halts_entries_and_confirms_nothing",
    ),
    LiveMutant(
        "fee_currency_ignored", "a fee in another coin is taken for dollars",
        "liqbot.accounting.books:fee_cost", defects.fee_as_dollars,
        "tests/accounting/test_fee_currencies.py::test_every_reading_says_the_same",
    ),
    LiveMutant(
        "fill_counted_twice", "a fill that is told twice counts twice",
        "liqbot.accounting.dedupe:RecentIds.is_repeat", defects.never,
        "tests/accounting/test_micro_usd.py::test_a_fill_told_twice_counts_once",
    ),
    # --- new risk -----------------------------------------------------------------------------------------------------
    LiveMutant(
        "halt_ignored", "entries go on while halted",
        "liqbot.risk.review:PRE_TRADE_CHECKS", defects.passes("HALTED"),
        "tests/risk/test_review.py::test_each_refusal",
    ),
    LiveMutant(
        "lag_accepted", "entries go on while the house lags behind its inbox",
        "liqbot.risk.review:PRE_TRADE_CHECKS", defects.passes("LAGGING"),
        "tests/risk/test_review.py::test_each_refusal",
    ),
    LiveMutant(
        "lag_unmeasured", "steps that nobody took are no lag",
        "liqbot.market.feeds.clock:TickClock.next_step", defects.measures_no_lag,
        "tests/market/feeds/test_clock.py::test_steps_that_nobody_took_are_lag",
    ),
    # --- the way out --------------------------------------------------------------------------------------------------
    LiveMutant(
        "entry_while_ending", "an entry that waits for the disk leaves after the wish to end",
        f"{_STEP}.enter_nothing", defects.does_nothing,
        "tests/runtime/test_ending.py::test_an_entry_that_waits_for_the_disk_is_given_up_and_a_stop_is_not",
    ),
    LiveMutant(
        "ended_unsettled", "the house ends with an entry or a stop under way",
        "liqbot.runtime.ending:unsettled", defects.all_settled,
        "tests/runtime/test_ending.py::test_from_the_entry_to_the_confirmed_stop_it_is_unsettled",
    ),
)
LIVE_MUTANTS: Final = {mutant.name: mutant for mutant in _ALL}
