"""An nbgrader course folder from a course: what `course release --nbgrader` writes, once the proof has succeeded.

nbgrader keeps the gradebook and all that hangs on it. Of its steps two are done by ours, which the configuration names and
nbgrader_steps.py holds: what stands in place of a solution, and the running of what a student handed in.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from utils.grading.course import Course

ENGINE = "course"  # the folder, in nbgrader's, of what is ours: checks/ of a course's own, and the key of the class
CONFIG = '''"""nbgrader's configuration of this course. Whatever else you set works as nbgrader's own manual says."""

from utils.grading.adapters.nbgrader_steps import AUTOGRADE, GENERATE, Submission

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = {course_id!r}

# The students' version: each solution becomes a line that says what to do.
c.GenerateAssignment.preprocessors = GENERATE

# Autograde: students' code runs in the sandbox of the course's own grader, never in a kernel, and never beside a check.
c.Autograde.exporter_class = Submission
c.Autograde.autograde_preprocessors = AUTOGRADE

# c.Examine.level = "landlock"  # "namespaces", "landlock" or "process"; the strongest that works here if you name none
# c.Examine.seconds = 10.0  # for each task, and for each cell of a student's

# HTML in outputs is cleaned. In what students write, HTML and links are disarmed when their file is read.
c.HTMLExporter.sanitize_html = True
'''


def write_course(course: Course, solved: Mapping[str, NotebookNode], out: Path) -> list[Path]:
    """Write nbgrader's folder for the course to `out` -> the notebooks in its source/, one for each assignment.

    `solved` are the notebooks with their solutions, "01-recurrent-networks" -> notebook, marked with nbgrader's metadata.
    """
    written = [out / "source" / name / f"{name}.ipynb" for name in solved]
    for path in written:
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(solved[path.stem]) + "\n", encoding="utf-8", newline="\n")
    if (course.folder / "checks").is_dir():
        shutil.copytree(course.folder / "checks", out / ENGINE / "checks", ignore=shutil.ignore_patterns("__pycache__"))
    config = CONFIG.format(course_id=out.resolve().name)
    (out / "nbgrader_config.py").write_text(config, encoding="utf-8", newline="\n")
    return written
