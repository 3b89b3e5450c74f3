"""Rules of the house that no single module can hold: who imports whom, sizes, and what is written nowhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import wsltop

PACKAGE = Path(wsltop.__file__).parent
PROJECT = Path(__file__).parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]
ALL = pytest.mark.parametrize("path", MODULES, ids=NAMES)

LONGEST_MODULE = 800
"""Lines. A module holds a whole subject; ruff (C901, PLR0915) holds the size of functions."""

INDEX_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "ana" + "conda.org", "art" + "ifactory", "index" + "-url")
TEXTS = {".py", ".md", ".toml", ".txt", ".tcss", ".sh", ".cfg", ".ini", ".yml", ".yaml", ".json", ".wslconfig", ""}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that is imported anywhere in a module, in functions too, by its absolute name."""
    found: list[str] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            name = node.module or ""
            found += (name, *(f"{name}.{alias.name}" for alias in node.names))
    return tuple(found)


def importers(*names: str) -> set[str]:
    """The modules that import one of these packages."""
    return {
        str(path.relative_to(PACKAGE)) for path in MODULES if any(name.split(".")[0] in names for name in imports(path))
    }


def below(*folders: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in folders]


def ours(path: Path, *allowed: str) -> set[str]:
    """What a module imports of wsltop that is below none of the allowed names."""
    return {
        name
        for name in imports(path)
        if name.startswith("wsltop.") and not any(name == one or name.startswith(f"{one}.") for one in allowed)
    }


def foreign(path: Path) -> set[str]:
    """What a module imports that is neither of wsltop nor of Python."""
    tops = {name.split(".")[0] for name in imports(path)}
    return tops - set(sys.stdlib_module_names) - {"wsltop", "tomllib"}  # Python's own from 3.11 on


def called(node: ast.Call) -> str:
    """The name of what is called: ``print``, ``os.system``."""
    return ast.unparse(node.func)


LAYERS = (
    {"model"},
    {"core", "charts", "clock", "errors", "prctl", "private", "child"},
    {"guest", "host"},
    {"hogs"},
    {"reclaim", "recording"},
    {"experiment"},
    {"config", "sampler", "report"},
    {"system"},
    {"ui"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""From the ground up: a module imports from its own layer or from one below."""
ROOMS = {"model", "core", "charts", "guest", "host", "commands", "ui"} | {
    "hogs",
    "reclaim",
    "experiment",
    "recording",
    "report",
}
"""The folders: the layers, and the leaf features."""
PURE = ("model", "core", "charts")


def room(name: str) -> str:
    """The folder or the module at the package's root that a dotted name belongs to."""
    return name.split(".")[1]


def layer_of(name: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if room(name) in rooms)


def module_name(path: Path) -> str:
    parts = ("wsltop", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def arrows() -> dict[str, set[str]]:
    """For each module the modules of ours that it imports: anywhere in it, for types only too."""
    modules = {module_name(path) for path in MODULES}
    found = {}
    for path in MODULES:
        mine = module_name(path)
        named = {name for name in imports(path) if name in modules}
        # ``from wsltop.core import ledger`` names the package too; what it takes is the module.
        packages = {name for name in named if any(other.startswith(f"{name}.") for other in named)}
        found[mine] = named - packages - {mine, "wsltop"}
    return found


def test_there_are_modules_to_look_at() -> None:
    assert {"cli.py", "core/ledger.py", "ui/app.py", "guest/kernel_files.py"} <= set(NAMES)


def test_only_layers_and_leaf_features_have_a_folder() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == ROOMS


def test_a_module_imports_only_its_own_layer_and_those_below() -> None:
    upward = [
        f"{mine} -> {other}"
        for mine, others in arrows().items()
        if mine != "wsltop"
        for other in others
        if layer_of(other) > layer_of(mine)
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    remaining = dict(arrows())
    while leaves := {mine for mine, others in remaining.items() if not others & remaining.keys()}:
        remaining = {mine: others for mine, others in remaining.items() if mine not in leaves}
    assert sorted(remaining) == []


def test_the_model_loads_only_itself_and_msgspec() -> None:
    program = (
        "import sys, msgspec; before = set(sys.modules); import wsltop.model.sample; "
        "new = set(sys.modules) - before; "
        "print(*sorted(name for name in new if name.split('.')[0] not in sys.stdlib_module_names))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {name for name in loaded if not name.startswith("msgspec")} <= {"wsltop", "wsltop.model"} | {
        name for name in loaded if name.startswith("wsltop.model.")
    }


@pytest.mark.parametrize("path", below("model"), ids=str)
def test_the_model_imports_nothing_of_ours(path: Path) -> None:
    assert ours(path, "wsltop.model") == set()
    assert foreign(path) <= {"msgspec"}


@pytest.mark.parametrize("path", below("core"), ids=str)
def test_the_core_imports_only_itself_the_model_and_msgspec(path: Path) -> None:
    assert ours(path, "wsltop.core", "wsltop.model") == set()
    assert foreign(path) <= {"msgspec"}


@pytest.mark.parametrize("path", below("charts"), ids=str)
def test_charts_import_only_themselves_units_and_msgspec(path: Path) -> None:
    assert ours(path, "wsltop.charts", "wsltop.model.text") == set()
    assert foreign(path) <= {"msgspec"}


@pytest.mark.parametrize("path", below(*PURE), ids=str)
def test_what_thinks_touches_nothing(path: Path) -> None:
    assert not set(imports(path)) & {"os", "time", "subprocess", "socket", "threading", "pathlib", "random", "asyncio"}
    assert not {called(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)} & {"open", "input"}


def test_the_screen_is_imported_by_the_command_line_only_and_late() -> None:
    outside = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] != "ui"]
    users = {path.name for path in outside if any(name.startswith("wsltop.ui") for name in imports(path))}
    assert users <= {"cli.py", "demo.py", "replay.py"}
    for path in (PACKAGE / "cli.py", *(PACKAGE / "commands").glob("*.py")):
        for node in tree(path).body:
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("wsltop.ui")


def test_textual_and_rich_are_for_the_screen_only() -> None:
    assert {name for name in importers("textual", "rich") if not name.startswith("ui/")} == set()


def test_nothing_of_textual_is_imported_that_is_not_public() -> None:
    for path in below("ui"):
        private = {name for name in imports(path) if name.startswith("textual.") and "._" in name}
        # The parser of key and mouse sequences; tests/ui/test_driver.py pins the versions that it was tried with.
        allowed = {"textual._xterm_parser", "textual._xterm_parser.XTermParser"} if path.name == "driver.py" else set()
        assert private <= allowed, path


def test_psutil_is_only_where_processes_are_read_or_killed() -> None:
    assert importers("psutil") == {"host/process.py"}


def test_pyperclip_is_only_in_the_clipboard() -> None:
    assert importers("pyperclip") == {"ui/clipboard.py"}


def test_the_client_of_prometheus_is_only_in_its_command() -> None:
    assert importers("prometheus_client") == {"commands/metrics.py"}


def test_nothing_is_imported_that_is_not_a_dependency() -> None:
    known = {"click", "msgspec", "prometheus_client", "psutil", "pyperclip", "rich", "textual", "tomli"}
    assert {name for path in MODULES for name in foreign(path)} <= known


@ALL
def test_a_module_says_in_one_line_why_it_exists(path: Path) -> None:
    said = ast.get_docstring(tree(path))
    assert said
    assert len(said.splitlines()[0]) <= 120


@ALL
def test_a_module_is_one_subject(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@ALL
def test_no_error_is_swallowed_unseen(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}"
            if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                continue  # it only tidies up on its way
            caught = {ast.unparse(one) for one in getattr(node.type, "elts", [node.type])}
            assert not caught & {"Exception", "BaseException"}, f"line {node.lineno}"


@ALL
def test_no_shell_runs_and_nothing_is_printed_but_by_click(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert called(node) not in {"print", "os.system", "os.popen", "sys.stdout.write", "eval", "exec"}
            for keyword in node.keywords:
                assert keyword.arg != "shell" or ast.unparse(keyword.value) == "False", f"line {node.lineno}"


def committed() -> Iterator[Path]:
    """What is part of the project: its own files at the top, and everything below its folders."""
    yield from (path for path in PROJECT.iterdir() if path.is_file())
    for folder in (PROJECT / "tests", PROJECT / ".ci", PROJECT / ".github", PROJECT / "screenshots", PACKAGE):
        yield from (path for path in folder.rglob("*") if path.is_file())


def test_no_file_names_a_package_index() -> None:
    for path in committed():
        if path.suffix in TEXTS and path.name != "RECORD":
            text = path.read_bytes().decode("utf-8", "replace").lower()
            assert [host for host in INDEX_HOSTS if host in text] == [], path
