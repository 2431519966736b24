"""The ledger's fold: observations in, rows on a pending out. No database here."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

import msgspec

from liqbot.accounting.changes import Change, Duplicate, OtherAccount
from liqbot.events import (
    CancelRejected,
    CloseOrdered,
    CodeVersion,
    ConfigLoaded,
    Event,
    FeedDown,
    FeedUp,
    Fill,
    Flatten,
    Halt,
    HaltCode,
    JournalAdopted,
    JournalGap,
    JournalOpened,
    JournalRepaired,
    LadderOverridden,
    LiveStarted,
    MoneyFact,
    OrderMissing,
    OrderRejected,
    PositionAdopted,
    PositionDeleveraged,
    PositionLiquidated,
    Resume,
    StopOrdered,
    StrategyDisabled,
)
from liqbot.instruments import Side
from liqbot.ledger.decisions import DecisionBook
from liqbot.ledger.maps import MapBook, forced_at
from liqbot.ledger.marks import MarkBook
from liqbot.ledger.observation import Observation
from liqbot.ledger.orders import OrderBook
from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import LedgerState
from liqbot.ledger.trades import TradeBook
from liqbot.risk.decision import SAME_MARKET_RATIO
from liqbot.unrecorded import UnrecordedStep

_INCIDENTS: Final[dict[type, tuple[str, str]]] = {
    FeedDown: ("warning", "FEED_DOWN"), FeedUp: ("info", "FEED_UP"), Halt: ("warning", "HALT"),
    Resume: ("info", "RESUME"), Flatten: ("warning", "FLATTEN"), OrderRejected: ("warning", "ORDER_REJECTED"),
    CancelRejected: ("info", "CANCEL_REJECTED"), OrderMissing: ("warning", "ORDER_MISSING"),
    PositionLiquidated: ("critical", "LIQUIDATED"), PositionDeleveraged: ("critical", "DELEVERAGED"),
    StrategyDisabled: ("warning", "STRATEGY_DISABLED"), PositionAdopted: ("warning", "POSITION_ADOPTED"),
    CloseOrdered: ("warning", "CLOSE_ORDERED"), StopOrdered: ("warning", "STOP_ORDERED"),
    JournalAdopted: ("warning", "JOURNAL_ADOPTED"), JournalRepaired: ("error", "JOURNAL_REPAIRED"),
    JournalGap: ("error", "JOURNAL_GAP"),
    LiveStarted: ("info", "LIVE_STARTED"), LadderOverridden: ("warning", "LADDER_OVERRIDDEN"),
}

_BESIDE: Final = frozenset({"time_ms", "venue", "coin", "account"})
"""Not in an incident's detail: columns of their own, and the account, which is ours."""


class WriteLimits(msgspec.Struct, frozen=True):
    """How much is written down."""

    map_every_ms: int = 900_000
    equity_every_ms: int = 60_000
    repeat_window_ms: int = 900_000
    liquidation_usd_min: float = 1_000.0


class Fold:
    """All books of the ledger over one state."""

    def __init__(self, state: LedgerState, keeping: WriteLimits) -> None:
        self.state, self.pending, self._keeping = state, PendingRows(), keeping
        self.pending.last_ids = state.last_ids
        self._maps = MapBook(state, self.pending, keeping.map_every_ms)
        self._marks = MarkBook(state, self.pending)
        self._trades = TradeBook(state, self.pending, self._note, keeping.equity_every_ms)
        self._orders = OrderBook(state, self.pending)
        self._decisions = DecisionBook(state, self.pending, self._maps, keeping.repeat_window_ms)

    def observe(self, observation: Observation) -> None:
        """One engine call. The forced orders of a step meet the map as it was before that step."""
        for step in observation.unrecorded:
            self._unrecorded(observation, step)
        self._run(observation)
        self._forced_orders(observation)
        self._facts(observation)
        self._maps.see(observation.seq, observation.views)
        self._marks.see(observation.seq, observation.views)
        self._whales(observation)
        for news in observation.feeds:
            severity, kind = _INCIDENTS[type(news)]
            self._note(observation.seq, news, severity, kind, _detail(news))
        self._decisions.fold(observation)
        self._commands(observation)
        self._trades.write_equity(observation)

    def _unrecorded(self, observation: Observation, step: UnrecordedStep) -> None:
        """A call before this one that has no record of its own: our orders and money have their rows all the same."""
        earlier = msgspec.structs.replace(
            observation, time_ms=step.time_ms, facts=step.facts, changes=step.changes, commands=step.commands,
            no_longer_naked=step.no_longer_naked,
        )
        self._facts(earlier)
        self._commands(earlier)

    def _facts(self, observation: Observation) -> None:
        for fact, changes in zip_longest(observation.facts, observation.changes, fillvalue=()):
            self._fact(observation, fact, changes)
        self._trades.naked(observation.no_longer_naked)

    def _commands(self, observation: Observation) -> None:
        for command in observation.commands:
            mark_price = self.state.marks.get(command.coin)
            ratio = observation.mark_ratios.get(command.coin, SAME_MARKET_RATIO)
            expected_price = None if mark_price is None else Decimal(str(mark_price)) * ratio
            self._orders.command(observation, command, expected_price)

    def _fact(self, observation: Observation, fact: Any, changes: Sequence[Change]) -> None:
        """A repeated money fact leaves no trace: histories are read again after every gap."""
        repeated = any(isinstance(change, Duplicate) for change in changes)
        if repeated and isinstance(fact, MoneyFact):
            return
        if not any(isinstance(change, OtherAccount) for change in changes):
            self._orders.fold(observation.seq, observation.source, fact, repeated=repeated)
        for change in changes:
            self._trades.fold(observation.seq, change)
        if isinstance(fact, Fill):
            self._maps.write(observation.seq, fact.coin, "fill")
        if type(fact) in _INCIDENTS:
            severity, kind = _INCIDENTS[type(fact)]
            self._note(observation.seq, fact, severity, kind, _detail(fact))

    def map_due(self, coin: str, time_ms: int) -> bool:
        """As `MapBook.due`."""
        return self._maps.due(coin, time_ms)

    def remember(self, observation: Observation) -> None:
        """An observation whose rows are in the database already: only its maps are new to this process."""
        self._maps.remember(observation.views)

    def _run(self, observation: Observation) -> None:
        opened = next((fact for fact in observation.facts if isinstance(fact, JournalOpened)), None)
        if opened is None:
            return
        code = next((fact for fact in observation.facts if isinstance(fact, CodeVersion)), None)
        config = next((fact for fact in observation.facts if isinstance(fact, ConfigLoaded)), None)
        self.state.venues, self.state.coins = opened.venues, opened.coins
        self.state.run_id = self.pending.add(
            "run", journal_id=opened.journal_id, mode=opened.mode, started_ms=opened.time_ms,
            version=code.version if code else "", platform=code.platform if code else "",
            config_digest=config.digest if config else "",
            config=msgspec.json.decode(config.config_json) if config else None,
        )

    def _forced_orders(self, observation: Observation) -> None:
        rows = observation.liquidations
        if not rows.size or observation.backfilled or not self.state.coins:
            return
        worth_it = rows[rows["size_usd"] >= self._keeping.liquidation_usd_min]
        for code in sorted(set(worth_it["coin"].tolist())):
            of_coin = worth_it[worth_it["coin"] == code]
            expected = forced_at(self._maps.newest(self.state.coins[code]), of_coin)
            for (time_ms, venue, coin, side, price, size_usd), (usd, decile) in zip(
                of_coin.tolist(), expected, strict=True
            ):
                self.pending.add(
                    "liquidation", seq=observation.seq, time_ms=time_ms, venue=self.state.venues[venue],
                    coin=self.state.coins[coin], side=Side(side).word, price=Decimal(str(price)),
                    size_usd=Decimal(str(size_usd)), density_decile=decile,
                    predicted_usd=None if usd is None else Decimal(str(usd)),
                )

    def _whales(self, observation: Observation) -> None:
        """News of large positions that venues tell, near their liquidation."""
        for news in observation.whales:
            self.pending.add(
                "incident", seq=observation.seq, time_ms=news.time_ms, severity="info",
                kind=f"WHALE_{news.change.upper()}", venue=news.whale.venue, coin=news.coin, detail=news.whale.text(),
            )

    def _note(self, seq: int, fact: Any, severity: str, kind: str, detail: str) -> None:
        self.pending.add(
            "incident", seq=seq, time_ms=fact.time_ms, severity=severity, kind=kind,
            venue=getattr(fact, "venue", ""), coin=getattr(fact, "coin", ""), detail=detail,
        )


def _detail(fact: Event) -> str:
    fields = msgspec.structs.asdict(fact)
    shown = {name: value for name, value in fields.items() if name not in _BESIDE}
    return ", ".join(
        f"{name} {value.word if isinstance(value, Side) else value}" for name, value in shown.items()
        if value is not HaltCode.NONE  # written down before there were codes
    )
