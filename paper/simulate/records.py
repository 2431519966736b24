"""What was simulated before, kept in a small file, so that a long run can be interrupted and taken up again."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from paper.simulate.run import Outcome

FILE: Final = "simulate.jsonl"
_DECODER: Final = msgspec.json.Decoder(Outcome)


def code_digest() -> str:
    """Over all source files of both packages: results belong to the code that made them."""
    root = Path(__file__).parents[2]
    digest = hashlib.blake2b(digest_size=12)
    for package in ("liqbot", "paper"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


class Records:
    """One line per seed below a first line that names the code; with other code the file begins anew."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE
        self._head = code_digest()

    def read(self) -> dict[int, Outcome]:
        """By seed; nothing when the file is of other code."""
        found = {outcome.seed: outcome for outcome in self._lines()}
        if not found:
            self.path.write_text(self._head + "\n", encoding="utf-8")
        return found

    def _lines(self) -> Iterator[Outcome]:
        if not self.path.exists():
            return
        head, *lines = self.path.read_text(encoding="utf-8").splitlines() or [""]
        if head != self._head:
            return
        for line in lines:
            try:
                yield _DECODER.decode(line)
            except msgspec.DecodeError:
                return  # the line that was being written when it was interrupted

    def add(self, outcomes: Iterable[Outcome]) -> None:
        with self.path.open("ab") as file:
            for outcome in outcomes:
                file.write(msgspec.json.encode(outcome) + b"\n")
