"""What runs the bot on a server: the unit, the container and the compose file say what the program has."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from liqbot.exits import Exit

ROOT = Path(__file__).parents[1]
UNIT = (ROOT / "config" / "liqbot.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "config" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "config" / "compose.yaml").read_text(encoding="utf-8")
PORT = "8711"
EXPOSURE_MAX = 20
"""In tenths, of what systemd itself counts up to 100."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="apt-get install systemd")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = tmp_path / "liqbot.service"
    unit.write_text(UNIT.replace("/opt/liqbot/run", str(ROOT / "run")).replace("User=liqbot", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    of_ours = [line for line in done.stderr.splitlines() if "liqbot.service" in line]
    assert not of_ours


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="apt-get install systemd")
def test_the_unit_is_as_closed_as_it_says() -> None:
    """Rated without running it; a setting that is lost shows. What stays open beside the network is named in it."""
    words = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE_MAX}"]
    done = subprocess.run(
        [*words, str(ROOT / "config" / "liqbot.service")], capture_output=True, text=True, check=False
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze before 250 rates only what is loaded")
    open_ = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert done.returncode == 0, done.stderr + "\n".join(open_)
    assert any("MemoryDenyWriteExecute" in line for line in open_), "the unit says why"
    assert "Not MemoryDenyWriteExecute" in UNIT


def test_the_unit_does_not_try_again_what_a_person_must_mend() -> None:
    found = re.search(r"^RestartPreventExitStatus=(.*)$", UNIT, re.MULTILINE)
    assert found
    assert {int(code) for code in found[1].split()} == {Exit.USAGE, Exit.CONFIG, Exit.HALTED, Exit.RUNNING}


def test_container_and_compose_ask_the_same_door_that_the_program_opens() -> None:
    from liqbot.settings.params import MetricsParams

    assert str(MetricsParams().port) == PORT
    assert f"http://127.0.0.1:{PORT}/healthz" in DOCKERFILE
    assert f'"127.0.0.1:{PORT}:{PORT}"' in COMPOSE, "published on this machine alone"


def test_the_container_names_files_that_exist_and_directories_that_the_program_reads() -> None:
    from liqbot.places import PLACE_VARIABLES

    assert "COPY . /opt/liqbot" in DOCKERFILE
    assert "dockerfile: config/Dockerfile" in COMPOSE
    named = set(re.findall(r"LIQBOT_[A-Z]+(?==|:)", DOCKERFILE + COMPOSE))
    assert {name for name in named if name != "LIQBOT_METRICS"} <= set(PLACE_VARIABLES)
