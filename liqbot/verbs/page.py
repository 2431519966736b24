"""`liqbot page`: the live page and its JSON interface, on this machine alone."""

import asyncio
import os
import signal
import socket
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.review.ledger_reader import URL_VARIABLE
from liqbot.review.tables import print_json
from liqbot.verbs.options import Data, Json, Profile

if TYPE_CHECKING:
    from liqbot.review.web.answers import WatchedHouse

_NICE: Final = 5
"""What trades goes first."""


def page(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 0: a free one.")] = 8080,
    host: Annotated[str, typer.Option("--host", help="Address of this machine alone to listen on.")] = "127.0.0.1",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser of this machine.")] = False,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> int:
    """Serve the live page of a state directory: map, heatmap, positions, decisions, feeds, and the same as JSON.

    Read-only, at 127.0.0.1 alone, without internet, in a process of its own; the bot need not run. From another
    machine: ssh -L 8080:127.0.0.1:8080 HOST.
    """
    from liqbot.review.web.answers import WatchedHouse  # here: no other verb needs a server
    from liqbot.review.web.server import listening, loopback

    address = loopback(host)
    house = WatchedHouse(_with_books(data, profile), profile)
    listener = listening(address, port)
    place = f"[{address}]" if ":" in address else address
    url = f"http://{place}:{listener.getsockname()[1]}/"
    with listener:
        asyncio.run(_served(house, listener, url, open_=open_, as_json=as_json))
    return Exit.OK


def _with_books(data: Path | None, profile: str) -> Path:
    """The state directory. ExpectedError (not found) where there is nothing to show."""
    directory = places.data_dir(data, profile)
    books = (places.journal_path(directory), places.ledger_path(directory))
    if not os.environ.get(URL_VARIABLE) and not any(book.is_file() for book in books):
        raise ExpectedError(
            f"no journal or ledger in {directory}: start the bot (liqbot paper), or name its state with --data",
            Exit.NOT_FOUND,
        )
    return directory


async def _served(house: "WatchedHouse", listener: socket.socket, url: str, *, open_: bool, as_json: bool) -> None:
    """Until interrupted or terminated, which is the usual end."""
    from liqbot.review.web.server import serve

    os.nice(_NICE)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def begun() -> None:
        if as_json:
            print_json({"url": url, "data": str(house.data)})
            sys.stdout.flush()
        else:
            print(f"page      {url}  of {house.data}; read-only, Ctrl-C ends it", flush=True)
        if open_:
            webbrowser.open(url)

    await serve(house, listener, begun, stop)
