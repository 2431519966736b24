"""The documents as a site: no broken link, no anchor that is not there, no page that the navigation leaves out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.builders.documents import ROOT

BUILD = [sys.executable, "docs/build_site.py"]


@pytest.mark.drawn
def test_the_site_builds_without_a_broken_link_or_a_page_left_out(tmp_path: Path) -> None:
    done = subprocess.run([*BUILD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    html = tmp_path / "html"
    assert (html / "docs" / "runbook.html").is_file()
    # It works without internet.
    page = (html / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//[^"'>]*\.(?:js|css|woff)""", page)


def test_the_navigation_has_its_seven_parts_and_each_page_once() -> None:
    nav = yaml.safe_load((ROOT / "docs" / "site.yml").read_text(encoding="utf-8"))["nav"]
    parts = [name for part in nav for name in part]
    assert parts == ["Start", "Map", "Strategies", "Risk", "Operate", "Reference", "Proofs"]
    pages = [path for part in nav for entries in part.values() for entry in entries for path in entry.values()]
    assert len(pages) == len(set(pages))
    assert all((ROOT / path).is_file() for path in pages)


def test_lists_begin_after_an_empty_line() -> None:
    """Else the site shows them as a part of the sentence before."""
    glued = []
    for path in (*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")):
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for before, line in zip(text.splitlines(), text.splitlines()[1:], strict=False):
            if re.match(r"(- |\d+\. )", line) and before.strip() and not re.match(r"\s|- |\d+\. |#", before):
                glued.append(f"{path.name}: {line}")
    assert not glued
