"""The student's process: it reads what the cells refer to, runs them, then answers calls until the grader hangs up.

Runs in a sandbox that others build around it. It holds no check and no answer; what it says about itself is not believed.
"""

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

from utils.grading import calls, codec
from utils.grading.allowed.cells import of_cell
from utils.grading.allowed.guard import guard
from utils.grading.calls import Slope, StudentError
from utils.grading.sandbox.channel import Channel

MAX_ERROR = 500  # letters of an error that are passed on
OURS = ("utils", "experiments")
NOT_THERE = "{} is not defined at the end of your notebook; look at its spelling, and at the cells that stopped"
IDLE = ("matplotlib", "conda", "reset")  # magic commands that do nothing here; what stands below them runs


def make_shell() -> InteractiveShell:
    """What runs the cells, magic commands included; it keeps no history. No window, no command line and no way out is there.

    In a notebook a shell command that fails, or a plot in a window, ends no cell, so they do nothing, and the cell goes on.
    """
    shell = InteractiveShell.instance(
        config=Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    )
    torch.compile = _as_it_is  # there is no compiler
    shell.enable_gui = shell.ask_exit = shell.system = lambda *_, **__: None
    shell.getoutput, shell.db = lambda *_, **__: SList(), {}
    for name in IDLE:
        shell.register_magic_function(lambda line: None, magic_name=name)
    shell.run_cell("pass", store_history=False)  # what is imported at the first cell is there
    return shell


def serve(channel: Channel, shell: InteractiveShell) -> None:
    """The whole conversation: sources in, facts and errors out, then calls. EOFError when the grader hangs up."""
    cells, modules = codec.decode(channel.receive())
    for source in cells:
        channel.send(codec.encode(of_cell(source)))  # nothing of the student's has run yet: this can be believed
    sys.stdout = sys.stderr = Nowhere()
    sys.argv[:], sys.orig_argv[:] = [""], []
    _only(modules)
    for source in cells:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        channel.send(codec.encode(_said(error)[:MAX_ERROR] if error else ""))
    Desk(channel, shell.user_ns).serve()


def _as_it_is(function: Callable | None = None, **_: Any) -> Callable:
    """In place of a decorator, with or without options: the function decides the mark, and not how fast it is."""
    return function or _as_it_is


def _said(error: BaseException) -> str:
    """An error in words; of one in the syntax, the line instead of a file's name."""
    if isinstance(error, SyntaxError) and error.text:
        return f"{type(error).__name__}: {error.msg} (line {error.lineno}: {error.text.strip()})"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


class Nowhere(io.TextIOBase):
    """Takes all that is printed and keeps nothing: what a student prints at a secret input is nobody's business."""

    def write(self, text: str) -> int:
        return len(text)


class Desk:
    """Answers the grader's calls one by one, and passes on the calls that the student's code makes of the check's functions."""

    def __init__(self, channel: Channel, namespace: Mapping[str, Any]) -> None:
        self.channel, self.namespace = channel, namespace
        self.things: list[Any] = []  # what the student returned and stays here: functions, generators, objects
        self.around: AbstractContextManager = nullcontext()

    def serve(self) -> None:
        while True:
            self.handle(self.channel.receive())

    def handle(self, message: bytes) -> None:
        match codec.decode(message, self.found):
            case "task", *rules:
                self.around = guard(*map(tuple, rules))
            case "call", target, method, args, slope:
                before = codec.decode(message, self.found)[3]
                self.channel.send(self.answer(target, method, args, before, slope))

    def answer(self, target: Any, method: str, args: list[Any], before: list[Any], slope: tuple | None) -> bytes:
        """One call, and what came of it as a message: ("answer", value, changed) or ("error", message, unfinished)."""
        try:
            if isinstance(target, str) and target not in self.namespace:
                raise StudentError(NOT_THERE.format(target))
            call = calls.function(self.namespace, target) if isinstance(target, str) else calls.method(target, method)
            value, changed = calls.perform(call, args, before, slope and Slope(*slope), self.around)
            return codec.encode(("answer", value, sorted(changed)), codec.kept(self.things, codec.is_opaque))
        except StudentError as error:
            return codec.encode(("error", str(error)[:MAX_ERROR], error.unfinished))
        except codec.CodecError as error:
            return codec.encode(("error", f"the result cannot be checked: {error}", False))
        except BaseException as error:
            return codec.encode(("error", f"{type(error).__name__}: {error}"[:MAX_ERROR], False))

    def found(self, number: int, type: str) -> Any:
        """What stands for an object in a message: the student's own where the number is negative, else a way to the check's."""
        return self.things[~number] if number < 0 else lambda *args, **named: self.ask(number, args, named)

    def ask(self, number: int, args: tuple, named: dict) -> Any:
        """Call the check's function of that number. While it runs, it may call us."""
        self.channel.send(codec.encode(("ask", number, args, named), codec.kept(self.things, codec.is_opaque)))
        while True:
            message = self.channel.receive()
            match codec.decode(message, self.found):
                case "given", value:
                    return value
                case "failed", kind, text:
                    raise {e.__name__: e for e in (ValueError, TypeError, IndexError, KeyError)}.get(kind, RuntimeError)(text)
                case _:
                    self.handle(message)


def _only(modules: Mapping[str, str]) -> None:
    """From now on the course's package holds these modules (name -> source) and a `check` that does nothing."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.meta_path.insert(0, Given({"utils.grading.student": "def check(id): pass", **modules}))


class Given(MetaPathFinder, Loader):
    """Imports the course's modules from their sources, and refuses all of ours that were not given."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        parents = {name.rpartition(".")[0] for name in sources}
        self.packages = {".".join(p.split(".")[: i + 1]) for p in parents for i in range(p.count(".") + 1)}
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in OURS:
            return None
        if name not in self.packages and name not in self.sources:
            raise ModuleNotFoundError(
                f"{name} is not there while your work is graded: its tasks ask for code of your own", name=name
            )
        return spec_from_loader(name, self, is_package=name in self.packages)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.sources.get(module.__name__, ""), module.__dict__)
