"""What is handed out: only a course that is proven, without its answers, and what comes back of it gets its points."""

from pathlib import Path

import nbformat
import pytest
from grading.small_class import RIGHT, answered, mend, small_course
from nbclient import NotebookClient
from typer.testing import CliRunner

from utils.book.project import find_root
from utils.cli import app
from utils.grading import student
from utils.grading.course import load
from utils.grading.examiner import Examiner
from utils.grading.release import ReleaseError, release

ROOT = find_root(Path(__file__).parent)


@pytest.fixture
def course(tmp_path, forgotten):
    """A small course of one's own; its checks are forgotten afterwards."""
    return small_course(tmp_path / "course")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_course_of_one_s_own_is_handed_out_without_its_answers(course, workers, tmp_path):
    answers = ["tests/test_it.py", "solutions/more/data.txt", ".git/config", "__pycache__/x.pyc", "progress.json"]
    for name in ["data/numbers.csv", *answers]:
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("1")
    tasks = []
    written = release(course, workers, tmp_path / "out", on_task=tasks.append)
    assert names(tmp_path / "out") == ["data/numbers.csv", "exercises/91-first.ipynb", "exercises/92-second.ipynb"]
    assert [path.name for path in written] == ["91-first.ipynb", "92-second.ipynb"]
    assert set(tasks) == {"91.1", "91.2", "92.1"}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert "raise NotImplementedError" in text
        assert not any(answer in text for answer in ("SOLUTION", *RIGHT.values()))
        nbformat.validate(nbformat.reads(text, as_version=4))


def test_what_was_handed_out_and_comes_back_solved_gets_its_points(course, workers, tmp_path):
    written = release(course, workers, tmp_path / "out")
    for path in written:
        (tmp_path / "alice").mkdir(exist_ok=True)
        nbformat.write(answered(nbformat.read(path, as_version=4), RIGHT), tmp_path / "alice" / path.name)
    nothing = lambda mark: None  # noqa: E731
    graded = Examiner(load(course), b"s", workers, 5.0).examine("alice", tmp_path / "alice", None, {}, nothing, nothing)
    assert (graded.points, graded.of, graded.notes[""]) == (6, 6, ())


def edit(course, old, new, exercise="91-first"):
    """Change the text of a cell of a solution."""
    path = course / "solutions" / f"{exercise}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if old in cell.source)
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)


BEGIN = "    ### BEGIN SOLUTION: return it"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda c: edit(c, "return 2 * x", "return 3 * x"), "91.1: its solution does not pass (of some numbers: "),
        (lambda c: edit(c, "return 2 * x", "pass"), "91.1: its solution does not pass (of some numbers: "),
        (lambda c: edit(c, BEGIN, f"    return 2 * x\n{BEGIN}"), "91.1: its stub passes"),
        (lambda c: edit(c, "return -x", "while True: pass", "92-second"), "92.1: its solution does not pass (of some"),
        (lambda c: (c / "checks" / "chapter_92.py").unlink(), "task 92.1 of 92-second cannot be checked"),
        (lambda c: mend(c, "91", "2 * x", "[][x]"), "91.1: its solution does not pass (The check itself failed"),
        (lambda c: edit(c, "### END SOLUTION", ""), "91-first"),
        (lambda c: edit(c, "1 point · ", ""), "91-first.ipynb: task 91.1 does not state its effort"),
        (lambda c: [path.unlink() for path in (c / "solutions").iterdir()], "there is no notebook in"),
        (lambda c: ((c / "results").mkdir(), (c / "results" / "secret.key").touch()), "holds the marks of a class"),
    ],
    ids=["wrong", "empty", "stub", "endless", "no check", "check", "marker", "effort", "nothing", "results"],
)  # fmt: skip
def test_a_course_that_is_not_fit_is_refused_and_nothing_is_written(course, workers, tmp_path, monkeypatch, spoil, says):
    monkeypatch.setattr("utils.grading.release.SECONDS", 1.0)
    spoil(course)
    with pytest.raises(ReleaseError) as error:
        release(course, workers, tmp_path / "out")
    assert says in str(error.value) and not (tmp_path / "out").exists()
    others = {"91.1", "91.2", "92.1"} - {says[:4]}
    assert not says[0].isdigit() or not any(f"{other}:" in str(error.value) for other in others)


def test_a_folder_that_is_there_or_lies_in_the_course_is_not_written_to(course, tmp_path):
    before = names(course)
    (tmp_path / "out").mkdir()
    within = [(course / "out", "lies in"), (course / "a/../b", "lies in")]
    for out, why in [(tmp_path / "out", "exists"), (course, "exists"), *within]:
        with pytest.raises(ReleaseError, match=why):
            release(course, None, out)  # no process is started for this
    assert names(course) == before and names(tmp_path / "out") == []


def said(notebook, folder):
    """What the check cells of a notebook that is opened in `folder` say."""
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, allow_errors=True, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.startswith("check(")]
    return [str([output.get("data", output) for output in cell.outputs]) for cell in cells]


@pytest.mark.slow
def test_a_handed_out_notebook_opens_and_its_checks_work_where_the_instructor_puts_them(course, workers, tmp_path):
    path = release(course, workers, tmp_path / "out")[0]
    notebook = answered(nbformat.read(path, as_version=4), {"double": "2 * x", "shift": "x"})
    first, second = said(notebook, path.parent)
    assert "Task 91.1 is checked after you have handed it in." in first and "91.2 is checked after" in second
    (course / "checks").rename(path.parent / "checks")
    first, second = said(notebook, path.parent)
    assert "Task 91.1: passed" in first and "the input unchanged" in second


def test_a_check_looks_beside_the_notebook(course, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(student, "display", shown.append)
    monkeypatch.setitem(globals(), "double", lambda x: 2 * x)
    for folder in (tmp_path, course):
        monkeypatch.chdir(folder)
        student.check("91.1")
    assert shown[0].data == "Task 91.1 is checked after you have handed it in." and "Task 91.1: passed" in repr(shown[1])


def test_the_command_makes_the_exercises_of_a_course_of_one_s_own(course):
    handed_out = names(course / "exercises")
    texts = [(course / "exercises" / name).read_text() for name in handed_out]
    for name in handed_out:
        (course / "exercises" / name).unlink()
    result = CliRunner().invoke(app, ["exercises", "--course", str(course)])
    assert result.exit_code == 0, result.output
    assert names(course / "exercises") == handed_out
    made = [nbformat.read(course / "exercises" / name, as_version=4) for name in handed_out]
    for text, notebook in zip(texts, made):
        cells = [cell.source for cell in notebook.cells if cell.id != "setup"]
        assert cells == [cell.source for cell in nbformat.reads(text, as_version=4).cells]
    edit(course, "### END SOLUTION", "")
    result = CliRunner().invoke(app, ["exercises", "--course", str(course)])
    assert result.exit_code == 1 and "91-first.ipynb: the cell of 91.1" in " ".join(result.output.split())


@pytest.mark.slow
def test_one_proof_is_enough_for_everything_that_the_command_writes(course, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["release", "out", "--course", str(course), "--nbgrader", "nb", "--gradescope", "zips"]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    lines = ["Hand out out: exercises", "2 notebooks in out/exercises", "2 notebooks in nb/source", "2 zips in zips"]
    assert result.output.splitlines() == lines
    for place in ("out", "nb"):
        result = CliRunner().invoke(app, ["release", "--course", str(course), "--nbgrader", place], env={"COLUMNS": "200"})
        assert result.exit_code == 1 and "exists; expected a folder that can be made anew" in result.output
    result = CliRunner().invoke(app, ["release", "--course", str(course)], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and "name a folder: OUT, --nbgrader or --gradescope" in result.output


@pytest.mark.slow
def test_the_book_is_handed_out_without_its_answers(workers, tmp_path):
    written = release(ROOT, workers, tmp_path / "out")
    assert [path.name for path in written] == sorted(path.name for path in (ROOT / "solutions").glob("*.ipynb"))
    out = tmp_path / "out"
    assert not any((out / name).exists() for name in ("solutions", "tests", ".git", ".venv", "_build", "progress.json"))
    assert all((out / name).is_file() for name in ("_toc.yml", "pyproject.toml", "utils/grading/checks/chapter_01.py"))
    for path in out.rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert "BEGIN SOLUTION" not in text and "END SOLUTION" not in text
    for path in written:
        assert nbformat.read(path, as_version=4) == nbformat.read(ROOT / "exercises" / path.name, as_version=4)


def test_checks_may_not_bear_a_number_of_the_book_s(course):
    (course / "checks" / "chapter_01.py").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"chapter_01\.py bears the number of a chapter of the book"):
        load(course)
