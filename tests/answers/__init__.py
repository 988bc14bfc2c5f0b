"""Answers to the tasks, as students write them: for each task some right ones, and one wrong one for each misconception.

A wrong answer is mostly a right one with a line changed, so that one sees what is wrong with it.
"""

from collections.abc import Callable

import numpy as np
import torch


def written(source: str) -> Callable:
    """The function that a source defines."""
    namespace = {"np": np, "torch": torch, "F": torch.nn.functional}
    exec(compile(source, "<answer>", "exec"), namespace)
    return [value for name, value in namespace.items() if callable(value) and f"def {name}(" in source][-1]


def changed(source: str, *changes: tuple[str, str]) -> Callable:
    """The function with pieces of its source replaced; each piece must be there."""
    for old, new in changes:
        if old not in source:
            raise ValueError(f"the source does not hold {old!r}")
        source = source.replace(old, new)
    return written(source)
