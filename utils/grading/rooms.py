"""Rooms: where a check meets a student's functions. It asks by name, and only values go in and come out.

A check never knows which room it is in. `Direct` calls the functions in this process, on copies; `Serialised` does the same
through bytes both ways, as a room does whose student runs in another process.
"""

import inspect
import linecache
import random
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from utils.grading import codec

SEED = 0  # of every call, so that an answer does not depend on what was called before


class StudentError(Exception):
    """The student's code gave no value: it is unfinished or missing, it raised, or what it returned may not cross."""

    def __init__(self, message: str, unfinished: bool = False) -> None:
        super().__init__(message)
        self.unfinished = unfinished


class Room(Protocol):
    """What a check may do with a student's functions. Both methods raise StudentError."""

    changed: set[str]  # the arguments that were written into, "h of lstm_step": reported, never graded

    def call(self, name: str, *args: Any) -> Any:
        """The student's function `name` of `args`: a copy of what it returns."""

    def grad(self, name: str, args: Sequence[Any], wrt: int, cotangent: Tensor) -> Tensor:
        """The gradient of sum(name(*args) * cotangent) with respect to args[wrt], a tensor: of its shape."""


class Direct:
    """The functions in `namespace`, called in this process on copies of the arguments."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.changed: set[str] = set()

    def call(self, name: str, *args: Any) -> Any:
        return self._ask(self._function(name), args)

    def grad(self, name: str, args: Sequence[Any], wrt: int, cotangent: Tensor) -> Tensor:
        return self._ask(self._function(name), args, wrt, cotangent)

    def _cross(self, value: Any, seen_as: Callable[[Callable], Callable]) -> Any:
        """`value` as it arrives on the other side, each callable f in it as seen_as(f). CodecError for what may not cross."""
        tree, arrays, callables = codec.pack(value)
        return codec.unpack(tree, arrays, lambda number: seen_as(callables[number]))

    def _ours(self, function: Callable) -> Callable:
        """A function of the check's, as the student's code calls it."""

        def called(*args: Any, **named: Any) -> Any:
            args, named = self._cross((args, named), self._theirs)
            return self._cross(function(*args, **named), self._ours)

        return called

    def _theirs(self, function: Callable) -> Callable:
        """A function of the student's, as the check calls it."""
        return lambda *args: self._ask(function, args)

    def _function(self, name: str) -> Callable:
        if name not in self.namespace:
            raise StudentError(f"{name} is not defined; run the cell that defines it first")
        if not callable(self.namespace[name]):
            raise StudentError(f"{name} is of type {type(self.namespace[name]).__name__}; expected a function")
        return self.namespace[name]

    def _ask(self, function: Callable, args: Sequence[Any], wrt: int | None = None, cotangent: Tensor | None = None) -> Any:
        received, before, weights = self._cross(([*args], [*args], cotangent), self._ours)
        try:
            with _alone():
                if wrt is None:
                    answer = function(*received)
                else:
                    leaf = received[wrt].requires_grad_()
                    received[wrt] = leaf.clone()  # PyTorch refuses to let a leaf be written into
                    answer = _slope(function(*received), leaf, weights)
                answer = self._cross(answer, self._theirs)
        except StudentError:
            raise
        except codec.CodecError as error:
            raise StudentError(f"the result cannot be checked: {error}") from error
        except (Exception, SystemExit) as error:
            raise _explained(error, function) from error
        self.changed |= _changed(function, before, received)
        return answer


class Serialised(Direct):
    """The same, every value through bytes: proves that a check exchanges values only."""

    def _cross(self, value: Any, seen_as: Callable[[Callable], Callable]) -> Any:
        data, callables = codec.encode(value)
        return codec.decode(data, lambda number: seen_as(callables[number]))


@contextmanager
def _alone() -> Iterator[None]:
    """A call with its own random numbers and no warnings shown, which leaves the generators as they were."""
    python, numpy, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(SEED)
    np.random.seed(SEED)
    torch.default_generator.manual_seed(SEED)  # values are on the CPU, and so is what made them
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(torch_state)


def _slope(answer: Any, leaf: Tensor, cotangent: Tensor) -> Tensor:
    """The gradient of sum(answer * cotangent) with respect to `leaf`."""
    if not isinstance(answer, Tensor) or not answer.requires_grad:
        raise StudentError("no gradient flows back from the result; compute it from the tensors given, inside PyTorch")
    if answer.shape != cotangent.shape:
        raise StudentError(f"the result has shape {tuple(answer.shape)}; expected {tuple(cotangent.shape)}")
    return torch.autograd.grad((answer * cotangent).sum(), leaf, materialize_grads=True)[0]


def _explained(error: BaseException, function: Callable) -> StudentError:
    """The error as one line for the student, with the line of their code where it arose."""
    if isinstance(error, NotImplementedError):
        return StudentError(str(error), unfinished=True)
    message = f"{type(error).__name__}: {error}"
    code = getattr(function, "__code__", None)
    places = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    if places:
        message += f" (in {places[-1].name}: {linecache.getline(code.co_filename, places[-1].lineno).strip()})"
    return StudentError(message)


def _changed(function: Callable, before: Sequence[Any], after: Sequence[Any]) -> set[str]:
    """Which arguments are no longer what they were, by their names."""
    where = [i for i, (x, y) in enumerate(zip(before, after)) if not _same(x, y)]
    if not where:
        return set()
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    name = getattr(function, "__name__", "the function")
    return {f"{names[i] if i < len(names) else f'argument {i + 1}'} of {name}" for i in where}


def _same(a: Any, b: Any) -> bool:
    """Whether two values from one source are still equal, NaN being equal to itself. Callables count as equal."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and _same(a.detach().numpy(), b.detach().numpy())
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return callable(a) or a == b or a != a
