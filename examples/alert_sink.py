"""An alert sink of your own, in a file of your own: every fill and every halt as a line in a file.

Name it in the profile, by its path below the configuration directory; nothing in liqbot is edited:

    [observers]
    enabled = ["ledger", "snapshots", "log", "observers/alert_sink.py"]

The file and its directory must be yours and writable by nobody else: it runs with the bot's keys in memory. What it
raises is logged and shown by `liqbot status`, and disables it; the bot goes on. It is called between two steps, so
whatever may take long (a message over the network) belongs into a thread, as here. A package can register the same
function under the entry-point group `liqbot.observers` instead.
"""

import queue
import threading
from pathlib import Path

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Fill, Flatten, Halt
from liqbot.observers.observer import Observer
from liqbot.observers.registry import ObserverContext


class MessageObserver(Observer):
    """Hands messages to a thread of its own, which may be slow; `trouble` is what `liqbot status` shows."""

    name = "messages"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: queue.Queue[str | None] = queue.Queue(maxsize=1_000)
        self._sender = threading.Thread(target=self._send_all, name="messages", daemon=True)

    def start(self, engine: Engine) -> None:
        """Before the first step."""
        self._sender.start()

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        """After every step."""
        for fact in block.facts:
            if isinstance(fact, Fill):
                does = "closed" if fact.reduces else "opened"
                self._post(f"{does} {fact.side.word} {fact.quantity_base} {fact.coin} at {fact.price}")
            elif isinstance(fact, Halt | Flatten):
                self._post(f"halted ({fact.code or 'no code'}): {fact.reason}")

    def close(self) -> None:
        """What waits is still sent, for a moment."""
        self._waiting.put(None)
        self._sender.join(timeout=2.0)

    def _post(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            self.trouble = "messages were dropped: the receiver is too slow"

    def _send_all(self) -> None:
        # Here a real sink would send a request to a chat or a pager.
        while (text := self._waiting.get()) is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")


def observer(context: ObserverContext) -> Observer | None:
    """What liqbot calls. None: of no use here (a house without a state directory)."""
    return MessageObserver(context.data / "messages.txt") if context.data is not None else None
