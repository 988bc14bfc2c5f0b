"""Clear errors for bad arguments: one function that every module calls before it works.

A message names the argument, says what it got and what was expected. Nothing is converted, copied or guessed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def expect(name: str, value: Tensor, shape: Sequence[int | str], dtype: torch.dtype | None = None) -> None:
    """Raise unless `value` is a finite tensor of the given shape, no axis of it empty, and of `dtype` where one is given.

    An axis in `shape` is a size, or a letter that stands for any size from 1: expect("x", x, ("B", "T", 8)).
    TypeError for what is no tensor or has the wrong dtype, ValueError for the wrong shape or a NaN.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is of type {type(value).__name__}; expected a torch.Tensor")
    wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    got = tuple(value.shape)
    if len(got) != len(shape) or any(isinstance(want, int) and want != size for want, size in zip(shape, got)):
        raise ValueError(f"{name} has shape {got}; expected {wanted}")
    if 0 in got:
        raise ValueError(f"{name} is empty: it has shape {got}; expected {wanted} with no axis of size 0")
    if dtype is not None and value.dtype != dtype:
        raise TypeError(f"{name} has dtype {value.dtype}; expected {dtype}")
    if value.is_floating_point() and not torch.isfinite(value).all():
        raise ValueError(f"{name} holds a NaN or an infinity; expected finite numbers")


def expect_lengths(name: str, lengths: Tensor, batch: int, time: int) -> None:
    """Raise unless `lengths` (B,) holds whole numbers from 1 to `time`, one for each of the `batch` sequences."""
    expect(name, lengths, (batch,))
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise TypeError(f"{name} has dtype {lengths.dtype}; expected an integer dtype")
    if lengths.min() < 1 or lengths.max() > time:
        raise ValueError(f"{name} runs from {lengths.min()} to {lengths.max()}; expected 1 to {time}, the padded length")


def expect_tokens(name: str, tokens: Tensor, shape: Sequence[int | str], vocabulary: int) -> None:
    """Raise unless `tokens` is an int64 tensor of the given shape whose ids lie in 0 .. vocabulary - 1."""
    expect(name, tokens, shape, torch.int64)
    if tokens.min() < 0 or tokens.max() >= vocabulary:
        raise ValueError(f"{name} holds ids from {tokens.min()} to {tokens.max()}; expected 0 to {vocabulary - 1}")


def expect_array(name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """`value`, if it is a finite float64 array of this shape (None stands for any size); else an error that names it."""
    if not isinstance(value, np.ndarray) or value.dtype != np.float64:
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} is {got}; expected a NumPy array of float64")
    if len(value.shape) != len(shape) or any(want not in (None, got) for want, got in zip(shape, value.shape)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} has shape {value.shape}; expected ({wanted})")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} holds a NaN or an infinity; expected finite numbers")
    return value
