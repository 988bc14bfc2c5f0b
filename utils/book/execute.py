"""Run the chapters, two at a time, and keep what came out under a key, so that nothing runs twice and nothing is stale.

_build/executed/NN-name.ipynb is the chapter with its outputs; its metadata hold the key and what the run cost.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from utils.book.project import chapters
from utils.book.sources import dependencies, key

WATCH = """
import os, sys
sys.course_opened = set()
def watch(event, args):
    if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
        sys.course_opened.add(os.path.abspath(os.fsdecode(args[0])))
sys.addaudithook(watch)
del watch
"""
REPORT = """
import json, sys, time
files = sys.course_opened | {m.__file__ for m in list(sys.modules.values()) if isinstance(getattr(m, "__file__", None), str)}
print(json.dumps({"cpu_s": time.process_time(), "files": sorted(files)}))
"""

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONHASHSEED": "0"}  # one thread, no progress bars on the page


class ChapterError(RuntimeError):
    """A chapter did not run to its end, or used something that the build cannot see; the message is for its author."""


@dataclass(frozen=True)
class Chapter:
    """One chapter as it stands: where its source is, its key, and the executed notebook (None until it has run)."""

    path: Path
    key: str
    executed: nbformat.NotebookNode | None

    @property
    def cost(self) -> dict:
        """cpu_s, the process seconds that its run took."""
        return self.executed.metadata["course"]


def load(root: Path, path: Path) -> Chapter:
    """The chapter at `path`, with its outputs if they are in the cache under its present key."""
    notebook = nbformat.read(path, as_version=4)
    wanted = key(root, notebook)
    cached = cache_path(root, path)
    if cached.is_file():
        executed = nbformat.read(cached, as_version=4)
        if executed.metadata["course"]["key"] == wanted:
            return Chapter(path, wanted, with_outputs(notebook, executed))
    return Chapter(path, wanted, None)


def cache_path(root: Path, path: Path) -> Path:
    return root / "_build" / "executed" / path.name


def with_outputs(notebook: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the outputs of `executed`, whose code cells are the same (the key says so); prose may differ."""
    merged = nbformat.from_dict(notebook)
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    for cell, source in zip((c for c in merged.cells if c.cell_type == "code"), ran, strict=True):
        cell.outputs, cell.execution_count = source.outputs, source.execution_count
    merged.metadata["course"] = executed.metadata["course"]
    return merged


def run(root: Path, chapter: Chapter, on_cell: Callable[[int, int], None]) -> Chapter:
    """Execute a chapter in a fresh kernel and an empty folder, cell by cell; `on_cell(done, all)` hears of progress.

    Nothing that lies beside the notebook changes what comes out, and what a cell writes is gone. Kept only when whole.
    """
    notebook = nbformat.read(chapter.path, as_version=4)
    quiet = ["--Application.log_level=ERROR"]  # the kernel's own remarks about its connection
    client = NotebookClient(notebook, timeout=1800, kernel_name="python3", extra_arguments=quiet)
    watch, report = nbformat.v4.new_code_cell(WATCH), nbformat.v4.new_code_cell(REPORT)
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    notebook.cells += [watch, report]
    try:
        with TemporaryDirectory(ignore_cleanup_errors=True) as empty, client.setup_kernel(env=environment(root), cwd=empty):
            client.execute_cell(watch, len(notebook.cells) - 2, store_history=False)
            for count, i in enumerate(code, start=1):
                client.execute_cell(notebook.cells[i], i, execution_count=count)
                on_cell(count, len(code))
            client.execute_cell(report, len(notebook.cells) - 1, store_history=False)
    except CellExecutionError as error:
        raise ChapterError(f"{chapter.path.name}: a cell raised an error\n{plain(str(error))}") from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise ChapterError(f"{chapter.path.name}: {error}") from None
    del notebook.cells[-2:]
    told = json.loads("".join(output.text for output in report.outputs))
    check_files(root, notebook, told["files"], chapter.path)
    if key(root, nbformat.read(chapter.path, as_version=4)) != chapter.key:
        raise ChapterError(f"{chapter.path.name}, or a file that it depends on, was changed while it ran; build again")
    notebook.metadata["course"] = {"key": chapter.key, "cpu_s": round(told["cpu_s"], 1)}
    target = cache_path(root, chapter.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(target)
    source, kept = (nbformat.read(path, as_version=4) for path in (chapter.path, target))
    return Chapter(chapter.path, chapter.key, with_outputs(source, kept))  # as `load` will give it from now on


def plain(text: str) -> str:
    """The text without a terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def environment(root: Path) -> dict[str, str]:
    """What the kernels find in their environment: they import our modules from `root`, where the keys look, wherever we run."""
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return os.environ | ENVIRONMENT | {"PYTHONPATH": path}


def check_files(root: Path, notebook: nbformat.NotebookNode, used: list[str], path: Path) -> None:
    """Raise if the run read a file of the book that its key does not cover: its page could be shown stale one day."""
    known = dependencies(root, notebook) | {path}
    not_ours = (root / "_build", Path(sys.prefix).resolve())
    unseen = set()
    for name in used:
        file = Path(name).resolve()
        ours = file.is_relative_to(root) and not any(map(file.is_relative_to, not_ours))
        written_by_python = any(part == "__pycache__" or part.endswith(".egg-info") for part in file.parts)
        if ours and not written_by_python and file.is_file() and file not in known:
            unseen.add(file.relative_to(root).as_posix())
    if unseen:
        raise ChapterError(
            f"{path.name} read {', '.join(sorted(unseen))}, which the build cannot see from its imports. Import the module "
            f"by name, or let the file bear the name of the module that reads it (hidden_units.js, hidden_units.py)."
        )


def run_all(
    root: Path, on_start: Callable[[Path], None], on_cell: Callable[[Path, int, int], None], jobs: int = 2
) -> list[Chapter]:
    """Every chapter with its outputs, run where they are not in the cache. All run before the first failure is raised."""

    def one(path: Path) -> Chapter:
        chapter = load(root, path)
        if chapter.executed is not None:
            return chapter
        on_start(path)
        return run(root, chapter, lambda done, of: on_cell(path, done, of))

    pool = ThreadPoolExecutor(jobs)
    futures = [pool.submit(one, path) for path in chapters(root)]
    try:
        wait(futures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for cells that run for minutes
    failures = [error for future in futures if (error := future.exception()) is not None]
    for error in failures:
        if not isinstance(error, ChapterError):
            raise error
    if failures:
        raise ChapterError("\n\n".join(map(str, failures)))
    return [future.result() for future in futures]
