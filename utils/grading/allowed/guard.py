"""A guard rail around a student's function while it runs: what the task leaves out raises, however it was spelled.

It sees every function and method of PyTorch, and so what getattr, exec or a layer in torch.nn calls; a class in `not_use` is
stopped by the functions that it calls, so name these too. It leaves open: what makes a tensor without a function (from_numpy,
torch.Tensor), of which nothing comes by itself; what torch.jit has compiled; other threads; other packages, which only rules.py
sees; and a student who takes the guard away. The wall that keeps the checks secret is another process, not this.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from torch.overrides import TorchFunctionMode

from utils.grading.allowed.rules import asks_for, asks_to_write, short
from utils.grading.calls import StudentError


class Forbidden(StudentError):
    """The student's code called what its task leaves out."""


def guard(may_use: Sequence[str], not_use: Sequence[str]) -> AbstractContextManager:
    """To be entered around each call of a student's function, and around nothing of ours; also again, and within itself."""
    return _guard(tuple(may_use), tuple(not_use))


@lru_cache(maxsize=256)
def _guard(may_use: tuple[str, ...], not_use: tuple[str, ...]) -> AbstractContextManager:
    free = any(name.partition(".")[0] == "torch" for name in may_use)
    return nullcontext() if free and not not_use else _Guard(may_use, not_use, free)


class _Guard(TorchFunctionMode):
    """Asked by PyTorch before each of its functions runs. What such a function calls within is not asked about."""

    def __init__(self, may_use: tuple[str, ...], not_use: tuple[str, ...], free: bool) -> None:
        super().__init__()
        self.may_use, self.free = may_use, free
        self.whole = {short(name.rpartition(".")[2]) for name in not_use}

    def __torch_function__(self, func: Callable, types: Any, args: Sequence[Any] = (), kwargs: dict | None = None) -> Any:
        name = getattr(func, "__name__", "__")
        called = "PyTorch" if name.startswith("__") else f"PyTorch's {short(name)}"
        if short(name) in self.whole:
            raise Forbidden(asks_to_write(["this yourself"], called) + ".")
        if not self.free:
            raise Forbidden(asks_for(self.may_use, called) + ".")
        return func(*args, **(kwargs or {}))
