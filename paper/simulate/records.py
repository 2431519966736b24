"""What was simulated before, kept in small files, so that a long run can be interrupted and taken up again."""

import hashlib
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import numpy as np

from liqbot.exits import Exit, ExpectedError
from paper.simulate.run import RunOutcome
from paper.simulate.shrink import Shrunk

FILE: Final = "simulate.jsonl"
MUTANT_RUNS_FILE: Final = "mutants.jsonl"
Kept = TypeVar("Kept", bound=msgspec.Struct)


class MutantRun(msgspec.Struct, frozen=True):
    """Which of these seeds was the first to notice a mutant, after how many were tried."""

    mutant: str
    first_seed: int
    seeds: int
    caught: Shrunk | None
    tried: int


def code_digest() -> str:
    """Over all source files of both packages and the numbers underneath: results belong to the code that made them."""
    root = Path(__file__).parents[2]
    digest = hashlib.blake2b(f"{platform.python_version()} {np.__version__}\n".encode(), digest_size=12)
    for package in ("liqbot", "paper"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


class _Lines(Generic[Kept]):
    """One line each below a first line that names the code; with other code the file begins anew."""

    def __init__(self, directory: Path, name: str, kind: type[Kept]) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExpectedError(f"--data {directory}: {error.strerror}; name a directory", Exit.USAGE) from error
        self.path, self.digest = directory / name, code_digest()
        self._decoder = msgspec.json.Decoder(kind)

    def _read(self) -> Iterator[Kept]:
        head, _, rest = self.path.read_text(encoding="utf-8").partition("\n") if self.path.exists() else ("", "", "")
        if head != self.digest:
            self.path.write_text(self.digest + "\n", encoding="utf-8")
            return
        if not rest.endswith("\n"):
            with self.path.open("ab") as file:
                file.write(b"\n")  # below the line that was being written when it was interrupted
        for line in filter(None, rest.split("\n")):
            try:
                yield self._decoder.decode(line)
            except msgspec.DecodeError:
                continue

    def add(self, one: Kept) -> None:
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(one) + b"\n")


class RunRecords(_Lines[RunOutcome]):
    """Of seeds."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, FILE, RunOutcome)

    def read(self) -> dict[int, RunOutcome]:
        """By seed; nothing when the file is of other code."""
        return {outcome.seed: outcome for outcome in self._read()}


class MutantRuns(_Lines[MutantRun]):
    """Of mutants."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, MUTANT_RUNS_FILE, MutantRun)

    def read(self, first_seed: int, seeds: int) -> dict[str, MutantRun]:
        """By mutant: runs from the same seed on that answer for so many seeds."""
        return {
            run.mutant: run
            for run in self._read()
            if run.first_seed == first_seed and (run.seeds == seeds or (run.caught is None and run.seeds > seeds))
        }
