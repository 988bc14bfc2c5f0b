"""Runs over a class in processes of their own, and what is left of them: what the tests of the batch and of clusters share."""

import csv
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import psutil
from grading.small_class import RIGHT, hand_in, small_course

from utils.grading.results import marks

LONG = 30  # seconds in which what was killed has surely gone


def table(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def tree(folder):
    """Of every file below: its bytes, and when it was written."""
    return {path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns) for path in files(folder)}


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


def kept(results):
    """Everything that is kept of everybody but for times, and the table of points."""
    found = [marks.load(results, path.name) for path in sorted((results / "students").iterdir())]
    assert all((results / "students" / one.student / "feedback.html").read_text().endswith("</html>\n") for one in found)
    found = [replace(one, graded="", marks=tuple(replace(mark, seconds=0.0) for mark in one.marks)) for one in found]
    return found, table(results / "grades.csv")


def start(place, *arguments, program=("-m", "utils.cli"), **rest):
    """`course grade` in a process of its own, which has a folder of its own for temporary files."""
    (place / "tmp").mkdir(exist_ok=True)
    command = [sys.executable, *program, "grade", place / "submissions", "--course", place / "course"]
    command += ["--out", place / "results", *arguments]
    env = os.environ | {"TMPDIR": str(place / "tmp"), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(list(map(str, command)), env=env, start_new_session=True, **pipes)


def family(process):
    """A process and all that it started. A test that fails must leave none of them either."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def alive(processes):
    def is_alive(process):
        try:
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if is_alive(process)]


def wait_for(condition, seconds=LONG):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def a_class(place, copied_from, count=6):
    """Students whose cells take a while; the key is copied, so that another run gives the same marks."""
    small_course(place / "course")
    for number in range(count):
        answers = {"double": "    return 2 * x\nimport time; time.sleep(0.2)"}
        hand_in(place / "course", place / "submissions" / f"s{number}", RIGHT | answers)
    (place / "results").mkdir()
    shutil.copy(copied_from / "results" / "secret.key", place / "results")
    return place
