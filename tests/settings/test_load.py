"""The real configuration: order of layers, errors that say where, what a journal remembers."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Loaded, Settings, config_digest, config_json, load, restored
from liqbot.settings.show import MASK, rows

CANARY = "canary-8f1c"


def loaded(
    directory: Path,
    *,
    profile: str = "paper",
    environment: Mapping[str, str] | None = None,
    overrides: tuple[str, ...] = (),
) -> Loaded:
    return load(profile, config=directory, overrides=overrides, environment=environment or {})


def refusal(directory: Path, **layers: object) -> str:
    with pytest.raises(ExpectedError) as caught:
        loaded(directory, **layers)  # type: ignore[arg-type]
    assert caught.value.exit_code is Exit.CONFIG
    return str(caught.value)


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    found = loaded(tmp_path / "nowhere")
    assert found.origins == {}
    assert found.settings.mode == "paper"


def test_each_layer_overrides_the_one_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "LIQBOT_LOG__LEVEL").write_text("warning", encoding="utf-8")
    (secrets / "LIQBOT_LOG__LEVEL").chmod(0o600)
    (tmp_path / "paper.toml").write_text("[journal]\nkeep_days = 3\n[log]\nlevel = 'debug'\n", encoding="utf-8")
    seen = []

    def level_and_origin(**layers: object) -> None:
        found = loaded(tmp_path, **layers)  # type: ignore[arg-type]
        seen.append((found.settings.log.level, found.origins.get(("log", "level"))))
        assert found.settings.journal.keep_days == 3, "a value only the profile sets survives every layer above"

    level_and_origin()
    (tmp_path / "local.toml").write_text("[log]\nlevel = 'info'\n", encoding="utf-8")
    level_and_origin()
    level_and_origin(environment={"LIQBOT_LOG__LEVEL": "error"})
    monkeypatch.setenv("LIQBOT_SECRETS", str(secrets))
    level_and_origin(environment={"LIQBOT_LOG__LEVEL": "error"})
    level_and_origin(environment={"LIQBOT_LOG__LEVEL": "error"}, overrides=("log.level=debug",))
    assert seen == [
        ("debug", str(tmp_path / "paper.toml")),
        ("info", str(tmp_path / "local.toml")),
        ("error", "$LIQBOT_LOG__LEVEL"),
        ("warning", str(secrets / "LIQBOT_LOG__LEVEL")),
        ("debug", "--set log.level"),
    ]


def test_leverage_above_the_ceiling_is_refused_wherever_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "paper.toml").write_text("[risk]\nleverage_max = 50\n", encoding="utf-8")
    message = refusal(tmp_path)
    assert "risk.leverage_max = 50" in message
    assert str(tmp_path / "paper.toml") in message
    assert "5" in message.rpartition(":")[2]
    assert "$LIQBOT_RISK__LEVERAGE_MAX" in refusal(tmp_path, environment={"LIQBOT_RISK__LEVERAGE_MAX": "50"})
    assert "--set risk.leverage_max" in refusal(tmp_path, overrides=("risk.leverage_max=50",))


def test_every_fault_gets_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "paper.toml").write_text("mode = 'yolo'\n[journal]\nkeep_days = 'long'\n", encoding="utf-8")
    lines = refusal(tmp_path).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["mode", "journal.keep_days"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("coins = ['btc']", "capitals"),
        ("coins = ['BTC', 'BTC']", "without repeats"),
        ("coins = []", "coins"),
        ("trade_venue = 'kraken'", "not one of venues"),
        ("venues = ['binance:eur']", "usdt, usdc, usd, coin"),
        ("[journal]\nkeep_days = nan", "journal.keep_days"),
        ("[risk]\ndaily_loss_pct_max = true", "risk.daily_loss_pct_max = True"),
        ("[risk]\nleverage_max = false", "a number is right"),
        ("[market.estimate]\nleverages = [true, 5.0]", "market.estimate.leverages"),
        ("[market.trust.of_venues]\nbinance = true", "market.trust.of_venues.binance"),
        ("[risk]\nrisk_per_trade_pct = 2\ndaily_loss_pct_max = 1.5", "risk.daily_loss_pct_max = 1.5"),
        ("[signals.grab_reverse]\ndistance_pct_min = 6\ndistance_pct_max = 5.5", "nothing lies between"),
        ("[risk]\ncore_venues = ['binnance']", "risk.core_venues: no such venue: 'binnance'; did you mean 'binance'"),
        ("[market.estimate.oi_shares]\nokex1 = 0.1", "market.estimate.oi_shares: no such venue: 'okex1'"),
        ("[signals.avoid_liquidity]\nheld_percentile_max = 39.9", "reduced at once"),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "paper.toml").write_text(text, encoding="utf-8")
    assert complaint in refusal(tmp_path)


def test_switches_stay_switches(tmp_path: Path) -> None:
    risk = "[risk]\nrisk_per_trade_pct = 2\ndaily_loss_pct_max = 2\n"
    text = f"allow_thin_coin = true\n[signals.cascade]\nenabled = false\n{risk}"
    (tmp_path / "paper.toml").write_text(text, encoding="utf-8")
    assert load("paper", config=tmp_path, environment={}).settings.allow_thin_coin


def test_a_profile_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text("", encoding="utf-8")
    assert "profiles there: demo" in refusal(tmp_path, profile="domo")


def test_secrets_never_show(tmp_path: Path) -> None:
    found = loaded(tmp_path, environment={"LIQBOT_KEYS__BINANCE__SECRET": CANARY})
    key = found.settings.keys["binance"].secret
    assert key is not None
    assert key.get_secret_value() == CANARY
    shown = {row.name: row.value for row in rows(found)}
    assert shown["keys.binance.secret"] == MASK
    for text in (repr(found), str(found.settings), config_json(found.settings), found.settings.model_dump_json()):
        assert CANARY not in text
    assert CANARY not in refusal(
        tmp_path, environment={"LIQBOT_KEYS__BINANCE": json.dumps({"secret": [CANARY]})}
    )


def test_the_record_is_canonical_and_brings_the_settings_back(tmp_path: Path) -> None:
    one = loaded(tmp_path, environment={"LIQBOT_COINS": "ETH,BTC", "LIQBOT_KEYS__BINANCE__SECRET": CANARY}).settings
    other = loaded(tmp_path, overrides=("coins=ETH,BTC",)).settings
    assert config_json(one) == config_json(other)
    again = restored(config_json(one))
    assert config_json(again) == config_json(one)
    assert again.coins == ("ETH", "BTC")
    assert config_digest(config_json(one)) != config_digest(config_json(Settings()))


def test_a_record_with_unknown_names_is_refused() -> None:
    with pytest.raises(ExpectedError, match=r"does not know \(levrage\): a newer liqbot wrote it") as caught:
        restored('{"levrage": 3}')
    assert caught.value.exit_code is Exit.CONFIG
    with pytest.raises(ExpectedError, match=r"does not fit this version: risk\.leverage_max: 99; .*5") as caught:
        restored('{"risk": {"leverage_max": 99}}')
    assert "\n" not in str(caught.value)


def test_origin_of_every_value_is_known(tmp_path: Path) -> None:
    found = rows(loaded(tmp_path, overrides=("journal.keep_days=2",)))
    assert {row.origin for row in found if row.name != "journal.keep_days"} == {"default"}
    assert [row.origin for row in found if row.name == "journal.keep_days"] == ["--set journal.keep_days"]


def test_a_section_is_found_by_its_type() -> None:
    settings = Settings()
    assert settings.section(type(settings.journal)) is settings.journal
    with pytest.raises(LookupError):
        settings.section(Settings)
