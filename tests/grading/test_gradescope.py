"""What goes to Gradescope and what comes back: the zips, the container that they turn into, and results.json."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from grading.small_class import CHECK, CHECKS_BEGIN, EXERCISES, RIGHT, TASKS, answered, small_course, write_course
from hostile.attack import CANARY, Attack, Evidence
from hostile.corpus import ATTACKS
from hostile.through import as_shown
from packaging.specifiers import SpecifierSet

from utils.book.project import find_root
from utils.grading.adapters import gradescope_zips
from utils.grading.adapters.gradescope import UNKNOWN, grade, results, submitter
from utils.grading.adapters.gradescope_zips import write_zips
from utils.grading.course import Course
from utils.grading.examiners import Examiners
from utils.grading.results.marks import Graded, Mark
from utils.grading.results.seeds import commitment
from utils.grading.task import Part, Result

ROOT = find_root(Path(__file__).parent)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox")
GROUP = [{"id": number, "email": f"{number}@example.com", "name": "Somebody"} for number in (77, 1234, 5, 33, 400)]
NUMBERS = "1234, 33, 400, 5, 77"
SHOWS_INPUTS = "\n    raise ValueError(x.tolist())"
SPY = """
    seen = []
    for path in {paths}:
        try:
            seen.append(open(path).read()[:0] + path)
        except OSError:
            pass
    raise ValueError(f"read {{len(seen)}} of them {{seen[:2]}}")"""
HANDFUL = ("forge", "leak", "escape", "deny")  # kinds of which one attack each meets the real run_autograder


PAGE = (ROOT / "instructors" / "gradescope.md").read_text(encoding="utf-8")
BOOK = os.environ | {"PYTHONPATH": str(ROOT)}


def handed_out(folder: Path, *names: str) -> Course:
    """The exercises of these names, without their checks becoming known to this process."""
    return Course(folder, {name: nbformat.read(folder / "exercises" / f"{name}.ipynb", as_version=4) for name in names})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return handed_out(small_course(tmp_path_factory.mktemp("course")), *EXERCISES)


def submission(place: Path, course: Course, answers: dict[str, str], metadata: object = None) -> Path:
    """PLACE as Gradescope makes it for one student, with the first exercise answered; metadata is a text if it is damaged."""
    name, notebook = next(iter(course.exercises.items()))
    (place / "submission").mkdir(parents=True)
    nbformat.write(answered(nbformat.from_dict(notebook), answers), place / "submission" / f"{name}.ipynb")
    if metadata is not None:
        text = metadata if isinstance(metadata, str) else json.dumps(metadata)
        (place / "submission_metadata.json").write_text(text)
    return place


def read(place: Path) -> dict:
    """The results, of which everything is as Gradescope's specification has it."""
    found = json.loads((place / "results" / "results.json").read_text())
    assert conforms(found) == []
    return found


def of_task(found: dict) -> dict[str, dict]:
    return {test["number"]: test for test in found["tests"]}


# --- Gradescope's specification (gradescope-autograders.readthedocs.io/en/latest/specs)

FORMATS, VISIBILITIES = (
    {"text", "html", "simple_format", "md", "ansi"},
    {"hidden", "after_due_date", "after_published", "visible"},
)
OF_TEST = {
    "score": float, "max_score": float, "status": {"passed", "failed"}, "name": str, "name_format": FORMATS, "number": str,
    "output": str, "output_format": FORMATS, "tags": list, "visibility": VISIBILITIES, "extra_data": dict,
}  # fmt: skip
OF_ALL = {
    "score": float, "execution_time": float, "output": str, "output_format": FORMATS, "test_output_format": FORMATS,
    "test_name_format": FORMATS, "visibility": VISIBILITIES, "stdout_visibility": VISIBILITIES, "extra_data": dict,
    "tests": list, "leaderboard": list,
}  # fmt: skip


def conforms(found: dict) -> list[str]:
    """What of it is not in the specification, by name."""
    said = [("results", found, OF_ALL), *((f"test {test.get('number')}", test, OF_TEST) for test in found["tests"])]
    wrong = []
    for where, thing, fields in said:
        for name, value in thing.items():
            kind = fields.get(name)
            fits = value in kind if isinstance(kind, set) else kind is not None and type(value) is kind
            wrong += [] if fits else [f"{where}: {name} is {value!r}"]
    texts = [found["output"], *(test[key] for test in found["tests"] for key in ("name", "output"))]
    wrong += [f"what a database refuses: {text!r}" for text in texts if re.search("[\0\ud800-\udfff]", text)]
    return wrong


# --- what is written


def marked(course: Course, *made: Mark, student: str = "77") -> dict:
    graded = Graded(student, made, {}, {"": ("one\0",)}, "landlock", {"python": "3.12"}, "c0ffee", "2026-01-01T00:00:00+00:00")
    found = json.loads(json.dumps(results(graded, course)))
    assert conforms(found) == []
    return found


def test_each_task_becomes_a_test_with_its_parts_and_hints_and_its_points_count(course):
    parts = Part("of some", True), Part("of others", False, "the mean of each column", "Which axis?\n✓ passed: all")
    right = Mark("91.1", "Double", "91-first", 1.0, Result("91.1", parts[:1]), digests={"answer": "a"})
    wrong = Mark("91.2", "Shift <b>", "91-first", 2.0, Result("91.2", parts, ("x",)), digests={"answer": "a"})
    found = marked(course, right, wrong)
    first, second, third = found["tests"]
    assert found["score"] == 1.0 and [test["score"] for test in found["tests"]] == [1.0, 0.0, 0.0]
    assert [test["max_score"] for test in found["tests"]] == [1.0, 2.0, 3.0]
    assert [test["status"] for test in found["tests"]] == ["passed", "failed", "failed"]
    assert first["output"] == "passed\n✓ passed: of some"
    assert (
        "✗ not yet: of others\n    This looks like: the mean of each column. Which axis?\n    ✓ passed: all" in second["output"]
    )
    assert "writes into x" in second["output"] and second["name"] == "Shift <b>" and second["name_format"] == "text"
    assert third["number"] == "92.1" and third["output"] == "There is no answer to this task in what was graded."
    assert "one[U+0000]" in found["output"] and "Isolation: landlock" in found["output"] and "c0ffee" in found["output"]
    formats = {value for thing in (found, *found["tests"]) for key, value in thing.items() if key.endswith("format")}
    assert formats == {"text"}  # what is a student's stays text
    assert found["stdout_visibility"] == "hidden" and found["extra_data"]["digests"]["91.1"] == {"answer": "a"}


def test_a_task_that_could_not_be_checked_or_is_not_finished_says_so(course):
    unfinished = Mark("91.1", "Double", "91-first", 1.0, Result("91.1", (), (), "return it"), digests={"answer": "a"})
    given_up = replace(unfinished, task="91.2", result=None, problem="A person will look\ud800.")
    first, second, _ = marked(course, unfinished, given_up)["tests"]
    assert first["output"] == "not finished yet\n    Still to do: return it"
    assert second["output"] == "A person will look[U+D800]." and second["status"] == "failed"


def test_who_is_not_known_is_told_so(course):
    assert "does not say who handed this in" in marked(course, student=UNKNOWN)["output"]
    assert "does not say who handed this in" not in marked(course)["output"]


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"id": 1, "users": GROUP}, NUMBERS),
        ({"id": 2, "users": GROUP[::-1], "previous_submissions": [{"score": 3.0, "results": {}}]}, NUMBERS),
        ({"users": [{"id": 77, "email": "another@example.com"}]}, "77"),
        ({"users": [{"email": "ann@example.com"}]}, "ann@example.com"),
        *[(damaged, "") for damaged in ("", "{", "[" * 100_000, "[]", "\xff")],
        *[(damaged, "") for damaged in ('{"users": 3}', '{"users": [3]}', '{"users": [{}]}')],
        ({"users": []}, ""),
        ({"users": None}, ""),
    ],
)  # fmt: skip
def test_the_student_is_whoever_handed_in_and_not_the_submission(tmp_path, metadata, name):
    path = tmp_path / "submission_metadata.json"
    path.write_text(metadata if isinstance(metadata, str) else json.dumps(metadata), encoding="latin-1")
    assert submitter(path) == name
    assert submitter(tmp_path / "missing.json") == ""


# --- what is packed


def test_a_zip_holds_its_exercise_and_its_grader_and_no_solution(course, tmp_path):
    written = write_zips(course, tmp_path / "out", None)
    assert [path.name for path in written] == ["91-first.zip", "92-second.zip"]
    keys = set()
    for path, name in zip(written, course.exercises):
        with zipfile.ZipFile(path) as packed:
            names = set(packed.namelist())
            ours = {n for n in names if not n.startswith("package/")}
            checks = {"course/checks/chapter_91.py", "course/checks/chapter_92.py"}
            assert (
                ours == {"setup.sh", "run_autograder", "settings.json", "secret.key", f"course/exercises/{name}.ipynb"} | checks
            )
            assert "SOLUTION" not in packed.read(f"course/exercises/{name}.ipynb").decode()
            assert json.loads(packed.read("settings.json")) == {"sandbox": None}
            modes = {n: packed.getinfo(n).external_attr >> 16 for n in names}
            assert modes["run_autograder"] == modes["setup.sh"] == 0o755 and modes["secret.key"] == 0o600
            keys.add(packed.read("secret.key"))
        package = {f"package/{name}" for name in gradescope_zips.PROJECT}
        package |= {f"package/{p.relative_to(ROOT)}" for p in (ROOT / "utils").rglob("*") if p.is_file() and p.suffix != ".pyc"}
        assert names - ours == package
        assert path.stat().st_mode & 0o077 == 0
    assert keys == {(tmp_path / "out" / "secret.key").read_bytes()}
    before = written[0].read_bytes()
    assert write_zips(course, tmp_path / "out", None) == written and written[0].read_bytes() == before
    write_zips(course, tmp_path / "out", "process")
    with zipfile.ZipFile(written[0]) as packed:
        assert json.loads(packed.read("settings.json")) == {"sandbox": "process"} and packed.read("secret.key") in keys


def test_no_zip_is_written_where_the_package_is_not_whole(course, tmp_path, monkeypatch):
    monkeypatch.setattr(gradescope_zips, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"there is no pyproject\.toml in"):
        write_zips(course, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_the_set_up_takes_the_pythons_that_the_package_supports():
    setup = (gradescope_zips.TEMPLATE / "setup.sh").read_text()
    fits = re.search(r"sys\.exit\(not (.+)\)'", setup)[1]
    supported = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    for minor in range(8, 17):
        assert eval(fits.replace("sys.version_info[:2]", f"(3, {minor})")) == supported.contains(f"3.{minor}")


FAKE = """#!/bin/bash
echo "${0##*/} $*" >> "$LOG"
case "${0##*/}$*" in
  python3-c*) exit 1 ;;  # Ubuntu's own, too old
  python3.12-c*) [ -e "$LOG.new" ] ;;
  python3.1*) exit 127 ;;
  apt-get*python3.12-venv) [ -e "$LOG.ppa" ] && touch "$LOG.new" ;;
  add-apt-repository*) touch "$LOG.ppa" ;;
esac"""


@pytest.mark.skipif(os.name != "posix", reason="Gradescope's machines have bash")
def test_the_set_up_gets_a_python_where_there_is_only_an_old_one(tmp_path):
    for name in ("python3", "python3.11", "python3.12", "python3.13", "apt-get", "add-apt-repository"):
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o755)
    shutil.copy(gradescope_zips.TEMPLATE / "setup.sh", tmp_path)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    subprocess.run(["bash", tmp_path / "setup.sh"], env=environment, capture_output=True)  # there is no package to install
    said = (tmp_path / "log").read_text()
    assert said.index("software-properties-common") < said.index("add-apt-repository --yes ppa:deadsnakes/ppa")
    assert said.rstrip().endswith("python3.12 -m venv .venv")
    (tmp_path / "add-apt-repository").write_text("#!/bin/bash\nexit 1")
    for name in ("log.new", "log.ppa"):
        (tmp_path / name).unlink()
    failed = subprocess.run(["bash", tmp_path / "setup.sh"], env=environment, capture_output=True, text=True)
    assert failed.returncode == 1 and "no Python 3.11 to 3.13" in failed.stderr


@LINUX
@pytest.mark.slow
def test_the_commands_of_the_page_write_what_it_says(tmp_path):
    name, _, right = TASKS["91.1"]
    checks = CHECKS_BEGIN + CHECK.format(id="51.1", name=name, right=f"lambda x: {right}")
    write_course(tmp_path / "quiz", "51-quiz", {"51.1": TASKS["91.1"]}, checks)
    first, again = re.findall(r"^course (release .+)$", PAGE, re.M)
    keys = []
    for command, sandbox in ((first, None), (again, "process")):
        subprocess.run([sys.executable, "-m", "utils.cli", *command.split()], cwd=tmp_path, env=BOOK, check=True)
        (folder,) = set(re.findall(r"quiz-\w+", command))
        assert {path.name for path in (tmp_path / folder).iterdir()} == set(re.findall(r"^- `([\w.-]+)`", PAGE, re.M))
        keys.append((tmp_path / folder / "secret.key").read_bytes())
        with zipfile.ZipFile(tmp_path / folder / "51-quiz.zip") as packed:
            assert json.loads(packed.read("settings.json")) == {"sandbox": sandbox} and packed.read("secret.key") == keys[0]
    assert keys[0] == keys[1]


# --- one after the other, in one process


@pytest.fixture(scope="module")
def examiners(course: Course, tmp_path_factory: pytest.TempPathFactory):
    with Examiners((course.folder, b"s" * 32, "landlock", 2.0), str(tmp_path_factory.mktemp("scratch"))) as made:
        yield made


@LINUX
@pytest.mark.slow
def test_inputs_are_the_same_for_a_group_at_each_submission_and_others_for_others(course, examiners, tmp_path):
    said = {}
    for name, metadata in {
        "first": {"id": 1, "users": GROUP},
        "again": {"id": 2, "users": GROUP[::-1], "previous_submissions": [{"score": 3.0, "results": {"score": 3.0}}]},
        "alone": {"id": 3, "users": GROUP[:1]},
        "damaged": '{"users": ',
        "missing": None,
    }.items():
        place = submission(tmp_path / name, course, {"double": SHOWS_INPUTS, "shift": "x + 1"}, metadata)
        grade(place, course, examiners)
        found = read(place)
        assert found["score"] == 2.0 and found["extra_data"]["commitment"] == commitment(b"s" * 32)
        assert ("does not say who" in found["output"]) == (name in ("damaged", "missing"))
        said[name] = of_task(found)["91.1"]["output"]
    assert "ValueError: [" in said["first"]
    assert said["first"] == said["again"] and said["damaged"] == said["missing"]
    assert len(set(said.values())) == 3


@LINUX
@pytest.mark.slow
def test_earlier_results_are_gone_where_nothing_can_be_graded(course, examiners, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "results.json").write_text("{}")
    with pytest.raises(ValueError, match="there is nothing at"):
        grade(tmp_path, course, examiners)
    assert list((tmp_path / "results").iterdir()) == []


# --- the real thing: the zip, unpacked as Gradescope does, in a container's walls


def in_container(command: list, old_kernel: bool = False) -> subprocess.CompletedProcess:
    launcher = [sys.executable, str(Path(__file__).with_name("container.py")), *["--old-kernel"] * old_kernel]
    environment = {"TORCH_INDEX": ""} | BOOK | {"COURSE_TOKEN": f"{CANARY}-environment"}
    return subprocess.run([*launcher, *map(str, command)], env=environment, capture_output=True, text=True)


def unpack(packed: Path, place: Path) -> Path:
    """PLACE as Gradescope builds its image, without what setup.sh adds."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(place / "source")
    shutil.copy(place / "source" / "run_autograder", place)
    (place / "run_autograder").chmod(0o755)
    return place


@pytest.fixture(scope="module")
def image(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place where a zip of the small course has set itself up."""
    home = tmp_path_factory.mktemp("image")
    place = unpack(write_zips(course, home / "zips", None)[0], home / "small")
    done = in_container(["bash", place / "source" / "setup.sh"])
    assert done.returncode == 0, done.stderr
    assert "0 points; sandbox: landlock" in done.stdout and not (place / "source" / "rehearsal").exists()
    return place


def another(image: Path, packed: Path, place: Path) -> Path:
    """PLACE with another zip of this package, which has set itself up in the same way."""
    unpack(packed, place)
    shutil.copytree(image / "source" / ".venv", place / "source" / ".venv", symlinks=True, copy_function=os.link)
    return place


def with_submission(image: Path, place: Path) -> Path:
    """PLACE as a container that was started from the image."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "source").symlink_to(image / "source")
    shutil.copy(image / "run_autograder", place)
    return place


@LINUX
@pytest.mark.slow
def test_a_zip_sets_itself_up_in_a_container_and_grades_there(image, course, tmp_path):
    assert write_zips(course, image.parent / "zips", None)[0].stat().st_size < 5_000_000
    process = another(image, write_zips(course, image.parent / "of process", "process")[0], tmp_path / "process")
    places = {name: with_submission(image, tmp_path / name) for name in ("right", "empty", "old", "spy")}
    places["process"] = with_submission(process, tmp_path / "process place")
    for name in ("right", "old", "process"):
        submission(places[name], course, RIGHT, {"id": 5, "users": GROUP})
    (places["empty"] / "submission").mkdir()
    secret = [str(path) for name in ("chapter_*.py", "secret.key") for path in (image / "source").rglob(name)]
    secret += [path.replace("/lib/", "/lib64/") for path in secret]  # in .venv one is a link to the other
    assert any("chapter_00.py" in path for path in secret) and any("chapter_91.py" in path for path in secret)
    submission(places["spy"], course, {"double": SPY.format(paths=secret), "shift": "x + 1"}, {"users": GROUP})
    with ThreadPoolExecutor(2) as pool:
        run = lambda name: in_container([places[name] / "run_autograder"], name in ("old", "process"))  # noqa: E731
        done = dict(zip(places, pool.map(run, places)))

    key = (image / "source" / "secret.key").read_bytes()
    found = {name: read(places[name]) for name in ("right", "empty", "process", "spy")}
    assert [done[name].returncode for name in found] == [0] * 4, done
    assert {name: one["score"] for name, one in found.items()} == {"right": 3.0, "empty": 0.0, "process": 3.0, "spy": 2.0}
    levels = {name: one["extra_data"]["sandbox"] for name, one in found.items()}
    assert levels == {"right": "landlock", "empty": "landlock", "process": "process", "spy": "landlock"}
    assert found["right"]["extra_data"]["student"] == NUMBERS and "Isolation: landlock" in found["right"]["output"]
    assert "read 0 of them []" in of_task(found["spy"])["91.1"]["output"]
    assert [test["max_score"] for test in found["empty"]["tests"]] == [1.0, 2.0]
    assert "There is no notebook among your files" in found["empty"]["output"]
    assert {one["extra_data"]["commitment"] for name, one in found.items() if name != "process"} == {commitment(key)}
    assert not any(secret in json.dumps(one) for one in found.values() for secret in (key.hex(), repr(key)[2:-1], "2 * x"))

    assert done["old"].returncode == 1 and "release the zip again with --sandbox process" in done["old"].stderr
    assert list((places["old"] / "results").iterdir()) == []


@LINUX
@pytest.mark.slow
def test_attacks_on_the_container_itself_fail(image, tmp_path):
    book = write_zips(handed_out(ROOT, "00-getting-started"), tmp_path / "zips", None)[0]
    image = another(image, book, tmp_path / "book")
    some = [next(attack for attack in ATTACKS if attack.kind == kind) for kind in HANDFUL]

    def seen(attack: Attack) -> Evidence:
        place = with_submission(image, tmp_path / attack.kind)
        (place / "submission").mkdir()
        attack.write(place / "submission")
        done = in_container([place / "run_autograder"])
        assert done.returncode == 0, done.stderr
        found = read(place)
        points = {number: test["score"] for number, test in of_task(found).items()}
        return Evidence(points, json.dumps(found) + done.stdout, 0.0, pages=as_shown(found))

    with ThreadPoolExecutor(2) as pool:
        for attack, evidence in zip(some, pool.map(seen, some)):
            assert not attack.had_its_way(evidence), attack.name
            assert not any(evidence.points[task] for task in attack.tasks)
            assert CANARY not in evidence.texts
