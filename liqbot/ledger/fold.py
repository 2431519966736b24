"""The ledger's fold: observations in, rows on a sheet out. No database here."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.accounting.dedupe import identity_of
from liqbot.events import (
    CancelRejected,
    CodeVersion,
    ConfigLoaded,
    Event,
    FeedDown,
    FeedUp,
    Fill,
    Flatten,
    Halt,
    HaltCode,
    JournalOpened,
    MoneyFact,
    OrderMissing,
    OrderRejected,
    PositionDeleveraged,
    PositionLiquidated,
    Resume,
)
from liqbot.instruments import Side
from liqbot.ledger.decisions import DecisionBook
from liqbot.ledger.maps import MapBook, forced_at
from liqbot.ledger.observation import Observation
from liqbot.ledger.orders import OrderBook
from liqbot.ledger.sheet import PendingRows
from liqbot.ledger.state import LedgerState
from liqbot.ledger.trades import TradeBook

_INCIDENTS: Final[dict[type, tuple[str, str]]] = {
    FeedDown: ("warning", "FEED_DOWN"), FeedUp: ("info", "FEED_UP"), Halt: ("warning", "HALT"),
    Resume: ("info", "RESUME"), Flatten: ("warning", "FLATTEN"), OrderRejected: ("warning", "ORDER_REJECTED"),
    CancelRejected: ("info", "CANCEL_REJECTED"), OrderMissing: ("warning", "ORDER_MISSING"),
    PositionLiquidated: ("critical", "LIQUIDATED"), PositionDeleveraged: ("critical", "DELEVERAGED"),
}


class WriteLimits(msgspec.Struct, frozen=True):
    """How much is written down."""

    map_every_ms: int = 900_000
    equity_every_ms: int = 60_000
    repeat_window_ms: int = 900_000
    liquidation_usd_min: float = 1_000.0


class Fold:
    """All books of the ledger over one state."""

    def __init__(self, state: LedgerState, keeping: WriteLimits) -> None:
        self.state, self.sheet, self._keeping = state, PendingRows(), keeping
        self.sheet.last_ids = state.last_ids
        self._maps = MapBook(state, self.sheet, keeping.map_every_ms)
        self._trades = TradeBook(state, self.sheet, self._note, keeping.equity_every_ms)
        self._orders = OrderBook(state, self.sheet)
        self._decisions = DecisionBook(state, self.sheet, self._maps, keeping.repeat_window_ms)

    def observe(self, observation: Observation) -> None:
        """One engine call. The forced orders of a step meet the map as it was before that step."""
        self._run(observation)
        self._forced_orders(observation)
        for fact in observation.facts:
            if isinstance(fact, MoneyFact) and self.state.told.again(identity_of(fact)):
                continue  # histories are read again after every gap
            self._orders.fold(observation.seq, observation.source, fact)
            self._trades.fold(observation.seq, fact)
            if isinstance(fact, Fill):
                self._maps.write(observation.seq, fact.coin, "fill")
            if type(fact) in _INCIDENTS:
                severity, kind = _INCIDENTS[type(fact)]
                self._note(observation.seq, fact, severity, kind, _detail(fact))
        self._maps.see(observation.seq, observation.views)
        self._decisions.fold(observation)
        for command in observation.commands:
            drawn = self._maps.newest(command.coin)
            mark_price = Decimal(str(drawn.mark_price)) if drawn is not None else None
            self._orders.command(observation, command, mark_price)
        self._trades.see_prices(observation)
        self._trades.write_equity(observation)

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
        self.state.run_id = self.sheet.add(
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
                self.sheet.add(
                    "liquidation", seq=observation.seq, time_ms=time_ms, venue=self.state.venues[venue],
                    coin=self.state.coins[coin], side=Side(side).word, price=Decimal(str(price)),
                    size_usd=Decimal(str(size_usd)), density_decile=decile,
                    predicted_usd=None if usd is None else Decimal(str(usd)),
                )

    def _note(self, seq: int, fact: Any, severity: str, kind: str, detail: str) -> None:
        self.sheet.add(
            "incident", seq=seq, time_ms=fact.time_ms, severity=severity, kind=kind,
            venue=getattr(fact, "venue", ""), coin=getattr(fact, "coin", ""), detail=detail,
        )


def _detail(fact: Event) -> str:
    fields = msgspec.structs.asdict(fact)
    shown = {name: value for name, value in fields.items() if name not in ("time_ms", "venue", "coin")}
    return ", ".join(
        f"{name} {value.word if isinstance(value, Side) else value}" for name, value in shown.items()
        if value is not HaltCode.NONE  # written down before there were codes
    )
