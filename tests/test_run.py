"""The script everything starts with: plain POSIX, and what continuous integration runs is what the README says."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_it_is_a_posix_script() -> None:
    assert (ROOT / "run").read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(ROOT / "run")], check=False).returncode == 0


def test_integration_runs_the_test_command_of_the_readme() -> None:
    documented = re.search(r"^(\./run test)\b", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    executed = re.search(r"^exec (.*)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert documented
    assert executed
    assert executed.group(1) == documented.group(1)


def test_a_missing_python_is_said_in_one_line(tmp_path: Path) -> None:
    for name in ("sh", "cat", "cksum", "dirname", "rm"):
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        (tmp_path / name).symlink_to(found.stdout.strip())
    (tmp_path / "run").write_text((ROOT / "run").read_text(encoding="utf-8"), encoding="utf-8")
    for lock in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / lock).symlink_to(ROOT / lock)
    done = subprocess.run(
        ["sh", str(tmp_path / "run"), "paper"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "run: python3 is missing: apt-get install python3 python3-pip\n"
