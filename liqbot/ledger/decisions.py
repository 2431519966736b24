"""Verdicts and risk's answers folded into rows: one when something changes, repeats counted.

The engine reports a verdict or a refusal when it changes; until the next report every tick repeats it. The same code
coming back within the repeat window takes its row up again, so that a gate that flutters does not fill the book.
"""

import math
from decimal import Decimal
from typing import Any

import msgspec

from liqbot.instruments import Side
from liqbot.ledger.maps import MapBook, density_pct
from liqbot.ledger.observation import Observation
from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import LedgerState, Plan, ProposedEntry, Verdicts
from liqbot.market.view import MarketView
from liqbot.risk.decision import Approved, Decision, Refused, Target
from liqbot.risk.translation import at_venue, shown_ratio
from liqbot.signals.verdict import Signal, Verdict

APPROVED = "APPROVED"


class DecisionBook:
    """What is in force for each (strategy, coin, side)."""

    def __init__(self, state: LedgerState, pending: PendingRows, maps: MapBook, repeat_window_ms: int) -> None:
        self._state, self._pending, self._maps = state, pending, maps
        self._repeat_window_ms = repeat_window_ms

    def fold(self, observation: Observation) -> None:
        """Verdicts first, then what risk said to the signals among them, then the repeats of this tick."""
        views = {view.coin: view for view in observation.views}
        touched: set[str] = set()
        reviewed = self._reviewed(observation)
        for verdict in observation.verdicts:
            key = _key(verdict.strategy, verdict.coin, verdict.side)
            gates = _finite(msgspec.to_builtins(verdict.gates))
            if verdict.signal is not None:
                self._state.proposed[key] = _proposed(verdict.signal, gates)
            else:
                self._state.proposed.pop(key, None)
            if key not in reviewed:
                touched.add(key)
                self._in_force(observation, key, verdict.code, lambda v=verdict, g=gates: self._verdict_row(
                    observation, v, g, views.get(v.coin)))
        for key, decision in reviewed.items():
            touched.add(key)
            self._decided(observation, key, decision, views.get(key.split("|")[1]))
        for decision in observation.decisions:
            if isinstance(decision, Approved) and decision not in reviewed.values():
                self._reduced(observation, decision.target)
        self._count_repeats(observation, views, touched)

    # --- which signal an answer belongs to ----------------------------------------------------------------------------

    def _reviewed(self, observation: Observation) -> dict[str, Decision]:
        """Answers to entries by key. A refusal that does not say what it refused belongs to the first signal in force
        that has no answer yet, because signals are reviewed in the order of the verdicts."""
        found: dict[str, Decision] = {}
        nameless: list[Refused] = []
        for decision in observation.decisions:
            if isinstance(decision, Approved):
                target = decision.target
                if target.quantity_base and target.decision_id > self._state.last_decision_id:
                    found[_key(target.strategy, target.coin, target.side)] = decision
                    self._state.last_decision_id = target.decision_id
            elif decision.side is not None:
                found[_key(decision.strategy, decision.coin, decision.side)] = decision
            else:
                nameless.append(decision)
        signals = {_key(v.strategy, v.coin, v.side): v.signal is not None for v in observation.verdicts}
        in_force = [key for key in self._state.proposed if signals.get(key, True)]
        candidates = [key for key, signal in signals.items() if signal]
        free = [key for key in dict.fromkeys([*candidates, *in_force]) if key not in found]
        return found | dict(zip(free, nameless, strict=False))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _in_force(self, observation: Observation, key: str, code: str, write: Any) -> None:
        self._state.codes[key] = code
        known = self._state.verdict_rows.get(f"{key}|{code}")
        if known is not None and observation.time_ms - known.last_seen_ms <= self._repeat_window_ms:
            self._repeat(known, observation.time_ms)
            return
        self._state.verdict_rows[f"{key}|{code}"] = Verdicts(write(), 1, observation.time_ms)

    def _repeat(self, known: Verdicts, time_ms: int) -> None:
        known.count += 1
        known.last_seen_ms = time_ms
        self._pending.change("decision", known.row, count=known.count, last_seen_ms=time_ms)

    def _count_repeats(self, observation: Observation, views: dict[str, MarketView], touched: set[str]) -> None:
        for key, code in self._state.codes.items():
            view = views.get(key.split("|")[1])
            if key in touched or view is None or view.backfilled:
                continue
            known = self._state.verdict_rows.get(f"{key}|{code}")
            if known is not None:
                self._repeat(known, observation.time_ms)

    def _verdict_row(self, observation: Observation, verdict: Verdict, gates: Any, view: MarketView | None) -> int:
        failed = next((gate for gate in verdict.gates if not gate.passed), None)
        reason = verdict.signal.why if verdict.signal else verdict.reason
        if failed is not None:
            reason = f"{failed.name}: {_number(failed.value)} is not {failed.op} {_number(failed.threshold)}"
        return self._write(
            observation, verdict.strategy, verdict.coin, verdict.side, kind="entry", code=verdict.code, reason=reason,
            view=view, gates=gates, map_id=self._map_of_near_miss(observation, verdict),
        )

    def _map_of_near_miss(self, observation: Observation, verdict: Verdict) -> int | None:
        """One gate alone said no: what the map looked like then is a question that will be asked."""
        if sum(not gate.passed for gate in verdict.gates) != 1:
            return None
        return self._maps.write(observation.seq, verdict.coin, "near miss")

    def _decided(self, observation: Observation, key: str, decision: Decision, view: MarketView | None) -> None:
        strategy, coin, word = key.split("|")
        side = Side[word]
        proposed = self._state.proposed.get(key)
        gates = proposed.gates if proposed is not None else None
        checks = _finite(msgspec.to_builtins(decision.checks))
        map_id = self._maps.write(observation.seq, coin, "decision")
        if isinstance(decision, Refused):
            self._in_force(observation, key, decision.code.value, lambda: self._write(
                observation, strategy, coin, side, kind="entry", code=decision.code.value, reason=decision.reason,
                view=view, gates=gates, checks=checks, map_id=map_id, decision_id=decision.decision_id,
                **_asked_for(proposed),
            ))
            return
        target = decision.target
        row = self._write(
            observation, strategy, coin, side, kind="entry", code=APPROVED, reason=target.reason, view=view,
            gates=gates, checks=checks, map_id=map_id, decision_id=target.decision_id, **self._wanted(target),
            max_hold_ms=proposed.max_hold_ms if proposed is not None else None,
        )
        self._state.codes[key] = APPROVED
        self._state.verdict_rows[f"{key}|{APPROVED}"] = Verdicts(row, 1, observation.time_ms)
        ordered = at_venue(target)
        self._state.plans[str(target.decision_id)] = Plan(
            row, strategy, float(target.leverage), ordered.stop_price, ordered.liquidation_price, target.mark_ratio
        )
        for old in list(self._state.plans)[:-100]:
            del self._state.plans[old]

    def _reduced(self, observation: Observation, target: Target) -> None:
        code = "STOP_MOVED" if target.quantity_base else "EXIT"
        self._write(
            observation, target.strategy, target.coin, target.side, kind="reduction", code=code, reason=target.reason,
            decision_id=target.decision_id, map_id=self._maps.write(observation.seq, target.coin, "decision"),
            **self._wanted(target),
        )

    def _wanted(self, target: Target) -> dict[str, Any]:
        drawn = self._maps.newest(target.coin)
        density = density_pct(drawn, target.side, float(target.liquidation_price)) if drawn is not None else None
        return {
            "venue": target.venue, "entry_price": target.limit_price, "stop_price": target.stop_price,
            "take_price": target.take_price, "quantity_base": target.quantity_base, "leverage": float(target.leverage),
            "liquidation_price": target.liquidation_price, "liquidation_density_pct": density,
            "mark_ratio": shown_ratio(target.mark_ratio),
        }

    def _write(
        self, observation: Observation, strategy: str, coin: str, side: Side, *, view: MarketView | None = None,
        **columns: Any,
    ) -> int:
        absent: dict[str, Any] = {
            "venue": "", "entry_price": None, "stop_price": None, "take_price": None, "quantity_base": None,
            "leverage": None, "liquidation_price": None, "liquidation_density_pct": None, "gates": None, "checks": None,
            "map_id": None, "decision_id": None, "mark_ratio": None, "max_hold_ms": None,
        }
        row = absent | columns | {
            "run_id": self._state.run_id, "seq": observation.seq, "time_ms": observation.time_ms,
            "last_seen_ms": observation.time_ms, "count": 1, "strategy": strategy, "coin": coin, "side": side.word,
            "features": features_of(view) if view is not None else None,
        }
        if row["entry_price"] is None and view is not None and row["quantity_base"] is not None:
            row["entry_price"] = Decimal(str(view.mark_price))
        return self._pending.add("decision", **row)


def _proposed(signal: Signal, gates: Any) -> ProposedEntry:
    return ProposedEntry(gates, signal.entry_price, signal.stop_price, signal.take_price, signal.max_hold_ms)


def _asked_for(proposed: ProposedEntry | None) -> dict[str, Any]:
    """Of an entry that was refused: what it would have been, so that somebody can look what would have become of it."""
    if proposed is None:
        return {}
    take = proposed.take_price
    return {
        "entry_price": Decimal(str(proposed.entry_price)), "stop_price": Decimal(str(proposed.stop_price)),
        "take_price": None if take is None else Decimal(str(take)), "max_hold_ms": proposed.max_hold_ms,
    }


def features_of(view: MarketView) -> dict[str, float | None]:
    """The view's numbers by name, the funding of each venue among them; absent ones are null."""
    numbers: dict[str, float | None] = {}
    for name in view.__struct_fields__:
        value = getattr(view, name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value) if math.isfinite(value) else None
    numbers["asymmetry"] = view.asymmetry if math.isfinite(view.asymmetry) else None
    numbers |= {f"funding_of.{venue}": rate_pct for venue, (rate_pct, _) in view.funding_of_venues.items()}
    return numbers


def _key(strategy: str, coin: str, side: Side) -> str:
    return f"{strategy}|{coin}|{side.name}"


def _number(value: float | None) -> str:
    return "absent" if value is None or not math.isfinite(value) else f"{value:.6g}"


def _finite(value: Any) -> Any:
    """JSON knows no NaN: an absent number is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
