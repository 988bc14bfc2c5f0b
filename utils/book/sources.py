"""What a chapter's outputs depend on, and the key that changes when any of it does.

A chapter depends on its code cells, on the modules of ours that these import, directly or through others, on the files that
lie beside such a module under its name (hidden_units.js beside hidden_units.py, results/recall.json of experiments/recall.py),
on the installed versions and on the scale. Prose is not among them: a corrected sentence runs nothing.
"""

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from utils.book.project import pinned_versions
from utils.training import scale

PACKAGES = ("utils", "experiments")
CHECKS = re.compile(r"""\bcheck\(["'](\d\d)\.""")  # check("01.2") imports the checks of chapter 01


def code_cells(notebook: nbformat.NotebookNode) -> list[str]:
    """The sources of the notebook's code cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


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


def data_files(module: Path) -> set[Path]:
    """The files that belong to a module by name: module.* beside it, and results/module.* below."""
    beside = [p for folder in (module.parent, module.parent / "results") for p in folder.glob(f"{module.stem}.*")]
    return {p for p in beside if p.suffix != ".py" and p.is_file()}


def dependencies(root: Path, notebook: nbformat.NotebookNode) -> set[Path]:
    """Every file of ours that the notebook's outputs depend on, but for the notebook itself."""
    plain = TransformerManager().transform_cell  # magics and shell lines become Python
    names = [name for source in code_cells(notebook) for name in imported_modules(plain(source))]
    names += [f"utils.grading.checks.chapter_{number}" for source in code_cells(notebook) for number in CHECKS.findall(source)]
    modules = module_closure(root, names)
    return modules.union(*(data_files(m) for m in modules))


def key(root: Path, notebook: nbformat.NotebookNode) -> str:
    """A digest of all that the notebook's outputs depend on."""
    digest = hashlib.sha256()
    parts: list[object] = [code_cells(notebook), pinned_versions(root), platform.python_version(), scale()]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    for path in sorted(dependencies(root, notebook)):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()
