"""Venues of the user's own, as a profile names them; and what is refused of any venue that it names."""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import config_json, load, restored
from liqbot.settings.load import Loaded
from liqbot.settings.venues import streamed
from liqbot.venues.registry import VENUES, mechanics_of

OWN = """
import msgspec
from liqbot.venues.registry import VENUES
VENUE = msgspec.structs.replace(VENUES["{like}"], venue="{name}")
"""
PIER = OWN.format(like="bitget", name="pier")


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    yield
    with contextlib.suppress(ValueError):
        VENUES.remove("pier")


def written(folder: Path, profile: str, own: str = PIER) -> Path:
    folder.chmod(0o700)
    (folder / "pier.py").write_text(own)
    (folder / "pier.py").chmod(0o600)
    (folder / "paper.toml").write_text(profile)
    return folder


def loaded(folder: Path, **layers: object) -> Loaded:
    return load("paper", config=folder, **({"environment": {}} | layers))  # type: ignore[arg-type]


NAMED = 'venues = ["binance", "pier"]\nvenue_files = ["pier.py"]\n'


def test_it_is_loaded_with_absolute_path_and_the_digest_of_its_text(tmp_path: Path) -> None:
    found = loaded(written(tmp_path, NAMED)).settings
    digest = hashlib.sha256(PIER.encode()).hexdigest()
    assert found.venue_files == (f"{tmp_path / 'pier.py'}@sha256:{digest}",)
    assert not mechanics_of("pier", "BTC").assumed


def test_a_venue_whose_file_nobody_named_is_unknown(tmp_path: Path) -> None:
    folder = written(tmp_path, 'venues = ["binance", "pier"]\n')
    with pytest.raises(ExpectedError, match=r"^venues: no such venue: 'pier'; "):
        loaded(folder)


def test_recorded_settings_bring_their_venue_and_refuse_another_text(tmp_path: Path) -> None:
    text = config_json(loaded(written(tmp_path, NAMED)).settings)
    VENUES.remove("pier")
    assert restored(text).venue_files
    assert "pier" in VENUES
    VENUES.remove("pier")
    written(tmp_path, NAMED, PIER + "# changed\n")
    with pytest.raises(ExpectedError, match=r"pier\.py: its sha256 is [0-9a-f]{64}, recorded or pinned is [0-9a-f]"):
        restored(text)


def test_a_start_after_the_text_has_changed_recovers_under_todays(tmp_path: Path) -> None:
    text = config_json(loaded(written(tmp_path, NAMED)).settings)
    loaded(written(tmp_path, NAMED, OWN.format(like="htx", name="pier")))
    assert restored(text).venues == ("binance", "pier")
    assert mechanics_of("pier", "BTC").assumed


def test_a_pin_of_the_users_own_is_held(tmp_path: Path) -> None:
    folder = written(tmp_path, NAMED.replace("pier.py", "pier.py@sha256:" + "0" * 64))
    with pytest.raises(ExpectedError, match="recorded or pinned is 0000"):
        loaded(folder)


@pytest.mark.parametrize("layers", [
    {"overrides": ('venue_files=["pier.py"]',)}, {"environment": {"LIQBOT_VENUE_FILES": '["pier.py"]'}},
], ids=["--set", "variable"])
def test_only_the_profile_names_code(tmp_path: Path, layers: dict[str, object]) -> None:
    folder = written(tmp_path, "")
    with pytest.raises(ExpectedError, match=r"^venue_files \(from .*\): code is named in the profile or in local"):
        loaded(folder, **layers)
    assert "pier" not in VENUES


def test_nothing_is_loaded_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    written(folder, NAMED)
    monkeypatch.chdir(tmp_path)
    for name in ("LIQBOT_CONFIG", "LIQBOT_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ExpectedError, match=r"not loaded from .* because it is in the current directory"):
        load("paper", environment={})


@pytest.mark.parametrize(("own", "fault"), [
    ("VENUE = 1\n", r"pier\.py: VENUE is missing, or no VenueSpec"),
    ("", r"pier\.py: VENUE is missing, or no VenueSpec"),
    (OWN.format(like="okx", name="okx"), r"pier\.py: venue 'okx' is built in; give yours another name"),
    ("import nothing_such\n", r"pier\.py:1: ModuleNotFoundError"),
])
def test_a_broken_file_is_one_clear_line(tmp_path: Path, own: str, fault: str) -> None:
    with pytest.raises(ExpectedError, match=fault) as refused:
        loaded(written(tmp_path, NAMED, own))
    assert refused.value.exit_code == Exit.CONFIG
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("profile", "fault"), [
    ('venues = ["binnance"]\ntrade_venue = "binnance"\n', "venues: no such venue: 'binnance'; did you mean 'binance'?"),
    ('mode = "observe"\nvenues = ["binance", "bybit:usdc"]\n',
     "venues: 'bybit:usdc': bybit has no such contract; it has 'bybit', 'coin'"),
    ('mode = "observe"\nvenues = ["binance", "coinbaseinternational"]\n',
     "venues: coinbaseinternational cannot be read live (since 2026-10-01 its contracts are traded in Deribit's"),
    ('mode = "testnet"\n', "mode: binance offers no testnet access; it has live, demo"),
])
def test_a_venue_that_cannot_do_what_the_mode_needs_is_refused_with_the_reason(
    tmp_path: Path, profile: str, fault: str
) -> None:
    with pytest.raises(ExpectedError, match=re.escape(fault)) as refused:
        loaded(written(tmp_path, profile))
    assert refused.value.exit_code == Exit.CONFIG


def test_a_venue_whose_open_interest_is_in_a_file_is_read_beside_those_of_the_wire(tmp_path: Path) -> None:
    profile = 'mode = "observe"\nvenues = ["binance", "cme"]\n'
    with pytest.raises(ExpectedError, match=r"venues: cme cannot be read live .*feeds\.reports"):
        loaded(written(tmp_path, profile))
    settings = loaded(written(tmp_path, profile + '[feeds.reports]\ncme = "/srv/cot.csv"\n')).settings
    assert streamed(settings) == ("binance",)


@pytest.mark.parametrize(("profile", "fault"), [
    ('venues = ["binance"]\n[feeds.reports]\nbybit = "a.csv"\n',
     "feeds.reports: 'bybit' has no report that can be read; possible with cme"),
    ('venues = ["cme"]\ntrade_venue = "cme"\n[feeds.reports]\ncme = "a.csv"\n', "venues: reports alone tell no prices"),
])
def test_a_report_that_is_of_no_use_is_refused(tmp_path: Path, profile: str, fault: str) -> None:
    with pytest.raises(ExpectedError, match=re.escape(fault)):
        loaded(written(tmp_path, 'mode = "observe"\n' + profile))


def test_on_paper_any_known_venue_will_do(tmp_path: Path) -> None:
    assert loaded(written(tmp_path, 'venues = ["mexc", "cme"]\ntrade_venue = "mexc"\n')).settings.trade_venue == "mexc"
