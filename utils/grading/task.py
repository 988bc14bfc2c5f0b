"""What a check is, how it is run, and what it says.

A check is a generator of (room, rng): it draws inputs, asks the student's functions through the room, and yields named parts,
each with the value it got. The same generator runs on the oracle, in a room of its own with the same random numbers, and, when
a part differs, on each known mistake: the mistake that gives what the student gave is the misconception. So a check says only
what to ask; what is right and what is typically wrong stand beside it as functions.

    @task("00.1", oracle={"softmax": softmax_by_torch}, mistakes={
        "softmax over the columns": mistake("Look at the axis ...", softmax=lambda x: ...),
    })
    def softmax(room, rng):
        logits = rng.normal(size=sizes(rng, 2))
        yield "each row is the softmax of its logits", room.call("softmax", logits)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
from torch import Tensor

from utils.grading import checks
from utils.grading.calls import StudentError
from utils.grading.rooms import Direct, Room, Theirs

RELATIVE, OF_LARGEST, ABSOLUTE = 1e-4, 1e-5, 1e-8
"""The tolerance: a number may miss by 1e-4 of itself, plus 1e-5 of the largest in its array, plus 1e-8 (float32 is enough)."""

Ask = Callable[[Room, np.random.Generator], Iterator[tuple[str, Any]]]


@dataclass(frozen=True)
class Mistake:
    """A known misconception: the functions that somebody who holds it writes, or a sign in the value; and what to look at."""

    hint: str
    functions: Mapping[str, Callable]
    sign: Callable[[Any, Any], bool] | None = None


def mistake(hint: str, sign: Callable[[Any, Any], bool] | None = None, **functions: Callable) -> Mistake:
    """A mistake in the functions named, the task's others being right; or told by sign(got, wanted) of a failed part."""
    return Mistake(hint, functions, sign)


@dataclass(frozen=True, eq=False)
class Task:
    """One exercise: the names of the student's functions are the oracle's."""

    id: str
    ask: Ask
    oracle: Mapping[str, Callable]
    mistakes: Mapping[str, Mistake]
    may_use: tuple[str, ...] = ()  # packages beyond Python and NumPy, or parts of them: "torch", "utils.shapes"
    not_use: tuple[str, ...] = ()  # what of these does the whole task: "torch.nn.LSTMCell", or a method, ".softmax"


def task(
    id: str,
    *,
    oracle: Mapping[str, Callable],
    mistakes: Mapping[str, Mistake],
    may_use: tuple[str, ...] = (),
    not_use: tuple[str, ...] = (),
) -> Callable[[Ask], Task]:
    """Decorates the check of task `id`."""
    return lambda ask: Task(id, ask, oracle, mistakes, may_use, not_use)


@dataclass(frozen=True)
class Part:
    """One thing that was checked: what it is and, where it failed, the misconception if known and what to look at."""

    name: str
    passed: bool
    misconception: str | None = None
    message: str = ""


@dataclass(frozen=True)
class Result:
    """What a check says. `changed` names the arguments that were written into, which costs nothing."""

    task: str
    parts: tuple[Part, ...]
    changed: tuple[str, ...] = ()
    unfinished: str | None = None  # what the unfinished answer says is to be done

    @property
    def passed(self) -> bool:
        return self.unfinished is None and all(part.passed for part in self.parts)

    @property
    def misconception(self) -> str | None:
        """The first one recognised."""
        return next((part.misconception for part in self.parts if part.misconception), None)


def known() -> list[str]:
    """The ids of all tasks, in order."""
    modules = [module.name for module in iter_modules(checks.__path__) if module.name.startswith("chapter_")]
    ids = [id for name in modules for id in _tasks(name)]
    return sorted(ids, key=lambda id: [int(n) for n in id.split(".")])


def find(id: str) -> Task:
    """The task of that id; its chapter's checks are in checks/chapter_NN.py. ValueError lists the known ones."""
    match = re.fullmatch(r"(\d\d)\.[1-9]\d*", str(id))
    name = f"chapter_{match[1]}" if match else None
    tasks = _tasks(name) if any(module.name == name for module in iter_modules(checks.__path__)) else {}
    if id not in tasks:
        raise ValueError(f"there is no task {id!r}; known are {', '.join(known())}")
    return tasks[id]


def _tasks(module: str) -> dict[str, Task]:
    found = vars(import_module(f"{checks.__name__}.{module}")).values()
    return {value.id: value for value in found if isinstance(value, Task)}


def grade(task: Task, room: Room, seed: int) -> Result:
    """Run the check on the functions in `room`. The result holds no expected value. ValueError if the check is at fault."""
    wanted, error = _reference(task, None, seed)
    if error is not None:
        raise ValueError(f"the check of {task.id} cannot run on its own oracle: {error}") from error
    room.changed.clear()
    got, error = _trace(task, room, seed)
    if error is None and len(got) != len(wanted):
        raise ValueError(f"the check of {task.id} yields {len(got)} parts here, {len(wanted)} on its oracle")
    faults = [difference(value, want) for (_, value), (_, want) in zip(got, wanted)]
    first = next((i for i, fault in enumerate(faults) if fault), None)
    misconception = None if first is None else _diagnosis(task, seed, got, first, wanted[first][1])
    parts = []
    for i, (name, _) in enumerate(wanted):
        if i > len(faults):
            parts.append(Part(name, False, message="not reached"))
        elif i == len(faults):
            parts.append(Part(name, False, message=_stopped(error)))
        elif i == first and misconception:
            parts.append(Part(name, False, misconception, task.mistakes[misconception].hint))
        else:
            parts.append(Part(name, not faults[i], message=faults[i]))
    unfinished = str(error) if isinstance(error, StudentError) and error.unfinished else None
    return Result(task.id, tuple(parts), tuple(sorted(room.changed)), unfinished)


def _trace(task: Task, room: Room, seed: int) -> tuple[list[tuple[str, Any]], Exception | None]:
    """The parts with their values, and the error that ended them before the last."""
    parts = []
    try:
        for part in task.ask(room, np.random.default_rng(seed)):
            parts.append(part)
    except Exception as error:  # a check runs through on its oracle, so what stops it here is what the student gave it
        return parts, error
    return parts, None


@lru_cache(maxsize=256)
def _reference(task: Task, mistaken: str | None, seed: int) -> tuple[list[tuple[str, Any]], Exception | None]:
    """The trace of the oracle or, with its functions in place of the oracle's, of a mistake."""
    return _trace(task, Direct({**task.oracle, **(task.mistakes[mistaken].functions if mistaken else {})}), seed)


def _stopped(error: Exception) -> str:
    if isinstance(error, StudentError):
        return str(error)
    return f"what was returned cannot be used further ({type(error).__name__}: {error})"


def _diagnosis(task: Task, seed: int, got: list[tuple[str, Any]], first: int, wanted: Any) -> str | None:
    """The mistake that gives what was got up to the first failed part; of several, the one that agrees longest."""
    agreeing = {}
    for name, known in task.mistakes.items():
        if known.functions:
            trace, _ = _reference(task, name, seed)
            same = [(value, theirs) for (_, value), (_, theirs) in zip(got, trace)]
            if len(same) > first and not any(difference(*pair) for pair in same[: first + 1]):
                agreeing[name] = sum(not difference(*pair) for pair in same)
        elif known.sign(got[first][1], wanted):
            agreeing[name] = 0
    return max(agreeing, key=agreeing.get, default=None)


def not_finite(got: Any, wanted: Any) -> bool:
    """A sign of overflow: arrays, tensors or numbers that hold a NaN or an infinity."""
    if isinstance(got, (list, tuple)):
        return any(not_finite(value, wanted) for value in got)
    return isinstance(got, (float, np.generic, np.ndarray, Tensor)) and not np.isfinite(np.asarray(got)).all()


def has_ceiling(got: Any, wanted: Any) -> bool:
    """A sign of a small number added inside a logarithm: a few dozen bits where hundreds are due."""
    numbers = isinstance(got, (float, np.generic, Tensor)) and np.ndim(got) == np.ndim(wanted) == 0
    return bool(numbers and wanted > 100 and 0 < got < 60)


def sizes(rng: np.random.Generator, axes: int) -> list[int]:
    """A size for each axis: no two equal and none 1, so that no wrong axis fits by luck."""
    return [int(size) for size in rng.choice(np.arange(2, 8), axes, replace=False)]


def difference(got: Any, want: Any) -> str:
    """Where `got` first differs from `want`, in words that do not say what was expected there; empty where it does not.

    Shapes must be equal: nothing is broadcast. Numbers must be of one kind (floating, whole, bool), in any precision.
    """
    return _difference(got, want, "your answer")


def _difference(got: Any, want: Any, name: str) -> str:
    if isinstance(want, (tuple, list)):
        if not isinstance(got, (tuple, list)):
            return f"{name} is {_described(got)}; expected a {type(want).__name__} of {len(want)}"
        if len(got) != len(want):
            return f"{name} holds {len(got)} values; expected {len(want)}"
        faults = (_difference(g, w, f"{name}[{i}]") for i, (g, w) in enumerate(zip(got, want)))
        return next(filter(None, faults), "")
    if isinstance(want, dict):
        if not isinstance(got, dict) or got.keys() != want.keys():
            return f"{name} is {_described(got)}; expected a dict with the keys {', '.join(map(repr, want))}"
        return next(filter(None, (_difference(got[key], want[key], f"{name}[{key!r}]") for key in want)), "")
    if want is None or isinstance(want, str):
        return "" if type(got) is type(want) and got == want else f"{name} is {_described(got)}, which is not right"
    scalar = np.ndim(want) == 0 and not isinstance(want, Tensor)
    numbers = (int, float, np.generic, np.ndarray, Tensor) if scalar else Tensor if isinstance(want, Tensor) else np.ndarray
    if not isinstance(got, numbers):
        return f"{name} is {_described(got)}; expected {_described(want)}"
    return _difference_of_numbers(np.asarray(got), np.asarray(want), name)


def _difference_of_numbers(got: np.ndarray, want: np.ndarray, name: str) -> str:
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}; expected {want.shape}"
    kinds = {"f": "floating-point numbers", "i": "whole numbers", "u": "whole numbers", "b": "booleans"}
    if kinds[got.dtype.kind] != kinds[want.dtype.kind]:
        return f"{name} holds {kinds[got.dtype.kind]} ({got.dtype}); expected {kinds[want.dtype.kind]}"
    if want.dtype.kind != "f":
        wrong = got != want
    else:
        got, want = got.astype(np.float64), want.astype(np.float64)
        largest = np.abs(want[np.isfinite(want)]).max(initial=0)
        tolerance = RELATIVE * np.abs(want) + OF_LARGEST * largest + ABSOLUTE
        with np.errstate(invalid="ignore"):
            wrong = ~((np.abs(got - want) <= tolerance) | (got == want) | np.isnan(got) & np.isnan(want))
            wrong |= np.isinf(want) & (got != want)
    if not wrong.any():
        return ""
    index = np.unravel_index(wrong.argmax(), wrong.shape)
    where = f" at [{', '.join(map(str, index))}]" if index else ""
    if want.dtype.kind == "f" and np.isfinite(want[index]) and not np.isfinite(got[index]):
        return f"{name} is not finite{where}: it is {got[index]}"
    return f"{name} is wrong{', first' if index else ''}{where}"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    if isinstance(value, (int, float, np.generic)):
        return f"a number ({type(value).__name__})"
    return "None" if value is None else f"of type {value.type if isinstance(value, Theirs) else type(value).__name__}"
