"""The grader with one protection taken away: `weaken(protection)` replaces it in this process, for good.

Run in each process of a grader that is to be weaker (classroom.py sees to it). Holds no canary: a fork server imports this too.
"""

import json
import pickle
import struct
from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

BOOT = (
    "import sys; sys.path[:] = {{path!r}}; from hostile.weaker import WEAKER; WEAKER[{protection!r}](); "
    "import runpy; runpy.run_module({{module!r}}, run_name='__main__')"
)

WATCHING = {"limits": {"limit_memory": lambda extra: None}, "deadline": {"PATIENCE": 1e6}}  # names in examiners.py


def weaken(protection: str) -> None:
    """Take away one of attack.PROTECTIONS in an examiner, and in the workers that it starts; "" takes nothing."""
    from utils.grading import examiners
    from utils.grading.sandbox import workers

    if protection:
        WEAKER[protection]()
        workers.BOOT = BOOT.format(protection=protection)
        for name, value in WATCHING.get(protection, {}).items():
            setattr(examiners, name, value)


def two_rooms() -> None:
    """The cells are run, and the functions called, in the process that holds the check: as graders do that exec a notebook."""
    import multiprocessing

    from utils.grading import examiner, examiners
    from utils.grading.allowed import rules
    from utils.grading.allowed.facts import facts
    from utils.grading.rooms import Direct
    from utils.grading.session import Outcome
    from utils.grading.task import grade

    class OneRoom:
        def __init__(self, workers: Any, cells: Any, modules: Any, seconds: float) -> None:
            self.cells, self.namespace, self.errors = cells, {"__name__": "__main__"}, {}

        def __enter__(self) -> "OneRoom":
            for number, source in enumerate(self.cells):
                try:
                    exec(compile(source, f"<cell {number}>", "exec"), self.namespace)
                except Exception as error:
                    self.errors[number] = f"stopped with {type(error).__name__}: {error}"
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def grade(self, task: Any, seed: int) -> Outcome:
            if broken := rules.violations([facts(cell) for cell in self.cells], [*task.oracle], task.may_use, task.not_use):
                return Outcome(None, " ".join(broken), 0.0)
            try:
                return Outcome(grade(task, Direct(self.namespace), seed), "", 0.0)
            except Exception as error:
                return Outcome(None, f"{type(error).__name__}: {error}", 0.0)

    examiner.Session = OneRoom
    examiners.strongest = lambda level: nullcontext(SimpleNamespace(level="none"))  # nobody is started
    fork, kept = multiprocessing.get_context("fork"), ("parent_process", "current_process")
    same = {name: getattr(multiprocessing, name) for name in kept}
    examiners.multiprocessing = SimpleNamespace(get_context=lambda _: fork, **same)  # quicker than spawn


def walls() -> None:
    """Nothing to replace: classroom.py asks for the level "process"."""


def limits() -> None:
    """Memory, processes, files and threads as many as there are, for the worker and for the examiner. The walls remain."""
    from utils.grading.sandbox import limits as own

    own.apply = lambda plan: None


def deadline() -> None:
    """Nobody looks at the clock: neither the session nor the one who watches the examiners."""
    from utils.grading import session
    from utils.grading.sandbox.channel import Channel

    session.CELLS = 1e6
    Channel._wait_until = lambda self, deadline: self.end.settimeout(None)


def rules() -> None:
    """What a text calls is nobody's business."""
    from utils.grading.allowed import rules as own

    own.violations = lambda *_: []


def guard() -> None:
    """What is called while a function runs is nobody's business."""
    from utils.grading.allowed import guard as own

    own.guard = lambda may_use, not_use: nullcontext()


def codec() -> None:
    """Messages of any length, read by who believes them; what our format does not hold comes as a pickle."""
    from utils.grading import codec as own
    from utils.grading.sandbox import channel

    def encode(value: Any, refer: Callable = own.nothing) -> bytes:
        try:
            return own_encode(value, refer)
        except (own.CodecError, RecursionError, TypeError):
            return pickle.dumps(value)

    def decode(data: bytes, object_at: Callable = own.refuse) -> Any:
        return pickle.loads(data) if data[:1] == b"\x80" else naive_decode(own, data, object_at)

    own_encode = own.encode
    own.encode, own.decode = encode, decode
    channel.MAX_MESSAGE = 1 << 40
    own.MAX_HEADER = own.MAX_BYTES = own.MAX_VALUES = own.MAX_KEYS = own.MAX_INTEGER = 1 << 400
    own.MAX_DEPTH = own.MAX_AXES = 1 << 40


def naive_decode(own: ModuleType, data: bytes, object_at: Callable) -> Any:
    """The format of the codec `own`, read by somebody who believes it; errors are whatever comes."""
    (length,) = struct.unpack_from(">I", data)
    tree, descriptions = json.loads(data[4 : 4 + length])
    arrays, place = [], 4 + length
    for dtype, shape in descriptions:
        array = own.np.empty(shape, dtype)
        array.reshape(-1).view("u1")[:] = own.np.frombuffer(data, "u1", array.nbytes, place)
        arrays.append(array)
        place += array.nbytes
    return own.unpack(tree, arrays, object_at)


def ingest() -> None:
    """The notebook is read with nbformat; all its cells run; its own metadata says what is worth how much."""
    import nbformat

    from utils.grading import examiner
    from utils.grading.intake.ingest import Handed, Work

    def collect(student: str, path: Any, course: Any) -> Handed:
        works = []
        for file in sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]:
            if file.stem in course.exercises:
                notebook = nbformat.read(file, as_version=4)
                course.exercises[file.stem] = notebook
                cells = tuple(cell.source for cell in notebook.cells if cell.cell_type == "code")
                works.append(Work(file.stem, str(file), cells, {}, ()))
        return Handed(student, tuple(works), ())

    examiner.collect = collect


def restart() -> None:
    """A dead worker stays dead."""
    from utils.grading.calls import StudentError
    from utils.grading.session import Session

    class Once:
        def __init__(self, workers: Any) -> None:
            self.workers, self.level = workers, workers.level

        def start(self) -> Any:
            if self.workers is None:
                raise StudentError("the Python process has ended")
            workers, self.workers = self.workers, None
            return workers.start()

    make = Session.__init__
    Session.__init__ = lambda self, workers, *rest: make(self, Once(workers), *rest)


def page() -> None:
    """Text is put into pages and tables as it is."""
    from utils.grading import words
    from utils.grading.results import classbook, feedback

    words.printable = classbook.printable = lambda text, most=2000: text
    feedback._text = lambda text, most=2000: text
    classbook._text = lambda text: text


WEAKER = {
    "two rooms": two_rooms,
    "walls": walls,
    "limits": limits,
    "deadline": deadline,
    "rules": rules,
    "guard": guard,
    "codec": codec,
    "ingest": ingest,
    "restart": restart,
    "page": page,
}
