"""Where and how models are trained: the device, the seed, the scale, and one explicit loop with progress and a history.

The same cells run on a CPU, on CUDA and on Apple's MPS. How large they run is the scale: "tiny" when COURSE_SCALE=tiny (tests
of the machinery, seconds, nothing claimed), else "gpu" where there is one, else "cpu".
"""

import math
import os
import platform
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

T = TypeVar("T")
SCALES = ("tiny", "cpu", "gpu")


def device() -> torch.device:
    """The fastest device that is there: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def seed(value: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices), so that the same cells give the same numbers again."""
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


def scale() -> str:
    """How large to run: "tiny", "cpu" or "gpu"."""
    asked = os.environ.get("COURSE_SCALE") or ("cpu" if device().type == "cpu" else "gpu")
    if asked not in SCALES:
        raise ValueError(f"COURSE_SCALE is {asked!r}; expected one of {', '.join(SCALES)}")
    return asked


def preset(*, tiny: T, cpu: T, gpu: T) -> T:
    """The setting for this run's scale: preset(tiny=10, cpu=1_000, gpu=20_000)."""
    return {"tiny": tiny, "cpu": cpu, "gpu": gpu}[scale()]


def warmup_cosine(progress: float, warmup: float = 0.05) -> float:
    """A factor for the learning rate: up from 0 in a straight line, then down along a cosine; progress runs from 0 to 1."""
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup is {warmup}; expected a share of the run, from 0 to below 1")
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


@dataclass
class History:
    """What happened at each step of a training run: one entry a step in each list, and the evaluations as (step, value)."""

    loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    evaluations: list[tuple[int, float]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def smoothed(self, window: int = 50) -> np.ndarray:
        """The running mean of the loss over `window` steps: (steps - window + 1,)."""
        window = min(window, len(self.loss))
        return np.convolve(self.loss, np.ones(window) / window, mode="valid")


def train(
    loss_of: Callable[..., Tensor],
    batches: Iterable,
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    clip: float = math.inf,
    schedule: Callable[[float], float] = lambda progress: 1.0,
    evaluate: Callable[[], float] | None = None,
    every: int = 0,
) -> History:
    """Take `steps` steps of gradient descent on `loss_of(*batch)`, a scalar tensor, for the batches in turn.

    Before each step the gradient is scaled down to norm `clip` where it is longer, and each learning rate is its own times
    `schedule(progress)`, where progress is step / steps; afterwards the rates are their own again. `evaluate()` is recorded
    after each `every` steps. RuntimeError, before the step is taken, when the loss or its gradient is not finite.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    if not clip > 0:
        raise ValueError(f"clip is {clip}; expected a norm above 0")
    if evaluate is not None and every < 1:
        raise ValueError(f"every is {every}; expected at least 1 where evaluate is given")
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    rates = [group["lr"] for group in optimizer.param_groups]
    history, start, batch_iterator = History(), time.process_time(), iter(batches)
    try:
        for step in (bar := tqdm(range(1, steps + 1), leave=False)):
            batch = next(batch_iterator, None)
            if batch is None:
                raise ValueError(f"batches ended after {step - 1} of {steps} steps; expected an iterable as long as steps")
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step / steps)
            optimizer.zero_grad()
            loss = loss_of(*batch)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, clip)
            if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
                raise RuntimeError(
                    f"the loss is {loss.item()} and its gradient's norm {norm.item()} at step {step}; "
                    "try a smaller learning rate or clip the gradient"
                )
            optimizer.step()
            history.loss.append(loss.item())
            history.gradient_norm.append(norm.item())
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if evaluate is not None and step % every == 0:
                history.evaluations.append((step, evaluate()))
    finally:
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate
    history.cpu_seconds = time.process_time() - start
    return history


def cost() -> str:
    """One line for the end of a chapter: the process seconds so far, the threads, the processor and the versions."""
    where = device()
    name = torch.cuda.get_device_name() if where.type == "cuda" else platform.processor() or platform.machine()
    return (
        f"{time.process_time():.0f} cpu-seconds on {torch.get_num_threads()} thread(s), {where.type} ({name}), "
        f"scale {scale()}, Python {platform.python_version()}, torch {torch.__version__}"
    )


def claim(holds: bool, what: str) -> None:
    """Print whether a claim that could have failed came out as expected. Nothing is claimed at the tiny scale.

    It does not stop the page: an outcome is shown whichever way it falls, and the tests of the book fail where one fell
    the other way.
    """
    if scale() == "tiny":
        print(f"not claimed at this scale: {what}")
    else:
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")
