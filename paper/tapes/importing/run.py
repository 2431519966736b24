"""Importing: recognise each file, read it, merge all, write one tape and read it back."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from paper.tapes.format import TapeError, TapeHeader
from paper.tapes.importing.facts import BookCodes, Closes
from paper.tapes.importing.files import Source, found
from paper.tapes.importing.merge import Spool
from paper.tapes.importing.reading import Format, Hints, Reading
from paper.tapes.importing.recognise import recognised
from paper.tapes.importing.tables import Sample, sample_of
from paper.tapes.mend import mend
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import replacing, write_groups


class ImportedFile(msgspec.Struct, frozen=True):
    file: str
    format: str
    rows: int


class Imported(msgspec.Struct, frozen=True):
    """A tape, and what it was made of."""

    tape: Tape
    files: tuple[ImportedFile, ...]
    notes: tuple[str, ...]


class _Import:
    """What the files of one import share."""

    def __init__(self, hints: Hints, spool: Spool) -> None:
        self._hints, self._spool = hints, spool
        self.codes, self._closes = BookCodes(), Closes()
        self.files: list[ImportedFile] = []
        self.notes: dict[str, list[str]] = {}
        """Text -> files that it is said of."""

    def read(self, sources: Sequence[Source]) -> None:
        """Files that tell coins without a price wait for those that bring one."""
        samples = [(source, sample_of(source)) for source in sources]
        for source, sample in samples:
            if sample is None:
                self.note("has no rows", source.name)
        known = [(sample, recognised(sample)) for _, sample in samples if sample is not None]
        valued = any(form.valued_by_others for _, form in known)
        for sample, form in sorted(known, key=lambda one: one[1].valued_by_others):
            self._read(sample, form, keep_closes=valued)

    def _read(self, sample: Sample, form: Format, *, keep_closes: bool) -> None:
        reading, rows = Reading(sample, self._hints, self.codes, self._closes), 0
        self._spool.begin(sample.source.name)
        for facts in form.read(reading):
            self._spool.add(facts)
            if keep_closes:
                self._closes.add(facts)
            rows += len(facts.rows)
        self.files.append(ImportedFile(sample.source.name, form.name, rows))
        for text in reading.notes:
            self.note(text, sample.source.name)

    def note(self, text: str, file: str) -> None:
        self.notes.setdefault(text, []).append(file)

    def lines(self) -> Iterator[str]:
        """For people: each text once, with the first file that it is said of."""
        for text, files in self.notes.items():
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            yield f"{files[0]}{more}: {text}"


def import_files(
    typed: Sequence[str | Path], path: str | Path, hints: Hints = Hints(), *, mended: bool = False,  # noqa: B008 -- frozen
) -> Imported:
    """One tape from files, folders and patterns, in whatever order. TapeError, and nothing is written, when a file is
    of no known format or breaks its own, or when files contradict each other or tell the same time twice (`mended`:
    what is told twice is dropped, and noted)."""
    path, shown = Path(path), ", ".join(map(str, typed))
    if path.suffix != ".parquet":
        raise TapeError(f"{path}: the tape to write comes last, and its name ends in .parquet")
    files_found = found(typed, beside=path)
    with (
        replacing(path) as part,
        tempfile.TemporaryDirectory(dir=part.parent, prefix=".import-") as folder,
        Spool(Path(folder)) as spool,
    ):
        whole = _Import(hints, spool)
        whole.read(files_found.sources)
        for name in files_found.passed_over:
            whole.note("passed over, by its ending", name)
        if not any(one.rows for one in whole.files):
            raise TapeError(f"{shown}: no rows to import{''.join(f'; {line}' for line in whole.lines())}")
        roster = whole.codes.roster()
        note = f"imported: {', '.join(sorted({one.format for one in whole.files}))}"
        header = TapeHeader(venues=roster.venues, coins=roster.coins, note=note)
        write_groups(part, spool.merged(), roster, header, learnt=spool.learnt)
        try:
            changes = mend(part, part).changes if mended else ()
            tape = read_tape(part)
        except TapeError as error:
            raise _of_its_file(error, part, None if mended else spool, shown) from None
        notes = [*whole.lines(), *changes]
        if spool.repeated:
            notes.append(f"{spool.repeated:,} rows that another file tells alike were left out")
    return Imported(msgspec.structs.replace(tape, path=str(path)), tuple(whole.files), tuple(notes))


def _of_its_file(error: TapeError, tape: Path, spool: Spool | None, shown: str) -> TapeError:
    """What is wrong with the tape that was made, said of the file and row that it came from; of all files where the
    rows of the tape are no longer those of `spool`."""
    if error.row is None or spool is None:
        return TapeError(str(error).replace(str(tape), f"{shown}, merged"))
    file, row = spool.origin(error.row)
    return TapeError(str(error).replace(f"{tape}: row {error.row} ", f"{file}: row {row} "))
