"""A recording of `all_venues.py` read again: the journal through the product's replay, and raw messages against the
journal, step by step and in everything the market floor knows at the end."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from liqbot import __version__
from liqbot.blocks import KINDS, EventBlock
from liqbot.code_version import this_code
from liqbot.events import ConfigLoaded, Event, JournalOpened
from liqbot.journal import JournalReader
from liqbot.places import journal_path
from liqbot.replay import replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.runtime.raw_recorder import DIRECTORY
from liqbot.runtime.raw_replay import replayed

EVERY: Final = 5
"""Steps between two comparisons of all that the market floor knows."""


def steps_of(blocks: Iterable[EventBlock]) -> Iterator[EventBlock]:
    """Whatever was taken of a step ahead of its end joins it."""
    facts: tuple[Event, ...] = ()
    for block in blocks:
        facts += block.facts
        if block.tick_ms is not None:
            yield msgspec.structs.replace(block, facts=facts)
            facts = ()


def compared(data: Path) -> dict[str, Any]:
    """How many steps were compared, which were not the same, and the digest of what is known at the end."""
    began_s, path = time.monotonic(), journal_path(data)
    found: dict[str, Any] = {"steps": 0, "rows": 0, "other_rows": [], "other_maps": []}
    with JournalReader(path) as reader:
        opened, config = reader.first(JournalOpened), reader.first(ConfigLoaded)
        assert opened is not None
        assert config is not None
        engines = [recorded_engine(opened, config) for _ in range(2)]
        journal = reader.blocks()
        opening = next(journal)
        for engine in engines:
            engine.on_block(EventBlock(facts=opening.facts))
        raw = steps_of(replayed(data / DIRECTORY)[1])
        known: list[bytes] = []
        for told, read in zip(steps_of(journal), raw, strict=False):
            found["steps"] += 1
            found["rows"] += told.market_rows
            if told.tick_ms != read.tick_ms or any(
                    told.rows(kind).tobytes() != read.rows(kind).tobytes() for kind in KINDS):
                found["other_rows"].append(told.tick_ms)
            for engine, block in zip(engines, (told, read), strict=True):
                engine.on_block(block)
            if found["steps"] % EVERY == 0:
                known = [msgspec.msgpack.encode(engine.market.state()) for engine in engines]
                if known[0] != known[1]:
                    found["other_maps"].append(told.tick_ms)
    found["digest"] = hashlib.sha256(known[0]).hexdigest()[:16] if known else ""
    found["took_s"] = time.monotonic() - began_s
    return found


def text_of_replay(data: Path) -> tuple[bool, str]:
    found = compared(data)
    again = replay(journal_path(data), recorded_engine, this_code(__version__, 0), snapshot_version=snapshot_version())
    good = again.sound and not found["other_rows"] and not found["other_maps"] and found["steps"] > 0
    first = min((*found["other_rows"][:1], *found["other_maps"][:1]), default=None)
    return good, (
        f"journal replayed: {again.equality.name.lower()}, {again.steps_compared} steps compared\n"
        f"raw messages against the journal: {found['steps']:,} steps, {found['rows']:,} rows; other rows in "
        f"{len(found['other_rows'])}, another map in {len(found['other_maps'])} of {found['steps'] // EVERY} "
        f"comparisons{'' if first is None else f', first at {first}'}; map {found['digest']} ({found['took_s']:.0f} s)"
    )
