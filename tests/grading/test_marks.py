"""What is kept of a student: it comes back as it was, half of it is never found, and a mark that changed has its reason."""

import json
import math
import os
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.grading.results import marks
from utils.grading.results.marks import Graded, Mark, changes, from_json, load, save, sweep, to_json, write
from utils.grading.task import Part, Result

DIGESTS = {key: "d" for key in marks.WHY}
GOOD = Result("01.1", (Part("a", True), Part("b", True)))
BAD = Result("01.1", (Part("a", True), Part("b", False, "the misconception", "Look.")), ("x of f",))
PAGE = "<p>page</p>"


def mark(result=GOOD, task="01.1", of=2.0, digests=DIGESTS, **rest):
    return Mark(task, "A title", "01-networks", of, result, digests=digests, **rest)


def graded(*marks, student="alice", **rest):
    about = {"written": {"01.9": "text"}, "notes": {"": (), "01-networks": ("A note.",)}}
    about |= {"sandbox": "namespaces", "versions": {"python": "3.11"}}
    return Graded(student, marks or (mark(),), **{**about, "commitment": "c0", "graded": "2026-01-01T00:00:00+00:00", **rest})


# --- points


def test_points_are_all_or_nothing():
    assert (mark().passed, mark().points) == (True, 2.0)
    unfinished = replace(GOOD, unfinished="return it")
    for lost in (mark(BAD), mark(unfinished), mark(None), mark(None, problem="Time-out."), mark(GOOD, problem="Time-out.")):
        assert (lost.passed, lost.points) == (False, 0.0)
    both = graded(mark(), mark(BAD, task="01.2", of=0.5))
    assert (both.points, both.of) == (2.0, 2.5)
    assert (Graded("bob", (), {}, (), "process", {}, "", "").points, graded(mark()).of) == (0, 2.0)


def test_what_has_no_digest_of_an_answer_was_not_handed_in():
    assert mark().handed_in
    assert not mark(None, digests={"check": "d"}).handed_in


# --- JSON

texts = st.text(st.characters())  # halves of surrogate pairs are in it
parts = st.builds(Part, texts, st.booleans(), st.none() | texts, texts)
several = st.lists(texts, max_size=2).map(tuple)
results = st.builds(Result, texts, st.lists(parts, max_size=2).map(tuple), several, st.none() | texts)
numbers = st.floats(0, 1e6)
mappings = st.dictionaries(texts, texts, max_size=2)
any_marks = st.builds(Mark, texts, texts, texts, numbers, st.none() | results, texts, numbers, mappings)


notes = st.dictionaries(texts, several, max_size=2)


@given(st.builds(Graded, texts, st.lists(any_marks, max_size=3).map(tuple), mappings, notes, texts, mappings, texts, texts))
def test_what_is_kept_comes_back_as_it_was(one):
    text = to_json(one)
    assert text.isascii()
    assert from_json(text) == one


def test_mappings_of_any_kind_and_whole_points_are_kept():
    kept = from_json(to_json(graded(mark(of=2, digests=MappingProxyType(DIGESTS)), versions=MappingProxyType({"a": "b"}))))
    assert kept.marks[0].digests == DIGESTS
    assert type(kept.marks[0].points) is float


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_none_is_not_written(number):
    with pytest.raises(ValueError):
        to_json(graded(mark(seconds=number)))


def damaged(value, key=""):
    """The value with one thing wrong in it, each in turn: what is of another kind, a key that is lost, a key too many."""
    or_none, kinds = {"result": dict, "misconception": str, "unfinished": str}, {int: float}
    fits = (type(None), or_none[key]) if key in or_none else (kinds.get(type(value), type(value)),)
    for other in (None, True, 3, "text", [1], {"a": 1}):
        if isinstance(other, (list, dict)) or kinds.get(type(other), type(other)) not in fits:
            yield other
    if isinstance(value, dict):
        if key not in ("written", "versions", "digests", "notes"):
            yield value | {"more": ""}
            yield from ({other: value[other] for other in value if other != lost} for lost in value)
        yield from (value | {name: inside} for name in value for inside in damaged(value[name], name))
    if isinstance(value, list):
        yield from ([*value[:i], inside, *value[i + 1 :]] for i in range(len(value)) for inside in damaged(value[i]))


def test_a_damaged_result_is_refused():
    whole = json.loads(to_json(graded(mark(BAD), mark(replace(GOOD, unfinished="return it")))))
    wrong = list(damaged(whole))
    assert len(wrong) > 300
    for one in wrong:
        with pytest.raises(ValueError):
            pytest.fail(f"taken: {from_json(json.dumps(one))}")


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "1", "[" * 100_000, '{"a": ' * 5000, "NaN", "9" * 5000, "\ufeff{}"])
def test_what_nobody_wrote_is_refused(text):
    with pytest.raises(ValueError):
        from_json(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "1e300", "-1", '"2"', "true"])
def test_points_that_are_none_are_refused(number):
    text = to_json(graded())
    assert '"of": 2.0' in text
    with pytest.raises(ValueError):
        from_json(text.replace('"of": 2.0', f'"of": {number}'))


# --- files


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_saved_and_loaded(tmp_path):
    assert load(tmp_path, "alice") is None
    save(tmp_path, graded(), PAGE)
    assert names(tmp_path) == ["students/alice/feedback.html", "students/alice/result.json"]
    assert load(tmp_path, "alice") == graded()
    assert (tmp_path / "students/alice/feedback.html").read_text() == PAGE


def test_every_byte_that_is_missing_is_noticed(tmp_path):
    save(tmp_path, graded(), PAGE)
    path = tmp_path / "students/alice/result.json"
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the last is the end of the line
        path.write_bytes(whole[:length])
        assert load(tmp_path, "alice") is None
    for bytes_ in (b"\xff" + whole, whole.replace(b"alice", b"\xe9lice"), whole + b"}", b"\0" * 100):
        path.write_bytes(bytes_)
        assert load(tmp_path, "alice") is None


def test_another_student_s_result_is_not_theirs(tmp_path):
    save(tmp_path, graded(), PAGE)
    os.rename(tmp_path / "students/alice", tmp_path / "students/bob")
    assert load(tmp_path, "bob") is None


@pytest.mark.parametrize("student", ["", ".", "..", "a/b", "../alice", "a\\b", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, student):
    for act in (lambda: load(tmp_path, student), lambda: save(tmp_path, graded(student=student), PAGE)):
        with pytest.raises(ValueError, match="expected a name"):
            act()
    assert names(tmp_path) == []


@pytest.mark.parametrize("student", ["Ünal Çelik", "日本 太郎", "o'hara", "=1+1", "-rf", "a.b", "~", "🙂", "x" * 200])
def test_names_of_every_sort(tmp_path, student):
    save(tmp_path, graded(student=student), PAGE)
    assert load(tmp_path, student).student == student


def stopped_at(monkeypatch, number):
    """os.replace raises at its call of that number, counted from 0, as if the run was stopped there."""
    calls, replace_ = [], os.replace

    def replacing(*args):
        calls.append(args)
        if len(calls) == number + 1:
            raise KeyboardInterrupt
        return replace_(*args)

    monkeypatch.setattr(marks.os, "replace", replacing)


@pytest.mark.parametrize("at", [0, 1])
def test_a_run_stopped_between_two_files_is_noticed_and_mended(tmp_path, monkeypatch, at):
    old, new = graded(), graded(mark(BAD, digests=DIGESTS | {"answer": "e"}))
    save(tmp_path, old, "old")
    with monkeypatch.context() as patch:
        stopped_at(patch, at)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, new, "new")
    assert names(tmp_path) == ["students/alice/feedback.html", "students/alice/result.json"], "nothing half written remains"
    assert load(tmp_path, "alice") == old, "the result is the last to change"
    page = tmp_path / "students/alice/feedback.html"
    assert page.read_text() == ("old", "new")[at]
    save(tmp_path, old, "old")  # the submission was taken back: the result is up to date, its page was not
    assert page.read_text() == "old"


def test_what_stands_there_already_is_left_alone(tmp_path, monkeypatch):
    save(tmp_path, graded(notes={"": ("é \ud800",)}), "é \ud800")
    monkeypatch.setattr(marks.os, "replace", lambda *_: pytest.fail("it was written again"))
    save(tmp_path, graded(notes={"": ("é \ud800",)}), "é \ud800")


@pytest.mark.parametrize("fault", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fault):
    write(tmp_path / "file", "old")

    def full(*_):
        raise OSError("no space")

    monkeypatch.setattr(marks.os, fault, full)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "file", "new")
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "old")


def test_what_is_written_reaches_the_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    done = []
    fsync, replace_ = os.fsync, os.replace
    monkeypatch.setattr(marks.os, "fsync", lambda number: done.append(("fsync", os.fstat(number).st_size)) or fsync(number))
    monkeypatch.setattr(marks.os, "replace", lambda *args: done.append("replace") or replace_(*args))
    write(tmp_path / "file", "a\r\nb\n")
    assert done == [("fsync", 5), "replace"]
    assert (tmp_path / "file").read_bytes() == b"a\r\nb\n"


def test_text_that_utf_8_cannot_hold_is_written_all_the_same(tmp_path):
    write(tmp_path / "file", "a\ud800é")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "a\\ud800é"


def test_what_a_killed_run_left_is_swept(tmp_path):
    save(tmp_path, graded(), PAGE)
    write(tmp_path / "grades.csv", "x")
    kept = names(tmp_path)
    for folder in (tmp_path, tmp_path / "students/alice"):
        (folder / f"{marks.HALF}0123").write_text("half")
    assert len(names(tmp_path)) == len(kept) + 2
    sweep(tmp_path)
    assert names(tmp_path) == kept
    sweep(tmp_path / "not there")


# --- changes


def test_nothing_changed():
    assert changes(None, graded()) == []
    assert changes(graded(), graded()) == []
    assert changes(graded(mark(BAD)), graded(mark(None, digests={key: "e" for key in DIGESTS}))) == [], "no points changed"


@pytest.mark.parametrize(("key", "why"), marks.WHY.items())
def test_a_changed_mark_says_which_digest_did_it(key, why):
    (change,) = changes(graded(), graded(mark(BAD, digests=DIGESTS | {key: "e"})))
    assert change == marks.Change("alice", "01.1", 2.0, 0.0, why)
    (change,) = changes(graded(mark(BAD)), graded(mark(digests=DIGESTS | {key: "e"})))
    assert (change.before, change.after, change.why) == (0.0, 2.0, why)


def test_a_changed_mark_may_have_several_reasons_or_none():
    (change,) = changes(graded(), graded(mark(BAD, digests=DIGESTS | {"check": "e", "answer": "e"})))
    assert change.why == "the submission changed, the check was mended"
    (change,) = changes(graded(), graded(mark(None, problem="Time-out.")))
    assert change.why == "graded again, with nothing else changed"
    (change,) = changes(graded(), graded(mark(of=3.0)))
    assert (change.before, change.after, change.why) == (2.0, 3.0, "the task is worth other points")


def test_what_is_gone_is_gone():
    other = replace(mark(task="02.1"), exercise="02-others")
    for after in (graded(other), graded(mark(None, digests={"check": "d"})), replace(graded(), marks=())):
        (change,) = changes(graded(), after)
        assert (change.after, change.why) == (0.0, "the submission is gone")
    (change,) = changes(graded(), graded(mark(task="01.2")))
    assert (change.task, change.why) == ("01.1", "the task is gone")
    assert changes(graded(mark(BAD)), graded(other)) == []


def test_a_first_mark_is_no_change():
    assert changes(graded(), graded(mark(), mark(task="01.2"))) == []
    assert changes(graded(mark(None, digests={})), graded()) == []
