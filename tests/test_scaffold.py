"""A new chapter stands at once: its page runs, its exercise is graded, and it is listed where its number belongs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.book.notebooks import name_cells, tidy
from utils.book.project import chapters, find_root
from utils.book.scaffold import listed, new_chapter
from utils.grading.notebooks import marked

ROOT = find_root(Path(__file__).parent)
TOC = """\
root: index
parts:
  - caption: "Part I: Sequences"
    chapters:
      - file: chapters/part-1
      - file: chapters/02-b
        sections:
          - file: exercises/02-b
      - file: chapters/04-d
  - caption: More
    chapters:
      - file: chapters/glossary
"""


@pytest.fixture
def book(tmp_path):
    """A copy of this book whose last part names one chapter more."""
    away = shutil.ignore_patterns(".*", "_build", "*.egg-info", "__pycache__", "results")
    shutil.copytree(ROOT, tmp_path / "book", ignore=away)
    page = tmp_path / "book/chapters/part-4.md"
    page.write_text(page.read_text() + "- 97 New ideas: what is new about them.\n")
    return tmp_path / "book"


@pytest.mark.parametrize(("name", "after"), [("01-a", "part-1"), ("03-c", "exercises/02-b"), ("05-e", "04-d")])
def test_a_chapter_is_listed_in_the_order_of_the_numbers(name, after):
    lines = [f"      - file: chapters/{name}", "        sections:", f"          - file: exercises/{name}"]
    toc = listed(TOC, "part-1", name).splitlines()
    place = toc.index(lines[0])
    assert toc[place : place + 3] == lines
    assert toc[place - 1].endswith(after)
    assert [line for line in toc if line not in lines] == [line for line in TOC.splitlines() if line not in lines]


def test_what_cannot_be_laid_out_is_refused_and_nothing_is_written(book):
    before = sorted(book.rglob("*"))
    with pytest.raises(ValueError, match="name is '97'"):
        new_chapter(book, "97")
    with pytest.raises(ValueError, match="no part's page waits for chapter 42"):
        new_chapter(book, "42-answers")
    with pytest.raises(ValueError, match="no part's page waits for chapter 01"):
        new_chapter(book, chapters(ROOT)[1].stem)
    (book / "tests/answers/chapter_97.py").write_text("mine")
    with pytest.raises(ValueError, match=r"chapter_97\.py is there already"):
        new_chapter(book, "97-new-ideas")
    (book / "tests/answers/chapter_97.py").unlink()
    assert sorted(book.rglob("*")) == before


@pytest.mark.slow
def test_a_new_chapter_passes_the_tests_of_a_finished_one(book):
    environment = os.environ | {"PYTHONPATH": str(book), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "utils.cli", "new", "97-new-ideas"]
    made = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert len(made) == 7 and all((book / file).is_file() for file in made)
    tests = [f"tests/test_{name}.py" for name in ("notebooks", "exercises", "grading")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "97 and not kernel", "-m", "not book", *tests]
    ran = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 40
    assert subprocess.run([sys.executable, "-m", "ruff", "check", *made[:5]], cwd=book).returncode == 0


# --- from words to metadata, and to ids


def test_an_exercise_is_written_in_words_and_its_metadata_follow():
    cells = [
        new_markdown_cell("# Exercises 17: A\n\nTwo tasks"),
        new_markdown_cell("## 17.2 A thing\n\n2 points · difficulty ●●○ · 15 minutes\n\nDo it."),
        new_code_cell("def f():\n    ### BEGIN SOLUTION: return it\n    return 1\n    ### END SOLUTION"),
        new_code_cell('check("17.2")'),
    ]
    solution, check = marked(new_notebook(cells=cells)).cells[2:]
    assert solution.metadata.course == {"title": "A thing", "difficulty": 2, "minutes": 15}
    assert (solution.metadata.nbgrader.grade_id, solution.metadata.nbgrader.solution) == ("task-17-2", True)
    assert check.metadata.nbgrader.items() >= {"grade_id": "check-17-2", "points": 2, "locked": True}.items()
    with pytest.raises(ValueError, match=r"task 17.2 does not state its effort"):
        marked(new_notebook(cells=[new_markdown_cell("## 17.2 A thing\n\n2 points"), *cells[2:]]))
    with pytest.raises(ValueError, match="holds a solution under no task"):
        marked(new_notebook(cells=[cells[0], cells[2]]))
    with pytest.raises(ValueError, match=r"task 17.2 has no heading above it"):
        marked(new_notebook(cells=[cells[3]]))


def test_the_solutions_say_nothing_in_their_metadata_that_their_words_do_not(tmp_path):
    for source in ROOT.glob("solutions/*.ipynb"):
        notebook = nbformat.read(source, as_version=4)
        for cell in notebook.cells:
            cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        bare = tmp_path / "solutions" / source.name
        bare.parent.mkdir(exist_ok=True)
        bare.write_text(nbformat.writes(notebook), encoding="utf-8")
        tidy(ROOT, bare)
        assert bare.read_text(encoding="utf-8") == source.read_text(encoding="utf-8")


def test_a_cell_with_a_random_id_is_named_after_its_section_or_its_task():
    code = [new_code_cell("x", id=f"{i:08x}") for i in range(5)]
    code[3].metadata["nbgrader"], code[4].metadata["nbgrader"] = {"grade_id": "task-17-1"}, {"grade_id": "check-17-1"}
    heading, kept = new_markdown_cell("## 3. One's idea", id="a0a0a0a0"), new_code_cell("x", id="ones-idea-2")
    cells = [code[0], heading, code[1], kept, *code[2:]]
    name_cells(new_notebook(cells=cells))
    ids = ["start", "ones-idea", "ones-idea-3", "ones-idea-2", "ones-idea-4", "task-17-1", "check-17-1"]
    assert [cell.id for cell in cells] == ids
