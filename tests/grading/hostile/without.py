"""Grades attacks: a whole class with all protections, or some of them with one protection taken away.

    evidence = without("walls", attack, tmp_path)           # one attack, then one honest student
    found = together("walls", [attack, another], tmp_path)  # several in one class (name -> Evidence): quicker
    found = together("", attacks, tmp_path)                 # with all protections; found[WHOLE] is of the class

How a protection is taken away is written in weaker.py. The class lies in PLACE, which attack.filled puts into sources:

    submissions/ results/ course/   secret.key and course/solutions/ hold canaries, and so does each honest notebook
    home/ temp/ cwd/                the grader's HOME, TMPDIR and working folder: each holds canary.txt
    unix.socket, \\0PLACE/abstract, 127.0.0.1:PORT    give a canary to whoever connects, and note what they are sent

The grader has a canary in its environment (COURSE_TOKEN) and on its command line. A file counts as left behind if it is new in
home/, temp/ or cwd/, or called @LEFT@ in WATCHED. A process that outlives its student should call itself "h-STUDENT"
(/proc/self/comm), so that nobody else gets the blame.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import nbformat
from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from hostile.attack import CANARY, ROOT, Attack, Evidence, written

HONEST = {"00.1": VECTORISED, "00.2": CROSS_ENTROPY}
FULL = {"00.1": 1.0, "00.2": 2.0}  # points of an honest student
WHOLE = "the whole class"
SECONDS, JOBS, LIMIT = 2, 2, 240
BETWEEN = {"course": 2, "dask": 2, "gradescope": 2, "nbgrader": 8}  # attacks to an honest student
WATCHED = ("/tmp", "/dev/shm", "/var/tmp")
TESTS = ROOT / "tests"
GIVEN_UP = ("The check could not be finished on what your code returned", "could not be graded, and a person")


def without(protection: str, attack: Attack, folder: Path, limit: float = LIMIT) -> Evidence:
    """What one attack does when this protection is taken away."""
    return together(protection, [attack], folder, limit)[attack.name]


def together(
    protection: str,
    attacks: Sequence[Attack],
    folder: Path,
    limit: float = LIMIT,
    seconds: float = SECONDS,
    level: str = "",
    through: str = "course",
) -> dict[str, Evidence]:
    """Grade these in one class, honest students before, between and after them -> name of the attack -> what could be seen.

    `through` is the way by which they are graded, one of those in through.py.

    The grader is ended `limit` seconds after its last examiner came up: whoever was begun and is not done took for ever.
    Without deadlines that is to be expected, so each attack has an examiner of its own. Without two rooms, or the codec, each
    has a fresh one together with the honest student that follows.
    """
    jobs = {"two rooms": 1, "codec": 1, "deadline": len(attacks)}.get(protection, min(JOBS, len(attacks)))
    place = folder / "class"
    with _laid_out(place) as heard:
        seats = _seated(attacks, place / "submissions", 1 if protection else BETWEEN[through])
        before = _files(place)
        output = _run(place, protection, seconds, jobs, limit, "process" if protection == "walls" else level, through)
    report = {"ended": False, "error": "killed", "students": {}}
    with suppress(OSError, ValueError):
        report = json.loads((place / "report.json").read_text())
    report["said"] = output + "".join(heard) + "".join(_read(place / "results" / f) for f in ("items.csv", "summary.md"))
    left = sorted(_files(place) - before)
    found = {attack.name: _evidence(names, place, report, left) for attack, names in seats.items()}
    found[WHOLE] = _of_all(place, report, left)
    for path in left:
        path.unlink()
    return found


@contextmanager
def _laid_out(place: Path):
    """The folders with their canaries, and servers, whose visitors' words are collected."""
    for name in ("submissions", "results", "home", "temp", "cwd"):
        (place / name).mkdir(parents=True)
    for name in ("exercises", "solutions"):
        shutil.copytree(ROOT / name, place / "course" / name)
    for name in ("home", "temp", "cwd"):
        (place / name / "canary.txt").write_text(f"{CANARY}-{name}")
    for path in (place / "course" / "solutions").glob("*.ipynb"):
        solution = nbformat.read(path, as_version=4)
        for cell in solution.cells:
            cell.source = cell.source.replace("### END SOLUTION", f"# {CANARY}-solutions\n    ### END SOLUTION")
        nbformat.write(solution, path)
    (place / "results" / "secret.key").write_bytes(f"{CANARY}-secret.key".encode().ljust(32, b"."))
    heard: list[str] = []
    with ExitStack() as stack:
        tcp, file, abstract = (socket.socket(kind) for kind in (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX))
        tcp.bind(("127.0.0.1", 0))
        file.bind(str(place / "unix.socket"))
        abstract.bind(f"\0{place}/abstract")
        (place / "port").write_text(str(tcp.getsockname()[1]))
        for name, server in (("tcp", tcp), ("socket", file), ("abstract", abstract)):
            stack.callback(server.close)
            server.listen(50)
            threading.Thread(target=_listen, args=(server, name, heard), daemon=True).start()
        yield heard


def _listen(server: socket.socket, name: str, heard: list[str]) -> None:
    while True:
        try:
            end, _ = server.accept()
            with end:
                end.settimeout(1)
                end.sendall(f"{CANARY}-{name}".encode())
                heard.append(f"\nsomebody came to {name} and said: ")
                with suppress(OSError):
                    while data := end.recv(1 << 16):
                        heard.append(data.decode(errors="replace"))
        except OSError:
            if server.fileno() < 0:
                return


def _seated(attacks: Sequence[Attack], submissions: Path, between: int) -> dict[Attack, list[str]]:
    """The files of each attack in the submissions folder, by name; an honest student follows every so many."""
    seats = {}
    _honest(submissions / "000-honest")
    for number, attack in enumerate(attacks, 1):
        folder, before = submissions / f"{number:03d}-{attack.kind}", set(os.listdir(submissions))
        folder.mkdir()
        attack.write(folder)
        seats[attack] = sorted(set(os.listdir(submissions)) - before)
        if number % between == 0 or attack is attacks[-1]:
            _honest(submissions / f"{number:03d}-x-honest")
    return seats


def _honest(folder: Path) -> None:
    folder.mkdir()
    written(HONEST, before=[f"# {CANARY}-notebook"])(folder)


def _run(place: Path, protection: str, seconds: float, jobs: int, limit: float, level: str, through: str) -> str:
    """Grade the class -> what the grader printed."""
    arguments = [place, protection, seconds, jobs, limit, level, through, f"{CANARY}-command-line"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (TESTS / "grading", TESTS, ROOT))),
        "OMP_NUM_THREADS": "1",
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "temp"),
        "COURSE_TOKEN": f"{CANARY}-environment",
    }
    with (place / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hostile.classroom", *map(str, arguments)],
            cwd=place / "cwd",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            process.wait(limit + 360)
        finally:
            process.kill()
            process.wait()
    return _read(place / "output")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _files(place: Path) -> set[Path]:
    """What lies in the grader's own folders, and what attacks of this class have left in public ones."""
    own = {path for name in ("home", "temp", "cwd") for path in (place / name).rglob("*") if not path.is_dir()}
    port = _read(place / "port")
    return own | {path for folder in WATCHED for path in Path(folder).glob(f"hostile-*-{port}")}


def _evidence(names: Sequence[str], place: Path, report: dict, left: Sequence[Path]) -> Evidence:
    """What is known of the student, or students, whose files have these names."""
    theirs = {name: seen for name, seen in report["students"].items() if seen.get("file", name) in names}
    pages = "".join(
        _read(p / f) for n in theirs for p in [place / "results/students" / n] for f in ("feedback.html", "result.json")
    )
    rows = [line for line in _read(place / "results" / "grades.csv").splitlines() if any(name in line for name in theirs)]
    texts = "\n".join([pages, *rows, report["said"], report["error"]])
    honest = next((n for n in sorted(os.listdir(place / "submissions")) if n > max(names) and n.endswith("-honest")), "")
    seconds = [seen.get("seconds") for seen in theirs.values()]
    return Evidence(
        points={task: points for seen in theirs.values() for task, points in seen.get("points", {}).items()},
        texts=texts,
        seconds=float("inf") if None in seconds else sum(seconds),  # none at all: its turn did not come
        survivors=[pid for seen in theirs.values() for pid in seen["survivors"]],
        files=[str(path) for path in left if "hostile-" not in path.name or any(name in path.name for name in names)],
        neighbour=report["students"].get(honest, {}).get("points", {}),
        alive=report["ended"] and not any(sentence in pages for sentence in GIVEN_UP),
        pages=pages,
    )


def _of_all(place: Path, report: dict, left: Sequence[Path]) -> Evidence:
    """Of the class: all that was written but for the secret key, what runs and lies around, the least that honest ones got."""
    names = [name for name in os.listdir(place / "submissions") if name.endswith("-honest")]
    honest = [report["students"].get(name, {}).get("points", {}) for name in names]
    written = [path for path in (place / "results").rglob("*") if path.is_file() and path.name != "secret.key"]
    return Evidence(
        points={},
        texts="".join(map(_read, written)) + report["said"] + report["error"],
        seconds=0.0,
        survivors=report.get("left", ()),
        files=[str(path) for path in left],
        neighbour={task: min(points.get(task, 0.0) for points in honest) for task in FULL},
        alive=report["ended"],
    )
