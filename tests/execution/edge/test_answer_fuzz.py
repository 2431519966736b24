"""A slice of `./run bench answers`: mangled answers with orders under way end nothing and are not believed."""

import asyncio

import pytest

from tests.builders.answer_fuzz import Fuzzed, HurriedLoop, Mutator, counted, fuzzed
from tests.builders.loopback_broker import VENUES_SERVED

EPISODES = 3


async def _fuzz(venue: str, seed: int) -> Fuzzed:
    async with fuzzed(venue, seed) as fuzz:
        for _ in range(EPISODES):
            await fuzz.episode()
    return fuzz


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", VENUES_SERVED)
def test_nothing_ends_of_mangled_answers_and_none_is_believed(venue: str) -> None:
    seed = 7
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        fuzz = runner.run(_fuzz(venue, seed))
    assert fuzz.wrong == [], f"seed {seed}"
    assert counted(fuzz), f"seed {seed}: {fuzz.outcomes.count} of {fuzz.faults.count.total()}"
    assert fuzz.outcomes.count["AnswerMalformed"] > 50
    assert len(fuzz.faults.count) > 10


def test_the_same_seed_makes_the_same_nonsense() -> None:
    body = b'{"code": "0", "data": [{"state": "live", "sz": "1"}]}'
    first, second = Mutator(3), Mutator(3)
    assert [first(body, nonsense=True) for _ in range(50)] == [second(body, nonsense=True) for _ in range(50)]
    assert all(changed != body for _, changed in (first(body, nonsense=True) for _ in range(50)))
