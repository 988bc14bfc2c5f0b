"""Run an experiment and record it: seeds and settings side by side in processes, resumable, written whole or not at all.

Each finished job is kept in _build/experiments/NAME/ under a digest of the code that made it, so a run that was killed goes on
where it stopped, and never with numbers of other code.
"""

import hashlib
import importlib
import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from types import ModuleType

import torch

from utils.book.sources import data_files
from utils.imports import module_closure
from utils.records import Record, by_name, record_path

Job = tuple[int, dict]  # a seed and a setting


def find(name: str) -> ModuleType:
    """The experiment of that name. ValueError lists those there are."""
    folder = Path(importlib.import_module("experiments").__file__).parent
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    if name not in known:
        raise ValueError(f"there is no experiment {name!r}; known are {', '.join(known)}")
    return importlib.import_module(f"experiments.{name}")


def work(name: str, job: Job, scale: str) -> dict:
    """One job, on one thread: its numbers and what it cost."""
    torch.set_num_threads(1)
    seed, setting = job
    start = time.process_time()
    numbers = find(name).run(seed, scale, **setting)
    return {"seed": seed, "numbers": numbers, "cpu_s": round(time.process_time() - start, 2)}


def leave_with_parent() -> None:
    """Let this worker end when the process that started it does, even if that was killed: nobody would keep its result."""

    def wait() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def write(path: Path, value: object) -> None:
    """Write JSON so that a reader finds the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def code_digest(root: Path, experiment: ModuleType) -> str:
    """A digest of the experiment's module, of all that it imports of ours, and of the torch that runs it."""
    modules = module_closure(root, [experiment.__name__])
    files = modules.union(*(data_files(m) for m in modules)) - {record_path(experiment)}
    parts = [path.relative_to(root).as_posix().encode() + path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join([*parts, torch.__version__.encode()])).hexdigest()[:16]


def run_jobs(
    root: Path, experiment: ModuleType, jobs: Sequence[Job], scale: str, workers: int, on_done: Callable[[], None]
) -> list[dict]:
    """The results of all jobs, in their order; those that are already kept are not run again."""
    name = experiment.__name__.rpartition(".")[2]
    folder = root / "_build" / "experiments" / name / f"{scale}-{code_digest(root, experiment)}"
    kept = {i: folder / f"{i:04}.json" for i in range(len(jobs))}
    missing = [i for i, path in kept.items() if not path.is_file()]
    for _ in range(len(jobs) - len(missing)):
        on_done()
    environment = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    os.environ.update(environment)  # the workers inherit it
    with ProcessPoolExecutor(workers, get_context("spawn"), leave_with_parent) as pool:
        running = {pool.submit(work, name, jobs[i], scale): i for i in missing}
        for future in as_completed(running):
            write(kept[running[future]], future.result())
            on_done()
    return [json.loads(path.read_text(encoding="utf-8")) for path in kept.values()]


def merged(results: Sequence[dict]) -> list[dict]:
    """One entry a seed, with the numbers of all its settings. ValueError if two settings give a number the same name."""
    runs: dict[int, dict] = {}
    for result in results:
        numbers = runs.setdefault(result["seed"], {})
        if repeated := numbers.keys() & result["numbers"].keys():
            raise ValueError(f"two settings both return {', '.join(sorted(repeated))}; expected distinct names")
        numbers.update(result["numbers"])
    return [{"seed": seed, "numbers": numbers} for seed, numbers in runs.items()]


def tiny_numbers(experiment: ModuleType) -> dict[str, float]:
    """The numbers of the first seed at tiny scale, in this process."""
    seed = experiment.SEEDS[0]
    results = [{"seed": seed, "numbers": experiment.run(seed, "tiny", **s)} for s in experiment.settings("tiny")]
    return merged(results)[0]["numbers"]


def committed(root: Path, experiment: ModuleType) -> str:
    """The commit in which the experiment's module was last changed. RuntimeError if it has changed since."""
    path = Path(experiment.__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments, "--", str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    if git("status", "--porcelain"):
        raise RuntimeError(f"{path.name} is not committed as it stands: commit the claim and the tolerance, then record")
    return git("log", "-1", "--format=%h")


def record(
    root: Path, experiment: ModuleType, workers: int, on_start: Callable[[int], None], on_done: Callable[[], None]
) -> Record:
    """Run every seed and setting at full scale and write the experiment's record."""
    commit = committed(root, experiment)
    jobs = [(seed, setting) for seed in experiment.SEEDS for setting in experiment.settings("cpu")]
    on_start(len(jobs))
    results = run_jobs(root, experiment, jobs, "cpu", workers, on_done)
    runs = merged(results)
    outcome = Record(
        chapter=experiment.CHAPTER,
        claim=experiment.CLAIM,
        source=experiment.SOURCE,
        published=experiment.PUBLISHED,
        tolerance=experiment.TOLERANCE,
        runs=runs,
        tiny=tiny_numbers(experiment),
        cpu_s=round(sum(result["cpu_s"] for result in results), 1),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, one thread a job",
        versions={"python": platform.python_version(), **{name: version(name) for name in ("torch", "numpy", "gensim")}},
        commit=commit,
        verdict=bool(experiment.holds(by_name(runs))),
    )
    write(record_path(experiment), asdict(outcome))
    return outcome
