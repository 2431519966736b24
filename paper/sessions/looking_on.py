"""A house that looks on at a market that is not live (the simulated world, a tape): it folds and weighs, and sends
nothing."""

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine
from liqbot.observers.observer import OnStep
from liqbot.review.progress import Advance, watched
from liqbot.runtime.assembly import Parts, assembled
from liqbot.settings import Settings
from paper.exchange.exchange import React
from paper.sessions.assembly import seeded_journal_id
from paper.sessions.session import SessionMarket
from paper.sessions.sim_loop import SimLoop

MODE = "observe"


class _NoExchange:
    """Without an account no command is made."""

    def submit(self, command: Command, time_ms: int) -> None:
        raise AssertionError(f"a house without an account gave {command} at {time_ms}")

    def advance(self, block: EventBlock, react: React) -> None:
        """Nothing rests here."""


def look_on(
    market: SessionMarket, settings: Settings, on_step: OnStep, *, until_ms: int | None,
    advance: Advance = lambda _share: None,
) -> Engine:
    """As fast as it goes, to the end of the market or to that time. An interrupt ends it in order."""
    parts = Parts(
        settings, market.roster, market.instruments, seeded_journal_id(0),
        loop=lambda engine, on_steps: SimLoop(engine, _NoExchange(), observers=on_steps, source=MODE),
        mode=MODE, source=MODE, enabled=(), checks=(on_step,),
    )  # fmt: skip
    house = assembled(parts, market.start_ms)
    house.loop.open(house.opening)
    try:
        for block in market.history:
            house.loop.step(block)
        for block in watched(market.live, market.live_ms, until_ms or market.live_ms + 1, advance):
            if until_ms is not None and block.tick_ms is not None and block.tick_ms > until_ms:
                break
            house.loop.step(block)
    except KeyboardInterrupt:
        pass  # what was seen until now is the answer
    house.loop.tell(())  # the last step is looked at too
    return house.engine
