"""The one form in which notebooks are committed: no outputs, no counts, one kernel, the same first cell everywhere."""

from pathlib import Path

import nbformat
from nbstripout import strip_output

from utils.book.project import DISTRIBUTION, config

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def first_cell(root: Path) -> str:
    """The line that stands first in every notebook: it installs the book where it is missing, as on Colab.

    The repository's address is the one in _config.yml; while there is none, the line can only ask for the package.
    """
    url = config(root)["repository"]["url"]
    if not url:
        return "import utils  # noqa: F401 - the book's own package; README.md says how to install it"
    install = f'get_ipython().run_line_magic("pip", "install -q {DISTRIBUTION}@git+{url}")'
    return f'from importlib.util import find_spec; find_spec("utils") or {install};'


def normalised(notebook: nbformat.NotebookNode, first: str) -> nbformat.NotebookNode:
    """A copy in the committed form, with `first` as its first code cell's source (the cell that is tagged "setup")."""
    notebook = strip_output(nbformat.from_dict(notebook), keep_output=False, keep_count=False, keep_id=True)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in ("tags", "nbgrader", "course")}
    setup = next((cell for cell in notebook.cells if "setup" in cell.metadata.get("tags", [])), None)
    if setup is None:
        setup = nbformat.v4.new_code_cell(id="setup", metadata={"tags": ["setup", "remove-cell"]})
        place = next((i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"), len(notebook.cells))
        notebook.cells.insert(place, setup)
    setup.source = first
    return notebook


def text_of(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it is written to disk."""
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def tidy(root: Path, path: Path) -> bool:
    """Bring a notebook file into the committed form; true if it was not."""
    before = path.read_text(encoding="utf-8")
    after = text_of(normalised(nbformat.reads(before, as_version=4), first_cell(root)))
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before
