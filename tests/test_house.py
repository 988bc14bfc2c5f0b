"""Everything has its place: folders, floors, dependencies, and the words that have none."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from utils.book.project import find_root
from utils.imports import imported_modules

ROOT = find_root(Path(__file__).parent)
FOLDERS = {"chapters", "solutions", "exercises", "utils", "experiments", "instructors", "tests", "benchmarks", ".ci", ".github"}
HOUSE = FOLDERS | {
    "README.md",
    "LICENSE",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "Makefile",
    "pyproject.toml",
    "requirements.txt",
    "_config.yml",
    "_toc.yml",
    "index.md",
    "references.bib",
    ".gitignore",
}

FLOORS = [  # from below; what stands first fits, so `utils` is whatever is not named before it
    ("cli", ["utils.cli"], 5),
    ("book", ["utils.book"], 4),
    ("grading", ["utils.grading"], 3),
    ("experiments", ["experiments"], 2),
    ("pictures", ["utils.plotting", "utils.diagrams", "utils.figures"], 1),
    ("data and models", ["utils"], 0),
]
BESIDE = {
    "tests",
    "benchmarks",
    "browser",
    "colours",
    "layout",
    "padding",
    "answers",
    "grading",
    "hostile",
    "small_class",
}  # never below
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text_files():
    """Every text file of the book, wherever it stands in the house."""
    for name in sorted(HOUSE):
        for path in sorted((ROOT / name).rglob("*")) if (ROOT / name).is_dir() else [ROOT / name]:
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                yield path


def modules():
    """Our modules: (dotted name, file)."""
    for path in sorted([*ROOT.glob("utils/**/*.py"), *ROOT.glob("experiments/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def imports(path):
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    return set(imported_modules(path.read_text(encoding="utf-8"), package))


def floor(module):
    return next(height for _, roots, height in FLOORS if any(module == r or module.startswith(f"{r}.") for r in roots))


# --- places


def test_the_top_level_holds_what_the_design_says():
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    there = {p.name for p in ROOT.iterdir() if p.name != ".git" and not any(PurePosixPath(p.name).match(i) for i in ignored)}
    assert there - HOUSE == set()
    assert HOUSE - there == set()


def test_utils_says_nothing_itself():
    assert (ROOT / "utils/__init__.py").read_text() == ""


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_lower_floors_never_import_upper_ones(module, path):
    ours = {m for m in imports(path) if m.split(".")[0] in ("utils", "experiments")}
    assert {m for m in ours if floor(m) > floor(module)} == set()
    strangers = {m.split(".")[0] for m in imports(path)} & (BESIDE | {"pytest"})
    assert strangers == set()


def test_data_and_models_know_nothing_of_pages():
    pages = {"IPython", "ipywidgets", "nbformat", "nbclient", "matplotlib", "sphinx", "docutils", "rich", "typer"}
    known = {module: {m.split(".")[0] for m in imports(path)} & pages for module, path in modules() if floor(module) == 0}
    assert {module: names for module, names in known.items() if names} == {}


def test_every_chapter_has_its_exercises_and_its_solutions():
    chapters, solutions, exercises = (
        {path.name for path in ROOT.glob(f"{folder}/[0-9][0-9]-*.ipynb")} for folder in ("chapters", "solutions", "exercises")
    )
    assert chapters == solutions == exercises


# --- words


@pytest.mark.parametrize(
    "pattern",
    [
        r"/work\b",
        r"\.\./shared\b",
        r"\b(pypi|pythonhosted|npmjs|jsdelivr|unpkg|cloudflare)\.",
        r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b",
    ],
)
def test_no_file_says_what_has_no_place_here(pattern):
    this = Path(__file__).resolve()
    found = []
    for path in text_files():
        if path != this and path.suffix not in (".png", ".ico"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if re.search(pattern, line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}")
    assert found == []


# --- dependencies

OPTIONAL = {  # what works with somebody else's package if it is there -> the extra that brings it
    "utils/grading/backends.py": "cluster",
    "utils/grading/adapters/nbgrader_run.py": "nbgrader",
    "utils/grading/adapters/nbgrader_steps.py": "nbgrader",
}


def declared(*extras):
    """The requirements that pyproject.toml declares, those of the extras included."""
    project = PROJECT["project"]
    lines = chain(project["dependencies"], *(project["optional-dependencies"][e] for e in extras))
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def pins():
    """The lines of requirements.txt: (name, version)."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = filter(None, (line.split("#")[0].strip() for line in text.splitlines()))
    return [re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)", line) or pytest.fail(f"not a pin: {line}") for line in lines]


def test_every_requirement_is_pinned_once():
    names = [canonicalize_name(pin[1]) for pin in pins()]
    assert len(set(names)) == len(names)


def test_what_the_project_declares_is_pinned_and_fits():
    versions = {canonicalize_name(pin[1]): pin[2] for pin in pins()}
    for name, requirement in declared(*(e for e in PROJECT["project"]["optional-dependencies"] if e != "benchmarks")).items():
        assert name in versions, f"{name} is not in requirements.txt"
        assert requirement.specifier.contains(versions[name]), f"{name}=={versions[name]} does not fit {requirement}"


def undeclared(paths, *extras):
    """The packages of others that the files import, at their top or inside functions, and that pyproject.toml does not name."""
    own = {"utils", "experiments", *BESIDE, *sys.stdlib_module_names}
    provides, known = packages_distributions(), declared(*extras).keys()
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in {name.split(".")[0] for name in names} - own:
                if not known & {canonicalize_name(name) for name in provides.get(top, [top])}:
                    found.add((top, path.relative_to(ROOT).as_posix()))
    return found


def test_what_is_imported_is_declared():
    optional = {ROOT / file: extra for file, extra in OPTIONAL.items()}
    for file, extra in optional.items():
        assert undeclared([file], extra) == set() != undeclared([file])
    assert undeclared(path for module, path in modules() if floor(module) not in (4, 5) and path not in optional) == set()
    assert undeclared((path for module, path in modules() if floor(module) in (4, 5)), "book") == set()
    beside = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]
    assert undeclared(beside, *PROJECT["project"]["optional-dependencies"]) == set()


def test_the_package_carries_all_that_lies_beside_its_modules():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for folder in ("utils", "experiments") for path in (ROOT / folder).rglob("*") if path.is_file()]
    data = {path for path in files if path.suffix not in (".py", ".pyc")}
    packages = [path.parent for _, path in modules() if path.name == "__init__.py"]
    carried = {path for package in packages for pattern in patterns for path in package.glob(pattern)}
    assert {p.relative_to(ROOT).as_posix() for p in data - carried} == set()
    assert {path.parent for _, path in modules()} == set(packages), "a folder with modules and no __init__.py is left out"
