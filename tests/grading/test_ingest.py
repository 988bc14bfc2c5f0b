"""What is taken of what students hand in, whatever lies there: names, files, notebooks, cells."""

import copy
import json
import os
import signal
import socket
import stat
import tempfile
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.grading.course import Course, load
from utils.grading.intake import files, foreign, ingest, taking
from utils.grading.intake.ingest import Handed, Work, collect, passed_over, students


def cell(source, id=None, kind="code", grade_id=None, solution=False, grade=False):
    """A cell as it stands in a file."""
    found = {"cell_type": kind, "metadata": {}, "source": source} | (
        {"outputs": [], "execution_count": None} if kind == "code" else {}
    )
    if grade_id:
        found["metadata"]["nbgrader"] = {
            "grade_id": grade_id,
            "solution": solution,
            "grade": grade,
            "locked": grade and not solution,
        }
    return found | ({"id": id} if id else {})


def stub(id, source, **more):
    number = id.replace(".", "-")
    return cell(source, f"answer-{number}", grade_id=f"task-{number}", solution=True, **more)


def check(id):
    number = id.replace(".", "-")
    return cell(f'check("{id}")', f"check-cell-{number}", grade_id=f"check-{number}", grade=True)


def notebook(cells, **more):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


SETUP, IMPORTS = cell("import utils", "setup"), cell("import numpy as np\nimport torch", "imports")
GIVEN = (SETUP["source"], IMPORTS["source"])
ADD = stub("01.1", 'def add(a, b):\n    raise NotImplementedError("return the sum")')
TWO = stub("01.2", "def double(a):\n    raise NotImplementedError\n\n\ndef half(a):\n    raise NotImplementedError")
WRITTEN = stub("01.3", "Your answer here.", kind="markdown", grade=True)
WRITTEN_CODE = stub("01.4", "# your answer here", grade=True)
SUMS = [
    cell("# Sums", "intro-sums", "markdown"),
    SETUP,
    cell("## 01.1 Add", "about-1", "markdown"),
    ADD,
    check("01.1"),
    IMPORTS,
    cell("## 01.2 Twice and half", "about-2", "markdown"),
    TWO,
    check("01.2"),
    WRITTEN,
    WRITTEN_CODE,
]
SPELL = stub("02.1", "def spell(word):\n    raise NotImplementedError")
MORE = [SETUP, IMPORTS, stub("03.1", "def add(a):\n    raise NotImplementedError")]
WORDS = [SETUP, cell("## 02.1 Spell", "about-1w", "markdown"), SPELL, check("02.1")]
EXERCISES = {"01-sums": SUMS, "02-words": WORDS, "03-more": MORE}
COURSE = Course(Path("course"), {name: nbformat.from_dict(notebook(cells)) for name, cells in EXERCISES.items()})

FILE = "alice/01-sums.ipynb"


def put(path, content):
    """Write a notebook, JSON of any other kind, or bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = notebook(content) if isinstance(content, list) else content
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.fixture
def hand(tmp_path):
    """Hand in one notebook, cells or bytes -> what was collected."""

    def hand(content, name="01-sums.ipynb"):
        put(tmp_path / "alice" / name, content)
        return collect("alice", tmp_path / "alice", COURSE)

    return hand


@pytest.fixture
def work(hand):
    """Hand in one notebook -> its work."""

    def work(content, name="01-sums.ipynb"):
        (found,) = hand(content, name).works
        return found

    return work


def own(work):
    """The student's own cells; ours come first."""
    assert work.cells[:2] == GIVEN
    return list(work.cells[2:])


def edited(ours, source, **more):
    return copy.deepcopy(ours) | {"source": source} | more


def with_cells(*replaced, base=SUMS):
    """Our notebook with cells of other ids put in place of those of the same."""
    by_id = {one["id"]: one for one in replaced}
    return [by_id.get(one["id"], one) for one in base]


@contextmanager
def at_most(seconds):
    """Fails what takes longer, even if it waits for ever."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# Names


PLAIN = ["alice", "Bob Smith", "o'hara, j. (2)", "李明", "Zoë", "ประยุทธ์", "b.ob_1-2", "x@y.edu", "12345678", "con1", "_last"]
HOSTILE = [
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "new\nline",
    "\x1b[31mred",
    "\u202eecila",
    "zero\u200bwidth",
    "<script>alert(1)<!--",
    "=1+1",
    "+1",
    "-rf",
    "@SUM(A1)",
    "a..b",
    "trailing.",
    "trailing ",
    "n" * 250,
    "Zoe\u0308",
    "ﬁona",
    "ｆｕｌｌ",
    "CON",
    "nul.txt",
    "com1",
    "lpt¹",
    "aux .x",
    "a~b",
    "a:b",
    "a\\b",
    "a|b*c?",
    '"',
    "$(id)",
    " ",
]


def make_students(folder, names):
    for name in names:
        (folder / name).mkdir(parents=True)
    return students(folder)


def test_plain_names_stay_and_hostile_ones_become_plain_and_bear_a_digest(tmp_path):
    found = make_students(tmp_path, PLAIN + HOSTILE)
    assert {path.name: name for name, path in found.items() if path.name == name} == {name: name for name in PLAIN}
    assert sorted(path.name for path in found.values()) == sorted(PLAIN + HOSTILE)
    assert list(found) == sorted(found)
    for name in set(found) - set(PLAIN):
        stem, digest = name.split("~")
        assert stem.replace("_", "a").isalnum() and 1 <= len(stem) <= 40
        assert len(digest) == 12 and set(digest) <= set("0123456789abcdef")
        assert name.isprintable() and len(name.encode()) < 255


def test_a_rewritten_name_tells_what_it_was_and_is_the_same_for_ever(tmp_path):
    assert list(make_students(tmp_path, ["-rf <b>x"])) == ["rf_b_x~965547696b8c"]


@pytest.mark.parametrize("added", ["Bob", "alicE", "ALICE", "ﬁona", "Zoe\u0308", "<b>", "rf_b_x~965547696b8c"])
def test_adding_a_student_renames_no_other(tmp_path, added):
    before = make_students(tmp_path, ["alice", "fiona", "Zoë", "-rf <b>x", "李明"])
    after = make_students(tmp_path, [added])
    assert before.items() <= after.items()
    assert len({name.casefold() for name in after}) == len(after) == 6


def test_of_names_that_differ_in_case_only_one_stays(tmp_path):
    found = make_students(tmp_path, ["Alice", "ALICE", "Bob", "bob"])
    assert {path.name: name.split("~")[0] == name for name, path in found.items()} == {
        "ALICE": True,
        "Alice": False,
        "Bob": False,
        "bob": True,
    }


def test_a_student_is_a_folder_or_a_notebook_and_the_rest_is_named(tmp_path):
    (tmp_path / "bob").mkdir()
    put(tmp_path / "alice.ipynb", SUMS)
    put(tmp_path / "bob.ipynb", SUMS)
    put(tmp_path / "carol.IPYNB", SUMS)
    (tmp_path / "dave").symlink_to("/etc")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for junk in (".ipynb_checkpoints", "__MACOSX", ".git"):
        (tmp_path / junk).mkdir()
    for junk in (".DS_Store", "._alice.ipynb", "Thumbs.db", "zip\u202e.zip", "notes.txt"):
        put(tmp_path / junk, b"x")
    found = students(tmp_path)
    assert [name.split("~")[0] for name in found] == ["alice", "bob", "bob", "carol", "dave"]
    assert found["bob"] == tmp_path / "bob" and found["alice"] == tmp_path / "alice.ipynb"
    assert passed_over(tmp_path) == ["notes.txt", "nowhere", "zip\ufffd.zip"]
    assert collect("alice", found["alice"], COURSE).works[0].file == "alice.ipynb"


def test_a_folder_and_a_file_of_one_hostile_name_stay_two_students(tmp_path):
    (tmp_path / "<b>").mkdir()
    put(tmp_path / "<b>.ipynb", SUMS)
    assert len(students(tmp_path)) == 2


def test_what_prints_is_printed_and_a_long_text_lacks_its_middle():
    assert files.printable("é 中 <b>\n\x1b\u202e\ud800") == "é 中 <b>" + 4 * "\ufffd"
    assert files.printable("a" * 150 + "b" * 150) == "a" * 99 + "…" + "b" * 100


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=30), unique=True, max_size=6))
def test_any_names_become_distinct_ones_fit_for_a_folder(names):
    found = files.distinct({name: name for name in names})
    assert list(found) != [] or names == []
    assert len({name.casefold() for name in found.values()}) == len(names)
    for name in found.values():
        assert name.isprintable() and not set(name) & set('<>:"/\\|?*\n') and name.strip(". ") == name and name[0] not in "=+-@"


# Files


def test_a_file_is_found_in_the_folders_that_learning_platforms_make(tmp_path):
    path = put(tmp_path / "alice" / "Submission attachment(s)" / "home\n" / "x" / "01-sums.ipynb", SUMS)
    put(path.parent / ".ipynb_checkpoints" / "01-sums-checkpoint.ipynb", WORDS)
    put(tmp_path / "alice" / "__MACOSX" / "02-words.ipynb", WORDS)
    put(tmp_path / "alice" / "._02-words.ipynb", WORDS)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert [work.file for work in handed.works] == ["alice/Submission attachment(s)/home\ufffd/x/01-sums.ipynb"]
    assert handed.notes == ()


def test_without_a_notebook_the_student_hears_so(tmp_path):
    put(tmp_path / "alice" / "alice.zip", b"PK")
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert handed == Handed("alice", (), (handed.notes[0],)) and "no notebook" in handed.notes[0]


def test_no_link_is_followed(tmp_path):
    elsewhere = put(tmp_path / "elsewhere" / "01-sums.ipynb", SUMS).parent
    alice = tmp_path / "alice"
    alice.mkdir()
    (alice / "01-sums.ipynb").symlink_to(elsewhere / "01-sums.ipynb")
    (alice / "passwd.ipynb").symlink_to("/etc/passwd")
    (alice / "nowhere.ipynb").symlink_to(tmp_path / "nowhere")
    (alice / "loop.ipynb").symlink_to(alice / "loop.ipynb")
    (alice / "folder").symlink_to(elsewhere)
    (alice / "round").symlink_to(alice)
    (tmp_path / "bob").symlink_to(elsewhere)
    handed = collect("alice", alice, COURSE)
    assert handed.works == () and len(handed.notes) == 4
    assert all("is a link" in note for note in handed.notes)
    bob = collect("bob", tmp_path / "bob", COURSE)
    assert bob.works == () and "bob is a link" in bob.notes[0]


def test_a_pipe_a_socket_or_a_folder_of_that_name_keeps_nobody_waiting(tmp_path):
    alice = tmp_path / "alice"
    alice.mkdir()
    os.mkfifo(alice / "01-sums.ipynb")
    (alice / "folder.ipynb").mkdir()
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as listening, at_most(5):
        os.chdir(alice)  # the name of a socket must be short
        try:
            listening.bind("02-words.ipynb")
        finally:
            os.chdir(here)
        handed = collect("alice", alice, COURSE)
        alone = collect("pipe", alice / "01-sums.ipynb", COURSE)
    assert handed.works == alone.works == ()
    assert ["not a regular file" in note for note in handed.notes] == [True, True]
    assert "not a regular file" in alone.notes[0]


@pytest.mark.parametrize("kind", ["pipe", "link", "link to a pipe"])
def test_what_takes_the_place_of_a_file_that_was_just_looked_at_is_refused(tmp_path, monkeypatch, kind):
    path = tmp_path / "01-sums.ipynb"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        target = tmp_path / "target"
        os.mkfifo(target) if kind == "link to a pipe" else put(target, SUMS)
        path.symlink_to(target)
    monkeypatch.setattr(files, "_status", lambda _: stat.S_IFREG)
    with at_most(5):
        handed = collect("alice", path, COURSE)
    said = "not a regular file" if kind == "pipe" else "could not be opened"
    assert handed.works == () and len(handed.notes) == 1 and said in handed.notes[0]


@pytest.mark.parametrize("what", ["vanishes", "shrinks", "grows"])
def test_a_file_may_change_after_it_was_listed(tmp_path, monkeypatch, what):
    path, below = put(tmp_path / "alice" / "01-sums.ipynb", SUMS), files.below

    def then(folder):
        listing = below(folder)
        if what == "vanishes":
            path.unlink()
        else:
            os.truncate(path, 100 if what == "shrinks" else 20_000_000)
        return listing

    monkeypatch.setattr(files, "below", then)
    handed = collect("alice", path.parent, COURSE)
    assert handed.works == ()
    said = {"vanishes": "could not be opened", "shrinks": "no complete notebook", "grows": "larger than 16 MB"}[what]
    assert len(handed.notes) == 1 and said in handed.notes[0]


def test_a_large_file_is_refused(tmp_path):
    path = put(tmp_path / "alice" / "01-sums.ipynb", SUMS)
    os.truncate(path, 100_000_000)
    tracemalloc.start()
    handed = collect("alice", tmp_path / "alice", COURSE)
    (_, peak), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
    assert handed.works == () and peak < 40_000_000
    assert handed.notes == (f"{FILE} is larger than 16 MB. Clear the outputs, save and hand in again.",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path):
    put(tmp_path / "alice" / "closed" / "02-words.ipynb", WORDS).parent.chmod(0)
    put(tmp_path / "alice" / "01-sums.ipynb", SUMS).chmod(0)
    handed = collect("alice", tmp_path / "alice", COURSE)
    (tmp_path / "alice" / "closed").chmod(0o700)
    assert handed.works == () and len(handed.notes) == 2


def test_a_folder_that_cannot_be_listed_costs_the_others_nothing(tmp_path, monkeypatch):
    put(tmp_path / "alice" / "closed" / "02-words.ipynb", WORDS)
    put(tmp_path / "alice" / "01-sums.ipynb", SUMS)
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(files.os, "scandir", refusing)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert len(handed.works) == 1
    assert handed.notes == ("alice/closed could not be opened (Permission denied). Hand it in again.",)


@pytest.mark.parametrize("path", ["missing", "nul\0", "x" * 300])
def test_a_student_whose_files_are_gone_has_a_note(tmp_path, path):
    handed = collect("alice", tmp_path / path, COURSE)
    assert handed.works == () and "could not be opened" in handed.notes[0]


def test_folders_are_entered_to_a_depth_and_files_counted_to_a_number(tmp_path, monkeypatch):
    put(tmp_path / "alice" / "/".join("abcdefgh") / "01-sums.ipynb", SUMS)
    put(tmp_path / "alice" / "/".join("abcdefghi") / "02-words.ipynb", WORDS)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert [work.exercise for work in handed.works] == ["01-sums"]
    assert handed.notes == (
        "alice/a/b/c/d/e/f/g/h/i lies too deep inside folders and was not read. Hand in the notebooks alone.",
    )
    monkeypatch.setattr(files, "MAX_ENTRIES", 6)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert handed.works == () and ["holds more than 6 files" in note for note in handed.notes] == [True]
    put(tmp_path / "bob" / "01-sums.ipynb", SUMS)
    for i in range(10):
        put(tmp_path / "bob" / f"z{i}", b"")
    assert "holds more than 6 files" in collect("bob", tmp_path / "bob", COURSE).notes[0]


def test_of_too_many_notebooks_those_called_as_an_exercise_are_read(tmp_path, monkeypatch):
    for name in ("a", "b", "c/d/e/01-sums", "f"):
        put(tmp_path / "alice" / f"{name}.ipynb", [])
    put(tmp_path / "alice" / "c/d/e/01-sums.ipynb", SUMS)
    monkeypatch.setattr(ingest, "MAX_NOTEBOOKS", 2)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert len(handed.works) == 1 and len(handed.notes) == 2
    assert handed.notes[0] == "You handed in 4 notebooks; 2 were read. Hand in one for each exercise."
    monkeypatch.setattr(ingest, "MAX_NOTEBOOKS", 100)
    monkeypatch.setattr(ingest, "MAX_TOTAL", 100)
    notes = collect("alice", tmp_path / "alice", COURSE).notes
    assert len(notes) == 3 and all("too large together" in note for note in notes)


def test_there_is_an_end_of_notes(tmp_path):
    for i in range(ingest.MAX_NOTES + 3):
        put(tmp_path / "alice" / f"{i}.ipynb", b"")
    notes = collect("alice", tmp_path / "alice", COURSE).notes
    assert len(notes) == ingest.MAX_NOTES + 1 and notes[-1] == "There is more of this kind (3)."


# What a file says


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_any_encoding_of_json_is_read(work, encoding):
    content = notebook(with_cells(edited(ADD, "add = '中'")))
    assert own(work(json.dumps(content, ensure_ascii=False).encode(encoding)))[0] == "add = '中'"


def test_line_ends_become_ours_and_lists_of_lines_texts(work):
    assert own(work(with_cells(edited(ADD, ["a = 1\r\n", "b = 2\r", "c"]))))[0] == "a = 1\nb = 2\nc"
    windows = json.dumps(notebook(with_cells(edited(ADD, "a = 1\r\nb"))), indent=1).replace("\n", "\r\n").encode()
    assert own(work(windows))[0] == "a = 1\nb"


@pytest.mark.parametrize(
    ("source", "left"),
    [(b"add = 'caf\xe9'", "add = 'caf\ufffd'"), (rb"add = '\ud800'", "add = '\ufffd'"), (rb"add = '\u0000'", "add = '\ufffd'")],
)
def test_characters_that_are_none_are_replaced_and_said_so(work, source, left):
    found = work(json.dumps(notebook(with_cells(edited(ADD, "HERE")))).encode().replace(b"HERE", source))
    assert own(found)[0] == left
    assert found.notes == (
        f"{FILE} holds characters that cannot be read and were replaced by \ufffd. Save it as UTF-8 and hand it in again.",
    )


def test_a_surrogate_pair_is_one_character_and_a_replacement_character_may_be_meant(work):
    found = work(with_cells(edited(ADD, "add = '\ufffd😀'")))
    assert own(found)[0] == "add = '\ufffd😀'" and found.notes == ()


FINE = json.dumps(notebook(SUMS)).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (FINE[: len(FINE) // 2], "is no complete notebook"),
        (FINE + b"}", "is no complete notebook"),
        (b"def add(a, b):\n    return a + b\n", "is no complete notebook"),
        (b"PK\x03\x04" + bytes(range(256)), "is no complete notebook"),
        (b"<!doctype html><html></html>", "is no complete notebook"),
        (b"\xff\xfe\x00", "is no complete notebook"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"cells":' * 200_000, "is nested too deeply"),
        (b"[" + b"[]," * 1_000_000 + b"1]", "holds too much"),
        (b"[]", "has no cells"),
        (b"null", "has no cells"),
        (b"{}", "has no cells"),
        (b'{"cells": []}', "has no cells"),
        (b'{"cells": {"a": 1}}', "has no cells"),
        (b'{"worksheets": [1, {"cells": 2}, {"cells": []}]}', "has no cells"),
    ],
)
def test_what_is_no_notebook_is_named_and_the_student_told_what_to_do(hand, content, said):
    handed = hand(content)
    assert handed.works == () and len(handed.notes) == 1
    assert handed.notes[0].startswith(f"{FILE} {said}") and "and " in handed.notes[0]


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 2_000_000, "NaN", "-Infinity", "1e999999"])
def test_strange_numbers_harm_nothing(work, number):
    with at_most(5):
        found = work(json.dumps(notebook(SUMS, metadata={"x": 0})).replace('"x": 0', f'"x": {number}').encode())
    assert found.notes == ()


def test_of_equal_keys_the_last_counts_and_control_characters_are_let_through(work):
    text = json.dumps(notebook(with_cells(edited(ADD, "HERE")))).replace('"HERE"', '"first", "source": "a\tb\n"')
    assert own(work(text.encode()))[0] == "a\tb\n"


STRANGE = [None, True, 3, 1.5, "text", [], ["a", 3], [["a"]], {}, {"a": 1}]


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize(
    "key", ["cell_type", "id", "metadata", "source", "outputs", "nbgrader", "grade_id", "solution", "grade"]
)
def test_a_value_of_any_type_in_a_cell_harms_no_other(work, key, value):
    strange = edited(ADD, "def add(a, b): return a + b")
    place = strange if key in strange else strange["metadata"] if key == "nbgrader" else strange["metadata"]["nbgrader"]
    place[key] = value
    found = own(work([strange if one is ADD else one for one in with_cells(edited(TWO, "two"))]))
    source = "".join(value) if value in ([], "text") else None
    expected = {"source": [source] if source else [], "cell_type": []}.get(key, [strange["source"]])
    assert found == [*expected, "two"]


@pytest.mark.parametrize("key", ["metadata", "nbformat", "nbformat_minor"])
@pytest.mark.parametrize("value", STRANGE)
def test_a_value_of_any_type_in_a_notebook_harms_nothing(work, key, value):
    found = work(notebook(with_cells(edited(ADD, "add = max")), **{key: value}))
    assert own(found)[0] == "add = max" and found.notes == ()


@pytest.mark.parametrize("strange", [*STRANGE, cell({"a": 1}), cell(["a", 3]), cell(None), {"cell_type": "code"}])
def test_a_damaged_cell_is_left_out_and_said_so(work, strange):
    found = work([strange, *with_cells(edited(ADD, "add"))])
    assert own(found)[0] == "add"
    assert ["has damaged cells, which were left out (1)" in note for note in found.notes] == [True]


def test_other_versions_of_the_format(work):
    old = {"nbformat": 3, "worksheets": [{"cells": []}]}
    for one in with_cells(edited(ADD, "add = max")):
        one = {key: value for key, value in one.items() if key not in ("id", "source")} | {"source": one["source"]}
        if one["cell_type"] == "code":
            one["input"] = one.pop("source")
        old["worksheets"][0]["cells"].append(one)
    old["worksheets"][0]["cells"].append({"cell_type": "heading", "level": 1, "source": "Title"})
    first = work(old)
    assert (own(first)[0], first.notes) == ("add = max", ())
    without_ids = [{key: value for key, value in one.items() if key != "id"} for one in with_cells(edited(ADD, "add = max"))]
    second = work(notebook(without_ids, nbformat_minor=2))
    assert second.cells == first.cells and second.notes == ()
    third = work(notebook(with_cells(edited(ADD, "add = max")), nbformat=5))
    assert third.cells == first.cells
    assert third.notes == (f"{FILE} is in a newer format than the grader knows; what could be read was graded.",)


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"language": "R"}},
        {"kernelspec": 3, "language_info": {"name": "julia"}},
        {"kernelspec": {"language": "python"}},
    ],
)
def test_another_kernel_earns_a_note_only(work, metadata):
    found = work(notebook(with_cells(edited(ADD, "add = max")), metadata=metadata))
    assert own(found)[0] == "add = max"
    assert len(found.notes) == (metadata["kernelspec"] != {"language": "python"})


def test_a_notebook_is_read_to_a_number_of_cells(work):
    found = work([cell(f"x = {i}") for i in range(600)])
    assert own(found) == [f"x = {i}" for i in range(500)]
    assert "has 600 cells; only the first 500 were read" in found.notes[0]


# Whose cell is whose


def test_an_untouched_notebook_says_what_is_still_to_do_and_nothing_else(work):
    found = work(SUMS)
    assert own(found) == [ADD["source"], TWO["source"]]
    assert found == Work("01-sums", FILE, found.cells, {}, ())


def test_outputs_tags_and_counts_change_nothing(work):
    dressed = copy.deepcopy(with_cells(edited(ADD, "add = max")))
    for one in dressed:
        one["metadata"] |= {"tags": ["skip-execution", "remove-cell"], "deletable": False, "collapsed": "x", "slideshow": {}}
        if one["cell_type"] == "code":
            one |= {"execution_count": 10**6, "outputs": [{"output_type": "display_data", "data": {"text/html": "<script>"}}]}
    plain = work(with_cells(edited(ADD, "add = max")))
    assert work(notebook(dressed, metadata={"widgets": {"state": 1}})) == plain


def test_the_students_cells_run_in_the_order_of_their_file(work):
    cells = [
        cell("a = 1"),
        edited(TWO, "two"),
        cell("b = 1", "new-1"),
        edited(ADD, "add"),
        cell("%matplotlib inline"),
        cell("a = 1"),
    ]
    assert own(work(cells)) == ["a = 1", "two", "b = 1", "add", "%matplotlib inline", "a = 1"]


def test_blank_cells_and_text_do_not_run(work):
    assert own(
        work(
            [
                *with_cells(edited(ADD, "add"), edited(TWO, "two")),
                cell(" \n"),
                cell("text", kind="markdown"),
                cell("raw", kind="raw"),
            ]
        )
    ) == [
        "add",
        "two",
    ]


def test_given_cells_run_first_from_our_notebook_and_again_only_where_edited(work):
    answers = [edited(ADD, "add"), edited(TWO, "two")]
    assert own(work(answers)) == ["add", "two"]  # deleted
    assert own(work([*answers, edited(SETUP, "import utils  \n\n"), IMPORTS, IMPORTS, cell(IMPORTS["source"])])) == [
        "add",
        "two",
    ]
    assert own(work([answers[0], edited(IMPORTS, "import numpy as np"), answers[1]])) == ["add", "import numpy as np", "two"]
    assert own(work([*answers, edited(SETUP, "raise SystemExit")])) == ["add", "two", "raise SystemExit"]


def test_our_text_turned_into_code_does_not_run(work):
    text = SUMS[2]
    assert own(work([*with_cells(edited(ADD, "add"), edited(TWO, "two")), text | {"cell_type": "code"}])) == ["add", "two"]


CHECK = check("01.1")


@pytest.mark.parametrize(
    ("one", "noted"),
    [
        (CHECK, False),
        (edited(CHECK, 'check("01.1")  \n'), False),
        (edited(CHECK, "CHECK = 0"), True),
        (edited(CHECK, "CHECK = 0", id="other"), True),
        (edited(CHECK, "CHECK = 0", metadata={}), True),
        (edited(CHECK, "CHECK = 0", id="answer-01-1"), True),
        (
            edited(CHECK, "CHECK = 0", id="other", metadata={"nbgrader": {"grade_id": "other", "grade": True, "locked": True}}),
            True,
        ),
        (edited(CHECK, "CHECK = 0", metadata={"nbgrader": {"grade_id": "check-01-1", "solution": True, "grade": False}}), True),
        (edited(CHECK, CHECK["source"], id="other", metadata={}), False),
        (edited(CHECK, "CHECK = 0", cell_type="markdown"), False),
    ],
)
def test_our_check_cells_never_run_wherever_they_are(work, one, noted):
    answers = [edited(ADD, "add"), edited(TWO, "two"), WRITTEN, WRITTEN_CODE]
    for cells in ([one, *answers], [*answers, one, one]):
        found = work(cells)
        assert own(found) == ["add", "two"]
        assert ["has a changed check cell" in note for note in found.notes] == [True] * noted


@pytest.mark.parametrize("claims", [{"solution": True, "grade": True}, {"solution": True}, {"grade": 1}, {"grade": "no"}, {}])
def test_a_cell_that_claims_to_be_none_of_our_checks_runs(work, claims):
    own_cell = cell("mine = 1") | {"metadata": {"nbgrader": {"grade_id": "mine", **claims}}}
    assert own(work([edited(ADD, "add"), own_cell, edited(TWO, "two")])) == ["add", "mine = 1", "two"]


def test_a_check_in_a_cell_of_ones_own_stays(work):
    cells = [edited(ADD, 'add = max\ncheck("01.1")'), edited(TWO, "two"), cell('check("01.1"); check("01.2")')]
    assert own(work(cells)) == [one["source"] for one in cells]


def test_copies_of_an_answer_run_in_order_and_a_stub_beside_one_never(work):
    one, other, two = edited(ADD, "one"), edited(ADD, "other"), edited(TWO, "two")
    assert own(work([one, other, two])) == ["one", "other", "two"]
    assert own(work([one, edited(ADD, "other", id="x"), edited(ADD, "third", metadata={}), two])) == [
        "one",
        "other",
        "third",
        "two",
    ]
    white = ADD["source"].replace("\n", "  \r\n") + "\n\n"
    for stub in (ADD, edited(ADD, white), cell(ADD["source"])):
        assert own(work([one, stub, two])) == own(work([stub, one, stub, two])) == ["one", "two"]


def test_of_untouched_copies_one_runs(work):
    assert own(work([ADD, edited(TWO, "two"), ADD, cell(ADD["source"])])) == [ADD["source"], "two"]


def test_an_emptied_answer_answers_nothing(work):
    found = work(with_cells(edited(ADD, ""), edited(TWO, "two")))
    assert own(found) == ["two"] and found.notes == ()
    assert own(work([edited(ADD, ""), ADD, edited(TWO, "two")])) == [ADD["source"], "two"]


@pytest.mark.parametrize(
    "answer",
    ["def add(a, b):\n    return a + b", "add = max", "add: object = max", "async  def add(): pass", "class add: pass"],
)
def test_an_answer_that_lost_its_ids_runs_and_its_stub_does_not(work, answer):
    rest = [edited(TWO, "two"), WRITTEN, WRITTEN_CODE]
    for cells in ([cell(answer), ADD, *rest], [ADD, cell(answer), *rest], [cell(answer), *rest]):
        found = work(cells)
        assert own(found) == [answer, "two"] and found.notes == ()


@pytest.mark.parametrize("other", ["    add = 1", "add == 1", "print(add)", "adder = 1", "# def add(): pass"])
def test_a_cell_that_defines_something_else_does_not_stand_for_the_answer(work, other):
    assert own(work([ADD, cell(other), edited(TWO, "two")])) == [ADD["source"], other, "two"]


def test_a_stub_of_two_functions_goes_when_both_are_there(work):
    double, half = cell("def double(a): ..."), cell("def half(a): ...")
    assert own(work([edited(ADD, "add"), TWO, double])) == ["add", TWO["source"], double["source"]]
    assert own(work([edited(ADD, "add"), half, TWO, double])) == ["add", half["source"], double["source"]]


def test_a_missing_answer_is_named(work):
    found = work([edited(TWO, "two"), WRITTEN_CODE])
    assert own(found) == ["two"]
    assert found.notes == tuple(
        f"{FILE} lacks the cell of task {id}. Put your answer into the notebook that you were given and hand that in."
        for id in ("01.1", "01.3")
    )


@pytest.mark.parametrize("kind", ["markdown", "raw", "Code"])
def test_an_answer_that_became_text_is_named(work, kind):
    found = work(with_cells(edited(ADD, "add = max", cell_type=kind), edited(TWO, "two")))
    assert own(found) == ["two"]
    assert found.notes == (
        f"{FILE} has the cell of task 01.1 as text, which does not run. Turn it into a code cell and hand in again.",
    )
    assert work([*with_cells(edited(ADD, "add = max", cell_type=kind)), edited(ADD, "add")]).notes == ()


def test_a_cell_that_is_too_long_is_left_out(work):
    fits, long = "#" * 100_000, "#" * 100_001
    found = work([*with_cells(edited(ADD, long), edited(TWO, fits)), cell(long), cell(long, kind="markdown")])
    assert own(found) == [fits]
    assert found.notes == (
        f"{FILE} has a code cell longer than 100000 characters, which was left out. Shorten it and hand in again.",
    )


def test_written_answers_are_kept_and_never_run(work):
    cells = with_cells(
        edited(ADD, "add"), edited(TWO, "two"), edited(WRITTEN, "Because.\r\nSo."), edited(WRITTEN_CODE, "x = 1")
    )
    found = work(cells)
    assert own(found) == ["add", "two"] and found.notes == ()
    assert found.written == {"task-01-3": "Because.\nSo.", "task-01-4": "x = 1"}
    found = work([*cells, WRITTEN, edited(WRITTEN, "More.", id="x", cell_type="code"), edited(WRITTEN, " ")])
    assert own(found) == ["add", "two"] and found.written["task-01-3"] == "Because.\nSo.\n\nMore."
    found = work(with_cells(edited(WRITTEN, "x" * 100_001)))
    assert found.written == {"task-01-3": "x" * 100_000} and "of which the beginning is read" in found.notes[0]


# Which exercise it is


def bare(cells):
    """As it comes from where ids and metadata get lost."""
    return [{"cell_type": one["cell_type"], "source": one["source"]} for one in cells]


@pytest.mark.parametrize(
    ("cells", "name", "exercise"),
    [
        (SUMS, "02-words", "01-sums"),  # ids before the name
        ([SPELL, *SUMS], "02-words", "01-sums"),  # the more ids
        ([cell("x", f"answer-02-{i}", grade_id="task-02-1") for i in range(30)] + SUMS, "x", "01-sums"),  # a copy counts once
        ([{k: v for k, v in SPELL.items() if k != "metadata"}], "01-sums", "02-words"),
        ([edited(SPELL, "spell", id="x")], "01-sums", "02-words"),
        ([SPELL | {"id": None, "metadata": {"id": "answer-02-1"}}], "01-sums", "02-words"),  # Colab
        ([SETUP], "02-words", "02-words"),  # what all of them have tells nothing
        ([SETUP], "x", None),
        (bare(SUMS), "02-words", "02-words"),
        (bare(SUMS), "Alice_02_WORDS (1)", "02-words"),
        (bare(SUMS), "102-words", "01-sums"),
        (bare(SUMS), "Untitled", "01-sums"),
        (bare([SUMS[2]]), "Untitled", "01-sums"),  # a heading
        ([cell("def spell(x): return x")], "Untitled", "02-words"),  # a function
        ([cell("def double(): ..."), cell("def half(): ..."), cell("spell = 1")], "Untitled", "01-sums"),
        ([cell("def half(): ..."), cell("spell = 1")], "Untitled", None),
        ([cell("def add(): ..."), cell("spell = 1")], "Untitled", "02-words"),  # a name of two exercises tells nothing
        ([SETUP, IMPORTS], "02-words", "02-words"),
        ([cell("x = 1")], "Untitled", None),
        ([cell("## 01.1 Add"), cell("spell = 1", kind="markdown")], "Untitled", None),
    ],
)
def test_a_notebook_is_told_by_its_ids_then_its_name_then_what_is_in_it(hand, cells, name, exercise):
    handed = hand(cells, f"{name}.ipynb")
    assert [work.exercise for work in handed.works] == [exercise] * (exercise is not None)
    if exercise is None:
        assert handed.notes == (f"alice/{name}.ipynb belongs to no exercise of this course and was not graded.",)


def test_even_in_a_course_of_one_exercise_a_notebook_may_belong_to_none():
    known = taking.signs({"01-sums": [foreign.cell(one) for one in SUMS]})
    assert taking.exercise_of("Untitled", [foreign.cell(cell("x = 1"))], known) is None
    assert taking.exercise_of("Untitled", [foreign.cell(IMPORTS)], known) == "01-sums"


def test_of_two_notebooks_the_one_so_called_counts_and_else_the_latest(tmp_path):
    def handed(**changed):
        folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "alice"
        for name, seconds in changed.items():
            path = put(folder / f"{name.replace('__', '/').replace('_', '-')}.ipynb", with_cells(edited(ADD, name)))
            os.utime(path, (seconds, seconds))
        handed = collect("alice", folder, COURSE)
        return own(handed.works[0])[0], handed.notes

    assert handed(_a=5) == ("_a", ())
    assert handed(a_01_sums=9, z__01_sums=5, y=10)[0] == "z__01_sums"
    assert handed(a=5, b=9, c=7)[0] == "b"
    assert handed(a=5, b=5)[0] == "a"
    assert handed(a__01_sums=5, b__01_sums=9)[0] == "b__01_sums"
    assert handed(a=5, b=9, c=7)[1] == (
        "For 01-sums, alice/b.ipynb was graded; alice/a.ipynb, alice/c.ipynb was not. Hand in one notebook for each exercise.",
    )


def test_a_broken_notebook_does_not_stand_in_the_way_of_a_whole_one(tmp_path):
    put(tmp_path / "alice" / "01-sums.ipynb", FINE[:50])
    put(tmp_path / "alice" / "copy.ipynb", SUMS)
    put(tmp_path / "alice" / "02-words.ipynb", WORDS)
    handed = collect("alice", tmp_path / "alice", COURSE)
    assert [work.file for work in handed.works] == ["alice/copy.ipynb", "alice/02-words.ipynb"]
    assert len(handed.notes) == 1


def test_the_books_own_exercises_are_told_apart_and_answered(root, tmp_path):
    course = load(root)
    for number, name in enumerate(course.exercises):
        answered = nbformat.read(root / "solutions" / f"{name}.ipynb", as_version=4)
        put(tmp_path / "alice" / f"{number}.ipynb", dict(answered))
        put(tmp_path / "bob" / f"{number}.ipynb", bare(answered.cells))
    alice, bob = (collect(student, tmp_path / student, course) for student in ("alice", "bob"))
    assert [work.exercise for work in alice.works] == [work.exercise for work in bob.works] == list(course.exercises)
    assert [work.notes for work in (*alice.works, *bob.works)] == [()] * 2 * len(course.exercises)
    for mine, other in zip(alice.works, bob.works):
        assert mine.cells == other.cells
        text = "\n".join(mine.cells)
        assert "raise NotImplementedError" not in text and "\ncheck(" not in text and text.count("import utils") == 1


# Anything at all


def expect_sound(handed, handed_in=None):
    assert isinstance(handed, Handed) and all(isinstance(work, Work) for work in handed.works)
    assert len({work.exercise for work in handed.works}) == len(handed.works)
    for work in handed.works:
        assert work.cells[:1] == GIVEN[:1] and (work.exercise == "02-words" or work.cells[:2] == GIVEN)
        assert len(work.cells) <= foreign.MAX_CELLS + 2
        texts = [*work.cells, *work.written.values()]
        assert all(type(text) is str and len(text) <= taking.MAX_SOURCE for text in texts)
        "".join(texts).encode()
        assert "\0" not in "".join(texts)
    for notes in (handed.notes, *(work.notes for work in handed.works)):
        assert len(set(notes)) == len(notes) <= ingest.MAX_NOTES + 1
        assert all(note.isprintable() and note.endswith(".") and len(note) < 600 for note in notes)


def collected(data):
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder) / "alice" / "01-sums.ipynb", data)
        handed = collect("alice", path.parent, COURSE)
    expect_sound(handed)
    return handed


KEYS = [
    "cells",
    "source",
    "metadata",
    "nbgrader",
    "grade_id",
    "cell_type",
    "worksheets",
    "input",
    "id",
    "kernelspec",
    "language",
]
TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["code", "markdown", "task-01-1", "check-01-1", "answer-01-2", *GIVEN]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | TEXT, inner, max_size=6),
    max_leaves=20,
)


@given(st.binary(max_size=300))
def test_any_bytes(data):
    handed = collected(data)
    assert handed.works == () and len(handed.notes) == 1  # no notebook, and the student is told so


@given(st.data())
def test_any_damage_to_the_bytes_of_a_notebook(data):
    start = data.draw(st.integers(0, len(FINE)))
    stop = data.draw(st.integers(start, min(len(FINE), start + 50)))
    handed = collected(FINE[:start] + data.draw(st.binary(max_size=20)) + FINE[stop:])
    assert len(handed.works) + len(handed.notes) == 1  # graded, or told why not


@given(JSON, st.booleans())
def test_any_json(value, in_a_notebook):
    handed = collected(json.dumps(notebook(value) if in_a_notebook and isinstance(value, list) else value).encode())
    assert len(handed.works) + len(handed.notes) == 1


def places(value, here=()):
    """The way to every value inside a value."""
    yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*here, key))


@settings(max_examples=200)
@given(st.data())
def test_any_mutation_of_a_notebook(data):
    tried = [edited(one, f"CHECK = {i}") if one["id"].startswith("check") else one for i, one in enumerate(SUMS)]
    tried = with_cells(edited(ADD, "add = max"), edited(WRITTEN, "Because."), base=tried)
    order = data.draw(st.lists(st.integers(0, len(tried) - 1), max_size=20))  # drops, doubles and moves them
    cells = [copy.deepcopy(tried[i]) for i in order]
    for i in data.draw(st.sets(st.integers(0, len(cells) - 1), max_size=5)) if cells else ():
        *way, last = data.draw(st.sampled_from(list(places(cells[i], (i,)))))  # one value of a cell: the cell remains known
        inner = cells
        for key in way:
            inner = inner[key]
        inner[last] = data.draw(JSON)
    whole = notebook(cells)
    if data.draw(st.booleans()):
        whole[data.draw(st.sampled_from(list(whole)[1:]))] = data.draw(JSON)
    handed = collected(json.dumps(whole).encode())
    for work in handed.works:
        assert not any("CHECK" in source for source in work.cells)
        assert not any("Because" in source for source in work.cells)
