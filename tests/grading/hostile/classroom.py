"""Grades a class of hostile and honest students in a process of its own, and writes down what could be seen meanwhile.

python -m hostile.classroom PLACE PROTECTION SECONDS JOBS LIMIT LEVEL THROUGH CANARY, with a PLACE that without.py has laid out,
by the way of that name in through.py. Ends by itself LIMIT seconds after the last examiner came up. What is left of it, its
processes and those of the students, it ends too.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from hostile.through import THROUGH
from hostile.weaker import weaken

from utils.grading.examiners import Examiners, _Process

PLACE, PROTECTION, SECONDS, JOBS, LIMIT, LEVEL, WAY, _ = sys.argv[1:]
weaken(PROTECTION)  # here and, since they import this module too, in the examiners

SUBREAPER = 36  # of prctl: the orphans of this process come to it
SPOILT = ("two rooms", "codec")  # without these, an attacker may have changed the examiner for good
START, GRACE = 300, 2.0  # seconds that examiners have to come up; that what was killed has to go


def main() -> None:
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    place = Path(PLACE)
    seen: dict[str, dict] = {}
    known: set[int] = set()  # orphans that were noticed before
    report = {"ended": False, "error": "", "students": seen}
    until, mine = [time.monotonic() + START + float(LIMIT)], threading.local()
    threading.Thread(target=_stop, args=(until, place, report), daemon=True).start()
    examine, start = Examiners.examine, _Process._start
    handed_in = set(os.listdir(place / "submissions"))

    def started(self: _Process) -> None:
        began = time.monotonic()
        start(self)
        mine.free += time.monotonic() - began  # which is nobody's fault
        until[0] = time.monotonic() + float(LIMIT)

    def watched(self: Examiners, student: str, path: Path, before: object) -> object:
        mine.free, began = 0.0, time.monotonic()
        file = next((part for part in reversed(path.parts) if part in handed_in), path.name)
        of_student = seen.setdefault(student, {"file": file, "seconds": 0.0, "points": {}, "survivors": []})
        so_far, of_student["seconds"] = of_student["seconds"], None
        graded = examine(self, student, path, before)
        of_student["seconds"] = so_far + time.monotonic() - began - mine.free
        of_student["points"] |= {mark.task: mark.points for mark in graded.marks}
        if PROTECTION in SPOILT and student.endswith("-honest"):
            for process in self._all:  # the next attacker finds an examiner that nobody has spoilt
                process.stop()
        for pid, name in _orphans(lambda: {*_ours(self), *known}):
            known.add(pid)
            named = [s for s in seen if name.startswith("h-") and s.startswith(name[2:])]  # it may bear its student's name
            seen[(named or [student])[0]]["survivors"].append(pid)
        return graded

    watched.__name__ = "examine"  # by which a cluster's worker finds it
    Examiners.examine, _Process._start = watched, started
    try:
        for student, points in THROUGH[WAY](place, LEVEL or None, float(SECONDS), int(JOBS)).items():
            seen.setdefault(student, {"survivors": []})["points"] = points
        report["ended"] = True
    except BaseException as error:
        report["error"] = f"{type(error).__name__}: {error}"
    report["left"] = [pid for pid, _ in _orphans(list)]
    _finish(place, report)


def _stop(until: list[float], place: Path, report: dict) -> None:
    while time.monotonic() < until[0]:
        time.sleep(0.2)
    _finish(place, report)


def _ours(examiners: Examiners) -> list[int]:
    return [process.process.pid for process in examiners._all if process.process]


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for task in Path(f"/proc/{pid}/task").iterdir() for n in (task / "children").read_text().split()]
    except OSError:
        return []


def _about(pid: int) -> tuple[str, str, str]:
    """(name, state, command) of a process; empty where it is gone."""
    try:
        stat, command = Path(f"/proc/{pid}/stat").read_text(), Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "", "", ""
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return name, rest.split()[0], command.replace(b"\0", b" ").decode(errors="replace")


def _orphans(ours: Callable[[], Iterable[int]]) -> list[tuple[int, str]]:
    """The children of this process that it did not start and that do not go: (number, name)."""
    until = time.monotonic() + GRACE
    while True:
        found = []
        for pid in set(_children(os.getpid())) - set(ours()):
            name, state, command = _about(pid)
            if state not in ("", "Z") and "resource_tracker" not in command:  # which multiprocessing starts
                found.append((pid, name))
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _finish(place: Path, report: dict) -> None:
    """Write the report, end all that this process has started or been left with, and end."""
    (place / "report.json").write_text(json.dumps(report))
    for _ in range(20):
        family, todo = [], [os.getpid()]
        while todo:
            children = _children(todo.pop())
            family += children
            todo += children
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not family:
            break
        time.sleep(0.05)
        for pid in family:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    os._exit(0)


if __name__ == "__main__":
    main()
