"""Which of our modules a piece of code imports, directly or through others. Nothing is run to find out."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("utils", "experiments")


def imported_modules(code: str, package: str = "") -> Iterator[str]:
    """The dotted names that Python code may import: for `from a.b import c` both a.b and a.b.c. `package` resolves dots."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # it imports nothing, and the run will say what is wrong with it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_file(root: Path, name: str) -> Path | None:
    """The file of one of our modules, None for anything else: utils.rnn -> utils/rnn.py."""
    if name.split(".")[0] not in PACKAGES:
        return None
    path = root.joinpath(*name.split("."))
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()), None)


def module_closure(root: Path, names: Iterable[str]) -> set[Path]:
    """The files of our modules among `names`, of their packages, and of all that these import in turn."""
    found: set[Path] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        file = module_file(root, name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # importing a.b.c runs a and a.b first
        if file is not None and file not in found:
            found.add(file)
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            waiting.extend(imported_modules(file.read_text(encoding="utf-8"), package))
    return found
