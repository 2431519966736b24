"""The house on a made market as a paper session has it: journal, ledger, simulated exchange. Limits of the code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from _strategy_markets import MadeMarket
from flush_market import ROSTER, START_MS

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.review.explain import explained
from liqbot.review.figures.trade_figure import Moment, moment_of
from liqbot.review.ledger_reader import Ledger, Row
from liqbot.review.reading import MapReading, reading_of
from liqbot.risk.decision import Approved
from liqbot.runtime.inbox import Inbox
from liqbot.settings import Settings, load
from paper.sessions.listings import paper_instruments
from paper.sessions.session import SessionMarket, fresh_storage, paper_house
from paper.sessions.tape_settings import fitted_to

ROOT: Final = Path(__file__).parents[1]
VENUE: Final = "binance"
LEVERAGE_MAX: Final = 5
_SET: Final = (f"risk.leverage_max={LEVERAGE_MAX}", "observers.enabled=ledger")
_COIN: Final = "BTC"


class Lived(NamedTuple):
    """What the first approved entry of a strategy came to, and the map that it was placed on, whole."""

    settings: Settings
    story: Row
    placement: Row
    """The verdict of `avoid_liquidity` on it, as a story."""
    moment: Moment
    reading: MapReading


def lived(market: MadeMarket, strategy: str, data: Path) -> Lived:
    """`data`: an empty directory for the books. ValueError when nothing was entered."""
    settings = fitted_to(
        load("paper", config=ROOT / "config", overrides=_SET, environment={}).settings, ROSTER.venues, (_COIN,), VENUE
    )
    readings: list[MapReading] = []

    def see(_seq: int, _block: EventBlock, step: Step, engine: Engine) -> None:
        if not readings and any(isinstance(one, Approved) for one in step.decisions):
            readings.append(reading_of(engine.views[0], engine.market))

    blocks = tuple(market.told().blocks(market.stretches))
    _run(settings, blocks, data, see)
    if not readings:
        raise ValueError(f"{strategy}: the made market brought about no entry")
    with Ledger(str(places.ledger_path(data))) as ledger:
        row = _first(ledger, strategy, "APPROVED")
        story = explained(ledger, row)
        placement = explained(ledger, _first(ledger, "avoid_liquidity", "ACCEPTED"))
        return Lived(settings, story, placement, moment_of(ledger, story), readings[0])


def _run(settings: Settings, blocks: Sequence[EventBlock], data: Path, see: object) -> None:
    instruments = paper_instruments(VENUE, (_COIN,))
    session = SessionMarket(ROSTER, instruments, (), blocks, START_MS, START_MS)
    with fresh_storage(data, settings, ROSTER) as storage:
        house = paper_house(session, settings, data, storage, None, Inbox(), checks=(see,))
        house.loop.sim.open(house.opening)
        for block in blocks:
            house.loop.sim.step(block)
        house.observers.close()


def _first(ledger: Ledger, strategy: str, code: str) -> int:
    rows = ledger.rows(
        "SELECT decision FROM v_decisions WHERE strategy = ? AND code = ? ORDER BY decision LIMIT 1", [strategy, code]
    )
    if not rows:
        raise ValueError(f"{strategy}: nothing was {code} in the made market")
    return int(rows[0]["decision"])
