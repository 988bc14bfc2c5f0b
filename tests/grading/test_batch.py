"""A whole class: what is written, what a second run does, and that no submission, no signal and no other run spoils it."""

import os
import random
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from grading.runs import LONG, a_class, alive, family, files, kept, start, table, tree, wait_for
from grading.small_class import CHECKS_BEGIN, RIGHT, WRONG, hand_in, mend, small_course, write_course
from typer.testing import CliRunner

from utils.cli import app
from utils.grading import batch, examiners
from utils.grading.batch import GONE, SCRATCH, grade_class
from utils.grading.examiners import GIVEN_UP, UNGRADED, Examiners
from utils.grading.results import marks
from utils.grading.results.marks import Graded, Mark
from utils.grading.sandbox.walls import LEVELS
from utils.grading.sandbox.workers import SandboxError
from utils.grading.task import Part, Result

pytestmark = pytest.mark.slow  # each run starts its examiners anew
CLASS = {
    "alice": RIGHT,
    "bob": RIGHT | {"shift": WRONG},
    "carol": {},
    "dave": RIGHT | {"minus": "    raise OSError('no')\n"},
}
POINTS = {"alice": 6, "bob": 4, "carol": 0, "dave": 3}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A class that was graded once: course/, submissions/, results/."""
    place = tmp_path_factory.mktemp("class")
    small_course(place / "course")
    for student, answers in CLASS.items():
        hand_in(place / "course", place / "submissions" / student, answers)
    (place / "submissions" / "all.zip").write_bytes(b"PK")
    run = grade_class(place / "submissions", place / "results", place / "course")
    return place, run


@pytest.fixture
def later(first, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(first[0], tmp_path / "class")


def again(place, results="results", jobs=1, **rest):
    return grade_class(place / "submissions", place / results, place / "course", jobs=jobs, **rest)


# --- a class


def test_a_class_is_graded_and_everything_is_written(first):
    place, run = first
    assert {one.student: one.points for one in run.graded} == POINTS
    assert (run.anew, run.changes, run.passed_over) == (tuple(CLASS), (), ("all.zip",))
    names = [f"students/{student}/{name}" for student in CLASS for name in ("feedback.html", "result.json")]
    tables = ["changes.csv", "grades.csv", "items.csv", "secret.key", "summary.md"]
    assert [path.relative_to(place / "results").as_posix() for path in files(place / "results")] == sorted([*tables, *names])
    assert not (place / "results" / SCRATCH).exists()
    assert [marks.load(place / "results", student) for student in CLASS] == list(run.graded)
    assert {row["student"]: float(row["total"]) for row in table(place / "results" / "grades.csv")} == POINTS
    assert run.graded[1].marks[1].result.misconception == "the input unchanged"
    assert "OSError: no" in run.graded[3].marks[2].result.parts[0].message


def test_a_second_run_grades_nothing_and_a_third_what_has_changed(first, later):
    results = later / "results"
    students, grades = tree(results / "students"), table(results / "grades.csv")
    run = again(later)
    assert (run.anew, run.changes, run.graded) == ((), (), first[1].graded)
    assert (tree(results / "students"), table(results / "grades.csv")) == (students, grades)

    hand_in(later / "course", later / "submissions" / "bob", RIGHT)
    hand_in(later / "course", later / "submissions" / "erin", RIGHT, ["91-first"])
    shutil.rmtree(later / "submissions" / "dave")
    (later / "submissions" / "carol" / "92-second.ipynb").unlink()
    mend(later / "course", "92", "-x", "0 * x")
    run = again(later)
    assert run.anew == ("alice", "bob", "carol", "erin")
    assert sorted(tuple(row.values())[1:] for row in table(results / "changes.csv")) == [
        ("alice", "task 92.1", "3", "0", "the check was mended"),
        ("bob", "task 91.2", "0", "2", "the submission changed"),
        ("bob", "task 92.1", "3", "0", "the check was mended"),
    ]
    assert len(run.changes) == 3
    grades = {row["student"]: row for row in table(results / "grades.csv")}
    totals = {"alice": "3", "bob": "3", "carol": "0", "dave": "3", "erin": "3"}
    assert {name: row["total"] for name, row in grades.items()} == totals
    assert [name for name, row in grades.items() if GONE in row["notes"]] == ["dave"]
    old, new = (marks.load(place / "results", "alice").marks for place in (first[0], later))
    assert new[:2] == old[:2] and new[2].result != old[2].result  # the times of 91 are the old ones
    assert tree(results / "students" / "dave") == tree(first[0] / "results" / "students" / "dave")


# --- what a submission can do to an examiner

TROUBLE = """
@task("93.1", oracle={"give": lambda x: x}, mistakes={})
def check_give(room, rng):
    got = room.call("give", 1.0)
    if got == 2:
        ctypes.string_at(0)
    while got == 3:
        pass
    if got == 4:
        np.empty(8 << 30, np.uint8)
    yield "it", got


@task("93.2", oracle={"take": lambda x: x}, mistakes={})
def check_take(room, rng):
    yield "it", room.call("take", 1.0)
"""


def test_an_examiner_that_dies_or_hangs_costs_one_task_of_one_student(tmp_path, monkeypatch):
    tasks = {"93.1": ("give", 1, "x"), "93.2": ("take", 1, "x")}
    write_course(tmp_path / "course", "93-trouble", tasks, CHECKS_BEGIN + TROUBLE)
    for student, answer in {"alice": "2", "bob": "3", "carol": "4", "zoe": "x"}.items():
        hand_in(tmp_path / "course", tmp_path / "submissions" / student, {"give": answer, "take": "x"}, ["93-trouble"])
    monkeypatch.setattr(examiners, "PATIENCE", 3)
    run = again(tmp_path, seconds=0.5)
    alice, bob, carol, zoe = run.graded
    assert [mark.problem for mark in (*alice.marks, *bob.marks)] == [GIVEN_UP, "", GIVEN_UP, ""]
    assert [one.points for one in run.graded] == [1, 1, 1, 2]
    assert "MemoryError" in carol.marks[0].result.parts[0].message and not zoe.marks[0].problem


BLANK = Mark("93.1", "Give", "93-trouble", 1.0, None, digests={"answer": "a"})
GOOD = replace(BLANK, result=Result("93.1", (Part("it", True),)))
BEFORE = Graded("alice", (GOOD,), {}, {"": ()}, "landlock", {}, "c", "2026-01-01")


class Scripted(Examiners):
    """One that says what is written down, and ends where an error is."""

    def __init__(self, *says):
        super().__init__((Path(), b"", None, 1.0), "")
        self.says, self.orders, self.stops = list(says), [], 0

    def _free(self):
        return self

    def ask(self, order):
        self.orders.append((*order[:-1], dict(order[-1])))
        for said in self.says.pop(0):
            if isinstance(said, Exception):
                raise said
            yield said

    def stop(self, for_good=False):
        self.stops += 1


def test_a_student_at_whose_files_the_examiner_ends_twice_keeps_earlier_marks():
    for before in (None, BEFORE):
        examiner = Scripted([EOFError()], [BrokenPipeError()])
        graded = examiner.examine("alice", Path(), before)
        assert (graded.student, graded.notes[""], examiner.stops) == ("alice", (UNGRADED,), 2)
        assert graded.marks == (before.marks if before else ())
    assert Scripted([EOFError()], [("graded", BEFORE)]).examine("alice", Path(), None) is BEFORE


def test_what_was_marked_before_an_examiner_ended_is_told_to_the_next(first):
    other = replace(BLANK, task="93.2")
    says = [("task", BLANK), ("mark", GOOD), ("task", other), TimeoutError()], [("graded", BEFORE)]
    examiner = Scripted(*says)
    assert examiner.examine("alice", Path(), None) is BEFORE
    assert examiner.orders[1] == ("alice", Path(), None, {"93.1": GOOD, "93.2": replace(other, problem=GIVEN_UP)})
    examiner = Scripted(*([("task", replace(BLANK, task=f"93.{n}")), EOFError()] for n in range(5)), [("graded", BEFORE)])
    assert examiner.examine("alice", Path(), None) is BEFORE  # however many tasks it ends at


# --- what is refused


def test_folders_that_are_not_as_they_should_be_are_refused_and_nothing_is_written(first, tmp_path):
    place = first[0]
    for out in (place / "submissions", place / "submissions" / "results", place / "submissions" / "alice" / ".." / "x" / "y"):
        with pytest.raises(ValueError, match="lie among the submissions"):
            grade_class(place / "submissions", out, place / "course")
        assert sorted(p.name for p in (place / "submissions").iterdir()) == sorted([*CLASS, "all.zip"])
    (tmp_path / "nobody").mkdir()
    with pytest.raises(ValueError, match="there is no student in"):
        grade_class(tmp_path / "nobody", tmp_path / "results", place / "course")
    with pytest.raises(ValueError, match="no exercise '91-frist'"):
        grade_class(place / "submissions", tmp_path / "others", place / "course", exercises=["91-frist"])
    with pytest.raises(ValueError, match="there is no notebook in"):
        grade_class(place / "submissions", tmp_path / "others", tmp_path)
    assert not (tmp_path / "others").exists()


def test_a_sandbox_that_nobody_knows_and_a_task_without_a_check_are_refused(later):
    with pytest.raises(SandboxError, match="there is no sandbox 'none'; known are namespaces, landlock, process"):
        again(later, "none", level="none")
    mend(later / "course", "91", '"91.2"', '"91.3"')
    with pytest.raises(ValueError, match=r"task 91\.2 of 91-first cannot be checked: ValueError"):
        again(later, "faulty")
    assert not list(later.glob("none/students/*")) and not list(later.glob("faulty/students/*"))


def course(*arguments):
    """What the command says, on one line, and its exit status."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200", "TERM": "dumb"})
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_the_command_refuses_with_a_sentence(first, tmp_path):
    place = first[0]
    submissions, one = place / "submissions", place / "submissions" / "alice" / "91-first.ipynb"
    grade = ("grade", submissions, "--course", place / "course", "--out")
    (tmp_path / "empty").mkdir()
    for arguments, status, sentence in [
        ((*grade, submissions / "results"), 1, "lie among the submissions; expected a folder outside"),
        ((*grade, one), 2, "is a file"),
        (("grade", one, "--out", tmp_path / "results"), 2, "is a file"),
        (("grade", tmp_path / "empty", "--course", place / "course", "--out", tmp_path / "r"), 1, "there is no student in"),
        ((*grade, tmp_path / "r", "--sandbox", "none"), 2, "'namespaces', 'landlock', 'process'"),
        ((*grade, tmp_path / "r", "--jobs", "0"), 2, "'--jobs'"),
        ((*grade, tmp_path / "r", "--backend", "disk"), 2, "'threading', 'dask'"),
        ((*grade, tmp_path / "r", "--backend", "dask"), 1, 'expected "threading" and none, or "dask" and one'),
        ((*grade, tmp_path / "r", "--scheduler", "tcp://localhost:1"), 1, 'expected "threading" and none, or "dask" and one'),
        ((*grade, tmp_path / "r", "--exercise", "91"), 1, "there is no exercise '91'; known are 91-first, 92-second"),
        (("grade", submissions, "--course", place / "nowhere", "--out", tmp_path / "r"), 2, "does not exist"),
        (("grade", submissions, "--course", place / "submissions", "--out", tmp_path / "r"), 1, "there is no notebook in"),
    ]:
        found, said = course(*arguments)
        assert (found, sentence in said) == (status, True), said
    status, said = course("grade", "--help")
    assert status == 0 and all(level in said for level in LEVELS) and "Grade a class" in said


# --- what ends a run


@pytest.fixture(scope="module")
def undisturbed(first, tmp_path_factory):
    """What a run gives that nobody disturbs, at another pace, in another order and with one student more."""
    place = a_class(tmp_path_factory.mktemp("undisturbed"), first[0])
    hand_in(place / "course", place / "submissions" / "aaron", {})
    order, done = batch.students, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "students", lambda path: dict(reversed(order(path).items())))
        again(place, on_done=lambda graded: done.append(graded.student))
    assert done == [*(f"s{number}" for number in reversed(range(6))), "aaron"]
    (_, *them), (_, *grades) = kept(place / "results")
    return them, grades


def test_an_interrupt_ends_the_run_keeps_what_was_done_and_leaves_no_process(first, tmp_path):
    place = a_class(tmp_path, first[0], 30)
    run = start(place)
    wait_for(lambda: len(list(place.glob("results/students/*/result.json"))) > 1, 120)
    processes = family(run)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    began = time.monotonic()
    out, err = run.communicate(timeout=LONG)
    assert time.monotonic() - began < 10
    assert (run.returncode, err) == (130, "") and "what was graded is kept" in out
    wait_for(lambda: not alive(processes))
    done = list((place / "results" / "students").iterdir())
    assert 2 <= len(done) < 30 and all(marks.load(place / "results", path.name).points == 6 for path in done)
    assert not list((place / "tmp").iterdir()) and not (place / "results" / SCRATCH).exists()


KILLED = """
import os, signal, sys
from utils.grading.results import marks
left, write = [{count}], os.replace

def replace(half, path):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(half, path)

if __name__ == "__main__":
    os.replace = replace
    from utils.cli import app
    app()
"""


def assert_that_the_next_run_mends_it(place, undisturbed, processes):
    wait_for(lambda: not alive(processes))
    again(place)
    assert kept(place / "results") == undisturbed
    assert not list((place / "tmp").iterdir())
    names = {"changes.csv", "grades.csv", "items.csv", "summary.md", "secret.key", "students", ".lock"}
    assert {path.name for path in (place / "results").iterdir()} == names
    assert {path.name for path in place.glob("results/students/*/*")} == {"feedback.html", "result.json"}


@pytest.mark.parametrize("count", [2, 7, 14])  # a page, a result, grades.csv
def test_a_run_that_is_killed_before_it_writes_a_file_is_mended_by_the_next(first, undisturbed, tmp_path, count):
    place = a_class(tmp_path, first[0])
    program = tmp_path / "killed.py"
    program.write_text(KILLED.format(count=count), encoding="utf-8")
    run, processes = start(place, program=[program]), set()
    while run.poll() is None:
        processes |= set(family(run))
        time.sleep(0.05)
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert [path for path in place.rglob("*") if path.name.startswith(marks.HALF)]
    assert_that_the_next_run_mends_it(place, undisturbed, processes)


@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_is_killed_at_any_moment_is_mended_by_the_next(first, undisturbed, tmp_path, seed):
    place = a_class(tmp_path, first[0])
    run = start(place)
    wait_for((place / "results" / SCRATCH).exists, 120)
    time.sleep(random.Random(seed).uniform(0, 8))
    processes = family(run)
    run.kill()
    run.communicate()
    assert_that_the_next_run_mends_it(place, undisturbed, processes)


# --- at once


def test_two_runs_in_one_folder_take_turns_and_a_third_in_another_is_not_disturbed(first, undisturbed, tmp_path):
    place = a_class(tmp_path, first[0])
    shutil.copytree(place / "results", place / "elsewhere")
    runs, waited = [], []

    def one(results):
        runs.append(again(place, results, on_wait=lambda: waited.append(results)))

    threads = [threading.Thread(target=one, args=[results]) for results in ("results", "results", "elsewhere")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waited == ["results"]
    assert sorted(len(run.anew) for run in runs) == [0, 6, 6]
    assert kept(place / "results") == kept(place / "elsewhere") == undisturbed
    assert table(place / "results" / "changes.csv") == []
