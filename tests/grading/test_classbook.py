"""The tables and the page of a class: who counts for what, numbers checked by hand, and cells that no spreadsheet runs."""

import csv
import io
import itertools
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.grading.course import Course
from utils.grading.notebooks import marked
from utils.grading.results import classbook, marks
from utils.grading.results.classbook import grades_table, items_table, record, write_class
from utils.grading.results.items import analyse, rows
from utils.grading.results.marks import Change, Graded, Mark
from utils.grading.results.summary import summary
from utils.grading.task import Part, Result

FIRST, SECOND = "01-networks", "02-decoding"


def exercise(*tasks):
    cells = [new_markdown_cell("# Exercises")]
    for id, title, points in tasks:
        cells.append(new_markdown_cell(f"## {id} {title}\n\n{points} points · difficulty ●○○ · 5 minutes"))
        cells += [new_code_cell("### BEGIN SOLUTION\n### END SOLUTION"), new_code_cell(f'check("{id}")')]
    return marked(new_notebook(cells=cells))


COURSE = Course(
    Path("."),
    {
        SECOND: exercise(("02.2", "Beam", 3), ("02.10", "Top-k", 1)),
        FIRST: exercise(("01.1", "Run", 2), ("01.2", "Clip", 4)),
    },
)
TITLES = {
    "01.1": ("Run", FIRST, 2.0),
    "01.2": ("Clip", FIRST, 4.0),
    "02.2": ("Beam", SECOND, 3.0),
    "02.10": ("Top-k", SECOND, 1.0),
}


def mark(task, *parts, unfinished=None, **rest):
    """A mark of parts, True or False or (misconception, hint); without parts, none with a result."""
    about = [part if isinstance(part, tuple) else () for part in parts]
    made = [Part(name, part is True, *more) for name, part, more in zip(("first", "second", "third"), parts, about)]
    result = Result(task, tuple(made), unfinished=unfinished) if parts else None
    title, exercise, of = TITLES[task]
    return Mark(task, title, exercise, of, result, **{"seconds": 1.0, "digests": {"answer": "d"}, **rest})


def graded(student, *marks, **rest):
    about = {"written": {}, "notes": {}, "sandbox": "namespaces", "versions": {"torch": "2.13", "python": "3.11"}}
    return Graded(student, marks, **{**about, "commitment": "c", "graded": "2026-01-02T00:00:00+00:00", **rest})


MISSING = mark("01.2", problem="This task is not in your notebook.", digests={})
SLOW = "Your function did not return in time."
AXIS = ("the wrong axis", "Look at the axis, e.g. of a mean. Then look again.")
CLASS = [
    graded("carol", mark("01.1", True, True), mark("01.2", False, AXIS, seconds=4.0), mark("02.2", True), mark("02.10", True)),
    graded(
        "alice",
        mark("01.1", True, True),
        MISSING,
        written={"01.9": "text", "01.8": " \n"},
        notes={FIRST: ("Two.",), "": ("One.",)},
    ),
    graded("dan", mark("02.2", True), mark("02.10", problem=SLOW, seconds=60.0), graded="2026-01-01T00:00:00+00:00"),
    graded(
        "bob", mark("01.1", False, False, unfinished="return it"), mark("01.2", AXIS, False, seconds=2.0), sandbox="process"
    ),
]


def read(text):
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def grades(graded, exercises=()):
    head, *lines = read(grades_table(rows(graded, COURSE, exercises)))
    return [dict(zip(head, line, strict=True)) for line in lines]


# --- who counts for what


def test_without_names_an_exercise_counts_for_those_who_handed_it_in():
    table = grades(CLASS)
    heads = ["student", "total", "of", FIRST, SECOND, "task 01.1", "task 01.2", "task 02.2", "task 02.10"]
    assert list(table[0]) == [*heads, "written answers to mark", "notes"]
    assert [list(line.values()) for line in table] == [
        ["alice", "2", "6", "2", "", "2", "0", "", "", "1", "One. Two."],
        ["bob", "0", "6", "0", "", "0", "0", "", "", "0", ""],
        ["carol", "6", "10", "2", "4", "2", "0", "3", "1", "0", ""],
        ["dan", "3", "4", "", "3", "", "", "3", "0", "0", ""],
    ]


def test_with_names_what_is_missing_is_0_of_its_points():
    table = grades(CLASS, [SECOND, FIRST])
    assert [(line["student"], line["total"], line["of"]) for line in table] == [
        ("alice", "2", "10"),
        ("bob", "0", "10"),
        ("carol", "6", "10"),
        ("dan", "3", "10"),
    ]
    assert (table[3][FIRST], table[3]["task 01.1"], table[0]["task 02.10"]) == ("0", "0", "0")
    nobody = grades([graded("eve")], [FIRST])[0]
    assert (nobody["total"], nobody["of"], nobody[FIRST]) == ("0", "6", "0")
    assert [grades([graded("eve")])[0][key] for key in ("total", "of")] == ["0", "0"]


def test_with_names_nothing_else_counts():
    table = grades(CLASS, [SECOND])
    assert (table[2]["total"], table[2]["of"]) == ("4", "4")
    assert not any("01" in head for head in table[0])
    assert {item.exercise for item in analyse(rows(CLASS, COURSE, [SECOND]))} == {SECOND}


def test_marks_of_what_was_not_handed_in_do_not_make_an_exercise_count():
    (line,) = grades([graded("eve", mark("02.2", True), MISSING)])
    assert (line["total"], line["of"], FIRST in line) == ("3", "4", False)


def test_an_exercise_that_the_course_does_not_have():
    with pytest.raises(ValueError, match="no exercise '03-x'; known are 02-decoding, 01-networks"):
        rows(CLASS, COURSE, [FIRST, "03-x"])


def test_the_order_of_the_students_does_not_matter(tmp_path):
    written = set()
    for number, order in enumerate(itertools.permutations(CLASS)):
        (tmp_path / str(number)).mkdir()
        write_class(tmp_path / str(number), iter(order), COURSE)
        written.add(tuple((tmp_path / str(number) / name).read_bytes() for name in ("grades.csv", "items.csv", "summary.md")))
    assert len(written) == 1


# --- how the tasks went


def test_items_are_counted():
    found = {item.task: item for item in analyse(rows(CLASS, COURSE))}
    assert list(found) == ["01.1", "01.2", "02.2", "02.10"]
    first, clip, top = found["01.1"], found["01.2"], found["02.10"]
    assert (first.handed_in, first.unfinished, first.passed, first.share) == (3, 1, 2, 2 / 3)
    assert first.failed == first.misconceptions == first.problems == ()
    assert (clip.handed_in, clip.passed, clip.share, clip.seconds) == (2, 0, 0.0, 3.0)
    assert clip.misconceptions == (("the wrong axis", 2),)
    assert clip.failed == (("first", 2),)
    assert clip.problems == (), "not handed in is no problem"
    assert (top.problems, top.seconds, top.of) == (((SLOW, 1),), 30.5, 1.0)


def test_items_stand_in_the_order_of_the_exercises():
    found = analyse(rows([graded("a", mark("02.10", True)), graded("b", mark("01.2", True))], COURSE))
    assert [item.task for item in found] == ["01.1", "01.2", "02.2", "02.10"]


def test_the_commonest_come_first_and_equal_ones_by_name():
    wrong = [("b", ""), ("a", ""), ("c", ""), ("c", "")]
    found = analyse(rows([graded(str(n), mark("01.1", part)) for n, part in enumerate(wrong)], COURSE))
    assert found[0].misconceptions == (("c", 2), ("a", 1), ("b", 1))


def test_the_table_of_items():
    head, *lines = read(items_table(analyse(rows(CLASS, COURSE))))
    table = {line[1]: dict(zip(head, line, strict=True)) for line in lines}
    assert list(table["task 01.2"].values()) == [
        *(FIRST, "task 01.2", "Clip", "4", "2", "0", "0", "0"),
        *("2 x the wrong axis", "2 x first", "", "3"),
    ]
    assert table["task 02.10"]["problems"] == f"1 x {SLOW}"
    untried = read(items_table(analyse(rows([graded("eve")], COURSE, [FIRST]))))[1]
    assert untried[4:] == ["0", "0", "0", "", "", "", "", ""]


# --- the instructor's page


def test_the_summary_counts_by_hand():
    counted = rows(CLASS, COURSE)
    changed = [Change("carol", "01.1", 0, 2, "the check was mended"), Change("bob", "01.2", 4, 0, "the check was mended")]
    text = summary(counted, analyse(counted), ["alice", "carol", "gone"], changed)
    for line in (
        "- 4 students; this run graded 2 and kept 2 as they were.",
        "- The first was graded 2026-01-01T00:00:00+00:00, the last 2026-01-02T00:00:00+00:00.",
        "- Isolation: namespaces (3 students).",
        "- Isolation: process (1 student).",
        "- Versions: python 3.11, torch 2.13 (4 students).",
        "| 01-networks | 6 | 3 | 22 | 17 | 33 | 33 |",  # 33, 0, 33
        "| 02-decoding | 4 | 2 | 88 | 81 | 88 | 94 |",  # 100, 75
        "| All |  | 4 | 42 | 25 | 47 | 64 |",  # 33.3, 0, 60, 75
        "| 01.2 Clip | 2 | 0 | 0 | 0 % | first |",
        "| 01.1 Run | 3 | 1 | 2 | 67 % |  |",
        "| 2 | 01.2 | the wrong axis | Look at the axis, e.g. |",
        "- the check was mended: 2 marks",
        "| bob | 01.2 | 4 | 0 | the check was mended |",
        f"| 1 | 02.10 | {SLOW} | dan |",
        "1 written answer to mark, in the students' result.json and feedback.html.",
        "| alice | One. Two. |",
    ):
        assert line in text.splitlines()
    assert text.index("| bob | 01.2") < text.index("| carol | 01.1")
    assert text.index("| 01.2 Clip") < text.index("| 02.10 Top-k") < text.index("| 01.1 Run")
    assert "Beam" not in text, "what all pass is not hard"
    assert "not in your notebook" not in text


def test_the_summary_of_few():
    for some in ([], [graded("eve")]):
        counted = rows(some, COURSE)
        text = summary(counted, analyse(counted), [], [])
        assert f"- {len(some)} student{'s' * (len(some) != 1)}; this run graded 0" in text
        assert "Nothing was handed in." in text
        assert "None was recognised." in text
    counted = rows(CLASS[2:3], COURSE, [SECOND])
    assert "| 02-decoding | 4 | 1 | 75 | 75 | 75 | 75 |" in summary(counted, analyse(counted), [], [])


def test_long_lists_end():
    noted = [graded(f"student{n:03}", mark("01.1", problem=f"Problem {n}."), notes={"": ("Odd.",)}) for n in range(200)]
    counted = rows(noted, COURSE)
    text = summary(counted, analyse(counted), [], [Change(f"s{n}", "01.1", 1, 0, "why") for n in range(200)])
    for file in ("changes", "items", "grades"):
        assert f"And 150 more: see {file}.csv." in text
    assert "student049 | Odd" in text
    assert "student050 | Odd" not in text
    same = [replace(one, marks=(mark("01.1", problem=SLOW),)) for one in noted]
    text = summary(rows(same, COURSE), [], [], [])
    assert f"| 200 | 01.1 | {SLOW} | student000, student001, student002, student003, student004 … |" in text


def test_nothing_of_a_student_s_is_markdown_or_html():
    name = "<b>*x*</b> | [a](b) `c` $d$ \n\n# e\u202e"
    noted = graded(name, mark("01.1", problem=name), notes={"": (name,)}, versions={"a": name}, sandbox=name)
    text = summary(rows([noted], COURSE), [], [], [Change(name, name, 1, 0, name)])
    shown = r"&lt;b&gt;\*x\*&lt;/b&gt; \| \[a\](b) \`c\` \$d\$ # e[U+202E]".replace("[U+202E]", r"\[U+202E\]")
    assert text.count(shown) == 10
    assert name not in text


# --- cells


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"]
FORMULAS += ["a;=cmd|'/c calc'!A0", "a,+1", "a; \t-1", '";=1;"']  # where another program cuts the line elsewhere


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    noted = graded(text, mark("01.1", (text, "Look."), problem=text), notes={"": (text,)})
    for table in (grades_table(rows([noted], COURSE)), items_table(analyse(rows([noted], COURSE)))):
        for separator in ",;\t":
            for line in csv.reader(io.StringIO(table.removeprefix("\ufeff"), newline=""), delimiter=separator):
                for cell in line:
                    assert not cell.strip(' "\t\r\n').startswith(tuple("=+-@\uff1d")), (separator, cell)


def test_words_with_a_sign_inside_stay_as_they_are():
    for name in ("o'hara-smith", "a+b@c.d", "x=1", "Ünal Çelik", "日本 太郎", 'say "hi"', "a, b; c"):
        assert grades([graded(name)])[0]["student"] == name


@given(st.lists(st.text(st.characters(), max_size=30), min_size=1, max_size=4, unique=True))
def test_whatever_the_students_are_called_the_table_holds_a_row_for_each(names):
    table = grades([graded(name, mark("01.1", True), notes={"": (name,)}) for name in names])
    assert len(table) == len(names)
    assert all((line["total"], line["task 01.1"]) == ("2", "2") for line in table)
    plain = [name for name in names if name.isalnum()]
    assert set(plain) <= {line["student"] for line in table}


def test_the_tables_are_read_as_they_are_promised(tmp_path):
    write_class(tmp_path, CLASS, COURSE)
    raw = (tmp_path / "grades.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfstudent,")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 5
    with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert [line["student"] for line in csv.DictReader(file)] == ["alice", "bob", "carol", "dan"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grades.csv", "items.csv", "summary.md"]


def test_a_long_note_ends():
    assert len(grades([graded("a", notes={"": ("x" * 10**6,)})])[0]["notes"]) < 2100


# --- what platforms import

CANVAS, MOODLE = "doejane_LATE_1234_5678_01-networks-2", "Jane van Doe_4321_assignsubmission_file"


def columns(name, *students, exercises=()):
    head, *lines = read(grades_table(rows(students, COURSE, exercises), name))
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_canvas_finds_everybody_by_the_number_in_their_file_s_name_or_by_their_login():
    possible, *lines = columns("canvas", graded(CANVAS, mark("01.1", True)), *CLASS)
    assert list(possible) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", FIRST, SECOND]
    assert list(possible.values()) == ["Points Possible", "", "", "", "", "6", "4"]
    assert [list(line.values()) for line in lines] == [
        ["alice", "", "", "alice", "", "2", ""],
        ["bob", "", "", "bob", "", "0", ""],
        ["carol", "", "", "carol", "", "2", "4"],
        ["dan", "", "", "dan", "", "", "3"],
        ["doejane", "1234", "", "", "", "2", ""],
    ]


@pytest.mark.parametrize("name", ["doejane_1234_5678_a_1_2_b", "o'neil-9-x_1234_5_1", "doe_jane_1234_5678_n"])
def test_canvas_s_numbers_are_the_first_two_of_a_name(name):
    _, line = columns("canvas", graded(name, mark("01.1", True)))
    assert (line["ID"], line["SIS Login ID"]) == ("1234", "")


@pytest.mark.parametrize("name", ["jane_1234", "1234_5678_n", "jane_12a4_5678_n", "jane.doe@example.org"])
def test_another_name_is_a_login(name):
    _, line = columns("canvas", graded(name, mark("01.1", True)))
    assert (line["ID"], line["SIS Login ID"]) == ("", name)


def test_moodle_s_worksheet_is_of_one_exercise_and_its_gradebook_takes_several():
    sheet = columns("moodle", graded(MOODLE, mark("01.1", True)), CLASS[0], exercises=[FIRST])
    assert sheet == [
        dict(zip(("Identifier", "Full name", "Username", "Grade", "Last modified (grade)"), line))
        for line in (
            ["Participant 4321", "Jane van Doe", "", "2", "2026-01-02T00:00:00+00:00"],
            ["", "", "carol", "2", "2026-01-02T00:00:00+00:00"],
        )
    ]
    both = columns("moodle", *CLASS)
    assert [(line["Username"], line[FIRST], line[SECOND]) for line in both] == [
        ("alice", "2", ""),
        ("bob", "0", ""),
        ("carol", "2", "4"),
        ("dan", "", "3"),
    ]


@pytest.mark.parametrize("name", ["canvas", "moodle"])
def test_no_platform_s_cell_is_a_formula_either(name):
    for line in columns(name, graded("=1+1_2_3_4", mark("01.1", True)), graded("-1_2_assignsubmission_x", mark("01.1", True))):
        assert not any(cell.startswith(("=", "-")) for cell in line.values())


def test_the_columns_are_chosen_where_a_class_is_written(tmp_path):
    write_class(tmp_path, CLASS, COURSE, columns="canvas")
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8-sig").startswith("Student,ID,")


# --- changes.csv

CHANGES = [Change("alice", "01.1", 2, 0, "the submission changed"), Change("=bob", "01.2", 0, 0.5, "a, b")]


def recorded(folder):
    return read((folder / "changes.csv").read_text(encoding="utf-8"))


def test_changes_are_added(tmp_path):
    record(tmp_path, [], "now")
    assert recorded(tmp_path) == [classbook.CHANGED]
    record(tmp_path, CHANGES, "2026-01-01")
    back = Change("alice", "01.1", 0, 2, "the submission changed")
    for when, change in (("2026-01-02", back), ("2026-01-03", CHANGES[0])):
        record(tmp_path, [change], when)
    assert recorded(tmp_path)[1:] == [
        ["2026-01-01", "alice", "task 01.1", "2", "0", "the submission changed"],
        ["2026-01-01", "'=bob", "task 01.2", "0", "0.5", "a, b"],
        ["2026-01-02", "alice", "task 01.1", "0", "2", "the submission changed"],
        ["2026-01-03", "alice", "task 01.1", "2", "0", "the submission changed"],
    ]


def test_a_change_that_is_recorded_is_not_recorded_again(tmp_path):
    record(tmp_path, CHANGES, "2026-01-01")
    before = (tmp_path / "changes.csv").read_bytes()
    record(tmp_path, CHANGES, "2026-01-02")
    assert (tmp_path / "changes.csv").read_bytes() == before


def test_what_stands_in_the_file_is_kept_whatever_it_is(tmp_path):
    for old in (b"", b"no table", b"\xef\xbb\xbfwhen;student\r\n1;2", b"caf\xe9,\x00\n", b'"' + b"x" * 200_000):
        (tmp_path / "changes.csv").write_bytes(old)
        record(tmp_path, CHANGES[:1], "now")
        text = (tmp_path / "changes.csv").read_bytes().decode("utf-8-sig")
        assert text.startswith(old.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace"))
        assert text.endswith("\nnow,alice,task 01.1,2,0,the submission changed\r\n")
        assert text.count("\ufeff") == 0


def test_a_run_that_is_stopped_leaves_the_old_tables(tmp_path, monkeypatch):
    for at in range(3):
        write_class(tmp_path, CLASS[:1], COURSE)
        record(tmp_path, CHANGES[:1], "now")
        old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        countdown, replace_ = iter(range(at)), os.replace

        def replacing(*args, countdown=countdown, replace_=replace_):
            if next(countdown, None) is None:
                raise KeyboardInterrupt
            return replace_(*args)

        with monkeypatch.context() as patch:
            patch.setattr(marks.os, "replace", replacing)
            with pytest.raises(KeyboardInterrupt):
                write_class(tmp_path, CLASS, COURSE)
            with pytest.raises(KeyboardInterrupt):
                record(tmp_path, CHANGES, "later")
        new = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert new.keys() == old.keys()
        assert [name for name in ("grades.csv", "items.csv", "summary.md", "changes.csv") if new[name] != old[name]] == [
            *("grades.csv", "items.csv", "summary.md")[:at]
        ]


# --- a large class


def test_five_hundred_students_take_no_time(tmp_path):
    many = [graded(f"student{n}", *CLASS[n % 4].marks, notes={"": ("A note.",) * 5}) for n in range(500)]
    start = time.process_time()
    write_class(tmp_path, many, COURSE, [FIRST, SECOND])
    assert time.process_time() - start < 1
    assert len((tmp_path / "grades.csv").read_text().splitlines()) == 501
