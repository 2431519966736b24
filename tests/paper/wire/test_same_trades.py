"""One market traded over the wire and in process: the same decisions at the same ticks, the same fills to the cent.

Over the wire everything goes through the client and the venue's protocol. The venue that the profile trades at is held
to it in every run, by `tests/paper/sessions/test_over_wire.py`; here are the others.
"""

from pathlib import Path

import pytest
from wired_session import in_process, wired_session

from liqbot.settings import load
from paper.dialects.serving import traded

SEED = 11
OTHERS = [venue for venue in traded() if venue != load("paper").settings.trade_venue]


@pytest.mark.long
@pytest.mark.parametrize("venue", OTHERS)
def test_the_same_decisions_and_fills_as_in_process(venue: str, tmp_path: Path) -> None:
    session = wired_session(tmp_path, venue, SEED)
    assert session.hub.unknown == []
    told = in_process(session)
    assert len(session.told.fills) >= 2, "the market of this seed trades"
    assert session.told.decisions == told.decisions
    assert session.told.fills == told.fills
