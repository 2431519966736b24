"""Spreads independent jobs: in this process, over local processes, or over the workers of a Dask scheduler."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from liqbot.exits import Exit, ExpectedError

Job = TypeVar("Job")
Result = TypeVar("Result")


class Workers(Protocol):
    """Whoever does the work: results come as they are done, each with its job."""

    def results(self, call: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[Job, Result]]:
        """`call` is a function of a module. What it raises is raised here."""

    def close(self) -> None:
        """No more work."""


class LocalWorkers:
    """Processes of this machine; a single one is this process itself."""

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def results(self, call: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[Job, Result]]:
        if self._processes <= 1 or len(jobs) <= 1:
            for job in jobs:
                yield job, call(job)
            return
        with ProcessPoolExecutor(min(self._processes, len(jobs)), mp_context=get_context("spawn")) as pool:
            sent = {pool.submit(call, job): job for job in jobs}
            try:
                for done in as_completed(sent):
                    yield sent[done], done.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Its processes end with each piece of work."""


class DaskWorkers:
    """Workers of a scheduler that is running somewhere. They see the same files under the same paths."""

    def __init__(self, address: str) -> None:
        """ExpectedError when Dask is not installed (configuration) or nobody answers there (unreachable)."""
        try:
            from distributed import Client
        except ImportError:
            raise ExpectedError("--scheduler: needs Dask; install liqbot[dask]", Exit.CONFIG) from None
        try:
            self._client: Any = Client(address, timeout="10s", set_as_default=False)
        except OSError as error:
            raise ExpectedError(f"--scheduler {address}: nobody answers there ({error})", Exit.UNREACHABLE) from None

    def results(self, call: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[Job, Result]]:
        from distributed import as_completed as dask_completed

        sent = dict(zip(self._client.map(call, jobs, pure=False), jobs, strict=True))
        try:
            for done in dask_completed(list(sent), loop=self._client.loop):
                yield sent[done], done.result()
        finally:
            self._client.cancel(list(sent))

    def close(self) -> None:
        self._client.close()
