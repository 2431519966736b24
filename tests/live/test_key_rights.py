"""What a key may do besides trading, and for how long: whatever moves money is refused, whatever ends is told."""

from pathlib import Path

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.live.credentials import check_permissions
from liqbot.live.doctor import Health, _expiry
from liqbot.runtime.process import wall_ms
from liqbot.venues.registry import trading_of
from liqbot.venues.trading import KeyPermissions, VenueCaller, rank_or_none
from tests.builders.loopback_broker import rig
from tests.builders.loopback_house import access_of, place

DAY_MS = 86_400_000


async def test_a_binance_key_that_may_transfer_is_refused() -> None:
    async with rig("binance", running=False) as one:
        assert (await check_permissions(one.client, trading_of("binance"), with_money=True)).may_transfer is False
        one.account.may_transfer = True
        with pytest.raises(ExpectedError, match="may transfer to other accounts; make one that may only trade") as no:
            await check_permissions(one.client, trading_of("binance"), with_money=True)
        assert no.value.exit_code == Exit.CONFIG


async def test_a_bybit_key_that_may_transfer_is_no_start(tmp_path: Path) -> None:
    async with place("bybit") as here:
        here.account.may_transfer = True
        settings = here.settings(mode="testnet")
        with pytest.raises(ExpectedError, match="may transfer to other accounts"):
            await trade(settings, tmp_path, access_of(settings), for_s=1)
        assert here.sent("order", "leverage") == []


async def test_a_key_that_is_refused_is_one_line_with_the_venues_words_and_what_to_see(tmp_path: Path) -> None:
    async with place("binance") as here:
        settings = here.settings(secret="wrong")
        with pytest.raises(ExpectedError, match=r"^binance: refused \(-\d+\): [^{]+; see that key and secret") as no:
            await trade(settings, tmp_path, access_of(settings), for_s=1)
    assert no.value.exit_code == Exit.CONFIG


class Silent:
    """A venue that does not say what its keys may do."""

    venue = "somewhere"

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions:
        del client, with_money
        return KeyPermissions("7", may_withdraw=False, may_trade=True)


async def test_rights_that_are_not_told_are_refused_with_money_unless_somebody_answers_for_them() -> None:
    async with rig("okx", running=False) as one:
        silent = Silent()
        with pytest.raises(ExpectedError, match=r"cannot be read .* may transfer .*accept_unknown_rights = true"):
            await check_permissions(one.client, silent, with_money=True)  # type: ignore[arg-type]
        for asked in ({"with_money": False}, {"with_money": True, "accept_unknown": True}):
            await check_permissions(one.client, silent, **asked)  # type: ignore[arg-type]


async def test_when_a_key_ends_is_read() -> None:
    async with rig("bybit", running=False) as one:
        rights = await trading_of("bybit").permissions(one.client, with_money=True)
        assert rights.expires_ms == 4_102_444_800_000, "the year 2100"


@pytest.mark.parametrize(("days", "health"), [(0.5, Health.FAIL), (9, Health.WARN), (90, Health.OK)])
def test_a_key_near_its_end_is_told(days: float, health: Health) -> None:
    assert _expiry(wall_ms() + int(days * DAY_MS)).verdict is health


def test_a_rank_that_is_none_is_not_told() -> None:
    assert [rank_or_none(value) for value in (4, "5", "", None, "x", {}, 17)] == [4, 5, None, None, None, None, None]
