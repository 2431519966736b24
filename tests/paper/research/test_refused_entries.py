"""Which refusals are priced: those of one gate alone, one at a time, and none in vain over and over."""

from types import SimpleNamespace
from typing import Any

import pytest

from liqbot.blocks import EventBlock
from liqbot.engine import Step
from liqbot.signals.evaluate import enabled_strategies
from liqbot.signals.features import features_of
from liqbot.signals.gates import code_of
from liqbot.signals.verdict import MISSING_INPUT, SIGNAL
from paper.research.market_lead import MarketLead
from paper.research.priced_entries import Entry
from paper.research.refused_entries import RefusedEntries, only_refusal
from paper.research.setup import Setup, ready


class Hopeless:
    """Prices nothing: no entry can be made."""

    def __init__(self) -> None:
        self.busy: frozenset[Any] = frozenset()
        self.hopeless: set[Any] = set()
        self.entered: list[list[Entry]] = []

    def enter(self, entry: Entry) -> None:
        self.entered[-1].append(entry)
        self.hopeless.add(entry.key)

    def step(self, _block: EventBlock) -> None:
        pass


@pytest.mark.drawn
def test_what_one_gate_refuses_is_tried_once_and_again_when_it_comes_up_anew(setup: Setup) -> None:
    tape, settings = ready(setup)
    lead, pricer = MarketLead(settings, tape), Hopeless()
    refused: Any = RefusedEntries(settings, pricer)  # type: ignore[arg-type]
    alone_before: set[tuple[str, Any]] = set()
    tried = 0
    for block in tape.blocks():
        lead.step(block)
        pricer.entered.append([])
        refused(0, block, Step(0, block.tick_ms or 0), SimpleNamespace(views=lead.views))
        alone = set()
        for view in lead.views:
            for one in enabled_strategies(settings.signals):
                features = features_of(view, one.side, settings.signals.cluster_reach_pct)
                code = only_refusal(one.conditions, features, one.params)
                first = code_of(one.conditions, features, one.params)
                # The only gate that fails is the first that fails; when it lacks its input, that is what is said.
                assert code in ("", first) or first == MISSING_INPUT
                assert (code == SIGNAL) == (first == SIGNAL)
                if code not in ("", SIGNAL):
                    alone.add((f"{one.strategy.name} gate {code}", one.side))
        entered = {(entry.label, entry.side) for entry in pricer.entered[-1]}
        assert entered == alone - alone_before
        tried += len(entered)
        alone_before = alone
    assert tried > 10
