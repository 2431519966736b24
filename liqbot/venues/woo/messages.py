"""WOO X's public messages: trades, mark price, estimated funding and open interest, a topic of each contract."""

from liqbot.venues.frames import frame_of, word
from liqbot.venues.parsing import Parsed, WireBook
from liqbot.venues.woo_topics import read_topic


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    return read_topic(frame, word(frame, "topic"), book)
