"""A request for market data whose answer is read here: one that does not fit is requested again, a few times."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from liqbot.connection.client import VenueClient
from liqbot.venues.parsing import MalformedMessage
from liqbot.venues.streams import RequestParams

ANSWERS_MAX: Final = 3
_PAUSE_S: Final = 0.25
Read = TypeVar("Read")


async def answer_of(
    client: VenueClient, method: str, params: RequestParams, weight: int, read: Callable[[Any], Read],
    on_malformed: Callable[[MalformedMessage], None],
) -> Read:
    """What `read` makes of the answer. VenueError, or MalformedMessage when ANSWERS_MAX answers in a row did not fit;
    each of them goes to `on_malformed`."""
    for number in range(1, ANSWERS_MAX + 1):
        payload = await client.call(method, params, weight=weight)
        try:
            return read(payload)
        except MalformedMessage as error:
            on_malformed(error)
            if number == ANSWERS_MAX:
                raise
        await asyncio.sleep(_PAUSE_S * number)
    raise AssertionError("the last answer returns or raises")
