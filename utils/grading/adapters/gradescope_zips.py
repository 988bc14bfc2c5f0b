"""Packs what an instructor uploads to Gradescope: for each exercise a zip with a grader in it that installs itself there."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import nbformat

import utils
from utils.grading.adapters.gradescope import COURSE, KEY, SETTINGS
from utils.grading.course import Course
from utils.grading.results import seeds

ROOT = Path(utils.__file__).resolve().parent.parent
TEMPLATE = Path(__file__).with_name("template")
SCRIPTS = ("setup.sh", "run_autograder")  # what Gradescope asks for
PROJECT = ("pyproject.toml", "requirements.txt", "README.md", "LICENSE")  # what pip asks for, beside the package itself
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same zip, byte for byte, as long as nothing changes


def write_zips(course: Course, out: Path, level: str | None) -> list[Path]:
    """OUT/NN-name.zip for each exercise of a course that was proven, without any solution -> the zips.

    All hold the key in OUT/secret.key, which is made if it is not there. `level` is the sandbox to be used; None stands for the
    strongest there is, and never for `process`. ValueError where the package does not lie in the book's own folder.
    """
    if missing := [name for name in PROJECT if not (ROOT / name).is_file()]:
        raise ValueError(
            f"there is no {missing[0]} in {ROOT}; run this in the book's folder, where `make book` has installed it"
        )
    out.mkdir(parents=True, exist_ok=True)
    common = _package() | {f"{COURSE}/checks/{path.name}": path.read_bytes() for path in course.folder.glob("checks/*.py")}
    common |= {name: (TEMPLATE / name).read_bytes() for name in SCRIPTS}
    common |= {KEY: seeds.secret(out), SETTINGS: json.dumps({"sandbox": level}).encode()}
    written = []
    for name, stub in course.exercises.items():
        own = {f"{COURSE}/exercises/{name}.ipynb": nbformat.writes(stub).encode()}
        written.append(_write(out / f"{name}.zip", common | own))
    return written


def _package() -> dict[str, bytes]:
    """The sources of this package as they stand, since no registry has it: place in the zip -> content."""
    files = [ROOT / name for name in PROJECT]
    files += [path for path in sorted((ROOT / "utils").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return {f"package/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in files}


def _write(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip for its owner's eyes alone: it holds the key."""
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file, zipfile.ZipFile(file, "w") as packed:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = (0o755 if name in SCRIPTS else 0o600 if name == KEY else 0o644) << 16
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path
