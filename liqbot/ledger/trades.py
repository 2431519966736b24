"""What the books of our money changed, written as fills, trades, funding, transfers and equity. Nothing is counted
here."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.accounting.books import trip_key
from liqbot.accounting.changes import (
    CashMoved,
    Change,
    FillBooked,
    FundingBooked,
    OtherAccount,
    PositionDiffers,
    TripClosed,
    TripCorrected,
)
from liqbot.accounting.currencies import DOLLARS
from liqbot.accounting.micro_usd import to_micro
from liqbot.accounting.round_trips import BY_DELEVERAGING, BY_LIQUIDATION, BY_VENUE, TripFigures
from liqbot.events import Fill
from liqbot.execution.naked_time import PositionNaked
from liqbot.ledger.observation import Observation
from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import KnownOrder, LedgerState, OpenTradeRow
from liqbot.risk.translation import shown_ratio

ZERO: Final = Decimal(0)
UNKNOWN: Final = "unknown"
ADOPTED: Final = "adopted"
STATUS: Final = {BY_LIQUIDATION: "liquidated", BY_DELEVERAGING: "deleveraged", BY_VENUE: "mismatch"}
"""By what ended a trade; `closed` by an order."""

Note = Callable[..., None]


class TradeBook:
    """Rows of round trips and of every flow of money. `note` writes an incident."""

    def __init__(self, state: LedgerState, pending: PendingRows, note: Note, equity_every_ms: int) -> None:
        self._state, self._pending, self._note = state, pending, note
        self._equity_every_ms = equity_every_ms
        self._closed_rows: dict[str, int] = {}
        """Rows of trades that this observation closed, by key."""

    def fold(self, seq: int, change: Change) -> None:
        """One change; those without a row pass by."""
        if isinstance(change, FillBooked):
            self._fill(seq, change)
        elif isinstance(change, TripClosed | TripCorrected):
            self._trip(change.trip)
        elif isinstance(change, FundingBooked):
            self._funding(seq, change)
        elif isinstance(change, CashMoved):
            self._transfer(seq, change)
        elif isinstance(change, PositionDiffers):
            self._differs(seq, change)
        elif isinstance(change, OtherAccount):
            fact = change.fact
            detail = f"{type(fact).__name__} of account {fact.account!r} is not ours: refused"
            self._note(seq, fact, "error", "OTHER_ACCOUNT", detail)

    # --- fills --------------------------------------------------------------------------------------------------------

    def _fill(self, seq: int, booked: FillBooked) -> None:
        fact, trip = booked.fact, booked.trip
        order = self._state.orders.get(fact.client_id) if isinstance(fact, Fill) else None
        row = None if trip is None else self._trip(trip, order, booked)
        if trip is None:
            self._note(seq, fact, "error", "FILL_WITHOUT_TRADE", _unopened(booked))
        side = fact.side if trip is None else trip.side
        self._pending.add(
            "fill", order_id=order.row if order else None, trade_id=row, seq=seq, time_ms=fact.time_ms,
            kind=booked.kind, venue=fact.venue, coin=fact.coin, account=fact.account, side=side.word,
            reduces=booked.reduces, price=fact.price, quantity_base=booked.quantity_base,
            realised_usd=booked.realised_usd, fee_usd=booked.fee_usd, fee_apart_usd=booked.fee_apart_usd,
            fee_unvalued=booked.fee_unvalued or None, **self._as_charged(booked),
        )

    def _as_charged(self, booked: FillBooked) -> dict[str, Any]:
        fact = booked.fact
        if not isinstance(fact, Fill):
            number = self._pending.last_ids.get("fill", 0) + 1
            return {"fill_id": f"{booked.kind}-{number}", "fee_other": None, "fee_currency": "USD", "maker": False}
        charged = booked.fee_usd or booked.fee_unvalued  # of a reversal's two rows the first carries the fee
        other = fact.fee if charged and fact.fee_currency.upper() not in DOLLARS else None
        return {
            "fill_id": fact.fill_id, "fee_other": other, "fee_currency": fact.fee_currency, "maker": fact.maker,
        }

    # --- trades -------------------------------------------------------------------------------------------------------

    def _trip(
        self, trip: TripFigures, order: KnownOrder | None = None, booked: FillBooked | None = None
    ) -> int | None:
        """Writes a round trip as it stands and gives its row; one that is flat is written for the last time."""
        known = self._state.trades.get(trip.key)
        if known is None:
            if trip.closed_ms is not None and booked is None:
                return None  # written with the fill that ended it
            known = self._open(trip, order)
        columns: dict[str, object] = {
            "quantity_base": trip.entered_base, "open_base": trip.open_base, "entry_price": trip.entry_price,
            "exit_price": trip.exit_price, "gross_usd": trip.gross_usd, "fees_usd": trip.fees_usd,
            "fees_other": trip.fees_other, "funding_usd": trip.funding_usd, "mae_usd": trip.worst_usd,
            "mfe_usd": trip.best_usd, "risk_usd": _risk_usd(trip, known.stop_price),
        }
        if trip.closed_ms is not None:
            columns |= {
                "status": STATUS.get(trip.ended_by, "closed"), "closed_ms": trip.closed_ms,
                "exit_reason": _exit_reason(trip, order, booked),
            }
            del self._state.trades[trip.key]
            self._closed_rows[trip.key] = known.row
        self._pending.change("trade", known.row, **columns)
        return known.row

    def naked(self, said: Sequence[PositionNaked]) -> None:
        """For how long a trade's position was without a full stop. After the changes of the same observation."""
        for one in said:
            key = trip_key(one.account, one.venue, one.coin, one.side)
            known = self._state.trades.get(key)
            row = known.row if known is not None else self._closed_rows.get(key)
            if row is not None:
                self._pending.change("trade", row, naked_ms=one.naked_ms)
        self._closed_rows.clear()

    def _open(self, trip: TripFigures, order: KnownOrder | None) -> OpenTradeRow:
        plan = self._state.plans.get(str(order.decision_id)) if order is not None else None
        return self._new_trade(trip, strategy=plan.strategy if plan else UNKNOWN, columns={
            "decision_row": plan.row if plan else None,
            "leverage": plan.leverage if plan else None,
            "initial_stop_price": plan.stop_price if plan else None,
            "naked_ms": 0,
            "liquidation_price": plan.liquidation_price if plan else None,
            "mark_ratio": shown_ratio(plan.mark_ratio) if plan else None,
        })

    def _new_trade(self, trip: TripFigures, *, strategy: str, columns: dict[str, Any]) -> OpenTradeRow:
        row = self._pending.add(
            "trade", run_id=self._state.run_id, venue=trip.venue, coin=trip.coin, account=trip.account,
            strategy=strategy, side=trip.side.word, status="open", opened_ms=trip.opened_ms, closed_ms=None,
            quantity_base=ZERO, open_base=ZERO, entry_price=ZERO, exit_price=None, exit_reason="", gross_usd=ZERO,
            fees_usd=ZERO, fees_other="", funding_usd=ZERO, risk_usd=None, mae_usd=ZERO, mfe_usd=ZERO, **columns,
        )
        known = self._state.trades[trip.key] = OpenTradeRow(row, columns["initial_stop_price"])
        return known

    def _differs(self, seq: int, differs: PositionDiffers) -> None:
        """What the venue says in full wins over what the fills added up to."""
        self._note(
            seq, differs.fact, "error", "POSITION_MISMATCH",
            f"fills add up to {differs.held_base}, the venue holds {differs.venue_base}",
        )
        for trip in differs.changed:
            if trip.foreign:
                self._new_trade(trip, strategy=ADOPTED, columns={
                    "decision_row": None, "leverage": differs.leverage, "initial_stop_price": None,
                    "liquidation_price": differs.liquidation_price, "naked_ms": None, "mark_ratio": None,
                })
            self._trip(trip)

    # --- flows without a trade ----------------------------------------------------------------------------------------

    def _funding(self, seq: int, booked: FundingBooked) -> None:
        fact, trip = booked.fact, booked.trip
        known = self._state.trades.get(trip.key) if trip is not None else None
        self._pending.add(
            "funding_payment", trade_id=known.row if known else None, seq=seq, time_ms=fact.time_ms, venue=fact.venue,
            coin=fact.coin, account=fact.account, amount_usd=booked.amount_usd, rate_pct=fact.rate_pct,
        )
        if known is not None and trip is not None:
            self._pending.change("trade", known.row, funding_usd=trip.funding_usd)

    def _transfer(self, seq: int, moved: CashMoved) -> None:
        fact = moved.fact
        self._pending.add(
            "transfer", seq=seq, time_ms=fact.time_ms, venue=fact.venue, account=fact.account, kind=moved.kind,
            amount_usd=moved.amount_usd,
        )

    def write_equity(self, observation: Observation) -> None:
        """A row when the wallets changed or when one is due."""
        state, cash = self._state, observation.cash
        if not cash.is_open:
            return
        equity_usd = observation.equity_usd if observation.equity_usd is not None else cash.wallet_usd
        due = observation.time_ms - state.equity_ms >= self._equity_every_ms and equity_usd != state.equity_usd
        if cash.wallet_usd == state.wallet_usd and not due:
            return
        state.equity_ms, state.equity_usd, state.wallet_usd = observation.time_ms, equity_usd, cash.wallet_usd
        self._pending.add(
            "equity", run_id=state.run_id, seq=observation.seq, time_ms=observation.time_ms, account=cash.account,
            wallet_usd=cash.wallet_usd, equity_usd=equity_usd, transfers_usd=cash.brought_usd,
            unexplained_usd=to_micro(cash.unexplained_usd),
        )


def _risk_usd(trip: TripFigures, stop_price: Decimal | None) -> Decimal | None:
    """Loss at the initial stop, before fees, on everything that was entered."""
    return None if stop_price is None else abs(trip.entered_usd - trip.entered_base * stop_price)


def _exit_reason(trip: TripFigures, order: KnownOrder | None, booked: FillBooked | None) -> str:
    if trip.ended_by in STATUS:
        return trip.ended_by
    return order.purpose if order is not None and booked is not None and booked.reduces else UNKNOWN


def _unopened(booked: FillBooked) -> str:
    if booked.kind == "fill":
        return f"{booked.quantity_base} {booked.fact.side.word} closed that was not open"
    return f"{booked.kind} of {booked.quantity_base} that was not open"
