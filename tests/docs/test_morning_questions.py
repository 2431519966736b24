"""The questions of a morning that the documents answer with one command each: the command is run, and the answer is in
what it prints."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from ledger_story import story
from small_tape import small_tape

from liqbot import places
from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.ledger import LedgerWriter
from tests.builders.documents import ROOT

SAID = "2025-10-10", "2025-06-15"
"""The day in the documents, and the one of the story."""
ANSWERS = {
    "Why did we lose on this trade?": ("lost 843.68 USD net", "out for   the first stop was reached", "because"),
    "Why was there no trade on": ("volume_ratio", "COOLDOWN", "POSITION_OPEN"),
    "What did funding cost?": ("funding -3.28",),
    "Which refusals cost us most?": ("refused   in ticks", "before costs (estimate), dearest first", "COOLDOWN"),
    "What did the map say then?": ("BTC liquidation map  2025-06-15 15:06:47 UTC", "USD is an estimate"),
    "Where would I be liquidated at 5x on OKX": ("long BTC at 65,536 with 5x", "from entry", "liquidation"),
    "Is the map right lately?": ("the map explains 62% of the deviance",),
    "Was any position ever unprotected?": ("without a full stop: 0 ms",),
    "Which feed was down?": ("1 feed was down", "trades of BTC on bybit: down"),
    "What changed since yesterday?": ("money", "trades    1 closed", "map       BTC"),
}
OWN = "What would my own strategy have done?"
PROFILE = """
coins = ["BTC"]
venues = ["binance"]
[risk]
warmth_pct_min = 0.0
[signals]
files = ["own_strategy.py"]
[signals.breakout]
move_range_min = 0.5
volume_ratio_min = 0.2
"""


def questions() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    section = text[text.index("## The morning after") :].split("\n## ")[0]
    rows = re.findall(r"^\| (.+\?) \| `(.+)` \|$", section, re.MULTILINE)
    return {said: shlex.split(command)[1:] for said, command in rows}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("morning")
    with LedgerWriter(f"sqlite:///{places.ledger_path(folder)}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return folder


def test_there_are_eleven_and_each_has_its_answer() -> None:
    asked = questions()
    assert len(asked) == len(ANSWERS) + 1 == 11
    assert [said for said in asked if not any(said.startswith(one) for one in (*ANSWERS, OWN))] == []


def test_each_is_answered_by_its_one_command(
    books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for said, words in questions().items():
        if said == OWN:
            continue
        command = [word.replace(*SAID) for word in words]
        assert main([*command, "--data", str(books)]) == Exit.OK, said
        told = capsys.readouterr().out
        essential = next(answer for begin, answer in ANSWERS.items() if said.startswith(begin))
        assert [one for one in essential if one not in told] == [], f"{said}\n{told}"


@pytest.mark.drawn(singly=True)
def test_what_ones_own_strategy_would_have_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = questions()[OWN]
    strategies = tmp_path / "config" / "strategies"
    strategies.mkdir(parents=True, mode=0o700)
    shutil.copyfile(ROOT / "examples" / "own_strategy.py", strategies / "own_strategy.py")
    for path in (strategies, strategies / "own_strategy.py"):
        path.chmod(0o700)
    (tmp_path / "config" / "mine.toml").write_text(PROFILE, encoding="utf-8")
    tape = str(small_tape(tmp_path / "mine.parquet", hours=48))
    command = [tape if word == "TAPE" else word for word in words]
    assert main([*command, "--config", str(tmp_path / "config"), "--no-controls"]) == Exit.OK
    told = capsys.readouterr().out
    assert "breakout" in told
    assert "decisions:" in told
