"""What the benchmarks share: a pace, and one line of the table of ratios."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison made in one run: ours and the peer's in the same unit. Only the ratio travels between machines."""

    what: str  # the task and its size
    peer: str
    ours: float
    theirs: float
    unit: str  # "tokens/s": more is better, as in every pace; a quality bears its own name


def pace(work: Callable[[], object], amount: float, *, seconds: float = 0.6, rounds: int = 5) -> float:
    """Amount per second of `work`, which does so much: the best round of at least so many seconds, after one call."""
    work()
    best = 0.0
    for _ in range(rounds):
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            work()
            calls += 1
        best = max(best, calls * amount / (time.perf_counter() - start))
    return best
