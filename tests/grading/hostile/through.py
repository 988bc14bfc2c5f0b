"""The ways by which a class can be graded, each a function (place, level, seconds, jobs) -> student -> task -> points.

The class lies in PLACE as without.py has laid it out. A way reads PLACE/submissions, leaves each student's page as
PLACE/results/students/NAME/feedback.html, and gives back the points that count: {} where those of the examiners do.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from lxml import html

from utils.grading import batch
from utils.grading import course as courses
from utils.grading.examiners import Examiners
from utils.grading.intake.ingest import students
from utils.grading.notebooks import marked, task_of

Points = Mapping[str, Mapping[str, float]]
ASSIGNMENTS = ("00-getting-started", "01-recurrent-networks")  # those that are attacked


def course(place: Path, level: str | None, seconds: float, jobs: int) -> Points:
    """`course grade`."""
    batch.grade_class(place / "submissions", place / "results", place / "course", level=level, seconds=seconds, jobs=jobs)
    return {}


def nbgrader(place: Path, level: str | None, seconds: float, jobs: int) -> Points:
    """nbgrader's own commands in a course folder of its own, PLACE/nbgrader, one student after the other."""
    from nbgrader.api import Gradebook
    from nbgrader.apps.nbgraderapp import NbGraderApp, NoStart

    from utils.grading.adapters.nbgrader import ENGINE, write_course

    home = place / "nbgrader"
    solved = {path.stem: marked(nbformat.read(path, 4)) for path in (place / "course" / "solutions").glob("*.ipynb")}
    write_course(courses.load(place / "course"), {name: solved[name] for name in ASSIGNMENTS}, home)
    with (home / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Examine.level = {level or ''!r}\nc.Examine.seconds = {seconds}\n")
    (home / ENGINE).mkdir(exist_ok=True)
    shutil.copy(place / "results" / "secret.key", home / ENGINE)
    os.environ |= {f"JUPYTER_{name}_DIR": str(home / "jupyter") for name in ("CONFIG", "DATA", "RUNTIME")}
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # it calls alembic
    os.chdir(home)
    for name in ASSIGNMENTS:
        for handed_in in sorted((place / "submissions").iterdir()):
            if handed_in.is_dir() and os.path.lexists(handed_in / f"{name}.ipynb"):
                target = home / "submitted" / handed_in.name / name
                target.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-a", handed_in, target], check=True)  # links, pipes and sparse files as they are
        for step in ("generate_assignment", "autograde", "generate_feedback"):
            app = NbGraderApp.instance()
            app.initialize([step, name])
            with suppress(NoStart, SystemExit):  # it ends with one or the other, the second if it refuses a student
                app.start()
            NbGraderApp.clear_instance()
    for page in sorted(home.glob("feedback/*/*/*.html")):
        student = place / "results" / "students" / page.parts[-3]
        student.mkdir(parents=True, exist_ok=True)
        said = html.fromstring(page.read_text())
        for source in said.find_class("input_area"):  # their own, which nbgrader shows them again
            source.drop_tree()
        with (student / "feedback.html").open("a") as pages:
            pages.write(html.tostring(said, encoding="unicode"))
    with Gradebook(f"sqlite:///{home}/gradebook.db") as gradebook:
        points: dict[str, dict[str, float]] = {}
        for submission in (s for name in ASSIGNMENTS for s in gradebook.assignment_submissions(name)):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            points.setdefault(submission.student.id, {}).update((task_of(grade.name), grade.score) for grade in grades)
    return points


def dask(place: Path, level: str | None, seconds: float, jobs: int) -> Points:
    """`course grade` on a cluster of Dask's, whose workers are threads here, so that what they leave is seen."""
    from dask import config
    from dask.distributed import LocalCluster

    where = place / "submissions", place / "results", place / "course"
    workers = {"n_workers": jobs, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with config.set(temporary_directory=str(place / "dask")), LocalCluster(**workers) as cluster:
        batch.grade_class(*where, level=level, seconds=seconds, backend="dask", scheduler=cluster.scheduler_address)
    atexit._run_exitfuncs()  # as a worker does that ends; the classroom's own process leaves without
    return {}


def gradescope(place: Path, level: str | None, seconds: float, jobs: int) -> Points:
    """What run_autograder starts on Gradescope, in a place of each student's, PLACE/gradescope/NAME."""
    from utils.grading.adapters.gradescope import grade

    taught = courses.load(place / "course")
    setting = place / "course", (place / "results" / "secret.key").read_bytes(), level, seconds

    def one(student: str, path: Path) -> tuple[str, dict[str, float]]:
        home, pages = place / "gradescope" / path.name, place / "results" / "students" / student
        target = home / "submission" if path.is_dir() else home / "submission" / path.name
        target.parent.mkdir(parents=True)
        pages.mkdir(parents=True)
        path.rename(target)
        path.symlink_to(target)
        (home / "submission_metadata.json").write_text(json.dumps({"users": [{"email": student}]}))
        grade(home, taught, examiners)
        found = json.loads((home / "results" / "results.json").read_text())
        shutil.copy(home / "results" / "results.json", pages / "result.json")
        (pages / "feedback.html").write_text(as_shown(found))
        handed_in = {task for task, digests in found["extra_data"]["digests"].items() if digests}
        return student, {test["number"]: test["score"] for test in found["tests"] if test["number"] in handed_in}

    with Examiners(setting, str(place / "results")) as examiners, ThreadPoolExecutor(jobs) as pool:
        return dict(pool.map(one, *zip(*students(place / "submissions").items())))


def as_shown(results: Mapping[str, Any]) -> str:
    """The page that Gradescope makes of results.json, where it escapes what is said to be text."""
    texts = [(results["output"], results["output_format"])]
    texts += [(test[key], test[f"{key}_format"]) for test in results["tests"] for key in ("name", "output")]
    return "\n".join(escape(text) if kind == "text" else text for text, kind in texts)


THROUGH: dict[str, Callable[[Path, str | None, float, int], Points]] = {
    "course": course,
    "nbgrader": nbgrader,
    "gradescope": gradescope,
    "dask": dask,
}
