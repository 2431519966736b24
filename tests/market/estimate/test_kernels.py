"""Kernels against the plain way, and what makes them fit to be compiled: arrays and numbers, one file, no objects."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.market.estimate import kernels, step_kernels
from liqbot.market.estimate.price_grid import edges, position_of
from liqbot.runtime.compiled_kernels import KERNELS

FILES = (kernels, *KERNELS)
ESTIMATE = Path(kernels.__file__).parent
prices = st.floats(1e-5, 1e7)


@given(st.lists(prices, min_size=1, max_size=20))
def test_prices_are_placed_to_the_last_bit_as_one_by_one(told: list[float]) -> None:
    assert step_kernels.grid_positions(np.array(told), edges()).tolist() == [position_of(price) for price in told]


@pytest.mark.parametrize("kernels", FILES, ids=lambda module: module.__name__)
def test_kernels_take_and_give_arrays_and_numbers_only(kernels: ModuleType) -> None:
    plain = {"Floats", "Whole", "Flags", "int", "float", "bool", "None", "list[float]", "list[int]",
             "tuple[float, float]", "tuple[int, int]", "tuple[bool, bool]", "tuple[Floats, Floats]",
             "tuple[Floats, Floats, Floats]", "tuple[Floats, Floats, float]",
             "tuple[Floats, Floats, Floats, Whole]"}
    for name, function in inspect.getmembers(kernels, inspect.isfunction):
        tree = ast.parse(inspect.getsource(function)).body[0]
        assert isinstance(tree, ast.FunctionDef)
        named = [argument.annotation for argument in (*tree.args.args, *tree.args.kwonlyargs)] + [tree.returns]
        assert {ast.unparse(one) for one in named if one is not None} <= plain, name


@pytest.mark.parametrize("kernels", FILES, ids=lambda module: module.__name__)
def test_a_kernel_file_needs_no_file_of_ours_that_is_none(kernels: ModuleType) -> None:
    """A changed constant elsewhere must not leave a compiled copy with the old one."""
    tree = ast.parse(Path(str(kernels.__file__)).read_text(encoding="utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if name.startswith("liqbot") and not name.endswith("kernels")]


@pytest.mark.parametrize("kernels", FILES, ids=lambda module: module.__name__)
def test_no_kernel_calls_itself(kernels: ModuleType) -> None:
    calls = {
        name: set(function.__code__.co_names) for name, function in inspect.getmembers(kernels, inspect.isfunction)
    }
    for name in calls:
        reached, ahead = set(), {name}
        while ahead:
            ahead = {callee for one in ahead for callee in calls[one] if callee in calls} - reached
            reached |= ahead
        assert name not in reached


@pytest.mark.parametrize("path", sorted(ESTIMATE.glob("*.py")), ids=lambda path: path.name)
def test_arrays_are_owned_by_the_state_alone(path: Path) -> None:
    """No other class of this room keeps an array that lives from step to step."""
    if path.name in {"state.py", "entry_to_liquidation.py"}:
        return
    # Fixed from the start, the answer of the last step, and the state itself.
    parameters = {"rates", "_leverages", "_all", "reported_usd", "state"}
    kept = [
        target.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and "np." in ast.unparse(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
    ]
    assert set(kept) <= parameters


@given(st.integers(0, 2**32), st.integers(-5_000, 5_000))
def test_moving_the_window_keeps_every_lines_sum(seed: int, bins: int) -> None:
    chance = np.random.default_rng(seed)
    cells = np.zeros((2, 1, 2, 1, kernels.BINS))
    at = chance.integers(0, kernels.BINS, 50)
    cells[:, :, :, :, at] = chance.integers(1, 1_000, (2, 1, 2, 1, 50))
    if bins:
        assert (kernels.moved_cells(cells, bins).sum(axis=4) == cells.sum(axis=4)).all()


def test_a_row_without_open_interest_is_not_capped() -> None:
    cap, total = np.ones((2, 2)), np.full((2, 2, 3), 5.0)
    ones = np.ones((2, 2, 3))
    step_kernels.bound(cap, total, ones, np.ones((2, 3)), ones, np.array([[np.inf, np.inf], [3.0, 3.0]]))
    assert cap.tolist() == [[1.0, 1.0], [0.2, 0.2]]
