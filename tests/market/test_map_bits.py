"""The driver that two checkouts are compared with: it sees the last bit, and a restart in mid-step changes none."""

import numpy as np
import pytest
from map_digests import digests, random_blocks

from liqbot.market.estimate import fold_kernels


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("seed", range(4))
def test_a_market_restored_in_mid_step_reads_the_same_to_the_last_bit(seed: int) -> None:
    roster, blocks = random_blocks(seed, 40)
    whole = list(digests(roster, blocks, every=5))
    assert list(digests(roster, blocks, every=5, restore_every=7)) == whole
    assert len(set(whole)) > len(blocks) // 2


@pytest.mark.drawn(singly=True)
@pytest.mark.usefixtures("plain_fold")
def test_one_last_bit_of_one_kernel_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    roster, blocks = random_blocks(1, 12)
    whole, shares = list(digests(roster, blocks)), fold_kernels.shares_of
    monkeypatch.setattr(
        fold_kernels, "shares_of",
        lambda *given: np.nextafter(found := shares(*given), np.where(found > 0.0, 2.0, found)),
    )  # fmt: skip
    assert list(digests(roster, blocks)) != whole
