"""A whole class: every student examined, several at a time, each in a process that is watched, and each kept as soon as done.

Whatever a submission does, the class goes on. A run that is stopped loses nothing that was done; the next one does the rest.
"""

import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from filelock import FileLock, Timeout

from utils.grading import course as courses
from utils.grading import marks, seeds
from utils.grading.classbook import record, write_class
from utils.grading.examiner import Examiner
from utils.grading.feedback import page
from utils.grading.ingest import students
from utils.grading.marks import Change, Graded
from utils.grading.sandbox.own import die_with_parent, limit_memory
from utils.grading.session import CELLS
from utils.grading.workers import SandboxError, strongest

PATIENCE = 60  # seconds without a word from an examiner, beyond what a student's code may take
MEMORY_BYTES = 6 << 30  # for an examiner beyond what it starts with
Setting = tuple[Path, bytes, str | None, float]  # of an examiner: course, secret, level, seconds
UNGRADED = "What you handed in could not be graded, and a person will look at it."
GONE = "Nothing was handed in any more when the class was last graded; these are earlier marks."
GIVEN_UP = "The check could not be finished on what your code returned, and a person will look at it."


@dataclass(frozen=True)
class Run:
    """What one run over a class did."""

    graded: tuple[Graded, ...]  # the whole class
    anew: tuple[str, ...]  # the students of whom something was graded in this run
    changes: tuple[Change, ...]


def grade_class(
    submissions: Path,
    results: Path,
    course: Path,
    exercises: Sequence[str] = (),
    level: str | None = None,
    seconds: float = 10.0,
    jobs: int = 2,
    on_start: Callable[[int], None] = lambda students: None,
    on_done: Callable[[Graded], None] = lambda graded: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Run:
    """Grade every student in `submissions` and write everything into `results`. SandboxError where no sandbox can be set up.

    `exercises` are those that count for everybody, handed in or not; left out, what a student handed in counts. A second
    run in the same folder waits for the first. `seconds` are for each task, and for each cell.
    """
    results.mkdir(parents=True, exist_ok=True)
    lock = FileLock(results / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_wait()
        lock.acquire()
    with lock:
        lock.release()  # `with` has taken it once more
        marks.sweep(results)
        secret, found = seeds.secret(results), students(submissions)
        on_start(len(found))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        anew, changed, graded, writing = [], [], [], threading.Lock()
        with Examiners((course, secret, level, seconds), jobs) as examiners, ThreadPoolExecutor(jobs) as pool:

            def one(student: str, path: Path) -> None:
                before = marks.load(results, student)
                after = examiners.examine(student, path, before)
                with writing:
                    changes = marks.changes(before, after)
                    record(results, changes, now)
                    marks.save(results, after, page(after, examiners.course))
                    graded.append(after)
                    changed.extend(changes)
                    anew.extend([student] if after != before else [])
                    on_done(after)

            for future in as_completed([pool.submit(one, student, path) for student, path in found.items()]):
                if error := future.exception():
                    pool.shutdown(cancel_futures=True, wait=False)
                    raise error
        gone = {path.name for path in results.glob("students/*")} - found.keys()
        graded += [replace(old, notes={**old.notes, "": (GONE,)}) for name in gone if (old := marks.load(results, name))]
        graded.sort(key=lambda g: g.student)
        write_class(results, graded, examiners.course, exercises, sorted(anew), changed)
        return Run(tuple(graded), tuple(sorted(anew)), tuple(changed))


class Examiners:
    """A few processes that examine, lent to whoever needs one. Used as a context, at whose end they are gone."""

    def __init__(self, setting: Setting, jobs: int) -> None:
        self.course = courses.load(setting[0])
        self._folder = tempfile.TemporaryDirectory(prefix="course-grade-", ignore_cleanup_errors=True)
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        self._all = [_Process(setting, self._folder.name) for _ in range(jobs)]
        for process in self._all:
            self._idle.put(process)

    def __enter__(self) -> "Examiners":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.stop()
        self._folder.cleanup()

    def examine(self, student: str, path: Path, before: Graded | None) -> Graded:
        """One student, by the first process that is free. A task at which it dies or hangs is given up and so marked."""
        process, done, failed = self._idle.get(), {}, 0
        try:
            while True:
                at = None
                try:
                    for kind, thing in process.ask((student, path, before, done)):
                        match kind:
                            case "task":
                                at = thing
                            case "mark":
                                done[thing.task] = thing
                                at = None
                            case "graded":
                                return thing
                            case "impossible":
                                raise SandboxError(thing)
                except (EOFError, TimeoutError, OSError):
                    process.stop()
                    failed += at is None
                    if failed > 1:
                        return _ungraded(student, before)
                    if at:
                        done[at.task] = replace(at, problem=GIVEN_UP)
        finally:
            self._idle.put(process)


def _ungraded(student: str, before: Graded | None) -> Graded:
    """Of a student at whose files an examiner ended twice, before it came to any task: earlier marks stay."""
    if before:
        return replace(before, notes={**before.notes, "": (UNGRADED,)})
    return Graded(student, (), {}, {"": (UNGRADED,)}, "", {}, "", datetime.now(UTC).isoformat(timespec="seconds"))


class _Process:
    """An examiner in a process of its own, started when it is first asked, and again after it was stopped."""

    def __init__(self, setting: Setting, folder: str) -> None:
        """All temporary files go into `folder`: an examiner that is killed cannot remove them itself."""
        self.setting, self.folder = setting, folder
        self.process: multiprocessing.process.BaseProcess | None = None

    def ask(self, order: tuple) -> Iterator[tuple[str, Any]]:
        """What it says while it examines. EOFError, OSError: it has ended. TimeoutError: it has said nothing for too long."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, its = context.Pipe()
            self.process = context.Process(target=_serve, args=(its, self.folder, *self.setting), daemon=True)
            self.process.start()
            its.close()
        self.connection.send(order)
        while True:
            if not self.connection.poll(PATIENCE + (CELLS + 1) * self.setting[-1]):
                raise TimeoutError
            said = self.connection.recv()
            yield said
            if said[0] in ("graded", "impossible"):
                return

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None


def _serve(orders: Connection, folder: str, course: Path, secret: bytes, level: str | None, seconds: float) -> None:
    """An examiner's process: one student after the other, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for the one who started us
    die_with_parent()
    tempfile.tempdir = folder
    torch.set_num_threads(1)
    with suppress(EOFError):
        order = orders.recv()
        try:
            with strongest(level) as workers:
                limit_memory(MEMORY_BYTES)
                examiner = Examiner(courses.load(course), secret, workers, seconds)
                while True:
                    say = lambda kind: lambda thing: orders.send((kind, thing))  # noqa: E731
                    orders.send(("graded", examiner.examine(*order, on_task=say("task"), on_mark=say("mark"))))
                    order = orders.recv()
        except SandboxError as error:
            orders.send(("impossible", str(error)))
