"""One notebook of one student: its cells are run in a worker, and each check asks the worker for values.

A time-out or a dead worker costs the task that was asked, or the cell that ran, and nothing else: the next has a new worker.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from utils.grading import codec
from utils.grading.allowed import rules
from utils.grading.calls import Slope, StudentError
from utils.grading.rooms import Room, Theirs
from utils.grading.sandbox.workers import SandboxError, Worker, Workers
from utils.grading.task import Result, Task, grade

CELLS = 6  # the cells of a notebook may take so many times as long, in all, as one of them or as a task
RESERVE, HURRY = 2, 0.1  # so much of that is kept for a run without the slow cells, in which a cell has this part of its time
MAX_DEPTH, MAX_TEXT, MAX_CHANGED = 20, 500, 20  # of calls within calls; of what a worker says, in letters and lines
LEFT_OUT = "was left out: "
FAULT = "The check itself failed on what your code returned, and a person will look at it."


@dataclass(frozen=True)
class Outcome:
    """What came of one task: a result, or the problem that there is none for."""

    result: Result | None
    problem: str
    seconds: float


class Session(Room):
    """The room of one notebook. Used as a context, at whose end its worker is gone."""

    def __init__(self, workers: Workers, cells: Sequence[str], modules: Mapping[str, str], seconds: float) -> None:
        """`seconds` are for each task, and for each cell."""
        super().__init__()
        self.seconds = seconds
        self.errors: dict[int, str] = {}  # number of a cell -> what went wrong in it
        self._workers, self._cells, self._modules = workers, list(cells), dict(modules)
        self._facts: dict[int, Any] = {}  # number of a cell -> what it refers to
        self._took: dict[int, float] = {}  # number of a cell -> seconds
        self._pace = seconds  # that a cell may take
        self._worker: Worker | None = None
        self._left, self._deadline, self._depth = CELLS * seconds, 0.0, 0
        self._functions: list[Callable] = []  # the check's, which the student's code may call

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def grade(self, task: Task, seed: int) -> Outcome:
        """Check one task. Never raises for anything that a student's code does."""
        began = time.monotonic()
        try:
            self._start()
            if broken := rules.violations([*self._facts.values()], [*task.oracle], task.may_use, task.not_use):
                return Outcome(None, " ".join(broken), time.monotonic() - began)
            self._deadline, self._functions = time.monotonic() + self.seconds, []
            self._send(("task", task.may_use, task.not_use))
            return Outcome(grade(task, self, seed), "", time.monotonic() - began)
        except StudentError as error:
            return Outcome(None, f"{error}.", time.monotonic() - began)
        except SandboxError:
            raise
        except (EOFError, TimeoutError):  # of the first message: it ended, or stopped reading, since the last task
            self._end()
            return Outcome(None, "The Python process ended before this task began.", time.monotonic() - began)
        except Exception as error:  # a check that fails on its own account costs nobody else anything
            return Outcome(None, f"{FAULT} ({type(error).__name__}: {str(error)[:MAX_TEXT]})", time.monotonic() - began)

    def ask(self, target: Any, method: str, args: Sequence[Any], slope: Slope | None = None) -> Any:
        if self._worker is None or self._depth > MAX_DEPTH:
            raise StudentError(
                "the Python process has ended" if self._worker is None else "functions call each other without end"
            )
        self._depth += 1
        try:
            named = target if isinstance(target, str) else Theirs(self, target, "")
            self._send(("call", named, method, [*args], slope and (slope.wrt, slope.cotangent)))
            while True:
                match self._receive(self._deadline):
                    case "answer", value, [*changed]:
                        self.changed |= {str(name)[:MAX_TEXT] for name in changed[:MAX_CHANGED]}
                        return value
                    case "error", str(text), bool(unfinished):
                        raise StudentError(text[:MAX_TEXT], unfinished)
                    case "ask", int(number), tuple(given), dict(named):
                        self._send(self._called(number, given, named))
                    case _:
                        raise EOFError
        except (TimeoutError, EOFError, codec.CodecError) as error:
            self._end()
            slow = f"there was no answer within {self.seconds:g} seconds; look for a loop that does not end"
            raise StudentError(
                slow if isinstance(error, TimeoutError) else "the Python process ended during the call"
            ) from error
        finally:
            self._depth -= 1

    # The conversation

    def _send(self, message: Any) -> None:
        if self._worker is None:
            raise EOFError
        self._worker.channel.send(codec.encode(message, self._refer), self._deadline)

    def _receive(self, deadline: float) -> Any:
        if self._worker is None:
            raise EOFError
        return codec.decode(self._worker.channel.receive(deadline), lambda number, type: Theirs(self, number, type))

    def _refer(self, value: Any) -> int | None:
        """What is theirs goes by its own number, made negative; a function of the check's by its place in our table."""
        return ~value.target if isinstance(value, Theirs) else codec.kept(self._functions)(value)

    def _called(self, number: int, args: tuple, named: dict) -> tuple:
        """What the check's function of that number returns, or the error that it raises, as a message."""
        try:
            return "given", self._functions[range(len(self._functions))[number]](*args, **named)
        except StudentError:
            raise
        except Exception as error:
            return "failed", type(error).__name__, str(error)[:MAX_TEXT]

    # The cells

    def _start(self) -> None:
        """Bring up a worker in which the cells have run. A cell that kills it or takes too long is left out of the next one."""
        while self._worker is None:
            self._ration()
            began = time.monotonic()
            cells = ["" if LEFT_OUT in self.errors.get(i, "") else source for i, source in enumerate(self._cells)]
            try:
                message = codec.encode((cells, self._modules))
            except codec.CodecError as error:
                raise StudentError(f"the code of this notebook cannot be run: {error}") from None
            self._worker, at, since = self._workers.start(), 0, began
            try:
                self._worker.channel.send(message, self._soon(began))
                for at in range(len(cells)):  # before any of them runs
                    since = time.monotonic()
                    self._facts[at] = self._receive(self._soon(began))
                for at in range(len(cells)):
                    since = time.monotonic()
                    if error := self._receive(self._soon(began)):
                        self.errors.setdefault(at, f"stopped with {str(error)[:MAX_TEXT]}")
                    self._took[at] = time.monotonic() - since
            except (EOFError, TimeoutError, codec.CodecError) as error:
                self._end()
                self._took[at] = time.monotonic() - since
                if not isinstance(error, TimeoutError):
                    self.errors[at] = f"{LEFT_OUT}it ended the Python process"
                elif self._took[at] >= self.seconds:
                    self.errors[at] = f"{LEFT_OUT}it took more than {self.seconds:g} seconds"
            finally:
                self._left -= time.monotonic() - began

    def _ration(self) -> None:
        """Once most of the time for the cells is used up, leave out the slow ones, and give each of the others little of it."""
        too_long = f"the cells of this notebook take more than {CELLS * self.seconds:g} seconds in all"
        if self._left <= 0:
            raise StudentError(too_long)
        if self._left <= RESERVE * self.seconds:
            self._pace = HURRY * self.seconds
            for at, took in self._took.items():
                if took > self._pace and LEFT_OUT not in self.errors.get(at, ""):
                    self.errors[at] = f"{LEFT_OUT}{too_long}, and this is a slow one"

    def _soon(self, began: float) -> float:
        """When the next cell must be done, of a worker that began then: in its own time, and in what is left for them all."""
        left = self._left - (RESERVE * self.seconds if self._pace == self.seconds else 0)
        return min(time.monotonic() + self._pace, began + max(left, 1))

    def _end(self) -> None:
        if self._worker:
            self._worker.kill()
            self._worker = None
