"""`./run docs [DIRECTORY]`: the documents as a site in `site/html`, or in `html` of DIRECTORY.

A broken link or anchor, and a page that the navigation leaves out, ends it.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ("*.md", "docs/*.md", "docs/*.css", "examples/**/*.md")
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


def copied(target: pathlib.Path) -> None:
    """Every page, and every file of the repository that one links to, at its place below `target`."""
    pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    linked = {(page.parent / link).resolve() for page, text in texts.items() for link in LINK.findall(text)}
    for path in {*pages, *(path for path in linked if path.is_file() and path.is_relative_to(ROOT))}:
        place = target / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def main(words: list[str]) -> int:
    """The exit code of the generator."""
    place = pathlib.Path(words[0]).resolve() if words else ROOT / "site"
    for name in ("pages", "html"):
        shutil.rmtree(place / name, ignore_errors=True)
    copied(place / "pages")
    shutil.copyfile(ROOT / "docs" / "site.yml", place / "properdocs.yml")
    command = [sys.executable, "-m", "properdocs", "build", "-f", str(place / "properdocs.yml")]
    done = subprocess.run(command, cwd=place, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write("".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith("INFO")))
    if done.returncode == 0:
        sys.stdout.write(f"{place / 'html' / 'index.html'}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
