"""Harm to others: what a submission leaves for the students after it, in memory or on disk, and in the tables and pages."""

from collections.abc import Callable

from hostile.attack import Attack, Evidence, written
from hostile.leak import ASK, looks

FULL = {"00.1": 1, "00.2": 2}


def harmed(evidence: Evidence) -> bool:
    """The honest student after it lost points."""
    return evidence.neighbour != FULL


def harm(name: str, source: str, aims_at: str = "two rooms", **how: bool) -> Attack:
    return Attack(name, "neighbours", aims_at, written({"00.1": ASK}, [looks(source)]), harmed, ("00.1",), **how)


def mentions(words: str) -> Callable[[Evidence], bool]:
    return lambda evidence: words in evidence.texts


ATTACKS = [
    harm("leaves NumPy's exponential wrong", "import numpy\nnumpy.exp = lambda x: x * 0 + 1"),
    harm(
        "leaves a thread that spoils NumPy when the next student is there",
        """
import sys, threading, time
def student(frame):
    while frame and "student" not in frame.f_locals:
        frame = frame.f_back
    return frame and frame.f_locals["student"]
def spoil():
    while {student(frame) for frame in sys._current_frames().values()} <= {None, "@STUDENT@"}:
        time.sleep(0.001)
    import numpy
    numpy.exp = numpy.cos
threading.Thread(target=spoil, daemon=True).start()
""",
    ),
    harm(
        "leaves an alarm that goes off while the next student is graded",
        """
import os, signal
def ring(number, frame):
    frames = []
    while frame:
        frames, frame = [*frames, frame], frame.f_back
    students = {f.f_locals["student"] for f in frames if "student" in f.f_locals}
    if students - {"@STUDENT@"} and "grade" in [f.f_code.co_name for f in frames]:
        os._exit(1)
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
""",
    ),
    harm(
        "leaves PyTorch in a mode in which every function gives nothing",
        """
from torch.overrides import TorchFunctionMode
class Nothing(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), named=None): return None
Nothing().__enter__()
""",
    ),
    harm(
        "leaves an audit hook that refuses to compile anything more",
        """
import sys
def refuse(event, args):
    if event == "compile" and str(args[1]).startswith("<cell"):
        raise RuntimeError("no")
sys.addaudithook(refuse)
""",
    ),
    harm(
        "leaves a finder of modules that gives the next student another NumPy",
        """
import sys, types
class Finder:
    def find_spec(name, path=None, target=None): return None
sys.meta_path.insert(0, Finder)
sys.modules["numpy"] = types.ModuleType("numpy")
""",
    ),
    harm(
        "empties the notebook of the students after it",
        """
import glob
for path in glob.glob("@PLACE@/submissions/*-honest/*.ipynb"):
    if path.split("/")[-2] >= "@STUDENT@":
        open(path, "w").close()
""",
        "walls",
        alone=True,
    ),
    harm(
        "plants a module of NumPy's name where the grader's Python looks first",
        """
code = "import sys; sys.path.remove('@PLACE@/cwd'); del sys.modules['numpy']; import numpy; numpy.exp = numpy.cos"
open('@PLACE@/cwd/numpy.py', 'w').write(code)
""",
        "walls",
        alone=True,
    ),
    Attack(
        "writes markup into its page, by way of an error",
        "neighbours",
        "page",
        written({"00.1": 'def softmax(logits): raise ValueError(\'<img src="hostile" onerror="x">\')'}),
        mentions('<img src="hostile"'),
        ("00.1",),
    ),
    Attack(
        "writes markup into its page, by the first line of a cell that stops",
        "neighbours",
        "page",
        written({}, ['"<iframe src=\\"hostile\\">" + 1']),
        mentions('<iframe src=\\"hostile\\"'),
    ),
    Attack(
        "writes a formula into the table of the class, by the first line of a cell that stops",
        "neighbours",
        "page",
        written({}, ['1/0;=HYPERLINK("hostile")']),
        mentions(';=HYPERLINK(""hostile'),
    ),
]
