"""The code's digest and the snapshot's version follow from the source: nobody has to remember to raise them."""

import ast
import pathlib
import subprocess
import sys

import pytest

from liqbot.blocks import DTYPES
from liqbot.code_version import (
    _remembered_digest,
    _state_sources,
    require_same_strategies,
    shape_digest,
    source_digest,
    state_version,
    this_code,
)
from liqbot.events import CodeVersion
from liqbot.exits import Exit, ExpectedError
from liqbot.runtime.assembly import snapshot_version

SOURCES = dict(_state_sources())
COLUMNS = {kind: str(dtype.descr) for kind, dtype in DTYPES.items()}


@pytest.mark.drawn
def test_the_version_of_a_snapshot_is_the_shape_of_the_state():
    assert snapshot_version().endswith(f"state {state_version()}")
    assert state_version() == shape_digest(SOURCES, COLUMNS)
    script = "from liqbot.code_version import state_version; print(state_version())"
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": str(pathlib.Path(__file__).parents[1])},
    ).stdout.strip()
    assert elsewhere == state_version()


STATEFUL = '''
"""A module with state."""
import msgspec
import numpy as np

SIZE = 8  # bins

class Kept(msgspec.Struct):
    """One row."""

    time_ms: int
    price: float = 0.0

class Map:
    def __init__(self) -> None:
        self._usd = np.zeros(SIZE, np.float64)

    def add(self, usd: float) -> None:
        self._usd += usd

    def state(self) -> dict:
        """Plain values."""
        return {"usd": packed(self._usd)}
'''


def test_a_remembered_shape_is_that_of_the_source_whatever_lies_there(tmp_path: pathlib.Path) -> None:
    place, other = tmp_path / "state-version", {"a.py": STATEFUL.replace("price: float", "price: int")}
    shape, other_shape = shape_digest({"a.py": STATEFUL}, {}), shape_digest(other, {})
    assert _remembered_digest({"a.py": STATEFUL}, {}, place) == shape
    kept = place.read_text(encoding="ascii")
    place.write_text(kept.replace(shape, "0" * 16), encoding="ascii")
    assert _remembered_digest({"a.py": STATEFUL}, {}, place) == "0" * 16, "it is not parsed again"
    assert _remembered_digest(other, {}, place) == other_shape
    for damaged in (b"", b"\xff", kept[:30].encode(), kept.replace(shape, shape[:-1]).encode(), kept.encode() * 2):
        place.write_bytes(damaged)
        assert _remembered_digest({"a.py": STATEFUL}, {}, place) == shape
        assert place.read_text(encoding="ascii") == kept
    assert _remembered_digest({"a.py": STATEFUL}, {}, tmp_path / "nowhere" / "state-version") == shape


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("price: float = 0.0", "price: float = 0.0\n    size_usd: float = 0.0"),
        ("    price: float = 0.0\n", ""),
        ("price: float", "price: int"),
        ("time_ms: int", "at_ms: int"),
        ("np.float64", "np.float32"),
        ("SIZE = 8", "SIZE = 9"),
        ('"usd": packed', '"sum_usd": packed'),
        ("packed(self._usd)", "packed(self._usd[1:])"),
    ],
)
def test_another_field_type_dtype_or_key_is_another_version(before: str, after: str):
    assert before in STATEFUL
    assert shape_digest({"a.py": STATEFUL}, {}) != shape_digest({"a.py": STATEFUL.replace(before, after)}, {})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("self._usd += usd", "self._usd += usd * 2.0"),
        ('"""Plain values."""', '"""Everything."""'),
        ("  # bins", "  # of .05 %"),
        ("import msgspec\nimport numpy", "import msgspec\n\n\nimport numpy"),
    ],
)
def test_arithmetic_comments_and_layout_leave_the_version(before: str, after: str):
    assert before in STATEFUL
    assert shape_digest({"a.py": STATEFUL}, {}) == shape_digest({"b.py": STATEFUL.replace(before, after)}, {})


def test_the_columns_of_market_rows_are_part_of_it():
    more = {**COLUMNS, "marks": str([*DTYPES["marks"].descr, ("basis_pct", "<f8")])}
    assert shape_digest(SOURCES, more) != state_version()


@pytest.mark.drawn
def test_whatever_the_engine_saves_lies_where_the_digest_looks():
    """Each function that saves state, planted with one statement more, gives another version."""
    planted = 0
    for file, source in SOURCES.items():
        lines = source.splitlines(keepends=True)
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef) and function.name in {"state", "load_state"}:
                last = function.body[-1]
                more = [*lines[: last.lineno - 1], " " * last.col_offset + "planted = 1\n", *lines[last.lineno - 1 :]]
                assert shape_digest({file: "".join(more)}, {}) != shape_digest({file: source}, {}), function.name
                planted += 1
    assert planted >= 10


def test_the_code_names_its_source_and_the_strategies_beside_it():
    code = this_code("1", 5, (("mine", "b" * 64), ("a_first", "a" * 64)))
    assert (code.version, code.time_ms) == ("1", 5)
    assert code.source == source_digest()
    assert len(code.source) == 64
    assert code.strategies == (("a_first", "a" * 64), ("mine", "b" * 64)), "in an order that says nothing"
    assert this_code("1", 5).strategies == ()


def code(*strategies: tuple[str, str]) -> CodeVersion:
    return CodeVersion(time_ms=0, version="1", platform="p", strategies=strategies)


def test_strategy_files_must_be_those_that_were_recorded():
    recorded = code(("mine", "a" * 64))
    require_same_strategies(recorded, code(("mine", "a" * 64), ("more", "c" * 64)), "j.sqlite")
    require_same_strategies(code(), code(("more", "c" * 64)), "j.sqlite")
    for here, said in ((code(("mine", "b" * 64)), "bbbbbbbbbbbb... is loaded"), (code(), "the profile (--config DIR)")):
        with pytest.raises(ExpectedError) as refused:
            require_same_strategies(recorded, here, "j.sqlite")
        assert refused.value.exit_code is Exit.CONFIG
        assert "strategy 'mine'" in str(refused.value)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
