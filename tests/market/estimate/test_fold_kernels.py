"""The compiled fold gives the bits of the plain one: kernel by kernel, and over markets in random order."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from map_digests import digests, random_blocks

from liqbot.blocks import EventBlock, Roster
from liqbot.market.estimate import fold_kernels
from liqbot.runtime import compiled_kernels
from liqbot.runtime.compiled_kernels import KernelsUnavailable

Kernels = dict[str, Callable[..., Any]]
PLAIN: Kernels = dict(compiled_kernels.PLAIN)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    """What the environment holds, or made here where the source has changed since."""
    home = compiled_kernels.place()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(compiled_kernels.UNCOMPILED_VARIABLE, raising=False)
        try:
            found = compiled_kernels.load(home)
        except KernelsUnavailable:
            home = tmp_path_factory.mktemp("kernels") / "made"
            compiled_kernels.make(home)
            found = compiled_kernels.load(home)
        yield found


def amounts(chance: random.Random, *shape: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Of very different sizes, many of them zero: sums in another order differ."""
    noise = np.random.default_rng(chance.randrange(1 << 30))
    return noise.lognormal(3.0, 6.0, shape) * (noise.random(shape) < 0.7)


@pytest.mark.drawn(dear=True)
@given(st.integers(0, 9_000), st.integers(0, 1 << 20))
@settings(max_examples=150)
def test_sums_are_those_of_numpy_to_the_last_bit(compiled: Kernels, count: int, seed: int) -> None:
    values = amounts(random.Random(seed), count) - 10.0
    assert compiled["summed"](values) == np.add.reduce(values)
    assert fold_kernels.written_out_sum(values) == np.add.reduce(values)
    assert compiled["running_maximum"](values).tobytes() == np.maximum.accumulate(values).tobytes()


def drawn(kernels: Kernels, seed: int) -> bytes:
    """Two lines that random rows were drawn into."""
    chance = random.Random(seed)
    rows, tiers, bins = chance.choice((1, 3)), chance.choice((1, 5, 9, 17)), 4096
    first = chance.randrange(20_000, 30_000)
    cells, out = np.zeros((2, rows, 2, tiers, bins)), (np.zeros(bins), np.zeros(bins))
    middle = bins // 2 + chance.randrange(-300, 300)
    cells[..., middle - 900 : middle + 900] = amounts(chance, 2, rows, 2, tiers, 1800)
    noise = np.random.default_rng(seed)
    frontier, extent = np.zeros((rows, 2)), np.zeros((rows, 2), np.int64)
    for row in range(rows):
        frontier[row] = first + middle + noise.uniform(-5.0, 0.0), first + middle + noise.uniform(0.0, 5.0)
        extent[row] = first + middle - chance.randrange(3, 5000), first + middle + chance.randrange(3, 5000)
    if seed % 5 == 0:
        frontier[0] = -np.inf, np.inf
    scale, total = noise.random((rows, 2, tiers)), cells[0].sum(axis=3)
    printing, unlearnt = noise.lognormal(0.0, 1.0, (rows, tiers)), noise.random(tiers)
    beside, oi_usd = noise.random((rows, 2, tiers)), chance.choice((float("inf"), noise.lognormal(20.0, 2.0)))
    for row in range(rows):
        kernels["draw_row"](
            cells, scale, beside, total, frontier, extent, printing[row], unlearnt,
            noise.lognormal(10.0, 3.0, (rows, tiers)), noise.lognormal(12.0, 5.0, (rows, 2)),
            (noise.random(tiers) < 0.8).astype(np.float64), row, first,
            middle + noise.uniform(-9.0, 9.0), float(chance.choice((0, noise.uniform(-30.0, 30.0)))),
            chance.choice((1.0, 0.7)), 40.0, 0.7,
            0.6 * oi_usd, 1.1 * oi_usd, 0.8, seed % 2, *out,
        )  # fmt: skip
    return out[0].tobytes() + out[1].tobytes()


@pytest.mark.drawn(singly=True)
@given(st.integers(0, 1 << 20))
@settings(max_examples=40)
def test_rows_are_drawn_alike(compiled: Kernels, seed: int) -> None:
    assert drawn(compiled, seed) == drawn(PLAIN, seed)


def opened(kernels: Kernels, seed: int) -> bytes:
    """What random bars opened, near the ends of the window too."""
    chance, noise = random.Random(seed), np.random.default_rng(seed)
    rows, tiers, first = chance.choice((1, 4)), chance.choice((1, 9)), 30_000
    cells, clock = np.zeros((2, rows, 2, tiers, 4096)), noise.random(tiers)
    scale, total = 0.1 + noise.random((rows, 2, tiers)), noise.random((rows, 2, tiers))
    frontier, extent = np.tile((-np.inf, np.inf), (rows, 1)), np.tile((1 << 40, 0), (rows, 1))
    away = noise.uniform(1.0, 1500.0, (rows, 2, tiers)) * np.array([-1.0, 1.0])[:, None]
    whole, part = np.floor(away).astype(np.int64), (away - np.floor(away))[..., None]
    ends = np.stack([whole[:, 0].max(1), whole[:, 1].min(1), whole[:, 0].min(1), whole[:, 1].max(1)], axis=1)
    for _ in range(3):
        low = first + noise.uniform(-500.0, 4500.0, rows)
        high = low + noise.uniform(0.0, 1.0, rows) * chance.choice((0.0, 3.0, 40.0, 400.0))
        kernels["open_positions"](
            cells, clock, scale, total, frontier, extent, whole, part, 1.0 - part, noise.random((rows, 2, tiers)),
            ends, first, np.arange(rows), low, high, amounts(chance, rows, 2), low - 1.0, high + 1.0,
        )  # fmt: skip
    return b"".join(array.tobytes() for array in (cells, total, frontier, extent))


@given(st.integers(0, 1 << 20))
@settings(max_examples=40)
def test_positions_are_opened_alike(compiled: Kernels, seed: int) -> None:
    assert opened(compiled, seed) == opened(PLAIN, seed)


@given(st.integers(0, 1 << 20))
@settings(max_examples=60)
def test_windows_are_found_alike(compiled: Kernels, seed: int) -> None:
    chance = random.Random(seed)
    usd, first, reach, width, around = amounts(chance, 4096), 30_000, chance.randrange(50, 700), 24, 120
    near = np.arange(reach + 1)
    low, position = np.maximum(near - around, 0), first + 2048 + chance.random()
    share, sign = width / (near + width + around - low - width), chance.choice((-1.0, 1.0))

    def found(kernels: Kernels) -> bytes:
        opened = kernels["open_outward"](usd, position, first, sign, reach + width + around)
        windows = kernels["windows"](opened, reach, width, around, low, share, 0.75)
        places = kernels["outstanding"](windows[2], width, 8, 0.01)
        return b"".join(array.tobytes() for array in (opened, *windows, places))

    assert found(compiled) == found(PLAIN)


def read(kernels: Kernels, roster: Roster, blocks: list[EventBlock]) -> list[str]:
    """Digests of a market that these kernels fold."""
    with pytest.MonkeyPatch.context() as patch:
        for module in compiled_kernels.KERNELS:
            for name, function in kernels.items():
                patch.setattr(module, name, function, raising=False)
        return list(digests(roster, blocks, restore_every=7))


@pytest.mark.drawn(dear=True)
@pytest.mark.usefixtures("plain_fold")
@pytest.mark.parametrize("seed", [1, 3, 4])
def test_a_market_in_random_order_is_read_alike(compiled: Kernels, seed: int) -> None:
    roster, blocks = random_blocks(seed, 40)
    assert read(compiled, roster, blocks) == read(PLAIN, roster, blocks)


@pytest.mark.long
def test_no_kernel_reads_out_of_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a compiled kernel reads beyond an array it finds anything, and says nothing; here it raises."""
    monkeypatch.delenv(compiled_kernels.UNCOMPILED_VARIABLE, raising=False)
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    compiled_kernels.make(tmp_path / "made")
    checked = compiled_kernels.load(tmp_path / "made")
    with pytest.raises(IndexError):
        checked["block_sum"](np.zeros(3), 0, 4)
    for seed in range(8):
        roster, blocks = random_blocks(seed, 60)
        assert read(checked, roster, blocks) == read(PLAIN, roster, blocks)
