"""`liqbot score` as a user runs it: text, JSON, files, and one line for what is wrong."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from liqbot.cli import main
from liqbot.exits import Exit
from paper.tapes.truth import export
from paper.world import World, WorldParams
from paper.world.params import SEVEN_VENUES, CrowdParams, ShockParams

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Tape and truth of a market of a day and a half."""
    directory = tmp_path_factory.mktemp("market")
    params = WorldParams(
        days=1, step_ms=600_000, backfill_days=0.5, backfill_step_ms=600_000, burn_in_days=0.5, venues=SEVEN_VENUES[:2],
        crowd=CrowdParams(positions=600), shocks=ShockParams(first_wick_minute=None),
    )  # fmt: skip
    tape, truth = directory / "tape.parquet", directory / "truth.parquet"
    export(World(params, 6), tape, truth, every_ms=HOUR_MS)
    return str(tape), str(truth)


def test_it_prints_tables(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", files[0], "--profile"]) == Exit.OK
    said = capsys.readouterr()
    assert "M1 touch skill" in said.out
    assert "ORACLE" not in said.out
    assert "reading the tape" in said.err


def test_it_prints_json_and_writes_every_forecast(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "forecasts"
    words = ["score", files[0], "--truth", files[1], "--json", "--forecasts-out", str(out), "--seed", "2"]
    assert main(words) == Exit.OK
    found: dict[str, Any] = msgspec.json.decode(capsys.readouterr().out)
    assert found["placed_by"] == "orders"
    assert found["seed"] == 2
    assert set(found["gains"]) == {"1", "4", "24"}
    assert "ORACLE" in found["touch"]
    assert {one["measure"] for one in found["leads"]} >= {"M1", "M2", "M3"}
    written = {path.stem for path in out.iterdir() if path.suffix == ".parquet"}
    assert written == {"frozen", "outcome", "positions", "touch"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.parquet"], "nothing.parquet: no such file"),
        (["{tape}", "--truth", "nothing.parquet"], "--truth nothing.parquet: no such file"),
        (["{tape}", "--truth", "{tape}"], "column 'leverage' is missing"),
        (["{truth}"], "kind"),
        (["{tape}", "--coin", "DOGE"], "--coin 'DOGE': the tape has BTC"),
        (["{tape}", "--forecasts-out", "{tape}/below"], "--forecasts-out"),
        (["{tape}", "--seed", "-1"], "--seed"),
        ([], "TAPE"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    files: tuple[str, str], words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [word.format(tape=files[0], truth=files[1]) for word in words]
    assert main(["score", *filled]) == Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_where_no_file_can_be_is_said_before_the_work(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "touch.parquet").mkdir()
    assert main(["score", files[0], "--forecasts-out", str(tmp_path)]) == Exit.USAGE
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "touch.parquet in it is a directory, a file is right" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["touch.parquet"]
