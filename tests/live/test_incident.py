"""`incident`: what is needed is in it, and no secret is, wherever one was planted."""

import json
import stat
import tarfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot import places
from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.review.redaction import REDACTED, Redactor
from tests.builders.short_life import written

PLANTED = {
    "LIQBOT_KEYS__BINANCE__API_KEY": "PLANTEDapikey0001",
    "LIQBOT_KEYS__BINANCE__SECRET": 'PLANTED"secret\\0002',
    "LIQBOT_ALERTS__NOTIFY": "tgram://PLANTEDtoken0003/42 mailto://me:PLANTEDmail0004@example.com",
    "LIQBOT_ALERTS__WEBHOOK_SECRET": "PLANTEDwebhook0005" + "x" * 20,
    "SOME_OTHER_TOKEN": "PLANTEDother0006",
    "DATABASE": "postgresql://me:PLANTEDdatabase0007@db/x",
}
ADDRESS = "https://hc.example/PLANTEDping0008"
FILED = "PLANTEDfile0009" + "y" * 20
UNKNOWN = (
    'Authorization: Bearer PLANTEDbearer0010, "signature": "PLANTEDsignature0011" ?token=PLANTEDquery0012&x=1 '
    "api_key = PLANTEDassigned0013; X-MBX-APIKEY: PLANTEDheader0014"
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with a journal, small files and a log; secrets everywhere."""
    data, config, secrets = (tmp_path / name for name in ("state", "config", "secrets"))
    for folder in (data, config, secrets):
        folder.mkdir(mode=0o700)
    written(places.journal_path(data), snapshot_at=None)
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    (secrets / "LIQBOT_WEBHOOK__SECRET").write_text(FILED)
    (secrets / "LIQBOT_WEBHOOK__SECRET").chmod(0o600)
    monkeypatch.setenv("LIQBOT_SECRETS", str(secrets))
    (config / "paper.toml").write_text(f'[alerts]\nping_url = "{ADDRESS}"\n')
    everything = " ".join((*PLANTED.values(), ADDRESS, FILED, UNKNOWN))
    (tmp_path / "bot.log").write_text(f"it said {everything}\nsize 0.5 at 50000\n" * 3)
    (data / "alerts.jsonl").write_text(json.dumps({"text": everything}) + "\n")
    (data / "hung.json").write_text(json.dumps([everything]))
    return data


def opened(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }


@pytest.mark.drawn(singly=True)
def test_no_planted_secret_is_in_it_and_all_else_is(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.tar.gz"
    words = ["incident", str(file), "--data", str(data), "--config", str(tmp_path / "config"), "--around", "1d",
             "--log", str(tmp_path / "bot.log"), "--log", str(tmp_path / "nowhere.log")]  # fmt: skip
    assert main([*words, "--json"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    files = opened(file)
    assert sorted(files) == told["files"]
    leaked = {name: text[text.index("PLANTED") :][:40] for name, text in files.items() if "PLANTED" in text}
    assert not leaked
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "size 0.5 at 50000" in files["logs/1-bot.log"]
    assert "No such file" in files["logs/2-nowhere.log"]
    assert json.loads(files["config.json"])["alerts.ping_url"]["value"] == REDACTED
    assert "no bot is running" in json.loads(files["status.json"])["missing"]
    assert json.loads(files["versions.json"])["packages"]["msgspec"]
    assert {one["what"] for one in json.loads(files["doctor.json"])} >= {"configuration", "disk", "journal", "bot"}
    records = [json.loads(line) for line in files["journal.jsonl"].splitlines()]
    assert "Balance" in {fact["type"] for record in records for fact in record["facts"]}
    assert "no ledger" in json.loads(files["ledger/decision.jsonl"])["missing"]
    assert main(words) == Exit.USAGE, "it is there already"


@pytest.mark.drawn(singly=True)
def test_a_profile_that_cannot_be_read_is_part_of_it(data: Path, tmp_path: Path) -> None:
    (tmp_path / "config" / "paper.toml").write_text(f'[alerts]\nping_url = "{ADDRESS}"\n[risk]\nleverage_maxx = 1\n')
    file = tmp_path / "x.tar.gz"
    assert main(["incident", str(file), "--data", str(data), "--config", str(tmp_path / "config")]) == Exit.OK
    files = opened(file)
    assert "leverage_maxx" in json.loads(files["config.json"])["missing"]
    assert not [name for name, text in files.items() if "PLANTED" in text]


@given(st.text(st.characters(codec="utf-8"), min_size=6, max_size=30).filter(lambda text: len(text.split()) == 1))
def test_a_secret_is_found_however_it_is_spelled(secret: str) -> None:
    redact = Redactor([secret])
    for text in (secret, json.dumps({"x": secret}), f"a {secret} b"):
        assert secret not in redact(text).replace(REDACTED, "")


def test_what_is_no_secret_stays() -> None:
    text = json.dumps({"price": "58200.5", "key": 7, "reason": "token sale", "usd": str(Decimal(3)), "monkey": "x"})
    assert json.loads(Redactor([])(text))["price"] == "58200.5"
    assert Redactor([])("stop at 100, mark 101") == "stop at 100, mark 101"
