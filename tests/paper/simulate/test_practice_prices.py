"""The test market of a simulated house: its ratio stays within its bounds and moves, its mark is read now and then."""

from hypothesis import given
from hypothesis import strategies as st

from paper.simulate.practice_prices import RATIO_MAX, RATIO_MIN, READ_EVERY_MS, PracticePrices

KEY, PRICE = ("bybit", "BTC"), 50_000.0
SPANS_MS = st.lists(st.sampled_from([1_000, 5_000, 20_000, 300_000]), min_size=1, max_size=80)


@given(st.integers(0, 10**6), SPANS_MS, st.floats(-0.06, 0.06), st.integers(0, 200_000))
def test_the_ratio_keeps_its_bounds_and_its_range_holds_all_that_it_was(
    seed: int, spans_ms: list[int], share: float, back_ms: int
) -> None:
    prices, now_ms, passed = PracticePrices(seed), 1_000_000, list[tuple[int, float]]()
    for number, span_ms in enumerate(spans_ms):
        now_ms += span_ms
        prices.move(now_ms, span_ms)
        if number == len(spans_ms) // 2:
            prices.jump(share, now_ms)
        assert RATIO_MIN <= prices.ratio <= RATIO_MAX
        passed.append((now_ms, prices.ratio))
    lowest, highest = prices.between(now_ms - min(back_ms, 180_000))
    since = [ratio for at_ms, ratio in passed if at_ms > now_ms - min(back_ms, 180_000)]
    assert all(lowest <= ratio <= highest for ratio in (*since, prices.ratio))


def test_many_seeds_lie_apart_and_some_of_them_move() -> None:
    found = [PracticePrices(seed) for seed in range(60)]
    began = [one.ratio for one in found]
    assert min(began) < 0.95
    assert max(began) > 1.05
    assert any(abs(one.ratio - 1.0) * 100 > one.limits["mark_deviation_pct_max"] for one in found), "beyond the limit"
    for one in found:
        one.move(1_000, 60_000)
    still = sum(one.ratio == before for one, before in zip(found, began, strict=True))
    assert 0 < still < len(found)


def test_its_mark_is_read_now_and_then_absurd_once_and_not_while_nobody_answers() -> None:
    prices = PracticePrices(1)

    def read(now_ms: int) -> list[float]:
        return [fact.mark_price / PRICE for fact in prices.reading(KEY, PRICE, now_ms, said_ms=now_ms)]

    (first,) = read(10_000)
    assert abs(first / prices.ratio - 1) < 1e-3
    assert not read(10_000 + READ_EVERY_MS - 1)
    prices.absurd_share = 10.0
    (absurd,) = read(10_000 + READ_EVERY_MS)
    assert abs(absurd / prices.ratio / 10.0 - 1) < 1e-3
    (next_one,) = read(20_000)
    assert abs(next_one / prices.ratio - 1) < 1e-3
    prices.silent_until_ms = 40_000
    assert not read(39_999)
    assert read(40_000)
