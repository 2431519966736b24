"""Kinds and columns of a tape stand in one table: a column more is a field of its event and a name in the format."""

import ast
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest
from patience import PATIENCE_S

import paper.tapes
from liqbot.blocks import DTYPES, EVENT_OF, KIND_OF, KINDS, NO_ROWS, EventBlock
from paper.tapes import format as tape_format

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

ROOT = pathlib.Path(__file__).parents[3]
BUILDERS = ROOT / "tests/builders"
ROOMS = sorted(pathlib.Path(paper.tapes.__file__).parent.glob("*.py"))
OWN_FILES = {"format.py", "truth.py"}
"""The table itself, and truth files, which have columns of their own."""
LISTED_MAX = 3


def texts_in(node: ast.AST) -> set[str]:
    parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


@pytest.mark.parametrize("path", [path for path in ROOMS if path.name not in OWN_FILES], ids=lambda path: path.name)
def test_no_module_but_the_format_lists_columns_or_kinds(path: pathlib.Path):
    for names in (set(tape_format.ALL_COLUMNS), set(KINDS), set(tape_format.KIND_OF_WORD)):
        lists = [
            sorted(texts_in(node) & names)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict) and len(texts_in(node) & names) > LISTED_MAX
        ]
        assert not lists, f"{path.name} lists {lists}: derive it from paper/tapes/format.py"


def test_blocks_events_and_columns_agree():
    assert tuple(EVENT_OF) == KINDS == tuple(NO_ROWS) == EventBlock.__struct_fields__[: len(KINDS)]
    assert {KIND_OF[event]: event for event in KIND_OF} == EVENT_OF
    for kind, dtype in DTYPES.items():
        assert dtype.names == EVENT_OF[kind].__struct_fields__
        assert EventBlock().rows(kind).dtype == dtype


def test_the_page_on_tapes_names_every_column_and_kind():
    page = (ROOT / "docs/tapes.md").read_text()
    for name in (*tape_format.ALL_COLUMNS, *tape_format.KIND_OF_WORD):
        assert f"`{name}`" in page, name


def test_every_kind_of_the_format_is_one_of_the_blocks_and_every_column_has_a_place():
    assert set(tape_format.KIND_OF_WORD.values()) < set(KINDS)
    held = {name for kind in tape_format.KIND_OF_WORD.values() for name in DTYPES[kind].names or ()}
    assert held | {tape_format.KIND, tape_format.CONTRACT, tape_format.LEARNT} == set(tape_format.ALL_COLUMNS)
    for kind in tape_format.KIND_OF_WORD.values():
        filled = {*tape_format.KEYS, *tape_format.REQUIRED[kind], *tape_format.MAY_BE_NULL[kind]}
        assert filled == set(DTYPES[kind].names or ())
    assert set(tape_format.ALL_COLUMNS) >= tape_format.POSITIVE_COLUMNS | tape_format.SIGNED_COLUMNS


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The program with one column more (`mark.basis_usd`) and one kind more (`depth`), edited as the format's own
    docstring says."""
    root = tmp_path_factory.mktemp("newer")
    for package in ("liqbot", "paper"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    edit(root / "liqbot/events.py", "    index_price: float | None = None\n",
         "    index_price: float | None = None\n    basis_usd: float | None = None\n\n\n"
         "class Depth(MarketFact, frozen=True, tag=True, kw_only=True):\n    depth_usd: float\n")
    edit(root / "liqbot/blocks.py", '    "positions": events.OpenPosition,\n',
         '    "depths": events.Depth,\n    "positions": events.OpenPosition,\n')
    edit(root / "liqbot/blocks.py", '    positions: Rows = NO_ROWS["positions"]\n',
         '    depths: Rows = NO_ROWS["depths"]\n    positions: Rows = NO_ROWS["positions"]\n')
    edit(root / "paper/tapes/format.py", '    "position": "positions",\n',
         '    "position": "positions",\n    "depth": "depths",\n')
    edit(root / "paper/tapes/format.py", "frozenset({RATE_STAGE})\n",
         'frozenset({RATE_STAGE, "basis_usd", "depth_usd"})\n')
    return root


def edit(path: pathlib.Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name}: {before!r} occurs {text.count(before)} times"
    path.write_text(text.replace(before, after))


def run(root: pathlib.Path, script: str, *words: str) -> list[str]:
    """The lines that the program at `root` prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *words], cwd=root, env={"PYTHONPATH": f"{root}:{BUILDERS}"},
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


WRITE = """
    import pathlib, sys
    import liqbot
    from liqbot import events
    from liqbot.blocks import Roster, block_of
    from liqbot.journal import Journal
    from paper.tapes.writer import write_tape
    roster, start_ms = Roster(("binance",), ("BTC",)), 1_700_000_000_000
    more = {"basis_usd": 4.5} if hasattr(events, "Depth") else {}
    blocks = []
    for n in range(3):
        where = {"time_ms": start_ms + n, "venue": "binance", "coin": "BTC"}
        happened = [events.MarkPrice(**where, mark_price=100.0 + n, **(more if n else {}))]
        if more and n == 2:
            happened.append(events.Depth(**where, depth_usd=7.0))
        blocks.append(block_of(happened, roster, tick_ms=start_ms + n))
    folder = pathlib.Path(sys.argv[1])
    write_tape(folder / "tape.parquet", blocks, roster)
    with Journal.open(folder / "journal.sqlite", mode="paper", account="sim", roster=roster) as journal:
        for n, block in enumerate(blocks):
            journal.append(block, "feed", n)
"""
READ_TAPE = """
    import pathlib, sys
    from market_events import market_events
    from liqbot.exits import ExpectedError
    from paper.tapes.reader import read_tape
    try:
        tape = read_tape(pathlib.Path(sys.argv[1]) / "tape.parquet")
        for block in tape.blocks():
            for event in market_events(block, tape.roster):
                print(type(event).__name__, getattr(event, "basis_usd", "-"), getattr(event, "depth_usd", "-"))
        print(*tape.notes, sep="\\n")
    except ExpectedError as error:
        print(error)
"""
READ_JOURNAL = """
    import pathlib, sys
    from liqbot.exits import ExpectedError
    from liqbot.journal import JournalReader
    with JournalReader(pathlib.Path(sys.argv[1]) / "journal.sqlite") as reader:
        try:
            for block in reader.blocks():
                print(*block.marks.tolist())
        except ExpectedError as error:
            print(error)
"""


def test_a_column_and_a_kind_more_need_no_other_edit(newer: pathlib.Path, tmp_path: pathlib.Path):
    run(newer, WRITE, str(tmp_path))
    marks = ["MarkPrice None -", "MarkPrice 4.5 -", "MarkPrice 4.5 -"]
    assert run(newer, READ_TAPE, str(tmp_path))[:4] == [*marks, "Depth - 7.0"]
    assert [line.split()[-1] for line in run(newer, READ_JOURNAL, str(tmp_path))] == ["nan)", "4.5)", "4.5)"]


def test_what_the_program_before_wrote_lacks_the_column(newer: pathlib.Path, tmp_path: pathlib.Path):
    run(ROOT, WRITE, str(tmp_path))
    assert run(newer, READ_TAPE, str(tmp_path))[:3] == ["MarkPrice None -"] * 3
    assert [line.split()[-2:] for line in run(newer, READ_JOURNAL, str(tmp_path))] == [["nan,", "nan)"]] * 3


def test_the_program_before_refuses_what_it_does_not_know_by_name(newer: pathlib.Path, tmp_path: pathlib.Path):
    run(newer, WRITE, str(tmp_path))
    (tape,), (journal,) = run(ROOT, READ_TAPE, str(tmp_path)), run(ROOT, READ_JOURNAL, str(tmp_path))
    assert "column 'kind': 'depth'; one of trades" in tape
    assert "record 1: marks: column 'basis_usd' is not one this program knows" in journal
