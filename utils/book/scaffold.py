"""A new chapter's files, from the templates beside this module: a page and one exercise that run, to be written over.

A template of a notebook is text with a line before each cell, `=== markdown` or `=== code`.
"""

import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.book.notebooks import first_cell, normalised, text_of
from utils.grading.generate import write_exercises
from utils.grading.notebooks import marked

TEMPLATES = Path(__file__).parent / "template"


def new_chapter(root: Path, name: str) -> list[Path]:
    """Write the files of chapter `name`, NN-words, link it from its part's page and list it -> the files written or changed.

    The part's page names the chapter already, as "- NN Title: what it is about". ValueError where none does, or where a file of
    the chapter is there.
    """
    if not re.fullmatch(r"\d\d(-[a-z0-9]+)+", name):
        raise ValueError(f"name is {name!r}; expected a number and words, as in 03-word-vectors")
    number = name[:2]
    part, title = find_part(root, number)
    files = {
        f"chapters/{name}.ipynb": notebook(root, filled("chapter", name, title)),
        f"solutions/{name}.ipynb": notebook(root, filled("exercises", name, title)),
        f"utils/grading/checks/chapter_{number}.py": filled("checks", name, title),
        f"tests/answers/chapter_{number}.py": filled("answers", name, title),
    }
    for file in files:
        if (root / file).exists():
            raise ValueError(f"{file} is there already")
    pages = {
        f"chapters/{part}.md": linked((root / f"chapters/{part}.md").read_text(encoding="utf-8"), name),
        "_toc.yml": listed((root / "_toc.yml").read_text(encoding="utf-8"), part, name),
    }
    for file, text in (files | pages).items():
        (root / file).write_text(text, encoding="utf-8", newline="\n")
    write_exercises(root / "solutions", root / "exercises")
    return [root / file for file in [*files, f"exercises/{name}.ipynb", *pages]]


def find_part(root: Path, number: str) -> tuple[str, str]:
    """The part's page that names a chapter which is not there yet, and the chapter's title: ("part-1", "Word vectors")."""
    for page in sorted(root.glob("chapters/part-*.md")):
        if found := re.search(rf"^- {number} (.+?):", page.read_text(encoding="utf-8"), re.M):
            return page.stem, found[1]
    raise ValueError(f"no part's page waits for chapter {number}; expected a line in chapters/part-*.md: - {number} Title: ...")


def filled(template: str, name: str, title: str) -> str:
    """A template with the chapter's number, name and title in their places."""
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return text.replace("NN-NAME", name).replace("NN", name[:2]).replace("TITLE", title)


def notebook(root: Path, text: str) -> str:
    """A notebook, as it is written to disk, from its text."""
    made: NotebookNode = new_notebook()
    for cell in text.split("=== ")[1:]:
        kind, _, source = cell.partition("\n")
        made.cells.append((new_code_cell if kind == "code" else new_markdown_cell)(source.strip("\n")))
    return text_of(normalised(marked(made), first_cell(root)))


def linked(page: str, name: str) -> str:
    """The part's page with the chapter's entry made a link."""
    return re.sub(rf"^- ({name[:2]} .+?):", rf"- [\1]({name}):", page, flags=re.M)


def listed(toc: str, part: str, name: str) -> str:
    """_toc.yml with the chapter and its exercises in their place, in the order of the numbers."""
    lines = toc.splitlines()
    place = lines.index(f"      - file: chapters/{part}") + 1
    while place < len(lines):
        chapter = re.match(r" {6}- file: chapters/(\d\d)", lines[place])
        if not lines[place].startswith(" " * 8) and not (chapter and chapter[1] < name[:2]):
            break
        place += 1
    lines[place:place] = [f"      - file: chapters/{name}", "        sections:", f"          - file: exercises/{name}"]
    return "\n".join(lines) + "\n"
