"""Fresh maps along a tape: when they begin, what history they are given, and how they are told by age."""

import numpy as np
import pytest

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from paper.score.models import Outlook
from paper.score.params import ScoreParams
from paper.score.price_path import Floats
from paper.score.record import Setting, recorded
from paper.score.score import Scoring
from paper.score.warmth import ColdStarts, history_codes, warmth_table

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
ROSTER = Roster(("binance", "gate"), ("BTC",))
PARAMS = ScoreParams(shuffles=2, resamples=20, bins=10)


class Counting:
    """A model whose expectation is the number of blocks it was fed."""

    def __init__(self) -> None:
        self.fed: list[EventBlock] = []

    def take(self, block: EventBlock) -> None:
        self.fed.append(block)

    def touched_usd(self) -> Floats:
        return np.full((2, 2), float(len(self.fed)))

    def outlook(self, horizons_h: tuple[int, ...], bins: int) -> Outlook:
        usd = np.full((2, bins), float(len(self.fed)))
        return Outlook(usd, dict.fromkeys(horizons_h, usd), usd, np.stack([usd, usd]), np.zeros_like(usd))


def tape(hours: int) -> list[EventBlock]:
    chance, price, blocks = np.random.default_rng(1), 100.0, []
    for number in range(1, hours * 4 + 1):
        at_ms, before = START_MS + number * HOUR_MS // 4, price
        price *= 1 + 0.004 * chance.standard_normal()
        low, high = min(before, price), max(before, price)
        side = Side.LONG if price < before else Side.SHORT
        events = [
            TradeBar(time_ms=at_ms, venue="binance", coin="BTC", span_ms=HOUR_MS // 4, open=before, high=high, low=low,
                     close=price, volume_usd=1e6),
            MarkPrice(time_ms=at_ms, venue="binance", coin="BTC", mark_price=price),
            Liquidation(time_ms=at_ms, venue="binance", coin="BTC", side=side, price=price, size_usd=1000.0),
            FundingRate(time_ms=at_ms, venue="gate", coin="BTC", rate_pct=0.01, interval_h=8),
            *(OpenInterest(time_ms=at_ms, venue=venue, coin="BTC", oi_usd=1e9) for venue in ROSTER.venues),
        ]  # fmt: skip
        blocks.append(block_of(events, ROSTER, tick_ms=at_ms))
    return blocks


@pytest.fixture(scope="module")
def run() -> tuple[Scoring, ColdStarts, list[Counting]]:
    made: list[Counting] = []

    def make() -> Counting:
        made.append(Counting())
        return made[-1]

    setting = Setting(ROSTER, "BTC", "binance", step_ms=HOUR_MS // 4)
    cold = ColdStarts(
        make, START_MS + 50 * HOUR_MS, every_h=24, backfill_h=6, primary_h=4, origin_every_ms=HOUR_MS, bins=10,
        history_codes=history_codes(ROSTER.venues),
    )
    record = recorded(tape(120), setting, PARAMS, Counting(), cold)
    return Scoring(record, PARAMS, 1), cold, made


@pytest.mark.drawn(singly=True)
def test_each_map_begins_in_time_with_the_history_a_venue_would_give(
    run: tuple[Scoring, ColdStarts, list[Counting]],
) -> None:
    _, cold, made = run
    assert cold.starts == len(made) == 3
    for number, model in enumerate(made):
        began_ms = START_MS + (50 + 24 * number) * HOUR_MS
        history = [block for block in model.fed if block.backfilled]
        times = [block.tick_ms or 0 for block in model.fed]
        assert [block.tick_ms for block in history] == [t for t in times if t <= began_ms]
        assert len(history) == 6 * 4
        assert times == sorted(times)
        for block in history:
            assert len(block.bars) == len(block.funding) == 1
            assert not len(block.liquidations)
            # Gate gives no history of open interest.
            assert block.open_interest["venue"].tolist() == [0]
    assert len(made[0].fed) == (6 + 24) * 4


def test_ages_run_from_each_start(run: tuple[Scoring, ColdStarts, list[Counting]]) -> None:
    scoring, cold, _ = run
    touched, ages, frozen, origin_ages = cold.series(scoring.record)
    hours = (scoring.record.time_ms - START_MS) / HOUR_MS
    assert np.isnan(ages[hours <= 50]).all()
    assert ages[hours == 50.25] == pytest.approx([0.25])
    assert ages[hours == 74.0] == pytest.approx([24.0])
    assert ages[hours == 74.25] == pytest.approx([0.25])
    assert touched[hours == 51.0].tolist() == [[2 * 28.0, 2 * 28.0]]
    assert not touched[hours <= 50].any()
    at = np.flatnonzero(origin_ages == 3.0)
    assert frozen[at[0], 0, 0] == 6 * 4 + 3 * 4


def test_the_table_has_a_row_per_age_that_was_seen(run: tuple[Scoring, ColdStarts, list[Counting]]) -> None:
    scoring, cold, _ = run
    table = warmth_table(scoring, cold)
    assert [one.from_h for one in table] == [0, 1, 2, 4, 8, 16]
    # Every hour's map is of one age; the last ones have no whole horizon ahead.
    assert sum(one.origins for one in table) == 120 - 50 - 4
