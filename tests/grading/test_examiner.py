"""One student, examined: what is made anew and what is kept, what a fault costs, and what the examiner's memory does."""

import gc
import shutil
from dataclasses import replace

import psutil
import pytest
from grading.small_class import EXERCISES, RIGHT, WRONG, forget, hand_in, mend, small_course

from utils.grading import course as courses
from utils.grading import examiner
from utils.grading.examiner import Examiner, check_digest
from utils.grading.examiners import GIVEN_UP
from utils.grading.results.marks import changes
from utils.grading.session import FAULT

ALL = ["91.1", "91.2", "92.1"]


@pytest.fixture
def folder(tmp_path, forgotten):
    hand_in(small_course(tmp_path / "course"), tmp_path / "alice", RIGHT)
    return tmp_path


class Desk:
    """Examines alice, and notes of which tasks it was told."""

    def __init__(self, folder, workers, **rest):
        self.path = folder / "alice"
        self.examiner = Examiner(
            **{"course": courses.load(folder / "course"), "secret": b"s", "workers": workers, "seconds": 5.0} | rest
        )

    def examine(self, before=None, done=()):
        self.begun, self.made = [], []
        graded = self.examiner.examine("alice", self.path, before, dict(done), self.begun.append, self.made.append)
        assert [mark.task for mark in self.begun] == [mark.task for mark in self.made]
        return graded

    @property
    def anew(self):
        return [mark.task for mark in self.begun]


def points(graded):
    return {mark.task: mark.points for mark in graded.marks}


def test_all_is_examined_once_and_then_kept_as_it_was(folder, workers, monkeypatch):
    desk = Desk(folder, workers)
    first = desk.examine()
    assert desk.anew == ALL and points(first) == {"91.1": 1, "91.2": 2, "92.1": 3}
    assert (first.sandbox, first.notes) == (workers.level, {"": (), **dict.fromkeys(EXERCISES, ())})
    assert all(mark.result is None and mark.digests for mark in desk.begun) and desk.made == [*first.marks]
    monkeypatch.setattr(examiner, "Session", None)  # nobody may start one
    assert desk.examine(first) is first and desk.anew == []


def test_only_the_notebook_that_changed_is_examined_anew(folder, workers):
    desk = Desk(folder, workers)
    before = desk.examine()
    hand_in(folder / "course", folder / "alice", RIGHT | {"shift": WRONG})
    after = desk.examine(before)
    assert desk.anew == ["91.1", "91.2"] and after.marks[2] is before.marks[2]
    assert [(c.task, c.before, c.after, c.why) for c in changes(before, after)] == [("91.2", 2, 0, "the submission changed")]
    assert after.marks[1].result.misconception == "the input unchanged"


@pytest.mark.parametrize("other", [{"seconds": 6.0}, {"secret": b"another"}, {"level": "another"}])
def test_other_settings_are_a_reason_to_examine_all_anew(folder, workers, monkeypatch, other):
    before = Desk(folder, workers).examine()
    if "level" in other:
        monkeypatch.setattr(workers, "level", other.pop("level"))
    desk = Desk(folder, workers, **other)
    after = desk.examine(before)
    assert desk.anew == ALL and points(after) == points(before) and changes(before, after) == []
    assert all(a.digests["settings"] != b.digests["settings"] for a, b in zip(after.marks, before.marks))


def test_a_mended_check_is_put_to_its_own_chapter_alone(folder, workers):
    before = Desk(folder, workers).examine()
    mend(folder / "course", "92", "-x", "x")
    forget()
    desk = Desk(folder, workers)
    after = desk.examine(before)
    assert desk.anew == ["92.1"] and after.marks[:2] == before.marks[:2]
    assert [(c.task, c.before, c.after, c.why) for c in changes(before, after)] == [("92.1", 3, 0, "the check was mended")]


def test_a_check_is_mended_when_what_it_compares_with_is(folder, monkeypatch):
    mend(folder / "course", "92", "import os\n", "import os\nfrom utils import decoding\n")
    courses.know(folder / "course" / "checks")
    before = check_digest("91.1"), check_digest("92.1")
    forget()
    shutil.copytree(examiner.ROOT / "utils", folder / "utils")
    monkeypatch.setattr(examiner, "ROOT", folder)
    monkeypatch.setattr(examiner, "ENGINE", folder / "utils" / "grading")
    for name in ("decoding.py", "grading/task.py"):  # the second is the engine's, whose digest is another
        with open(folder / "utils" / name, "a") as file:
            file.write("# mended\n")
    assert check_digest("91.1") == before[0] and check_digest("92.1") != before[1]


def test_a_notebook_that_is_withdrawn_takes_its_marks_along(folder, workers):
    desk = Desk(folder, workers)
    before = desk.examine()
    (folder / "alice" / "92-second.ipynb").unlink()
    after = desk.examine(before)
    assert desk.anew == [] and [mark.task for mark in after.marks] == ["91.1", "91.2"]
    assert [(c.task, c.why) for c in changes(before, after)] == [("92.1", "the submission is gone")]


def test_what_is_done_is_not_done_again_and_notes_are_not_those_of_an_older_notebook(folder, workers):
    desk = Desk(folder, workers)
    hand_in(folder / "course", folder / "alice", RIGHT | {"double": "    return 2 * x\n1 / 0"})
    before = desk.examine()
    assert "ZeroDivisionError" in before.notes["91-first"][0] and points(before)["91.1"] == 1
    assert desk.examine(before) is before

    hand_in(folder / "course", folder / "alice", RIGHT)
    desk.examine(before)
    given_up = [replace(mark, result=None, problem=GIVEN_UP) for mark in desk.made]
    after = desk.examine(before, {mark.task: mark for mark in given_up})
    assert desk.anew == [] and after.marks[:2] == tuple(given_up) and points(after) == {"91.1": 0, "91.2": 0, "92.1": 3}
    assert after.notes["91-first"] == ()
    first = desk.examine(before, {"91.1": given_up[0]})
    assert desk.anew == ["91.2"] and first.marks[0] is given_up[0] and points(first)["91.2"] == 2


def test_a_check_that_fails_on_its_own_account_costs_its_task_alone(folder, workers):
    last = '    yield "of others", room.call("shift", rng.normal(size=4))\n'
    mend(folder / "course", "91", last, last + "    if type(room).__name__ == 'Session':\n        yield 'one more', 0\n")
    mend(folder / "course", "92", "minus=lambda x: x", "sign=lambda got, wanted: 1 / 0")
    hand_in(folder / "course", folder / "alice", RIGHT | {"minus": WRONG})
    graded = Desk(folder, workers).examine()
    assert points(graded) == {"91.1": 1, "91.2": 0, "92.1": 0}
    assert all(FAULT in mark.problem and mark.result is None for mark in graded.marks[1:])


def test_a_course_whose_checks_are_not_there_is_at_fault(folder, workers):
    assert Desk(folder, workers).examiner.fault() == ""
    mend(folder / "course", "91", '"91.2"', '"91.3"')
    forget()
    assert "task 91.2 of 91-first cannot be checked" in Desk(folder, workers).examiner.fault()
    mend(folder / "course", "92", "import os", "import os, nowhere")
    mend(folder / "course", "91", '"91.3"', '"91.2"')
    forget()
    assert "No module named 'nowhere'" in Desk(folder, workers).examiner.fault()


@pytest.mark.slow
def test_an_examiner_s_memory_does_not_grow_with_the_class(folder, workers):
    (folder / "alice" / "91-first.ipynb").unlink()
    desk, process = Desk(folder, workers), psutil.Process()

    def memory(students):
        for number in students:
            assert desk.examiner.examine(f"s{number}", desk.path, None, {}, repr, repr).points == 3
        gc.collect()
        return process.memory_info().rss

    warm = memory(range(100))
    assert memory(range(100, 300)) - warm < 4 << 20
