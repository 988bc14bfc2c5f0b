"""How fast does a gradient vanish or explode on its way back through a recurrent network, against the spectral radius?"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

CHAPTER = "01-recurrent-networks"
CLAIM = "Sent back k steps, a linear network's gradient goes as the spectral radius to the power k; tanh only makes it smaller."
SOURCE = "Bengio et al. 1994; Pascanu et al. 2013, section 2"
PUBLISHED = "the largest eigenvalue below 1 is sufficient to vanish, above 1 necessary to explode"
SCALE = "none: the statement holds at any size"
TOLERANCE = "on every seed and radius: the linear network's factor a step is within 2% of the radius, that of tanh below it"
SEEDS = tuple(range(10))
RADII = (0.5, 0.9, 1.0, 1.1, 1.5)


def gradient_norms(radius: float, squash: Callable[[Tensor], Tensor], seed: int, steps: int, size: int = 128) -> np.ndarray:
    """Norm of the gradient of a random direction of h_T with respect to h_{T-k}, k = 0 .. steps, 1 at k = 0: (steps + 1,)."""
    draw = torch.Generator().manual_seed(seed)
    W_hh = torch.randn(size, size, generator=draw, dtype=torch.float64) / math.sqrt(size)
    W_hh = W_hh * radius / torch.linalg.eigvals(W_hh).abs().max()
    h = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    path = [h]
    for _ in range(steps):
        h = squash(0.1 * torch.randn(size, generator=draw, dtype=torch.float64) + h @ W_hh)
        path.append(h)
    direction = torch.randn(size, generator=draw, dtype=torch.float64)
    gradients = torch.autograd.grad(h @ direction, path)
    return np.array([gradient.norm() for gradient in reversed(gradients)]) / direction.norm().item()


def settings(scale: str) -> list[dict]:
    return [{"radius": radius} for radius in (RADII[:2] if scale == "tiny" else RADII)]


def run(seed: int, scale: str, radius: float) -> dict[str, float]:
    """The factor a step, measured over the last two thirds of the way, where the largest eigenvalue rules."""
    steps, size = (12, 16) if scale == "tiny" else (240, 128)
    numbers = {}
    for name, squash in (("linear", lambda a: a), ("tanh", torch.tanh)):
        norms = gradient_norms(radius, squash, seed, steps, size)
        numbers[f"{name}, radius {radius}"] = float((norms[-1] / norms[steps // 3]) ** (1 / (steps - steps // 3)))
    return numbers


def holds(numbers: dict) -> bool:
    within = [abs(numbers[f"linear, radius {r}"] / r - 1).max() < 0.02 for r in RADII]
    below = [(numbers[f"tanh, radius {r}"] < numbers[f"linear, radius {r}"]).all() for r in RADII]
    return all(within) and all(below)
