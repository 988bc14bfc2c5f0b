"""Where the work on a class is done: in threads here, or wherever a backend of joblib's reaches, such as a cluster."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from joblib import Parallel, parallel_config


class ClusterError(RuntimeError):
    """A student could not be examined on the cluster, and why."""


@contextmanager
def parallel(jobs: int, backend: str = "threading", scheduler: str | None = None) -> Iterator[Parallel]:
    """A joblib.Parallel that yields each result as soon as it is there, in any order.

    `backend` is "threading", `jobs` of them, or "dask": as many as its workers have threads, at `scheduler`. ValueError for
    another backend, and for a scheduler that does not answer. Where a cluster gives a task up, ClusterError ends the loop.
    """
    if backend not in ("threading", "dask") or (backend == "dask") != bool(scheduler):
        raise ValueError(f'backend is "{backend}" and scheduler {scheduler}; expected "threading" and none, or "dask" and one')
    with _cluster(scheduler) if scheduler else parallel_config("threading", n_jobs=jobs):
        yield Parallel(batch_size=1, return_as="generator_unordered")


@contextmanager
def _cluster(scheduler: str) -> Iterator[None]:
    """While it is connected, joblib's work is done there."""
    try:
        from dask.distributed import Client
        from joblib._dask import DaskDistributedBackend
    except ImportError as error:
        raise ValueError('backend is "dask", which is not installed; pip install "dask[distributed]"') from error

    class Dask(DaskDistributedBackend):
        """joblib's, which hears nothing of a task that no worker can do, and would wait for it for ever."""

        def submit(self, func, callback=None):
            future = super().submit(func, callback)
            future.add_done_callback(lambda done: done.exception() and callback(done))
            return future

        def retrieve_result_callback(self, out):
            if isinstance(out, Future):
                raise ClusterError(f"no worker could examine a student: {out.exception()!r}") from out.exception()
            return super().retrieve_result_callback(out)

    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise ValueError(f"scheduler {scheduler} does not answer: {error}") from error
    with client, parallel_config(Dask(client=client)):
        yield
