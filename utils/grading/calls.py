"""One call of a student's function, as every room makes it: its own random numbers, its errors explained, its writes noticed.

Runs in the student's process. Where that process is, and how values get there, is the business of the rooms.
"""

import inspect
import linecache
import random
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SEED = 0  # of every call, so that an answer does not depend on what was called before
NEXT = "__next__"  # the method that asks a generator for its next value


class StudentError(Exception):
    """The student's code gave no value: it is unfinished or missing, it raised, or what it returned may not cross."""

    def __init__(self, message: str, unfinished: bool = False) -> None:
        super().__init__(message)
        self.unfinished = unfinished


@dataclass(frozen=True)
class Slope:
    """What `grad` asks for: the gradient of sum(answer * cotangent) with respect to an argument, or a parameter by name."""

    wrt: int | str
    cotangent: Tensor


def function(namespace: Mapping[str, Any], name: str) -> Callable:
    """The student's function, or class, of that name."""
    if name not in namespace:
        raise StudentError(f"{name} is not defined; run the cell that defines it first")
    if not callable(namespace[name]):
        raise StudentError(f"{name} is of type {type(namespace[name]).__name__}; expected a function")
    return namespace[name]


def method(thing: Any, name: str) -> Callable:
    """The method of a student's object; the object itself, to be called, where `name` is empty."""
    if name == NEXT:
        return lambda: _following(thing)
    found = getattr(thing, name, None) if name else thing
    if not callable(found):
        raise StudentError(f"an object of type {type(thing).__name__} has no method {name or '__call__'}")
    return found


def perform(
    call: Callable, args: list[Any], before: list[Any], slope: Slope | None = None, around: AbstractContextManager | None = None
) -> tuple[Any, set[str]]:
    """call(*args), or its slope -> (the answer, the arguments that were written into). `before` is a second copy of args.

    StudentError says what went wrong, naming the line of the student's code.
    """
    try:
        with _alone():
            leaf = _leaf(call, args, slope.wrt) if slope else None
            with around or nullcontext():
                answer = call(*args)
            if slope:
                answer = _gradient(answer, leaf, slope.cotangent)
    except StudentError:
        raise
    except (Exception, SystemExit) as error:
        raise explained(error, call) from error
    return answer, _changed(call, before, args)


def explained(error: BaseException, call: Callable) -> StudentError:
    """The error as one line for the student, with the line of their code where it arose."""
    if isinstance(error, NotImplementedError):
        return StudentError(str(error), unfinished=True)
    message = f"{type(error).__name__}: {error}"
    code = getattr(call, "__code__", None)
    places = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    if places:
        message += f" (in {places[-1].name}: {linecache.getline(code.co_filename, places[-1].lineno).strip()})"
    return StudentError(message)


def _following(thing: Any) -> list[Any]:
    """The next value of a generator, in a list; an empty list at its end."""
    try:
        return [next(thing)]
    except StopIteration:
        return []


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


def _leaf(call: Callable, args: list[Any], wrt: int | str) -> Tensor:
    """What the gradient is taken with respect to; an argument is replaced by a copy that hangs on it."""
    if isinstance(wrt, str):
        parameters = dict(call.named_parameters()) if isinstance(call, nn.Module) else {}
        if wrt not in parameters:
            raise StudentError(f"there is no parameter {wrt!r}; there are {', '.join(parameters) or 'none'}")
        return parameters[wrt]
    leaf = args[wrt].requires_grad_()
    args[wrt] = leaf.clone()  # PyTorch refuses to let a leaf be written into
    return leaf


def _gradient(answer: Any, leaf: Tensor, cotangent: Tensor) -> Tensor:
    """The gradient of sum(answer * cotangent) with respect to `leaf`."""
    if not isinstance(answer, Tensor) or not answer.requires_grad:
        raise StudentError("no gradient flows back from the result; compute it from the tensors given, inside PyTorch")
    if answer.shape != cotangent.shape:
        raise StudentError(f"the result has shape {tuple(answer.shape)}; expected {tuple(cotangent.shape)}")
    return torch.autograd.grad((answer * cotangent).sum(), leaf, materialize_grads=True)[0]


def _changed(call: Callable, before: Sequence[Any], after: Sequence[Any]) -> set[str]:
    """Which arguments are no longer what they were, by their names."""
    where = [i for i, (x, y) in enumerate(zip(before, after)) if not _same(x, y)]
    if not where:
        return set()
    try:
        names = list(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        names = []
    name = getattr(call, "__name__", "the function")
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
