"""`LaterLedger`: a ledger that is reached only when there is time for it. Until then it keeps what it is given.

A start over an open position has none: a ledger's libraries take longer to load than the position may go without a
stop, and a damaged file has to be looked at first. Nothing of that is imported from here before `begin`.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from liqbot.exits import ExpectedError
from liqbot.ledger.observation import Observation

KEPT_MAX: Final = 20_000
CATCHES_UP: Final = "the rest is taken from the journal at the next start, or at once by: liqbot db rebuild"
_log = structlog.get_logger(__name__)


class FedLedger(Protocol):
    """What a house needs of a ledger."""

    @property
    def opened(self) -> bool: ...

    @property
    def seq(self) -> int: ...

    @property
    def trouble(self) -> str: ...

    def map_due(self, coin: str, time_ms: int) -> bool: ...

    def put(self, observation: Observation, wait_s: float = 0.0) -> None: ...

    def flush(self, timeout_s: float) -> bool: ...

    def close(self) -> None: ...


class LaterLedger:
    """Fed by one thread, like the ledger that it becomes; `reached` opens that one, in a thread of its own."""

    def __init__(self, reached: Callable[[], FedLedger]) -> None:
        self._reached = reached
        self._lock = threading.Lock()
        self._kept: deque[tuple[Observation, float]] = deque()
        self._ledger: FedLedger | None = None
        self._thread: threading.Thread | None = None
        self._trouble = ""

    def begin(self) -> None:
        """There is time now. Once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._reach, name="ledger-later", daemon=True)
            self._thread.start()

    @property
    def opened(self) -> bool:
        """Whether the database has been reached: `seq` means something."""
        return self._ledger is not None and self._ledger.opened

    @property
    def seq(self) -> int:
        """The last journal record whose rows are committed; 0 before the database was reached."""
        return 0 if self._ledger is None else self._ledger.seq

    @property
    def trouble(self) -> str:
        """Why it is not written at present, or no more; empty while it is, or is about to be."""
        return self._trouble if self._ledger is None else self._ledger.trouble

    def map_due(self, coin: str, time_ms: int) -> bool:
        """True as well while nobody can say."""
        return self._ledger is None or self._ledger.map_due(coin, time_ms)

    def put(self, observation: Observation, wait_s: float = 0.0) -> None:
        """Never raises, and waits only once the ledger is there."""
        with self._lock:
            if self._ledger is None:
                if self._trouble:
                    return
                if len(self._kept) >= KEPT_MAX:
                    self._give_up(f"{len(self._kept)} records wait for it")
                    return
                self._kept.append((observation, wait_s))
                return
        self._ledger.put(observation, wait_s)

    def flush(self, timeout_s: float) -> bool:
        """Whether everything put so far is committed."""
        return self._ledger is not None and self._ledger.flush(timeout_s)

    def close(self) -> None:
        """One that was never begun is begun now, so that it misses nothing."""
        self.begin()
        if self._thread is not None:
            self._thread.join()
        if self._ledger is not None:
            self._ledger.close()

    def _reach(self) -> None:
        try:
            ledger = self._reached()
        except ExpectedError as error:
            with self._lock:
                self._give_up(str(error))
            return
        while True:
            with self._lock:
                if not self._kept:
                    self._ledger = ledger
                    return
                observation, wait_s = self._kept.popleft()
            ledger.put(observation, wait_s or 1.0)

    def _give_up(self, why: str) -> None:
        """With the lock held."""
        self._trouble = f"not written: {why}; {CATCHES_UP}"
        self._kept.clear()
        _log.error("the ledger is left behind", reason=why, next=CATCHES_UP)
