"""What a chapter's outputs depend on, and the key that changes when any of it does.

A chapter depends on its code cells, on the modules of ours that these import, directly or through others, on the files that
lie beside such a module under its name (hidden_units.js beside hidden_units.py, results/recall.json of experiments/recall.py),
on the installed versions and on the scale. Prose is not among them: a corrected sentence runs nothing.
"""

import hashlib
import json
import platform
import re
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from utils.book.project import pinned_versions
from utils.imports import imported_modules, module_closure
from utils.training import scale

CHECKS = re.compile(r"""\bcheck\(["'](\d\d)\.""")  # check("01.2") imports the checks of chapter 01


def code_cells(notebook: nbformat.NotebookNode) -> list[str]:
    """The sources of the notebook's code cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


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
