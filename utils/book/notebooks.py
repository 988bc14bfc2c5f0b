"""The one form in which notebooks are committed: no outputs, no counts, one kernel, readable ids, the same first cell."""

import re
from pathlib import Path

import nbformat
from nbstripout import strip_output

from utils.book.project import DISTRIBUTION, config
from utils.grading.notebooks import marked

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
    name_cells(notebook)
    return notebook


def name_cells(notebook: nbformat.NotebookNode) -> None:
    """Give each cell whose id an editor drew at random one that says where it stands: its task's, or its section's."""
    taken, section = {cell.id for cell in notebook.cells}, "start"
    for cell in notebook.cells:
        heading = re.search(r"^#+ (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else None
        words = re.findall(r"[a-z][a-z0-9]*", re.sub(r"['’]", "", heading[1].lower())) if heading else []
        section = "-".join(words[:3]) or section
        if re.search(r"[0-9a-f]{8}", cell.id):
            stem = cell.metadata.get("nbgrader", {}).get("grade_id") or section
            names = [stem, *(f"{stem}-{i}" for i in range(2, len(taken) + 2))]
            cell.id = next(name for name in names if name not in taken)
            taken.add(cell.id)


def text_of(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it is written to disk."""
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def tidy(root: Path, path: Path) -> bool:
    """Bring a notebook file into the committed form; true if it was not."""
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    if path.parent.name == "solutions":
        notebook = marked(notebook)
    after = text_of(normalised(notebook, first_cell(root)))
    if after != before:
        path.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def chapter_title(notebook: nbformat.NotebookNode) -> str:
    """The text of the notebook's first heading."""
    lines = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next(line.removeprefix("# ") for line in lines if line.startswith("# "))
