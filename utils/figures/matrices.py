"""Matrices for a page to show, which matrices.js draws as grids of coloured cells."""

import numpy as np
import torch
from torch import Tensor

Matrix = Tensor | np.ndarray


def as_numbers(name: str, given: Matrix) -> np.ndarray:
    """What a figure was given, as float32. TypeError if it holds no floating-point numbers, ValueError if one is not finite."""
    numbers = torch.as_tensor(given).detach().cpu()
    if not numbers.is_floating_point():
        raise TypeError(f"{name} has dtype {numbers.dtype}; expected floating-point numbers")
    if not numbers.isfinite().all():
        raise ValueError(f"{name} holds a NaN or an infinity")
    return numbers.float().numpy()
