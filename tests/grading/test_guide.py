"""What the instructor's guide says is what happens: its own task, from the words on the page to a student's mark."""

import csv
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.book.project import find_root

ROOT = find_root()
GUIDE = (ROOT / "instructors" / "guide.md").read_text(encoding="utf-8")
ANSWER = """def row_means(x):
    ### BEGIN SOLUTION: return one mean for each row
    return x.mean(1)
    ### END SOLUTION"""


def course(*arguments):
    subprocess.run([sys.executable, "-m", "utils.cli", *map(str, arguments)], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.slow
def test_a_task_of_one_s_own_goes_from_the_guide_to_the_table(tmp_path):
    (check,) = re.findall(r'```python\n("""Checks of the quiz.*?)```', GUIDE, re.S)
    heading, effort = re.search(r"`(## 51\.1 .+?)`, under it the line\s+`(.+?)`", GUIDE).groups()
    quiz = tmp_path / "quiz"
    for name in ("solutions", "checks"):
        (quiz / name).mkdir(parents=True)
    (quiz / "checks" / "chapter_51.py").write_text(check, encoding="utf-8")
    cells = [new_markdown_cell("# Quiz"), new_code_cell("import numpy as np\nfrom utils.grading.student import check")]
    cells += [new_markdown_cell(f"{heading}\n\n{effort}\n\nWrite it."), new_code_cell(ANSWER), new_code_cell('check("51.1")')]
    nbformat.write(new_notebook(cells=cells), quiz / "solutions" / "51-quiz.ipynb")

    course("exercises", "--course", quiz)
    course("release", tmp_path / "handout", "--course", quiz)
    handed_out = tmp_path / "handout"
    assert sorted(p.name for p in handed_out.rglob("*") if p.is_file()) == ["51-quiz.ipynb"]
    stub = (handed_out / "exercises" / "51-quiz.ipynb").read_text(encoding="utf-8")
    assert "return one mean for each row" in stub and "x.mean" not in stub

    for student, answer in {"alice": "x.mean(axis=1)", "bob": "x.mean(axis=0)", "carol": None}.items():
        notebook = nbformat.reads(stub, as_version=4)
        for cell in notebook.cells:
            if answer and "def row_means" in cell.source:
                cell.source = f"def row_means(x):\n    return {answer}"
        (tmp_path / "submissions" / student).mkdir(parents=True)
        nbformat.write(notebook, tmp_path / "submissions" / student / "51-quiz.ipynb")
    course("grade", tmp_path / "submissions", "--course", quiz, "--out", tmp_path / "results")
    with open(tmp_path / "results" / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert {row["student"]: row["total"] for row in csv.DictReader(file)} == {"alice": "1", "bob": "0", "carol": "0"}
    assert "Which axis do the rows lie along?" in (tmp_path / "results" / "students" / "bob" / "feedback.html").read_text()


SUBMITTED = {  # as the platform's archive has it
    "canvas": ("doejane_1234_5678_01-recurrent-networks.ipynb", ["doejane", "1234", "", "", "", "0"]),
    "moodle": ("Jane Doe_4321_assignsubmission_file/notebook.ipynb", ["Participant 4321", "Jane Doe", "", "0"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("platform", SUBMITTED)
def test_the_command_for_a_platform_makes_of_its_archive_what_it_imports(tmp_path, platform):
    (command,) = re.findall(rf"^course (grade {platform}-submissions .*)$", GUIDE, re.M)
    place, row = SUBMITTED[platform]
    file = tmp_path / f"{platform}-submissions" / place
    file.parent.mkdir(parents=True)
    shutil.copy(ROOT / "exercises" / "01-recurrent-networks.ipynb", file)
    course(*command.replace("--out results", f"--out {tmp_path}/results").replace("grade ", f"grade {tmp_path}/").split())
    with open(tmp_path / "results" / "grades.csv", encoding="utf-8-sig", newline="") as table:
        assert [*csv.reader(table)][-1][: len(row)] == row


def test_every_command_and_file_of_the_grader_that_the_guide_names_is_there():
    options = subprocess.run([sys.executable, "-m", "utils.cli", "grade", "--help"], capture_output=True, text=True, check=True)
    for option in set(re.findall(r"`(--[a-z]+)", GUIDE)):
        assert option in options.stdout
    written = re.findall(r"^- `([\w/]+\.\w+)`:", GUIDE, re.M)
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "utils" / "grading").rglob("*.py"))
    assert len(written) == 7 and all(name.rpartition("/")[2] in source for name in written)
