"""What becomes of honest but messy submissions: each gets the mark that is fair, and is told what it needs to know."""

import re
from dataclasses import replace
from itertools import chain

import pytest
from grading.honest import CASES

from utils.grading import words
from utils.grading.batch import grade_class
from utils.grading.examiner import ALONE
from utils.grading.results import seeds

pytestmark = pytest.mark.slow
SECONDS = 3
KEY = b"honest".ljust(seeds.SIZE, b"-")  # the same inputs at every run


def graded(root, folder, cases):
    """The results of a class of these, by name."""
    results = folder / "results"
    results.mkdir()
    (results / "secret.key").write_bytes(KEY)
    for case in cases:
        case.write(folder / "submissions" / case.name)
    run = grade_class(folder / "submissions", results, root, seconds=SECONDS, jobs=2)
    return {one.student: one for one in run.graded}


@pytest.fixture(scope="module")
def honest_class(root, tmp_path_factory):
    return graded(root, tmp_path_factory.mktemp("class"), CASES)


def notes(one):
    return [*chain(*one.notes.values())]


def sentences(one):
    """All that the student is told, beside what passed."""
    for mark in one.marks:
        yield mark.problem
        if mark.result:
            yield from (f"{words.LOOKS_LIKE.format(part.misconception)}{part.message}" for part in mark.result.parts)
            yield from words.notes(mark.result)
    yield from notes(one)


def test_the_corpus_is_large_and_each_case_says_why(root):
    assert len(CASES) >= 30 and len({case.name for case in CASES}) == len(CASES)
    assert all(case.why.endswith(".") for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_mark_is_fair(honest_class, case):
    marks = honest_class[case.name].marks
    assert {mark.task: mark.points for mark in marks if mark.points} == case.points, case.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_student_reads_what_they_need_and_no_more(honest_class, case):
    one = honest_class[case.name]
    said = [*sentences(one)]
    assert [pattern for pattern in case.says if not any(re.search(pattern, sentence) for sentence in said)] == []
    needless = [note for note in notes(one) if not any(re.search(pattern, note) for pattern in case.says)]
    assert needless == [ALONE] * any(note.startswith("The cell that begins with") for note in notes(one))


def test_a_mark_is_the_same_in_the_class_and_alone(root, honest_class, tmp_path):
    alone = graded(root, tmp_path, [case for case in CASES if case.name == "chapter"])["chapter"]
    timeless = lambda one: [replace(mark, seconds=0.0) for mark in one.marks]  # noqa: E731
    assert timeless(alone) == timeless(honest_class["chapter"])
    assert alone.notes == honest_class["chapter"].notes
