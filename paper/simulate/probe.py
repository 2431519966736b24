"""`Probe`: what may be observed of a scenario, and when."""

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from paper.exchange.exchange import Happened


class Probe:
    """An observer of a scenario. The base observes nothing."""

    def sending(self, command: Command) -> None:
        """Before anything becomes of it."""

    def seeing(self, happened: Happened) -> None:
        """Right after it happened at the exchange, before the house hears of it."""

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        """After every call of the engine, before its commands leave."""

    def stepped(self) -> None:
        """After every clock step."""

    def reconciled(self) -> None:
        """After a reconciliation was folded and answered."""

    def ended(self, left_open: tuple[str, ...], began_ms: int) -> None:
        """The process has ended in order, asked at `began_ms`; what it left without a confirmed stop, in its words."""

    def reborn(self, *, fresh: bool) -> None:
        """A new process knows what its journal says; `fresh`: of another journal."""
