"""How the grader's pace grows with the students examined at once: in threads here, and on two workers of Dask's.

The peer is the grader itself with one student at a time. What starting takes is left out: after a run that does not count, one
grades a few students and one some more, and the difference counts.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dask.distributed import Client

from benchmarks.compare import Row
from benchmarks.grading import SET
from utils.book.project import find_root
from utils.grading.batch import grade_class

FEW, MORE = 4, 44  # students


def rows() -> Iterator[Row]:
    alone = submissions_a_second(jobs=1)
    for jobs in (2, 4):
        pace = submissions_a_second(jobs=jobs)
        yield Row(f"a class, {jobs} students at a time", "one at a time", pace, alone, "submissions/s")
    with cluster() as scheduler:
        pace = submissions_a_second(backend="dask", scheduler=scheduler)
    yield Row("a class on two workers of Dask's", "one at a time", pace, alone, "submissions/s")


def submissions_a_second(**setting: int | str) -> float:
    """Of solved notebooks, file to feedback page."""
    _, few, more = (_seconds(count, **setting) for count in (FEW, FEW, MORE))
    return (MORE - FEW) / (more - few)


def _seconds(count: int, **setting: int | str) -> float:
    root = find_root()
    notebook = (root / "solutions" / f"{SET}.ipynb").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder, "submissions")
        submissions.mkdir()
        for n in range(count):
            (submissions / f"student{n}.ipynb").write_bytes(notebook)
        start = time.perf_counter()
        run = grade_class(submissions, Path(folder, "results"), root, **setting)
        seconds = time.perf_counter() - start
        assert all(one.points == one.of for one in run.graded), "the solved set must earn all points"
    return seconds


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with tempfile.TemporaryDirectory() as folder:
        rest = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        address, dask = "tcp://127.0.0.1:8786", [sys.executable, "-m", "dask"]
        processes = [subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--no-dashboard"], **rest)]
        processes.append(subprocess.Popen([*dask, "worker", address, "--nworkers", "2", "--nthreads", "1"], **rest))
        try:
            with Client(address) as client:
                client.wait_for_workers(2)
            yield address
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()
