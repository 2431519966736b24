"""Facts about our money folded into fills, trades, funding, transfers and equity."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from liqbot.accounting.cash_flow import DOLLARS, ZERO
from liqbot.accounting.micro_usd import to_micro
from liqbot.accounting.round_trips import OpenTrade
from liqbot.events import (
    Balance,
    Event,
    Fill,
    FundingPaid,
    PositionDeleveraged,
    PositionLiquidated,
    PositionSnapshot,
    Rebate,
    Reconciled,
    Transfer,
)
from liqbot.instruments import Side
from liqbot.ledger.observation import Observation
from liqbot.ledger.sheet import PendingRows
from liqbot.ledger.state import LedgerState

_FILLS_REMEMBERED: Final = 4_000
UNKNOWN: Final = "unknown"
FORCED: Final = {"liquidation": "liquidated", "deleveraging": "deleveraged"}

Note = Callable[..., None]


class TradeBook:
    """Round trips and every flow of money. `note` writes an incident."""

    def __init__(self, state: LedgerState, sheet: PendingRows, note: Note, equity_every_ms: int) -> None:
        self._state, self._sheet, self._note = state, sheet, note
        self._equity_every_ms = equity_every_ms
        self._snapshots: dict[str, PositionSnapshot] = {}

    def fold(self, seq: int, fact: Event) -> None:
        """One fact; those that move no money pass by."""
        if isinstance(fact, Fill):
            self._fill(seq, fact)
        elif isinstance(fact, PositionLiquidated | PositionDeleveraged):
            self._forced(seq, fact)
        elif isinstance(fact, FundingPaid):
            self._funding(seq, fact)
        elif isinstance(fact, Transfer | Rebate):
            self._transfer(seq, fact)
        elif isinstance(fact, Balance):
            self._balance(seq, fact)
        elif isinstance(fact, PositionSnapshot):
            self._snapshots[_key(fact.venue, fact.coin)] = fact
        elif isinstance(fact, Reconciled):
            self._reconcile(seq, fact)

    # --- fills --------------------------------------------------------------------------------------------------------

    def _fill(self, seq: int, fill: Fill) -> None:
        identity = f"{fill.venue}|{fill.coin}|{fill.fill_id}"
        if identity in self._state.fills_seen:
            return
        self._state.fills_seen.append(identity)
        del self._state.fills_seen[:-_FILLS_REMEMBERED]
        left = fill.quantity_base
        trade = self._state.trades.get(_key(fill.venue, fill.coin))
        fee = fill.fee
        if trade is not None and (fill.reduces or trade.side != fill.side):
            closing = min(left, trade.open_base) if trade.side == fill.side or not fill.reduces else ZERO
            if closing:
                self._execute(seq, fill, trade, closing, fee, reduces=True)
                left, fee = left - closing, ZERO
        if not left:
            return
        if fill.reduces:
            self._note(seq, fill, "error", "FILL_WITHOUT_TRADE", f"{left} {fill.side.word} closed that was not open")
            self._write_fill(seq, fill, None, left, ZERO, self._book_fee(fill, fee))
            return
        trade = self._state.trades.get(_key(fill.venue, fill.coin)) or self._open(fill)
        self._execute(seq, fill, trade, left, fee, reduces=False)

    def _execute(
        self, seq: int, fill: Fill, trade: OpenTrade, quantity_base: Decimal, fee: Decimal, *, reduces: bool
    ) -> None:
        realised = ZERO
        trade.seen(fill.price)
        if reduces:
            order = self._state.orders.get(fill.client_id)
            trade.exit_reason = order.purpose if order is not None else UNKNOWN
            realised = self._state.purse.book(fill.venue, trade.leave(quantity_base, fill.price))
        else:
            trade.enter(quantity_base, fill.price)
        fee_usd = self._book_fee(fill, fee)
        trade.gross_usd += realised
        trade.fees_usd += fee_usd
        self._write_fill(seq, fill, trade, quantity_base, realised, fee_usd, reduces=reduces)
        self._write_trade(trade, fill.time_ms, "closed")

    def _book_fee(self, fill: Fill, fee: Decimal) -> Decimal:
        return -self._state.purse.book(fill.venue, -fee) if fee and fill.fee_currency in DOLLARS else ZERO

    def _write_fill(
        self, seq: int, fill: Fill, trade: OpenTrade | None, quantity_base: Decimal, realised_usd: Decimal,
        fee_usd: Decimal, *, reduces: bool = True,
    ) -> None:
        order = self._state.orders.get(fill.client_id)
        side = fill.side if trade is None else trade.position_side
        self._sheet.add(
            "fill", order_id=order.row if order else None, trade_id=trade.id if trade else None, seq=seq,
            time_ms=fill.time_ms, fill_id=fill.fill_id, kind="fill", venue=fill.venue, coin=fill.coin, side=side.word,
            reduces=reduces, price=fill.price, quantity_base=quantity_base, realised_usd=realised_usd, fee_usd=fee_usd,
            fee_other=None if fill.fee_currency in DOLLARS else fill.fee, fee_currency=fill.fee_currency,
            maker=fill.maker,
        )

    def _forced(self, seq: int, fact: PositionLiquidated | PositionDeleveraged) -> None:
        kind = "liquidation" if isinstance(fact, PositionLiquidated) else "deleveraging"
        fee = fact.fee if isinstance(fact, PositionLiquidated) else ZERO
        trade = self._state.trades.get(_key(fact.venue, fact.coin))
        quantity_base, realised = fact.quantity_base, ZERO
        if trade is not None and trade.side == fact.side:
            quantity_base = min(quantity_base, trade.open_base)
            trade.seen(fact.price)
            trade.exit_reason = kind
            realised = self._state.purse.book(fact.venue, trade.leave(quantity_base, fact.price))
        else:
            trade = None
            self._note(seq, fact, "error", "FILL_WITHOUT_TRADE", f"{kind} of {quantity_base} that was not open")
        fee_usd = -self._state.purse.book(fact.venue, -fee)
        number = self._sheet.last_ids.get("fill", 0) + 1
        self._sheet.add(
            "fill", order_id=None, trade_id=trade.id if trade else None, seq=seq, time_ms=fact.time_ms,
            fill_id=f"{kind}-{number}", kind=kind, venue=fact.venue, coin=fact.coin, side=fact.side.word, reduces=True,
            price=fact.price, quantity_base=quantity_base, realised_usd=realised, fee_usd=fee_usd, fee_other=None,
            fee_currency="USD", maker=False,
        )
        if trade is not None:
            trade.gross_usd += realised
            trade.fees_usd += fee_usd
            self._write_trade(trade, fact.time_ms, FORCED[kind])

    # --- trades -------------------------------------------------------------------------------------------------------

    def _open(self, fill: Fill) -> OpenTrade:
        order = self._state.orders.get(fill.client_id)
        plan = self._state.plans.get(str(order.decision_id)) if order is not None else None
        return self._new_trade(fill, fill.side, strategy=plan.strategy if plan else UNKNOWN, columns={
            "decision_row": plan.row if plan else None,
            "leverage": plan.leverage if plan else None,
            "initial_stop_price": plan.stop_price if plan else None,
            "liquidation_price": plan.liquidation_price if plan else None,
        })

    def _new_trade(
        self, fact: Fill | PositionSnapshot, side: Side, *, strategy: str, columns: dict[str, object]
    ) -> OpenTrade:
        number = self._sheet.add(
            "trade", run_id=self._state.run_id, venue=fact.venue, coin=fact.coin, strategy=strategy, side=side.word,
            status="open", opened_ms=fact.time_ms, closed_ms=None, quantity_base=ZERO, open_base=ZERO, entry_price=ZERO,
            exit_price=None, exit_reason="", gross_usd=ZERO, fees_usd=ZERO, funding_usd=ZERO, risk_usd=None,
            mae_usd=ZERO, mfe_usd=ZERO, **columns,
        )
        trade = OpenTrade(number, fact.venue, fact.coin, int(side), strategy)
        stop_price = columns["initial_stop_price"]
        trade.stop_price = stop_price if isinstance(stop_price, Decimal) else None
        self._state.trades[_key(fact.venue, fact.coin)] = trade
        return trade

    def _write_trade(self, trade: OpenTrade, time_ms: int, closed_as: str) -> None:
        columns: dict[str, object] = {
            "quantity_base": trade.entered_base, "open_base": trade.open_base, "entry_price": trade.entry_price,
            "exit_price": trade.exit_price, "gross_usd": trade.gross_usd, "fees_usd": trade.fees_usd,
            "funding_usd": trade.funding_usd, "mae_usd": to_micro(trade.worst_usd), "mfe_usd": to_micro(trade.best_usd),
            "risk_usd": trade.risk_usd,
        }
        if not trade.open_base:
            columns |= {"status": closed_as, "closed_ms": time_ms, "exit_reason": trade.exit_reason}
            del self._state.trades[_key(trade.venue, trade.coin)]
        self._sheet.change("trade", trade.id, **columns)

    def see_prices(self, observation: Observation) -> None:
        """Excursions from the range of a step; of the one in which the trade was entered only its end counts."""
        for view in observation.views:
            prices = (view.mark_price, view.low_price, view.high_price)
            for trade in self._state.trades.values():
                if trade.coin == view.coin:
                    for price in prices[:1] if trade.fresh else prices:
                        if price == price:
                            trade.seen(Decimal(str(price)))
                    trade.fresh = False

    # --- flows without a trade ----------------------------------------------------------------------------------------

    def _funding(self, seq: int, fact: FundingPaid) -> None:
        trade = self._state.trades.get(_key(fact.venue, fact.coin))
        amount = self._state.purse.book(fact.venue, fact.amount_usd)
        self._sheet.add(
            "funding_payment", trade_id=trade.id if trade else None, seq=seq, time_ms=fact.time_ms, venue=fact.venue,
            coin=fact.coin, amount_usd=amount, rate_pct=fact.rate_pct,
        )
        if trade is not None:
            trade.funding_usd += amount
            self._sheet.change("trade", trade.id, funding_usd=trade.funding_usd)

    def _transfer(self, seq: int, fact: Transfer | Rebate) -> None:
        kind = "rebate" if isinstance(fact, Rebate) else "deposit" if fact.amount_usd >= 0 else "withdrawal"
        self._write_transfer(seq, fact.time_ms, fact.venue, kind, fact.amount_usd)

    def _write_transfer(self, seq: int, time_ms: int, venue: str, kind: str, amount_usd: Decimal) -> None:
        amount = self._state.purse.book_transfer(venue, amount_usd)
        self._sheet.add("transfer", seq=seq, time_ms=time_ms, venue=venue, kind=kind, amount_usd=amount)

    def _balance(self, seq: int, fact: Balance) -> None:
        purse = self._state.purse
        if not purse.is_opened(fact.venue):
            opening = fact.wallet_usd - purse.flows_usd.get(fact.venue, ZERO)
            self._write_transfer(seq, fact.time_ms, fact.venue, "opening", opening)
        purse.state_wallet(fact.venue, fact.wallet_usd)

    def _reconcile(self, seq: int, fact: Reconciled) -> None:
        """What the venue says in full wins over what the fills added up to."""
        snapshot = self._snapshots.pop(_key(fact.venue, fact.coin), None)
        trade = self._state.trades.get(_key(fact.venue, fact.coin))
        held = trade.side * trade.open_base if trade else ZERO
        if snapshot is None or held == snapshot.side * snapshot.quantity_base:
            return
        self._note(
            seq, fact, "error", "POSITION_MISMATCH", f"fills add up to {held}, the venue holds "
            f"{snapshot.side * snapshot.quantity_base}",
        )
        if trade is not None:
            trade.exit_reason = "mismatch"
            trade.open_base = trade.cost_usd = ZERO
            self._write_trade(trade, fact.time_ms, "mismatch")
        if snapshot.quantity_base:
            adopted = self._new_trade(snapshot, snapshot.side, strategy="adopted", columns={
                "decision_row": None, "leverage": snapshot.leverage, "initial_stop_price": None,
                "liquidation_price": snapshot.liquidation_price,
            })
            adopted.enter(snapshot.quantity_base, snapshot.entry_price)
            self._write_trade(adopted, fact.time_ms, "closed")

    def write_equity(self, observation: Observation) -> None:
        """A row when the wallets changed or when one is due."""
        state, purse = self._state, self._state.purse
        if not purse.wallets_usd:
            return
        wallet_usd = purse.wallet_usd
        equity_usd = observation.equity_usd if observation.equity_usd is not None else wallet_usd
        due = observation.time_ms - state.equity_ms >= self._equity_every_ms and equity_usd != state.equity_usd
        if wallet_usd == state.wallet_usd and not due:
            return
        state.equity_ms, state.equity_usd, state.wallet_usd = observation.time_ms, equity_usd, wallet_usd
        self._sheet.add(
            "equity", run_id=state.run_id, seq=observation.seq, time_ms=observation.time_ms, wallet_usd=wallet_usd,
            equity_usd=equity_usd, transfers_usd=purse.transfers_usd, unexplained_usd=to_micro(purse.unexplained_usd),
        )


def _key(venue: str, coin: str) -> str:
    return f"{venue}|{coin}"
