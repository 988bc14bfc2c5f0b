"""Where the work on a class is done: in threads here, or wherever a backend of joblib's reaches, such as a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from joblib import Parallel, parallel_config

HOUR = 3600  # seconds in which a cluster must be done with a student; joblib is not told that a task has killed its workers


@contextmanager
def parallel(jobs: int, backend: str = "threading", scheduler: str | None = None) -> Iterator[Parallel]:
    """A joblib.Parallel that yields each result as soon as it is there, in any order.

    `backend` is "threading", `jobs` of them, or "dask": as many as its workers have threads, at `scheduler`. ValueError for
    another backend, and for a scheduler that does not answer.
    """
    if backend not in ("threading", "dask") or (backend == "dask") != bool(scheduler):
        raise ValueError(f'backend is "{backend}" and scheduler {scheduler}; expected "threading" and none, or "dask" and one')
    with _client(scheduler) if scheduler else nullcontext(), parallel_config(backend, n_jobs=jobs):
        yield Parallel(batch_size=1, return_as="generator_unordered", timeout=scheduler and HOUR)


@contextmanager
def _client(scheduler: str) -> Iterator[None]:
    """While it is connected; joblib finds it by itself."""
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ValueError('backend is "dask", which is not installed; pip install "dask[distributed]"') from error
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ValueError(f"scheduler {scheduler} does not answer: {error}") from error
    with client:
        yield
