"""The processes that examine: each is watched, and ended and replaced when it dies or hangs over what a student handed in.

Which students there are, and what is kept of them, is batch.py's business; what examining is, examiner.py's.
"""

import atexit
import multiprocessing
import os
import platform
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import torch

from utils.grading import course as courses
from utils.grading.examiner import Examiner
from utils.grading.results.marks import Graded
from utils.grading.sandbox.own import die_with_parent, limit_memory
from utils.grading.sandbox.workers import SandboxError, strongest
from utils.grading.session import CELLS

START_SECONDS = 300  # for an examiner to come up
PATIENCE = 60  # seconds without a word from an examiner, beyond what a student's code may take
MEMORY_BYTES = 6 << 30  # for an examiner beyond what it starts with
Setting = tuple[Path, bytes, str | None, float]  # of an examiner: course, secret, level, seconds
UNGRADED = "What you handed in could not be graded, and a person will look at it."
GIVEN_UP = "The check could not be finished on what your code returned, and a person will look at it."


class Examiners:
    """Processes that examine, as many as are asked at once. Used as a context, at whose end they are gone.

    Pickled, it arrives in another process as that one's own, whose processes last as long as it does.
    """

    def __init__(self, setting: Setting, scratch: str) -> None:
        self.setting, self.scratch = setting, scratch
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        self._all: list[_Process] = []

    def __reduce__(self) -> tuple:
        return _of_this_process, (self.setting,)

    def __enter__(self) -> "Examiners":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.stop(for_good=True)

    def examine(self, student: str, path: Path, before: Graded | None) -> Graded:
        """One student, by a process that is free. A task at which it dies or hangs is given up and so marked.

        ValueError if nothing lies at `path`, which is no student's fault.
        """
        if not os.path.lexists(path):
            raise ValueError(f"on {platform.node()} there is nothing at {path}; expected what {student} handed in")
        process, done, failed = self._free(), {}, False
        try:
            while True:
                at = None
                try:
                    for kind, thing in process.ask((student, path, before, done)):
                        match kind:
                            case "task":
                                at = thing
                            case "mark":
                                done[thing.task], at = thing, None
                            case "graded":
                                return thing
                except (EOFError, OSError):  # a TimeoutError is one too
                    process.stop()
                    if at:
                        done[at.task] = replace(at, problem=GIVEN_UP)
                    elif failed:
                        return _ungraded(student, before)
                    else:
                        failed = True
        finally:
            self._idle.put(process)

    def _free(self) -> "_Process":
        try:
            return self._idle.get_nowait()
        except Empty:
            self._all.append(process := _Process(self.setting, self.scratch))
            return process


@cache
def _of_this_process(setting: Setting) -> Examiners:
    scratch = tempfile.mkdtemp(prefix="course-examiners-")
    examiners = Examiners(setting, scratch)
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    atexit.register(examiners.__exit__)  # before that
    return examiners


def _ungraded(student: str, before: Graded | None) -> Graded:
    """Of a student at whose files an examiner ended twice, before it came to any task: earlier marks stay."""
    if before:
        return replace(before, notes={**before.notes, "": (UNGRADED,)})
    return Graded(student, (), {}, {"": (UNGRADED,)}, "", {}, "", datetime.now(UTC).isoformat(timespec="seconds"))


class _Process:
    """An examiner in a process of its own, started when it is first asked, and again after it was stopped."""

    def __init__(self, setting: Setting, scratch: str) -> None:
        self.setting, self.scratch = setting, scratch
        self.process: multiprocessing.process.BaseProcess | None = None
        self._lock, self._for_good = threading.RLock(), False

    def ask(self, order: tuple) -> Iterator[tuple[str, Any]]:
        """What it says while it examines. EOFError, OSError: it has ended. TimeoutError: it has said nothing for too long.

        What keeps it from examining anybody is a SandboxError, or a ValueError if it is the course's checks.
        """
        if self.process is None:
            self._start()
        self.connection.send(order)
        while True:
            yield (said := self._hear(PATIENCE + (CELLS + 1) * self.setting[-1]))
            if said[0] == "graded":
                return

    def stop(self, for_good: bool = False) -> None:
        with self._lock:
            self._for_good |= for_good
            if self.process:
                self.process.kill()
                self.process.join()
                self.connection.close()
                self.process = None

    def _start(self) -> None:
        with self._lock:
            if self._for_good:
                raise CancelledError
            context = multiprocessing.get_context("spawn")
            self.connection, its = context.Pipe()
            process = context.Process(target=_serve, args=(its, self.scratch, *self.setting), daemon=True)
            multiprocessing.current_process().daemon = False  # as a cluster's may be: such a one may start none
            with _interrupts_left():
                process.start()
            self.process = process
            its.close()
        try:
            _, fault = self._hear(START_SECONDS)
        except (EOFError, OSError):
            self.stop()
            raise SandboxError("the process that examines ended, or stood still, before it was ready") from None
        if fault:
            raise ValueError(fault)

    def _hear(self, seconds: float) -> tuple[str, Any]:
        if not self.connection.poll(seconds):
            raise TimeoutError
        kind, thing = self.connection.recv()
        if kind == "impossible":
            raise SandboxError(thing)
        return kind, thing


@contextmanager
def _interrupts_left() -> Iterator[None]:
    """Ctrl-C is for who asks: a process that is started here takes over that it does not hear it. Windows has no such masks."""
    masks = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(orders: Connection, scratch: str, course: Path, secret: bytes, level: str | None, seconds: float) -> None:
    """An examiner's process: one student after the other, until nobody asks any more."""
    die_with_parent()
    if not multiprocessing.parent_process().is_alive():  # it had ended before
        return
    tempfile.tempdir = scratch
    torch.set_num_threads(1)
    say = lambda kind: lambda thing: orders.send((kind, thing))  # noqa: E731
    with suppress(EOFError, BrokenPipeError):
        try:
            with strongest(level) as workers:
                limit_memory(MEMORY_BYTES)
                examiner = Examiner(courses.load(course), secret, workers, seconds)
                say("ready")(examiner.fault())
                while True:
                    say("graded")(examiner.examine(*orders.recv(), on_task=say("task"), on_mark=say("mark")))
        except SandboxError as error:
            say("impossible")(str(error))
