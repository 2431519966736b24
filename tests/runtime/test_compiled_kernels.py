"""The compiled fold is loaded only as it was made, compiled only where nobody trades, and never missed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from liqbot.market.estimate import fold_kernels
from liqbot.runtime import compiled_kernels
from liqbot.runtime.compiled_kernels import KernelsDamaged, KernelsUnavailable, load, make, require_sound, use_compiled


@pytest.fixture(autouse=True)
def _as_in_production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(compiled_kernels.UNCOMPILED_VARIABLE, raising=False)
    reason, in_use = compiled_kernels._State.reason, {
        name: getattr(module, name)
        for module in compiled_kernels.KERNELS for name in compiled_kernels.PLAIN if hasattr(module, name)
    }
    compiled_kernels.use_plain()
    yield
    compiled_kernels._State.reason = reason
    compiled_kernels._put(in_use)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("environment") / "kernels"
    make(home)
    return home


def the_same(made: Path) -> None:
    require_sound(made)
    assert set(load(made)) == set(compiled_kernels.PLAIN)


@pytest.mark.long
def test_what_was_made_is_loaded_and_nothing_is_compiled(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/nowhere")
    the_same(made)
    assert os.environ["NUMBA_CACHE_DIR"] == "/nowhere"


@pytest.mark.long
def test_a_read_only_environment_and_a_home_that_cannot_be_written_do(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    folders = [made, *(path for path in made.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        the_same(made)
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.long
def test_every_damaged_byte_is_seen_and_making_it_anew_mends_it(made: Path, tmp_path: Path) -> None:
    for path in sorted(path for path in made.rglob("*") if path.is_file())[::7]:
        kept = path.read_bytes()
        status = path.stat()
        path.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with pytest.raises(KernelsDamaged):
            load(made)
        path.write_bytes(kept)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    the_same(made)


@pytest.mark.long
@pytest.mark.parametrize("lost", ["manifest.json", "step_kernels.py", "cache"])
def test_a_part_that_is_missing_is_seen(made: Path, lost: str, tmp_path: Path) -> None:
    aside = shutil.move(made / lost, tmp_path / lost)
    try:
        with pytest.raises(KernelsUnavailable):
            load(made)
    finally:
        shutil.move(aside, made / lost)
    the_same(made)


@pytest.mark.long
def test_another_source_or_processor_is_never_served_what_was_made_for_this_one(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changed = tmp_path / "fold_kernels.py"
    changed.write_bytes(Path(str(fold_kernels.__file__)).read_bytes() + b"\n")
    with monkeypatch.context() as patch:
        patch.setattr(fold_kernels, "__file__", str(changed))
        with pytest.raises(KernelsUnavailable, match="another source"):
            load(made)
    monkeypatch.setattr("llvmlite.binding.get_host_cpu_name", lambda: "other")
    with pytest.raises(KernelsUnavailable, match="another processor"):
        load(made)


@pytest.mark.long
@pytest.mark.parametrize(("setting", "expected"), [("unset", ""), ("set", "LIQBOT_UNCOMPILED is set")])
def test_a_process_takes_it_once_and_says_why_not(
    made: Path, monkeypatch: pytest.MonkeyPatch, setting: str, expected: str
) -> None:
    monkeypatch.setattr(compiled_kernels, "place", lambda: made)
    if setting == "set":
        monkeypatch.setenv(compiled_kernels.UNCOMPILED_VARIABLE, "1")
    plain = fold_kernels.draw_row
    assert use_compiled() == expected
    assert (fold_kernels.draw_row is plain) == bool(expected)
    monkeypatch.setattr(compiled_kernels, "place", lambda: made / "nowhere")
    assert use_compiled() == expected


@pytest.mark.long
def test_hardened_memory_is_respected(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_kernels, "may_execute", lambda: False)
    with pytest.raises(KernelsUnavailable, match="executable"):
        load(made)


@pytest.mark.drawn(singly=True)
def test_verbs_that_only_read_load_neither_compiler_nor_machine_code(tmp_path: Path) -> None:
    """Half a second and 145 MB that nothing is read with."""
    code = """
import sys
from liqbot import cli
for word in ("--help", "venues", "pnl", "trades", "decisions", "status"):
    cli.main([word])
    loaded = sorted({"numba", "llvmlite"} & set(sys.modules))
    if loaded:
        sys.exit(f"{word} loads {loaded}")
print("all were asked")
"""
    environment = {name: value for name, value in os.environ.items() if name != compiled_kernels.UNCOMPILED_VARIABLE}
    environment["LIQBOT_DATA"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all were asked\n")
