"""What a worker may use up: memory, processor time, files, threads. On top of what it uses before a student's code runs."""

import os
import resource
from pathlib import Path

MEMORY_BYTES, CPU_SECONDS = 2 << 30, 600
FILE_BYTES, OPEN_FILES, THREADS, STACK_BYTES = 16 << 20, 64, 64, 8 << 20


def plan(uid: int | None) -> list[tuple[int, int]]:
    """The limits for a worker that is a copy of this process, run by `uid` (None: by us). Made once: it reads /proc.

    Address space is limited beside data, since shared memory is not counted as data.
    """
    pages = [int(n) for n in Path("/proc/self/statm").read_text().split()]
    space, data = pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()
    others = _threads_of(os.getuid()) if uid is None else 0  # the kernel counts all that a user runs
    return [
        (resource.RLIMIT_DATA, data + MEMORY_BYTES),
        (resource.RLIMIT_AS, space + MEMORY_BYTES + (1 << 30)),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, others + THREADS),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
    ]


def apply(plan: list[tuple[int, int]]) -> None:
    """Limit this process, for good."""
    for what, most in plan:
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _threads_of(uid: int) -> int:
    count = 0
    for process in Path("/proc").glob("[0-9]*/task"):
        try:
            if process.stat().st_uid == uid:
                count += len(os.listdir(process))
        except OSError:  # it has ended
            continue
    return count
