"""The script everything starts with: plain POSIX, and what continuous integration runs is what the README says."""

import re
import subprocess
import sys
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


def placed(folder: Path, *tools: str) -> Path:
    """A checkout of the script and the locks alone, with these tools on its PATH."""
    for name in tools:
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        (folder / name).symlink_to(found.stdout.strip())
    (folder / "run").write_text((ROOT / "run").read_text(encoding="utf-8"), encoding="utf-8")
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-boot.lock", "pyproject.toml"):
        (folder / lock).symlink_to(ROOT / lock)
    return folder


def called(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(folder / "run"), "paper"], env={"PATH": str(folder)}, capture_output=True, text=True, check=False
    )


PIP = "ERROR: Could not find a version that satisfies the requirement uv"
TOOLS = ("sh", "cat", "cksum", "dirname", "rm")


def test_a_missing_python_is_said_in_one_line(tmp_path: Path) -> None:
    done = called(placed(tmp_path, *TOOLS))
    assert done.returncode == 1
    assert done.stderr == "run: python3 is missing: apt-get install python3 python3-pip\n"


def test_a_missing_network_is_said_in_one_line(tmp_path: Path) -> None:
    folder = placed(tmp_path, *TOOLS, "tail")
    python = folder / "python3"
    python.write_text("""#!/bin/sh
case $* in *--version*) exit 0 ;; esac
for n in 1 2 3 4 5; do echo "WARNING: Retrying (Retry(total=$n))" >&2; done
echo "$SAID" >&2
exit 1
""".replace("$SAID", PIP))
    python.chmod(0o755)
    done = called(folder)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "run: fetching uv into .boot",
        f"run: uv cannot be fetched; is the package index reached from here? pip: {PIP}",
    ]


def test_a_checkout_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    folder = placed(tmp_path, *TOOLS)
    # Root may write anywhere but on a read-only file system: the question is answered as there.
    text = (folder / "run").read_text(encoding="utf-8").replace('[ -w "$root" ]', "false")
    (folder / "run").write_text(text, encoding="utf-8")
    done = called(folder)
    assert done.returncode == 1
    assert done.stderr.startswith(f"run: the environment cannot be built: {folder} cannot be written; ")
    assert done.stderr.count("\n") == 1


def test_two_that_compile_at_once_do_not_hinder_each_other(tmp_path: Path) -> None:
    """And what the compiler has to say goes nowhere: stdout is the verb's."""
    text = (ROOT / "run").read_text(encoding="utf-8")
    function = text[text.index("compile_bytecode() {") :].partition("\n}\n")[0] + "\n}\n"
    (tmp_path / ".venv").mkdir()
    for name in ("liqbot", "paper"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "broken.py").write_text("def broken(:\n")
        (tmp_path / name / "whole.py").write_text("WHOLE = 1\n")
    script = f"set -eu\nroot={tmp_path}\npython={sys.executable}\n{function}compile_bytecode\necho done\n"
    both = [
        subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for one in both:
        assert one.communicate(timeout=60) == ("done\n", None)
        assert one.returncode == 0
    assert list((tmp_path / "paper").glob("__pycache__/whole.*.pyc"))
    assert [path.name for path in (tmp_path / ".venv").iterdir()] == ["bytecode-made"]
