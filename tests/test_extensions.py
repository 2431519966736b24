import hashlib
import importlib
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liqbot.exits import ExpectedError
from liqbot.extensions import extension_file, load_entry_point, load_file


def written(directory: Path, text: str, name: str = "own.py") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_a_file_is_found_beside_the_configuration_and_never_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, elsewhere = tmp_path / "config", tmp_path / "elsewhere"
    config.mkdir()
    elsewhere.mkdir()
    written(elsewhere, "X = 1")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(ExpectedError, match=re.escape(f"own.py: no Python file at {config / 'own.py'}")):
        extension_file("own.py", config)
    path = written(config, "X = 2")
    assert extension_file("own.py", config) == path
    assert extension_file(str(path), elsewhere) == path


def test_what_runs_is_what_was_hashed(tmp_path: Path) -> None:
    path = written(tmp_path, "import msgspec\nclass S(msgspec.Struct):\n    x: 'list[int]'\nVALUE = S([1])\n")
    loaded = load_file(path)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.module.VALUE.x == [1]
    assert not list(tmp_path.glob("**/*.pyc"))


@pytest.mark.parametrize("place", ["file", "directory"])
def test_a_place_that_anybody_may_write_is_refused(tmp_path: Path, place: str) -> None:
    path = written(tmp_path, "X = 1")
    open_to_all = path if place == "file" else tmp_path
    open_to_all.chmod(0o777)
    try:
        refusal = rf"^own\.py: anybody may write {re.escape(str(open_to_all))}; chmod go-w"
        with pytest.raises(ExpectedError, match=refusal):
            extension_file("own.py", tmp_path)
    finally:
        open_to_all.chmod(0o700)


def test_a_place_below_one_that_anybody_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    written(tmp_path / "mine", "X = 1")
    tmp_path.chmod(0o777)
    try:
        refusal = rf"^own\.py: anybody may write {re.escape(str(tmp_path))}, which it lies in"
        with pytest.raises(ExpectedError, match=refusal):
            extension_file("own.py", tmp_path / "mine")
        tmp_path.chmod(0o1777)  # sticky, as /tmp is: nobody else can move what is ours
        assert extension_file("own.py", tmp_path / "mine").name == "own.py"
    finally:
        tmp_path.chmod(0o700)


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    target = written(theirs, "X = 1")
    (tmp_path / "own.py").symlink_to(target)
    with pytest.raises(ExpectedError, match="anybody may write"):
        extension_file("own.py", tmp_path)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "X = 1")
    owner = path.stat().st_uid
    if owner == 0:
        os.chown(path, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(ExpectedError, match="belongs to user"):
        extension_file("own.py", tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = (\n", r"own\.py:1: '\(' was never closed"),
        ("\n\nx = 1 / 0\n", r"own\.py:3: ZeroDivisionError: division by zero"),
        ("import no_such_package\n", r"own\.py:1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("\x00", r"own\.py:1: "),
    ],
)
def test_a_broken_file_gives_one_clear_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ExpectedError, match=fault) as raised:
        load_file(written(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_an_entry_point_that_is_named_loads_and_one_that_is_not_there_is_refused_with_those_that_are() -> None:
    extension, value = load_entry_point("liqbot.verbs", "paper")
    assert value is extension.module.VERBS
    assert extension.origin == "liqbot.verbs:paper"
    assert len(extension.sha256) == 64
    with pytest.raises(ExpectedError, match=r"nothing: no installed package has this entry point in liqbot\.verbs; "
                                            r"there are: paper"):
        load_entry_point("liqbot.verbs", "nothing")


Install = Callable[..., Path]
_numbers = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package into a directory of installed ones, with its entry point `theirs`; answers with its folder."""
    name = f"their_package_{next(_numbers)}"

    def installed(**modules: str) -> Path:
        site = tmp_path / "site"
        package, metadata = site / name, site / f"{name}-1.dist-info"
        for folder in (package, metadata):
            folder.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        for module, text in modules.items():
            (package / f"{module}.py").write_text(text)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[their.group]\ntheirs = {name}.entry:VALUE\n")
        if str(site) not in sys.path:
            monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        return package

    yield installed
    for loaded in [one for one in sys.modules if one.partition(".")[0] == name]:
        del sys.modules[loaded]


def theirs() -> str:
    return load_entry_point("their.group", "theirs")[0].sha256


def test_every_module_of_the_package_of_an_entry_point_is_in_its_digest(install: Install) -> None:
    install(entry="VALUE = 1\n", arithmetic="FACTOR = 2\n")
    first = theirs()
    assert theirs() == first
    install(arithmetic="FACTOR = 3\n")
    assert theirs() != first, "it decides otherwise, and a replay has to know"


@pytest.mark.parametrize("place", ["entry.py", "arithmetic.py", ".", ".."])
def test_an_entry_point_whose_code_anybody_may_write_is_refused_before_it_runs(
    install: Install, tmp_path: Path, place: str
) -> None:
    ran = tmp_path / "ran"
    package = install(entry=f"open({str(ran)!r}, 'w').close()\nVALUE = 1\n", arithmetic="")
    open_to_all = Path(os.path.normpath(package / place))
    open_to_all.chmod(0o777)
    refusal = rf"theirs: entry point .*: anybody may write {re.escape(str(open_to_all))}\b"
    with pytest.raises(ExpectedError, match=refusal):
        theirs()
    assert not ran.exists()
    open_to_all.chmod(0o755)
    theirs()
    assert ran.exists()


def test_an_entry_point_that_only_the_current_directory_has_is_refused(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = install(entry="VALUE = 1\n")
    monkeypatch.chdir(package.parent)
    with pytest.raises(ExpectedError, match=f"only the current directory, {re.escape(str(package.parent))}, has it"):
        theirs()


def test_an_entry_point_whose_package_is_gone_gives_one_clear_line(install: Install) -> None:
    package = install(entry="VALUE = 1\n")
    for path in package.iterdir():
        path.unlink()
    package.rmdir()
    importlib.invalidate_caches()
    with pytest.raises(ExpectedError, match=r"theirs: entry point .*: ModuleNotFoundError: No module named 'their_"):
        theirs()
