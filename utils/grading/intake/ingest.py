"""What each student handed in: of their files the sources of their own cells, and nothing else.

Whose cell is whose, taking.py tells; what a file says, foreign.py; how a file is opened, files.py. No code is run here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from utils.grading.course import Course
from utils.grading.intake import files, foreign
from utils.grading.intake.files import Unreadable, printable
from utils.grading.intake.taking import exercise_of, signs, take

MAX_NOTEBOOKS = 100  # of one student
MAX_TOTAL = 64_000_000  # bytes of them together
MAX_NOTES = 40


@dataclass(frozen=True)
class Work:
    """What is taken of one notebook of a student: sources, nothing else."""

    exercise: str  # "01-recurrent-networks"
    file: str  # where it was, relative to the submissions folder, printable
    cells: tuple[str, ...]  # the sources of the code cells to run, in order
    written: Mapping[str, str]  # grade_id of each written answer -> the student's text
    notes: tuple[str, ...]  # what was odd, in whole sentences to the student


@dataclass(frozen=True)
class Handed:
    """What one student handed in."""

    student: str  # printable, unique in the class, usable as a folder name
    works: tuple[Work, ...]  # at most one an exercise, in the order of the exercises
    notes: tuple[str, ...]  # about files that could not be read or belong to no exercise


def students(submissions: Path) -> dict[str, Path]:
    """Student -> their folder or notebook, in the order of the names. What else lies there, `passed_over` names."""
    names = {path.name: path.stem if path.is_file() else path.name for path in submissions.iterdir() if _is_student(path)}
    return dict(sorted((name, submissions / file) for file, name in files.distinct(names).items()))


def passed_over(submissions: Path) -> list[str]:
    """What lies among the students' folders and is no student's work, by name: an archive that nobody unpacked, say."""
    return sorted(printable(path.name) for path in submissions.iterdir() if not (_is_student(path) or files.is_junk(path.name)))


def collect(student: str, path: Path, course: Course) -> Handed:
    """What lies in a student's folder or file. Never raises: what could not be read is said in the notes."""
    ours = {name: [cell for cell in map(foreign.cell, notebook.cells) if cell] for name, notebook in course.exercises.items()}
    known, listing = signs(ours), files.below(path)
    notebooks = [file for file in listing.files if file == path or files.is_notebook(file)]
    notebooks.sort(key=lambda file: (file.stem not in ours, len(file.parts)))  # of too many, the likely ones
    notes = [_about(file, path, reason) for file, reason in listing.refused]
    if not notebooks and not notes:
        notes.append("There is no notebook among your files. Hand in the notebook itself, whose name ends in .ipynb.")
    if len(notebooks) > MAX_NOTEBOOKS:
        notes.append(f"You handed in {len(notebooks)} notebooks; {MAX_NOTEBOOKS} were read. Hand in one for each exercise.")
    best, read, size = {}, {name: [] for name in ours}, 0
    for file in notebooks[:MAX_NOTEBOOKS]:
        try:
            if size > MAX_TOTAL:
                raise Unreadable("was not read: your files are too large together. Clear the outputs, save and hand in again.")
            data, changed = files.read(file)
            size += len(data)
            theirs, odd = foreign.cells(data)
            name = exercise_of(file.stem, theirs, known)
            if name is None:
                raise Unreadable("belongs to no exercise of this course and was not graded.")
        except Unreadable as error:
            notes.append(_about(file, path, str(error)))
            continue
        read[name].append(_place(file, path))
        taken = take(theirs, ours[name])
        rank = taken.tried, file.stem == name, changed
        if name not in best or rank > best[name][0]:
            odd = _few(_about(file, path, reason) for reason in (*odd, *taken.notes))
            best[name] = rank, Work(name, read[name][-1], taken.sources, taken.written, odd)
    works = tuple(best[name][1] for name in ours if name in best)
    notes += [_choice(work, read[work.exercise]) for work in works if len(read[work.exercise]) > 1]
    return Handed(student, works, _few(notes))


def _is_student(path: Path) -> bool:
    return not files.is_junk(path.name) and (files.is_notebook(path) or path.is_dir())


def _place(file: Path, path: Path) -> str:
    """Where the file is, from the submissions folder on; `path` is the student's folder or file."""
    return printable("/".join((path.name, *file.relative_to(path).parts)))


def _about(file: Path, path: Path, reason: str) -> str:
    return f"{_place(file, path)} {reason}"


def _choice(work: Work, read: list[str]) -> str:
    others = [file for file in read if file != work.file]
    few = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    return f"For {work.exercise}, {work.file} was graded; {few} was not. Hand in one notebook for each exercise."


def _few(notes: Iterable[str]) -> tuple[str, ...]:
    """Each note once, and not too many."""
    notes = tuple(dict.fromkeys(notes))
    return notes if len(notes) <= MAX_NOTES else (*notes[:MAX_NOTES], f"There is more of this kind ({len(notes) - MAX_NOTES}).")
