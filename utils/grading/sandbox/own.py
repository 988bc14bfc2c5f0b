"""What the grader's own processes ask of the system, where it can: to end with their parent, to take only so much memory."""

import sys
from pathlib import Path


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends. Linux only."""
    if sys.platform == "linux":
        from utils.grading.sandbox import kernel

        kernel.die_with_parent()


def limit_memory(extra_bytes: int) -> None:
    """Use no more than that beyond what is in use now: a MemoryError, not a dead machine. Linux only."""
    if sys.platform == "linux":
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + extra_bytes, resource.RLIM_INFINITY))
