"""Golden runs on disk: `<name>.json` to read (counts, digests, last lines) and `<name>.lines.gz` with every line."""

import gzip
import json
from pathlib import Path
from typing import Any, Final

from golden_house import ROOT, Decided, Run, decided, numeric_platform
from golden_lines import counts_of, digest_of, first_difference

FOLDER: Final = ROOT / "tests" / "golden"
LAST_SHOWN: Final = 5
DIGITS_ELSEWHERE: Final = 9
"""How far numbers agree on another numeric platform."""


def stored_lines(run: Run) -> list[str]:
    return gzip.decompress(lines_path(run).read_bytes()).decode().splitlines()


def summary(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_path(run).read_text(encoding="utf-8"))
    return found


def compared(run: Run, *, whole: bool) -> list[str]:
    """Runs it again; one complaint for each thing that came out otherwise, with before and after."""
    after = decided(run, hours=None if whole else run.quick_h)
    told = summary(run)
    part = told["whole"] if whole or run.quick_h is None else told["quick"]
    digits = None if told["platform"] == numeric_platform() else DIGITS_ELSEWHERE
    before = stored_lines(run)[: part["lines"]]
    complaints = []
    if (difference := first_difference(before, after.lines, digits=digits)) is not None:
        complaints.append(f"{run.name}: {difference}")
    for name, value in (("blocks", after.blocks), ("equity_usd", after.equity_usd)):
        if part[name] != value:
            complaints.append(f"{run.name}: {name}\n  before {part[name]}\n  after  {value}")
    return complaints


def write(run: Run) -> dict[str, Any]:
    """Runs it, in part and whole, and keeps what came out."""
    whole = decided(run)
    told = {
        "market": run.market, "profile": run.profile, "seed": run.seed, "overrides": list(run.overrides),
        "platform": numeric_platform(), "whole": _part(whole),
    }  # fmt: skip
    if run.quick_h is not None:
        quick = decided(run, hours=run.quick_h)
        if (difference := first_difference(whole.lines[: len(quick.lines)], quick.lines)) is not None:
            raise ValueError(f"{run.name}: its first {run.quick_h} hours alone are not how it begins: {difference}")
        told["quick"] = {"hours": run.quick_h, **_part(quick)}
    told |= {"counts": counts_of(whole.lines), "last": whole.lines[-LAST_SHOWN:]}
    lines_path(run).write_bytes(gzip.compress("".join(f"{line}\n" for line in whole.lines).encode(), mtime=0))
    json_path(run).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def _part(found: Decided) -> dict[str, Any]:
    return {
        "blocks": found.blocks, "lines": len(found.lines), "digest": digest_of(found.lines),
        "equity_usd": found.equity_usd,
    }  # fmt: skip


def json_path(run: Run) -> Path:
    return FOLDER / f"{run.name}.json"


def lines_path(run: Run) -> Path:
    return FOLDER / f"{run.name}.lines.gz"
