"""Rows of a block as the single events that they came from."""

from typing import Any, cast

import numpy as np

from liqbot.blocks import DTYPES, EVENT_OF, KINDS, EventBlock, Roster, stage_of
from liqbot.events import MarketEvent
from liqbot.instruments import Side


def market_events(block: EventBlock, roster: Roster) -> list[MarketEvent]:
    """Kind by kind: the inverse of `block_of`."""
    return [_event(row, kind, roster) for kind in KINDS for row in block.rows(kind)]


def _event(row: np.void, kind: str, roster: Roster) -> MarketEvent:
    names: tuple[str, ...] = DTYPES[kind].names or ()
    values: dict[str, Any] = {name: row[name].item() for name in names}
    values["venue"], values["coin"] = roster.venues[values["venue"]], roster.coins[values["coin"]]
    if "side" in values:
        values["side"] = Side(values["side"])
    known: dict[str, Any] = {name: None if value != value else value for name, value in values.items()}
    if "rate_stage" in values:
        known["rate_stage"] = stage_of(values["rate_stage"])
    return cast("MarketEvent", EVENT_OF[kind](**known))
