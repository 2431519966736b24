"""Which coin of a tape is scored on whose price, and how fine the tape allows the score to be."""

from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import AGGREGATE
from liqbot.market.params import HealthParams
from paper.score.params import ScoreParams
from paper.score.record import Setting
from paper.tapes.reader import Tape
from paper.tapes.survey import TapeSeries

_HOUR_MS = 3_600_000


def setting_of(tape: Tape, params: ScoreParams, coin: str | None = None) -> Setting:
    """ExpectedError when the tape has no trades or no forced orders of the coin."""
    chosen = coin or tape.roster.coins[0]
    if chosen not in tape.roster.coins:
        known = ", ".join(tape.roster.coins)
        raise ExpectedError(f"--coin {chosen!r}: the tape has {known}", Exit.USAGE)
    held = [one for one in tape.holdings if one.coin == chosen]
    trades = [one for one in held if one.kind == "trades" and one.venue != AGGREGATE]
    if not trades:
        raise ExpectedError(f"{tape.path}: has no trades of {chosen}, without a price nothing is scored", Exit.USAGE)
    totals = [one for one in held if one.kind == "liquidation_totals"]
    if not totals and not any(one.kind == "liquidation" for one in held):
        raise ExpectedError(f"{tape.path}: has no forced orders of {chosen}: nothing to score against", Exit.USAGE)
    home = max(sorted(trades, key=lambda one: one.venue), key=lambda one: one.total_usd)
    dense = HealthParams().mark_gap_ms_max
    marks = [one for one in held if one.kind == "mark" and 0 < one.spacing_ms <= dense]
    sums = _sums_of(totals)
    coarsest_ms = max([one.span_ms for one in sums] + [home.span_ms])
    every_ms = max(params.origin_every_ms, coarsest_ms)
    horizons = tuple(hours for hours in params.horizons_h if hours * _HOUR_MS % every_ms == 0)
    if params.primary_h not in horizons:
        coarsest_h = coarsest_ms / _HOUR_MS
        raise ExpectedError(
            f"{tape.path}: prices or forced orders per {coarsest_h:g} h are too coarse for {params.primary_h} h",
            Exit.USAGE,
        )
    return Setting(
        roster=tape.roster, coin=chosen, home=home.venue, streaming=tuple(one.venue for one in marks),
        with_totals=tuple(one.venue for one in sums), step_ms=max(params.step_ms, coarsest_ms),
        origin_every_ms=every_ms, horizons_h=horizons,
    )


def _sums_of(totals: list[TapeSeries]) -> list[TapeSeries]:
    """Venues that tell totals; the aggregate only when it is alone."""
    own = [one for one in totals if one.venue != AGGREGATE]
    return own or totals
