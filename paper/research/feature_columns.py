"""What gates read, as columns: a tape's market is folded once, and any number of gates are asked of all its Ticks.

The expressions are those that decide live with one row (`liqbot/signals/gates.py`), so that a candidate passes here
exactly where it would there.
"""

import contextlib
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import numpy as np

from liqbot.instruments import Side
from liqbot.settings import Settings
from liqbot.signals.evaluate import SIDES
from liqbot.signals.features import VIEW_NUMBERS, Features, features_of
from liqbot.signals.gates import passes
from liqbot.signals.strategy import Exits, Strategy
from paper.research.market_lead import MarketLead
from paper.score.price_path import Floats
from paper.sessions.tape_settings import contracts_of
from paper.tapes.reader import Tape

_ROW: Final = tuple(name for name in Features.__struct_fields__ if name != "view")


class FeatureColumns(NamedTuple):
    """Of one coin and side: a row for each Tick at which reasons are weighed."""

    coin: str
    side: Side
    time_ms: np.ndarray[Any, np.dtype[np.int64]]
    features: Features
    """Its values are columns."""
    high_price: Floats
    low_price: Floats
    """Of the trading venue over each step."""
    exits: dict[str, dict[int, Exits]]
    """By strategy and row, as its parameters are set: where no gate fails that no parameter can turn."""
    cost_pct: float
    """Taker fees and the slippage that risk allows for, both ways, of the price."""


def columns_of(tape: Tape, settings: Settings) -> tuple[FeatureColumns, ...]:
    """One pass over the tape. `settings` fit it; of its strategies nothing is asked."""
    lead, reach_pct = MarketLead(settings, tape), settings.signals.cluster_reach_pct
    kept: dict[tuple[str, Side], list[tuple[Any, ...]]] = {}
    for block in tape.blocks():
        lead.step(block)
        if block.tick_ms is None or lead.market.awaits_price(block.tick_ms):
            continue
        for view in lead.views:
            if view.backfilled or view.coin not in settings.coins:
                continue
            numbers = [getattr(view, name) for name in VIEW_NUMBERS]
            funding = {venue: rate for venue, (rate, _) in view.funding_of_venues.items()}
            for side in SIDES:
                features = features_of(view, side, reach_pct)
                row = [getattr(features, name) for name in _ROW]
                ends = _exits(features, settings)
                kept.setdefault((view.coin, side), []).append((view.time_ms, row, numbers, funding, ends))
    cost_pct = {
        one.coin: 2.0 * (float(one.taker_fee_pct) + settings.risk.slippage_pct) for one in contracts_of(settings, tape)
    }
    return tuple(_columns(coin, side, rows, cost_pct[coin]) for (coin, side), rows in kept.items())


def _columns(coin: str, side: Side, rows: list[tuple[Any, ...]], cost_pct: float) -> FeatureColumns:
    features = np.array([row for _, row, *_ in rows], dtype=np.float64).T
    numbers = dict(zip(VIEW_NUMBERS, np.array([row for _, _, row, *_ in rows], dtype=np.float64).T, strict=True))
    rates = [row for _, _, _, row, _ in rows]
    exits: dict[str, dict[int, Exits]] = {}
    for index, (*_, ends) in enumerate(rows):
        for name, found in ends.items():
            exits.setdefault(name, {})[index] = found

    def funding_of(venue: str) -> Floats:
        return np.array([rate.get(venue, np.nan) for rate in rates])

    columns: tuple[Any, ...] = (*features, SimpleNamespace(**numbers, funding_of=funding_of))
    times_ms = np.array([time_ms for time_ms, *_ in rows])
    high_price, low_price = numbers["high_price"], numbers["low_price"]
    return FeatureColumns(coin, side, times_ms, Features(*columns), high_price, low_price, exits, cost_pct)


def signals_in(columns: FeatureColumns, strategy: Strategy, params: Any, waive: tuple[str, ...]) -> np.ndarray:
    """[Tick]: where every gate of the strategy passes."""
    passed = np.ones(len(columns.time_ms), dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        for gate in strategy.gates:
            passed &= passes(gate, columns.features, params, waive)
    return passed


def _exits(features: Features, settings: Settings) -> dict[str, Exits]:
    """Of each enabled strategy that no fixed gate keeps out here, whatever its parameters are. One of the user's own
    may raise anything on a row that its gates would refuse: then there is nothing to screen by."""
    found = {}
    for strategy in settings.signals.strategies:
        params = settings.signals.of(strategy)
        fixed = [gate for gate in strategy.gates if not isinstance(gate.threshold, str)]
        if params.enabled and all(passes(gate, features, params, settings.signals.waive) for gate in fixed):
            with contextlib.suppress(Exception):
                found[strategy.name] = strategy.exits(features, params)
    return found
