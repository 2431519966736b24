"""The simulated exchange as a live house meets it: commands are sent there when they leave, and what becomes of them is
told before the next block is folded."""

from collections.abc import Callable, Sequence

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.events import Event
from paper.exchange import PaperExchange


class SimulatedVenue:
    """What `Runtime` takes for its broker. Time goes on by itself here, whatever journal or house wait for: a command
    takes effect at the time at which it left."""

    def __init__(self, exchange: PaperExchange, clock: Callable[[], int]) -> None:
        """`clock` gives UTC milliseconds, those of the market's blocks."""
        self._exchange, self._clock = exchange, clock

    async def send(self, commands: Sequence[Command], now_ms: int) -> None:
        """`now_ms` is when they were decided."""
        for command in commands:
            self._exchange.submit(command, max(now_ms, self._clock()))

    def meet(self, block: EventBlock) -> tuple[Event, ...]:
        """Orders that have arrived meet the block's prices: what happened, in order of time."""
        if block.tick_ms is None and not block.market_rows:
            return ()  # nothing that an order could be filled from
        return tuple(fact for happened in self._exchange.walk(block) for fact in happened.facts)
