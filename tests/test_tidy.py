"""Rules about the code itself that no linter knows: size, units in names, who may approve, words of the product."""

import ast
import functools
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("liqbot", "paper") for path in (ROOT / package).rglob("*.py"))
TEXTS = sorted(
    path
    for pattern in (
        "*.md", "*.toml", "run", ".ci/run", ".importlinter", "config/*.toml", "docs/**/*.md", "docs/**/*.py",
        "bench/**/*.py", "tests/**/*.py", "liqbot/**/*.py", "paper/**/*.py",
    )
    for path in ROOT.glob(pattern)
    if path != Path(__file__) and "out" not in path.relative_to(ROOT).parts
)
FUNCTION_LINES_MAX = 40
FILE_LINES_MAX = 400
MODULE_LINES_MIN = 25

# A number's name says its unit, or is one of the words that have none.
# `r` counts the risk taken at entry, `range` the usual range of an hour.
UNITS = {
    "usd", "pct", "bps", "ms", "s", "min", "minute", "h", "hour", "day", "days", "gb", "bytes", "base",
    "price", "prices", "r", "range", "seconds", "mb",
}
UNITLESS = {
    "open", "high", "low", "close", "leverage", "leverages", "ratio", "ratios", "share", "shares", "percentile",
    "imbalance", "fee", "factor", "weight", "weights", "value", "threshold", "theta", "index", "count", "mix",
    "version", "mid", "side", "sign", "asymmetry", "smear", "tilt", "aversion", "skew", "scale", "probability",
    "exposure", "units",
}
DURATIONS = {
    "timeout", "interval", "delay", "latency", "age", "cooldown", "hold", "window", "span", "elapsed", "expires",
    "horizon",
}
MACHINE = re.compile(r"/work/|/root/|/home/\w|/tmp/venv|\.internal\b|pypi\.org|file:///|issues? #?\d")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


def with_words(*words: str) -> list[Path]:
    """Only they are worth the parsing where a rule is about a name."""
    return [path for path in SOURCES if any(word in path.read_text(encoding="utf-8") for word in words)]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported_by(path: Path) -> set[str]:
    """Dotted names of what a file imports: modules, and names that may be modules."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.drawn(singly=True, dear=True)
def test_one_name_one_class() -> None:
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(named(path))
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.drawn(singly=True)
def test_a_module_of_few_lines_has_a_second_user() -> None:
    """A handful of lines that one module uses belongs into that module. Found by looking, so without importers: venues,
    verbs, migrations, import formats."""
    looked_for = (
        "liqbot/venues/", "liqbot/verbs/", "liqbot/ledger/migrations/", "paper/verbs/",
        "paper/tapes/importing/formats/",
    )  # fmt: skip
    users: dict[str, int] = {}
    for path in SOURCES:
        for name in imported_by(path):
            users[name] = users.get(name, 0) + 1
    lonely = [
        named(path)
        for path in SOURCES
        if path.name != "__init__.py"
        and not named(path).startswith(looked_for)
        and len(path.read_text(encoding="utf-8").splitlines()) < MODULE_LINES_MIN
        and users.get(named(path)[:-3].replace("/", "."), 0) < 2
    ]
    assert not lonely, f"shorter than {MODULE_LINES_MIN} lines and used once: {lonely}"


ASKED_FOR_BY_NAME = {
    "downgrade", "process_bind_param", "process_result_value", "writelines", "emit", "log_message", "path_stats",
    "_load_env_vars", "settings_customise_sources",
    "_post_listen_key", "_put_listen_key", "_delete_listen_key",
}
"""By alembic, SQLAlchemy, logging, http.server, numba and pydantic, and by a method of HTTP put into a name."""
WITHOUT_A_CALLER = {
    # What margin is in cross and in other sessions is known exactly, held against the venues' worked examples.
    "cross_liquidation_price", "in_session",
    # Documented for whoever asks the market from a program of their own.
    "map_history", "read_truth",
    "excess_of", "told_positions", "use_plain",
}


def names_used(path: Path) -> Iterator[str]:
    """Every name that a file reads: also in a short text, as tables name what they import."""
    for node in nodes(path):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield from re.findall(r"\w+", node.value) if len(node.value) < 120 else ()


def is_registered(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator hands it to whoever calls it; a property is read by somebody."""
    plain = {"property", "functools.cached_property", "staticmethod", "classmethod"}
    names = {ast.unparse(one) for one in node.decorator_list}
    return bool(names - plain)


@pytest.mark.drawn(singly=True)
def test_nothing_is_there_for_tests_alone() -> None:
    users = [*SOURCES, *(path for folder in ("bench", "docs", "examples") for path in (ROOT / folder).rglob("*.py"))]
    used = {name for path in users for name in names_used(path)}
    unused = {
        node.name: f"{named(path)}:{node.lineno}: {node.name}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("__") and node.name not in used and not is_registered(node)
    }
    unused = {name: where for name, where in unused.items() if name not in ASKED_FOR_BY_NAME}
    assert not [where for name, where in unused.items() if name not in WITHOUT_A_CALLER], "used nowhere, or by tests"
    assert unused.keys() >= WITHOUT_A_CALLER, "has a caller by now, or is gone"


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 20
    assert len(TEXTS) > len(SOURCES)


def beginning(path: Path) -> str:
    """The string that a module begins with; empty for none."""
    beside = (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL)
    with path.open("rb") as file:
        first = next(token for token in tokenize.tokenize(file.readline) if token.type not in beside)
    found = ast.literal_eval(first.string) if first.type == tokenize.STRING else None
    return found if isinstance(found, str) else ""


def test_every_module_says_what_lives_in_it() -> None:
    silent = [named(path) for path in SOURCES if not beginning(path).strip()]
    assert not silent, f"no module docstring: {silent}"


@pytest.mark.drawn(singly=True)
def test_modules_and_functions_are_of_a_readable_size() -> None:
    long = [
        f"{named(path)}: {lines} lines"
        for path in SOURCES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    ]
    assert not long, f"longer than {FILE_LINES_MAX} lines, split by meaning: {long}"
    long = [
        f"{named(path)}: {node.name}: {lines} lines"
        for path in SOURCES
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long, f"functions longer than {FUNCTION_LINES_MAX} lines: {long}"


def number_fields(path: Path) -> Iterator[tuple[str, str, str]]:
    """(class, field, type) of every public annotated class field that is a number."""
    for node in nodes(path):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    kinds = {part.strip() for part in ast.unparse(item.annotation).split("|")} - {"None"}
                    if len(kinds) == 1 and not item.target.id.startswith("_"):
                        yield node.name, item.target.id, kinds.pop()


def unclear(field: str, kind: str) -> bool:
    words = set(field.lower().split("_"))
    if kind == "int":
        return bool(words & DURATIONS and not words & UNITS)
    return kind in ("float", "Decimal") and not words & (UNITS | UNITLESS)


@pytest.mark.drawn(singly=True)
def test_number_fields_say_their_unit() -> None:
    found = [
        f"{named(path)}: {owner}.{field}: {kind}"
        for path in SOURCES
        for owner, field, kind in number_fields(path) if unclear(field, kind)
    ]
    assert not found, f"which unit? {found}"


def test_only_the_review_can_approve() -> None:
    builders = [
        named(path)
        for path in with_words("Approved")
        for node in nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Approved"
    ]
    assert set(builders) == {"liqbot/risk/review.py"}


def test_money_is_rounded_as_the_code_says_not_as_the_thread_happens_to() -> None:
    """The rounding of a thread is anybody's to change, and the unified client does."""
    unsaid = [
        f"{named(path)}:{node.lineno}"
        for path in with_words("quantize", "to_integral_value")
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and (
            (node.func.attr == "quantize" and len(node.args) < 2)
            or (node.func.attr == "to_integral_value" and not node.args and not node.keywords)
        )
    ]
    assert not unsaid, f"say how: {unsaid}"


@pytest.mark.drawn(singly=True)
def test_the_map_is_computed_to_the_same_bits_on_every_processor() -> None:
    """Matrix products sum in the order that suits the processor, and numpy has another exponential where it finds
    AVX-512: `kernels.weighted_sums` and `math` do neither."""
    unlike = "dot einsum exp exp2 expm1 float_power inner linalg log log10 log1p log2 matmul power tanh tensordot vdot"
    found = [
        f"{named(path)}:{node.lineno}"
        for path in SOURCES
        if named(path).startswith("liqbot/")
        for node in nodes(path)
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {f"np.{name}" for name in unlike.split()})
    ]
    assert not found, f"other digits on another processor: {found}"


def test_no_wait_takes_a_cancellation_for_an_answer() -> None:
    """`asyncio.wait_for` of 3.11 swallows a cancellation that comes with what it waited for: its task never ends."""
    found = [
        f"{named(path)}:{node.lineno}"
        for path in with_words("wait_for")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncio.wait_for"
    ]
    assert not found, f"async with asyncio.timeout(...) does not: {found}"


def test_live_code_never_imports_what_pretends() -> None:
    guilty = [
        named(path)
        for path in SOURCES
        if path.is_relative_to(ROOT / "liqbot")
        and re.search(r"^\s*(from|import) paper\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not guilty


def test_no_module_is_a_drawer_for_leftovers() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc"}
    assert not [named(path) for path in SOURCES if path.stem in drawers]


def test_texts_speak_of_the_product_alone() -> None:
    found = [
        f"{named(path)}:{number}: {match.group()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in MACHINE.finditer(line)
    ]
    assert not found, f"names of a machine or of a work plan: {found}"


def test_locks_name_no_host() -> None:
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        pinned = re.findall(r"^[a-z0-9][^\s=]*==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
