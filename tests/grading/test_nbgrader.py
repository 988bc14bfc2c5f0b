"""The grader under nbgrader: the real package, by its commands, from the release to the marks, and what students read of them.

The commands are those of instructors/nbgrader.md. One course and one class serve all tests that need one.
"""

import csv
import gc
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import nbformat
import pytest
from grading.small_class import RIGHT, answered, hand_in, small_course
from lxml import html
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from utils.book.project import find_root
from utils.grading import batch
from utils.grading.adapters import nbgrader_run, nbgrader_steps, placing
from utils.grading.adapters.nbgrader import ENGINE
from utils.grading.intake import foreign
from utils.grading.results.marks import Mark
from utils.grading.results.seeds import commitment
from utils.grading.task import Part, Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox, and nbgrader's exchange")

ROOT = find_root()
PAGE = (ROOT / "instructors" / "nbgrader.md").read_text(encoding="utf-8")
NAME = "91-first"
COMMANDS = [line.replace("51-quiz", NAME).split()[1:] for line in re.findall(r"^nbgrader .+$", PAGE, re.M)]
(RELEASE,) = re.findall(r"^course (release .+)$", PAGE, re.M)
ME = pwd.getpwuid(os.getuid()).pw_name  # the one student who can use the exchange here
EARLY, EARLIER, LATE = "2026-01-02 12:00:00 UTC", "2026-01-01 12:00:00 UTC", "2099-01-02 12:00:00 UTC"
DUE = "2099-01-01 12:00:00 UTC"
SETTINGS = """
c.Exchange.root = {exchange!r}
c.LateSubmissionPlugin.penalty_method = "zero"
c.Examine.seconds = 4.0
"""
RUN = """
import json, os, sys
from nbgrader.apps.nbgraderapp import NbGraderApp, NoStart
for folder, command in json.loads(sys.argv[1]):
    os.chdir(folder)
    app = NbGraderApp.instance()
    try:
        app.initialize(command)
        app.start()
    except NoStart:
        pass
    NbGraderApp.clear_instance()
"""
ANSWERS = {
    ME: RIGHT,
    "bob": RIGHT | {"double": "x"},
    "carol": RIGHT,
    "dora": {},
    "fay": RIGHT,
    "gus": RIGHT | {"shift": "__import__('os')._exit(0)"},
    "ida": RIGHT | {"double": "\n    while True: pass"},
}
POINTS = {ME: 3, "bob": 2, "carol": 3, "dora": 0, "eve": 0, "fay": 3, "gus": 1, "hal": 0, "ida": 2}
ESSAY = "Because of *this*. <script>alert('essay')</script><img src=x onerror=alert(1)> ![b](//c) [d][e]"
ESSAY += r" [a](javascript:alert(2)) $a<b \href{javascript:f}{g}$"
ESSAY += "\n\n[e]: javascript:alert(3)"


def nbgrader(*commands):
    """Run commands of nbgrader's, each in its folder, in one process -> what it logged. AssertionError if one fails."""
    place = commands[0][0].parent
    env = os.environ | {f"JUPYTER_{name}_DIR": str(place / "jupyter") for name in ("CONFIG", "DATA", "RUNTIME")}
    env |= {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]), "TMPDIR": str(place / "tmp")}
    order = json.dumps([(str(folder), command) for folder, command in commands])
    done = subprocess.run([sys.executable, "-c", RUN, order], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def submit(home, student, notebook, timestamp):
    folder = home / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)  # as it is: nbformat would mend it
    (folder / f"{NAME}.ipynb").write_text(text, encoding="utf-8")
    (folder / "timestamp.txt").write_text(timestamp)
    (folder / "submission_secret.txt").write_text(f"secret of {student}")  # nbgrader's submit makes one


def written_cell():
    """A question as nbgrader's own tools mark it for a person."""
    about = {"grade": True, "solution": True, "locked": False, "task": False, "schema_version": 3, "cell_type": "markdown"}
    return new_markdown_cell("YOUR ANSWER HERE", id="why", metadata={"nbgrader": {**about, "grade_id": "why", "points": 4}})


def spoilt(notebook):
    """As hand-made tools and copied cells leave it: one cell twice, a check that says it passed, and is worth more."""
    task = next(cell for cell in notebook.cells if cell.source.startswith("def double"))
    check = next(cell for cell in notebook.cells if cell.source.startswith("check("))
    notebook.cells.append(task.copy())
    check.source, check.metadata.nbgrader.points, check.metadata.tags = "pass", 100, ["skip-execution"]
    check.outputs = [new_output("execute_result", {"text/plain": "100"})]
    notebook.metadata.kernelspec = {"name": "ghost", "display_name": "Ghost", "language": "cobol"}
    return notebook


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A course under nbgrader in which all commands of the page have run, once."""
    place = tmp_path_factory.mktemp("nbgrader")
    mine, home, student = small_course(place / "mine"), place / "nb", place / "student"
    release = [{"quiz": str(mine), "quiz-nbgrader": str(home)}.get(word, word) for word in RELEASE.split()]
    subprocess.run([sys.executable, "-m", "utils.cli", *release], cwd=ROOT, capture_output=True, check=True)
    source = home / "source" / NAME / f"{NAME}.ipynb"
    solved = nbformat.read(source, 4)
    solved.cells.append(written_cell())
    nbformat.write(solved, source)
    for folder in (student, place / "exchange", place / "tmp"):
        folder.mkdir()
    (place / "exchange").chmod(0o777)
    settings = SETTINGS.format(exchange=str(place / "exchange"))
    with (home / "nbgrader_config.py").open("a") as config:
        config.write(settings)
    (student / "nbgrader_config.py").write_text(f'c = get_config()\nc.CourseDirectory.course_id = "nb"\n{settings}')
    collect = COMMANDS.index(["collect", NAME])
    nbgrader(
        *((home, command) for command in COMMANDS[:collect]),
        (home, ["db", "assignment", "add", NAME, f"--duedate={DUE}"]),
        (student, ["fetch_assignment", NAME]),
    )
    released = (home / "release" / NAME / f"{NAME}.ipynb").read_text()
    fetched = student / NAME / f"{NAME}.ipynb"
    for name, answers in ANSWERS.items():
        notebook = answered(nbformat.reads(released, 4), answers)
        if name == "ida":
            next(cell for cell in notebook.cells if cell.get("id") == "why").source = ESSAY
        if name == ME:
            nbformat.write(notebook, fetched)
        else:
            submit(home, name, spoilt(notebook) if name == "fay" else notebook, LATE if name == "carol" else EARLIER)
    submit(home, "eve", released[: len(released) // 2], EARLIER)
    submit(home, "hal", released.replace('"cells"', '"%s": 0,\n "cells"' % ("x" * 17_000_000), 1), EARLIER)
    log = nbgrader((student, ["submit", NAME]), *((home, command) for command in COMMANDS[collect:]))
    (place / "log").write_text(log)
    return home


def rows(home):
    with open(home / "grades.csv", newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == NAME}


def said(home, student):
    """What a student's page says under the cells."""
    page = (home / "feedback" / student / NAME / f"{NAME}.html").read_text()
    return "\n".join(area.text_content() for area in html.fromstring(page).find_class("output_area"))


def harmless(page):
    """The essay is there, and nothing of it is run."""
    elements = html.fromstring(page)
    scripts = [script for script in elements.iter("script") if "essay" in script.text_content()]
    assert "alert('essay')" in elements.text_content() and "<em>this</em>" in page
    return not scripts and not elements.xpath("//@onerror | //img | //a[starts-with(@href, 'java')]") and r"\href" not in page


@contextmanager
def gradebook(home):
    with Gradebook(f"sqlite:///{home}/gradebook.db") as book:
        yield book


@pytest.mark.slow
def test_students_get_our_version(home):
    ours = nbformat.read(home.parent / "mine" / "exercises" / f"{NAME}.ipynb", 4)
    theirs = nbformat.read(home.parent / "student" / NAME / f"{NAME}.ipynb", 4)
    released = nbformat.read(home / "release" / NAME / f"{NAME}.ipynb", 4)
    assert [cell.source for cell in released.cells[:-1]] == [cell.source for cell in ours.cells]
    assert 'raise NotImplementedError("return it")' in released.cells[3].source
    points = [cell.metadata.get("nbgrader", {}).get("points") for cell in theirs.cells]
    assert [p for p in points if p] == [1, 2, 4]


@pytest.mark.slow
def test_points_are_those_of_course_grade(home, forgotten):
    place = home.parent
    for name, answers in ANSWERS.items():
        hand_in(place / "mine", place / "submissions" / name, answers, [NAME])
    (place / "results").mkdir()
    shutil.copy(home / ENGINE / "secret.key", place / "results")
    run = batch.grade_class(place / "submissions", place / "results", place / "mine", seconds=4.0)
    found = {name: float(row["raw_score"]) for name, row in rows(home).items()}
    assert {graded.student: graded.points for graded in run.graded} == {name: found[name] for name in ANSWERS}
    assert found == POINTS


@pytest.mark.slow
def test_late_penalty_is_nbgraders(home):
    table = rows(home)
    assert {name: float(row["late_submission_penalty"]) for name, row in table.items() if float(row["score"]) != POINTS[name]}
    assert float(table["carol"]["score"]) == 0 and float(table["carol"]["late_submission_penalty"]) == 3


@pytest.mark.slow
def test_page_says_what_was_found_and_no_secret(home):
    pages = {name: said(home, name) for name in POINTS}
    key = (home / ENGINE / "secret.key").read_bytes()
    for page in pages.values():
        assert "Isolation: " in page and commitment(key) in page
        assert not re.search(r"\d\.\d{3}", page) and key.hex() not in page
    assert "This looks like: the input unchanged. Look again." in pages["bob"] and pages["bob"].count("No points") == 1
    assert pages["dora"].count("Still to do: return it") == 2
    assert "91-first.ipynb is no complete notebook" in pages["eve"] and "is larger than 16 MB" in pages["hal"]
    assert "has a changed check cell" in pages["fay"]
    assert "the Python process ended" in pages["gus"]
    assert "no answer within 4 seconds" in pages["ida"]


@pytest.mark.slow
def test_nothing_of_theirs_but_sources_goes_on(home):
    notebook = nbformat.read(home / "autograded" / "fay" / NAME / f"{NAME}.ipynb", 4)
    released = nbformat.read(home / "release" / NAME / f"{NAME}.ipynb", 4)
    assert [cell.metadata for cell in notebook.cells[1:]] == [cell.metadata for cell in released.cells]
    assert notebook.metadata == released.metadata
    assert notebook.cells[3 + 1].source == "def double(x):\n    return 2 * x\n\ndef double(x):\n    return 2 * x"


@pytest.mark.slow
def test_examiners_and_their_files_are_gone(home):
    assert list((home.parent / "tmp").iterdir()) == []


@pytest.mark.slow
def test_written_answer_is_a_person_s_and_stays_so_when_a_student_submits_again(home):
    with gradebook(home) as book:
        assert book.find_grade("why", NAME, NAME, "ida").needs_manual_grade
        assert book.find_grade("why", NAME, NAME, "dora").auto_score == 0  # nothing was written
        grade = book.find_grade("why", NAME, NAME, "ida")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        book.db.commit()
    notebook = answered(nbformat.read(home / "release" / NAME / f"{NAME}.ipynb", 4), RIGHT)
    notebook.cells[-1].source = ESSAY
    submit(home, "ida", notebook, EARLY)
    others = home / "autograded" / "bob" / NAME / f"{NAME}.ipynb"
    before = others.stat().st_mtime_ns
    nbgrader(*((home, [command, NAME]) for command in ("autograde", "generate_feedback")), (home, ["export"]))
    assert float(rows(home)["ida"]["raw_score"]) == 3 + 3.5
    assert others.stat().st_mtime_ns == before
    assert "not yet" not in said(home, "ida")
    page = (home / "feedback" / "ida" / NAME / f"{NAME}.html").read_text()
    assert harmless(page)


@pytest.mark.slow
def test_formgrader_shows_it(home):
    with served(home) as get:
        assert "<title>nbgrader formgrade</title>" in get(f"formgrader/gradebook/{NAME}/{NAME}")
        (assignment,) = [a for a in json.loads(get("formgrader/api/assignments")) if a["name"] == NAME]
        assert assignment["num_submissions"] == len(POINTS)
        found = {s["student"]: s["id"] for s in json.loads(get(f"formgrader/api/submitted_notebooks/{NAME}/{NAME}"))}
        bob, ida = (get(f"formgrader/submissions/{found[name]}") for name in ("bob", "ida"))
    assert "This looks like: the input unchanged." in bob and "How this notebook was graded" in bob
    assert harmless(ida)


@contextmanager
def served(home):
    """A Jupyter server with formgrader for that course -> what is at an address of it, as text."""
    place = home.parent
    env = os.environ | {f"JUPYTER_{name}_DIR": str(place / "jupyter") for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--IdentityProvider.token=key"]
    command += ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}", "--port=0"]
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=home, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 120
        while not (address := re.search(r"http://127\.0\.0\.1:\d+/", (place / "server.log").read_text())):
            assert time.monotonic() < until and server.poll() is None, (place / "server.log").read_text()
            time.sleep(0.2)

        def get(path):
            with urllib.request.urlopen(f"{address[0]}{path}?token=key", timeout=60) as page:
                return page.read().decode()

        yield get
    finally:
        server.kill()
        server.wait()


PASSED, FAILED = Part("a part", True), Part("another", False, "a misconception", "Look again.")
RESULTS = {
    "all passed": (Result("91.1", (PASSED,)), "", 2),
    "one failed": (Result("91.1", (PASSED, FAILED)), "", 0),
    "unfinished": (Result("91.1", (PASSED,), unfinished="return it"), "", 0),
    "given up": (None, "The check could not be finished.", 0),
    "passed, but given up": (Result("91.1", (PASSED,)), "The check could not be finished.", 0),
}


@pytest.mark.parametrize("name", RESULTS)
def test_nbgrader_gives_the_points_that_we_give(name):
    result, problem, points = RESULTS[name]
    mark = Mark("91.1", "Double", NAME, 2.0, result, problem)
    about = {"grade": True, "solution": False, "points": 2, "grade_id": "check-91-1"}
    cell = new_code_cell('check("91.1")', metadata={"nbgrader": about}, outputs=nbgrader_run.outputs(mark))
    assert determine_grade(cell) == (mark.points, 2.0) == (points, 2.0)


def test_nbgrader_gives_nothing_for_what_was_not_read():
    about = {"grade": True, "solution": False, "points": 2, "grade_id": "check-91-1"}
    assert determine_grade(new_code_cell(metadata={"nbgrader": about}, outputs=nbgrader_run.outputs(None)))[0] == 0


def test_tests_that_nbgrader_would_have_to_run_are_refused():
    about = {"grade": True, "solution": False, "points": 2, "grade_id": "mine"}
    notebook = new_notebook(cells=[new_code_cell("assert True", metadata={"nbgrader": about})])
    with pytest.raises(ValueError, match="'mine' is the check of no task"):
        nbgrader_steps.Stub().preprocess(notebook, {})


def test_examiners_are_one_for_a_run_and_go_with_it(tmp_path, monkeypatch):
    """A server with formgrader goes on after a run."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    small_course(tmp_path / "course")
    (tmp_path / "course" / "exercises").rename(tmp_path / "release")
    where = SimpleNamespace(root=str(tmp_path), release_directory="release", directory_structure="{nbgrader_step}")
    run = NotebookExporter()
    found = nbgrader_run.examiners(run, where, None, 1.0)
    assert found is nbgrader_run.examiners(run, where, None, 1.0)
    course, key, *_ = found.setting
    assert sorted(path.name for path in course.rglob("*.*")) == [
        "91-first.ipynb",
        "92-second.ipynb",
        "chapter_91.py",
        "chapter_92.py",
    ]
    assert key == (tmp_path / ENGINE / "secret.key").read_bytes()
    del run
    gc.collect()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_page_names_the_settings_that_are_there():
    assert set(re.findall(r"c\.Examine\.(\w+)", PAGE)) == set(nbgrader_steps.Examine.class_own_traits(config=True))


def test_cells_of_theirs_are_placed_where_they_stood(tmp_path):
    released = nbformat.read(small_course(tmp_path) / "exercises" / f"{NAME}.ipynb", 4)
    theirs = answered(nbformat.read(tmp_path / "exercises" / f"{NAME}.ipynb", 4), RIGHT)
    own = new_code_cell(
        "two = 2 # \u202e", metadata={"nbgrader": {"grade": True, "points": 9, "grade_id": "mine"}, "tags": ["x"]}
    )
    theirs.cells[1].source += "\nimport math"
    theirs.cells[4].source = "pass"
    theirs.cells.insert(3, own)
    placed = placing.placed([foreign.cell(cell) for cell in theirs.cells], released)
    sources = [cell.source for cell in placed.cells]
    assert sources[:2] == [cell.source for cell in released.cells[:2]]
    assert sources[2:] == [theirs.cells[1].source, released.cells[2].source, "two = 2 # [U+202E]"] + [
        cell.source for cell in theirs.cells[4:5] + released.cells[4:6] + theirs.cells[7:]
    ]
    assert placed.cells[4].metadata == {} and len({cell.id for cell in placed.cells}) == len(placed.cells)
    nbformat.validate(placed)


def test_nothing_is_placed_twice_or_lost_without_ids():
    """Of a file that bears no ids, as some tools leave it."""
    released = new_notebook(cells=[new_markdown_cell("# A", id="a"), new_code_cell("x = 1", id="b")])
    theirs = [foreign.cell({"cell_type": "code", "source": "x = 1"}), foreign.cell({"cell_type": "code", "source": "y = 2"})]
    assert [cell.source for cell in placing.placed(theirs, released).cells] == ["# A", "x = 1", "y = 2"]
