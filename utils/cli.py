"""The `course` command: build, pdf, check, test, experiment, new, exercises, release, grade, status."""

import os
import shutil
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from utils.book.project import find_root
from utils.grading.sandbox.walls import LEVELS

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Build, check and study the book.")
console = Console()
Level = StrEnum("Level", LEVELS)
Columns = StrEnum("Columns", ("tasks", "canvas", "moodle"))
Backend = StrEnum("Backend", ("threading", "dask"))
OWN = typer.Option(help="a folder with solutions/ and checks/ of your own; the book if left out", exists=True, file_okay=False)
Own = Annotated[Path | None, OWN]
Sandbox = Annotated[Level | None, typer.Option(help="how students' code is walled in; the strongest that works if left out")]


@app.command()
def build(jobs: int = typer.Option(2, help="chapters that run at the same time")) -> None:
    """Run every chapter whose outputs are not up to date and write the site to _build/html."""
    from utils.book.execute import ChapterError, run_all
    from utils.book.site import SiteError, build_site

    root, start = find_root(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("cells"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bars: dict[Path, int] = {}
            executed = run_all(
                root,
                on_start=lambda path: bars.update({path: progress.add_task(path.stem, total=None)}),
                on_cell=lambda path, done, of: progress.update(bars[path], completed=done, total=of),
                jobs=jobs,
            )
        with console.status("writing the site"):
            built = build_site(root, executed)
    except (ChapterError, SiteError) as error:
        console.print(str(error), markup=False, highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("stopped; what had run to its end is kept")
        os._exit(130)  # the kernels follow their parent; a tidier exit would wait, perhaps minutes, for their cells
    page = (root / "_build" / "html" / "index.html").as_uri()
    done = "written" if built else "unchanged"
    console.print(f"{len(bars)} of {len(executed)} chapters run, site {done}, {time.monotonic() - start:.0f} s")
    console.print(f"Open it: {page}", soft_wrap=True)


@app.command()
def pdf() -> None:
    """Bring the site up to date and print it, the whole book, to _build/book.pdf."""
    from utils.book.pdf import PdfError, write_pdf

    build(jobs=2)
    try:
        with console.status("printing"):
            written = write_pdf(find_root())
    except PdfError as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"Read it: {written.as_uri()}", soft_wrap=True)


@app.command()
def check() -> None:
    """What a developer runs every few minutes: the linter and the fast tests that need no built book."""
    root = find_root()
    raise typer.Exit(lint(root) or pytest(root, "-n", "2", "--dist", "loadfile", "-m", "not book and not slow"))


@app.command()
def test() -> None:
    """Everything: the linter, the book from source to site, and all tests, those in a real browser included."""
    root = find_root()
    get_browser()
    failed = lint(root)
    build(jobs=2)
    raise typer.Exit(failed or pytest(root, "-n", "2", "--dist", "loadfile"))


@app.command()
def experiment(name: str, jobs: int = typer.Option(2, help="processes that run at the same time")) -> None:
    """Run an experiment on all its seeds and record the outcome in experiments/results. A run that was stopped goes on."""
    from utils.book.record import find, record

    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TextColumn("jobs"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task(name, total=None)
            outcome = record(
                find_root(),
                find(name),
                jobs,
                on_start=lambda total: progress.update(bar, total=total),
                on_done=lambda: progress.advance(bar),
            )
    except (ValueError, RuntimeError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    console.print(f"{'holds' if outcome.verdict else 'DOES NOT HOLD'}: {outcome.claim}", soft_wrap=True)
    console.print(f"{outcome.cpu_s:.0f} cpu-seconds; recorded at commit {outcome.commit}")


@app.command()
def exercises(course: Own = None) -> None:
    """Bring all notebooks into the committed form and write exercises/ from solutions/ anew."""
    from utils.book.notebooks import tidy
    from utils.grading.generate import write_exercises

    root = find_root()
    folder = course or root
    try:
        for path in sorted([*folder.glob("chapters/*.ipynb"), *folder.glob("solutions/*.ipynb")]):
            if tidy(root, path):
                console.print(f"tidied {path.relative_to(folder)}")
        write_exercises(folder / "solutions", folder / "exercises")
    except ValueError as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def release(
    out: Annotated[Path | None, typer.Argument(help="a folder that does not exist yet, for what students may have")] = None,
    course: Own = None,
    nbgrader: Annotated[Path | None, typer.Option(help="a folder that does not exist yet, for a course of nbgrader's")] = None,
    gradescope: Annotated[Path | None, typer.Option(help="a folder, for a zip for each exercise")] = None,
    sandbox: Sandbox = None,
) -> None:
    """Prove that every solution passes and no stub does, then write what students, nbgrader or Gradescope may have."""
    from utils.grading.release import release as hand_out
    from utils.grading.sandbox.workers import SandboxError, strongest

    if not (out or nbgrader or gradescope):
        raise typer.BadParameter("name a folder: OUT, --nbgrader or --gradescope")
    level = sandbox and sandbox.value
    try:
        with strongest(level) as workers, console.status("proving") as status:
            show = lambda task: status.update(f"proving {task}")  # noqa: E731
            written = hand_out(course or find_root(), workers, out, nbgrader, gradescope, level, on_task=show)
    except (ValueError, SandboxError) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if out:
        console.print(f"Hand out {out.as_posix()}: {', '.join(sorted(path.name for path in out.iterdir()))}", highlight=False)
    for folder in (out and out / "exercises", nbgrader and nbgrader / "source", gradescope):
        if folder:
            count = sum(folder.resolve() in path.resolve().parents for path in written)
            console.print(f"{count} {'zips' if folder == gradescope else 'notebooks'} in {folder.as_posix()}", highlight=False)


@app.command()
def new(name: Annotated[str, typer.Argument(help="number and words, as in 03-word-vectors")]) -> None:
    """Lay out a chapter that its part's page names: a page and one exercise that run, to be written over."""
    from utils.book.scaffold import new_chapter

    root = find_root()
    try:
        files = new_chapter(root, name)
    except ValueError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    for path in files:
        console.print(path.relative_to(root).as_posix(), highlight=False)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="a folder or a notebook of each student", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="the results; a second run goes on where the first one stopped", file_okay=False)],
    course: Own = None,
    exercise: Annotated[list[str] | None, typer.Option(help="counts for everybody, handed in or not; may be repeated")] = None,
    sandbox: Sandbox = None,
    seconds: float = typer.Option(10, min=0.1, help="for each task, and for each cell of a student's"),
    jobs: int = typer.Option(2, min=1, help="students that are graded at the same time"),
    backend: Annotated[Backend, typer.Option(help="where they are: on this machine, or on a cluster")] = Backend.threading,
    scheduler: Annotated[str | None, typer.Option(help="of the cluster: tcp://address:8786")] = None,
    columns: Annotated[
        Columns, typer.Option(help="of grades.csv: each task, or what Canvas or Moodle imports")
    ] = Columns.tasks,
) -> None:
    """Grade a class: every student's notebooks, safely, with a page of feedback each and tables of the class."""
    from utils.grading.backends import ClusterError
    from utils.grading.batch import grade_class
    from utils.grading.sandbox.workers import SandboxError

    shown = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TextColumn("students"), TimeElapsedColumn())
    try:
        with Progress(*shown, console=console) as progress:
            bar = progress.add_task("", total=None)
            run = grade_class(
                submissions,
                out,
                course or find_root(),
                exercise or (),
                sandbox and sandbox.value,
                seconds,
                jobs,
                backend.value,
                scheduler,
                columns.value,
                on_start=lambda total: progress.update(bar, total=total),
                on_done=lambda graded: progress.advance(bar),
                on_wait=lambda: console.print("another run is at work in this folder; waiting for its end"),
            )
    except (ValueError, SandboxError, ClusterError) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("stopped; what was graded is kept, and the same command does the rest")
        raise typer.Exit(130) from None
    if run.passed_over:
        console.print(f"passed over, no student's: {', '.join(run.passed_over)}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(run.anew)} of {len(run.graded)} students graded, {len(run.changes)} marks changed", highlight=False)
    console.print(f"Read {(out / 'summary.md').as_posix()}, hand out {(out / 'students').as_posix()}", soft_wrap=True)


@app.command()
def status(folder: Annotated[Path | None, typer.Argument(help="exercise notebooks; the book's if left out")] = None) -> None:
    """How far you are: every task of every exercise notebook, and what its check said last."""
    from utils.grading.progress import status as table

    console.print(table(folder or find_root() / "exercises"))


def lint(root: Path) -> int:
    """Run ruff; its exit status."""
    return subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "."], cwd=root).returncode


def pytest(root: Path, *arguments: str) -> int:
    """Run pytest on one thread a process; its exit status."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, env=one_thread).returncode


def get_browser() -> None:
    """The browser tests need a Chromium: as root on Debian, install one where none is found."""
    names = ("chromium", "chromium-browser", "google-chrome")
    if any(map(shutil.which, names)) or os.name == "nt" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    console.print("installing Debian's chromium for the browser tests")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-qq", "--no-install-recommends", "chromium"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    app()
