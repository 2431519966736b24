"""What comes from outside cannot speak to the terminal, and passwords in addresses are not shown: at every door."""

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.cli import main
from liqbot.legible import LegibleStream, legible_output, shown, spelled, without_passwords
from liqbot.log import configure
from liqbot.review.tables import print_rows
from liqbot.settings import config_json, load, settings_model
from liqbot.verbs.control import status_text

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202egnp.exe\u2066\x9b31m\x08"
SECRET = "canary-7d1f-in-a-url"
URL = f"postgresql://liq:{SECRET}@db.example/liqbot"


def is_harmless(text: str) -> bool:
    return all(one.isprintable() or one in "\n\t" for one in text)


@given(st.text())
def test_whatever_is_shown_is_printable_and_printable_text_stays(text: str) -> None:
    assert is_harmless(shown(text))
    assert spelled(text).isprintable()
    if text.isprintable() and ":/" not in text:
        assert shown(text) == spelled(text) == text


def test_of_escapes_a_terminal_gets_colours_alone() -> None:
    assert shown("\x1b[1mbold\x1b[0m", colours=True) == "\x1b[1mbold\x1b[0m"
    assert shown("\x1b[1mbold\x1b[0m") == "\\x1b[1mbold\\x1b[0m"
    for escape in ("\x1b[2J", "\x1b[8m", "\x1b]8;;http://evil\x07", "\x1b[1A"):
        assert "\x1b" not in shown(f"a{escape}b", colours=True)


def test_lone_surrogates_and_directions_are_named() -> None:
    assert shown("a\u202eb\udcff") == "a\\u202eb\\udcff"


@pytest.mark.parametrize("text", [URL, f"cannot reach {URL}: refused", f"'{URL}' and '{URL}'"])
def test_a_password_in_an_address_is_masked(text: str) -> None:
    assert SECRET not in without_passwords(text)
    assert "liq:***@db.example" in without_passwords(text)


def test_addresses_without_a_password_stay() -> None:
    for text in ("http://127.0.0.1:8900", "sqlite:////var/lib/a@b:c", "https://a.example/x?y=1:2@3"):
        assert without_passwords(text) == text


def test_every_stream_of_a_verb_goes_through_the_door(capsys: pytest.CaptureFixture[str]) -> None:
    with legible_output():
        print(HOSTILE)
        print(f"Traceback: {URL}", file=sys.stderr)
    said = capsys.readouterr()
    assert is_harmless(said.out)
    assert SECRET not in said.err
    assert not isinstance(sys.stdout, LegibleStream)


def test_a_mistyped_verb_is_repeated_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"sta{HOSTILE}"]) == 2
    assert is_harmless(capsys.readouterr().err)


def test_tables_and_logs_are_clean_on_a_terminal_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_rows([{"reason": HOSTILE}], ["reason"], empty="")
    said = capsys.readouterr().out
    assert is_harmless(said)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure("info", "console")
    import structlog

    structlog.get_logger("test").warning("seen", reason=HOSTILE, url=URL)
    written = terminal.getvalue()
    assert "\x1b]0" not in written
    assert "\u202e" not in written
    assert SECRET not in written


def test_status_spells_what_a_venue_wrote() -> None:
    report = {
        "version": "1", "mode": "live", "trade_venue": "x", "up_s": 1, "equity_usd": "1", "drawdown_pct": 0.0,
        "halt_code": "X", "halted": f"refused: {HOSTILE}", "strategies_disabled": {HOSTILE: HOSTILE},
        "journal_trouble": HOSTILE, "observers": {"trouble": {"a": HOSTILE}}, "positions": [], "coins": [],
        "feeds": {"okx": {"rows": 1, "last_error": HOSTILE}}, "account_told": None, "log_lines_dropped": 0,
        "naked": dict.fromkeys(("now_ms", "last_ms", "p99_ms", "max_ms", "positions", "limit_ms"), 0),
    }  # fmt: skip
    assert is_harmless(status_text(report))


def test_a_password_of_the_ledger_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIQBOT_LEDGER__URL", URL)
    loaded = load("paper", config=tmp_path)
    assert loaded.settings.ledger.url == URL, "what connects needs it whole"
    text = config_json(loaded.settings)
    assert SECRET not in text, "what is journaled"
    assert "liq:***@" in text
    for words in (["config", "show"], ["config", "show", "--origin"], ["config", "show", "--json"]):
        main([*words, "--config", str(tmp_path)])
    monkeypatch.setenv("LIQBOT_LEDGER__URL", f"nonsense://liq:{SECRET}@x")
    main(["trades", "--data", str(tmp_path)])
    main(["trades", "--db", f"postgresql://liq:{SECRET}@127.0.0.1:9/liqbot"])
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert "liq:***@" in said.out


def test_an_address_on_this_machine_is_one() -> None:
    model = settings_model()
    for address in ("http://127.0.0.1:8900", "http://localhost:1", "http://[::1]:8900", ""):
        assert model(network={"loopback": address}).network.loopback == address
    for address in (
        "http://127.0.0.1:80@evil.example", "http://localhost:80@evil.example/", "http://127.0.0.1:8900/x",
        "http://127.0.0.1.evil.example:80", "https://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:80\n",
        "http://127.0.0.1:99999x",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="expected an address on this machine"):
            model(network={"loopback": address})

