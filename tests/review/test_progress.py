"""Long work says how far it is; what is quick says nothing."""

import pytest

from liqbot.blocks import EventBlock
from liqbot.review.progress import lasting, progress, watched


@pytest.mark.progress
@pytest.mark.parametrize(("seconds_each", "said"), [(0.001, 0), (0.5, 4)])
def test_a_line_now_and_then_with_the_time_left(
    capsys: pytest.CaptureFixture[str], seconds_each: float, said: int
) -> None:
    now_s = iter([0.0, *(seconds_each * n for n in range(101))])
    with progress("work", lambda: next(now_s)) as advance:
        for n in range(101):
            advance(n / 100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == said
    if said:
        assert lines[0].startswith("work: ")
        left_s = [int(line.split()[2]) for line in lines]
        assert left_s == sorted(left_s, reverse=True)
        assert left_s[0] == pytest.approx(50 - 2, abs=2)


def test_blocks_pass_as_they_are_and_tell_their_share() -> None:
    blocks = [EventBlock(tick_ms=None if n % 2 else 1_000 + n * 10) for n in range(300)]
    shares: list[float] = []
    passed = list(watched(blocks, 1_000, 4_000, shares.append))
    assert all(one is other for one, other in zip(passed, blocks, strict=True))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(256 * 10 / 3_000)


@pytest.mark.progress
def test_a_line_says_the_share_and_how_long_it_will_take(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter((0.0, 1.0, 20.0, 25.0, 100.0))
    with progress("walks", lambda: next(clock)) as advance:
        for share in (0.1, 0.25, 0.3, 0.5):
            advance(share)
    assert capsys.readouterr().err.splitlines() == ["walks: 25%, 60 s left", "walks: 50%, 2 min left"]
    assert [lasting(seconds) for seconds in (89.0, 90.0, 5_400.0)] == ["89 s", "2 min", "1.5 h"]
