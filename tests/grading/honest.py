"""A corpus of honest but messy submissions: what students really hand in, each with the mark that is fair, and why.

What is fair: the notebook is run once in a fresh Python, as "Restart and run all" does, and then each task is checked with what
its names stand for at the end. What fails on the way costs what depends on it, and nothing else.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

import nbformat
from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from answers.chapter_01 import BITS, CLIP, GENERATE, INDEXED, LSTM, RUN_RNN
from grading.hostile.attack import ROOT, notebook

FIRST, SECOND = "00-getting-started", "01-recurrent-networks"
FILE = f"{FIRST}.ipynb"
ALL, ONE, OTHER, NONE = {"00.1": 1.0, "00.2": 2.0}, {"00.1": 1.0}, {"00.2": 2.0}, {}
Notebook = Mapping[str, Any]


@dataclass(frozen=True)
class Honest:
    """One submission: the files in the student's folder, the points that are fair (0 where none stand), and what is said.

    Each of `says` is an expression that some sentence to the student matches; a note that matches none must not be there.
    """

    name: str
    why: str
    files: Mapping[str, Any]  # path -> a notebook, or bytes
    points: Mapping[str, float]
    says: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else as_bytes(content))


def mess(name: str, why: str, handed: Any, points: Mapping[str, float], *says: str) -> Honest:
    """`handed` is exercise 00, or the files by their paths."""
    return Honest(name, why, {FILE: handed} if "cells" in handed else handed, points, says)


# What students and programs do to a notebook


def book(one: str = VECTORISED, two: str = CROSS_ENTROPY, before: Any = (), after: Any = ()) -> Notebook:
    """Exercise 00 with these answers, and a cell or cells of one's own before the first task and at the end."""
    return notebook({"00.1": one, "00.2": two}, *map(listed, (before, after)))


def chapter(answers: Mapping[str, str], before: Any = (), after: Any = ()) -> dict[str, Notebook]:
    """Exercise 01 with these answers."""
    return {f"{SECOND}.ipynb": notebook(answers, *map(listed, (before, after)), SECOND)}


def listed(sources: Any) -> tuple[str, ...]:
    return (sources,) if isinstance(sources, str) else tuple(sources)


def changed(found: Notebook, change: Callable[[Any], Any], *ids: str) -> Notebook:
    """The notebook with `change` done to the cells that bear these ids, or to all of them."""
    found = copy.deepcopy(found)
    for cell in found["cells"]:
        if not ids or cell.get("id") in ids:
            change(cell)
    return found


def without(found: Notebook, *ids: str) -> Notebook:
    return {**found, "cells": [cell for cell in found["cells"] if cell["id"] not in ids]}


def with_cell(found: Notebook, id: str, after: int, cell: Any) -> Notebook:
    """With one more cell, before (0) or after (1) ours of that id."""
    place = [cell["id"] for cell in found["cells"]].index(id) + after
    return {**found, "cells": [*found["cells"][:place], cell, *found["cells"][place:]]}


def ours(found: Notebook, id: str) -> Any:
    return next(cell for cell in found["cells"] if cell["id"] == id)


def reordered(found: Notebook, order: Callable[[list], list]) -> Notebook:
    return {**found, "cells": order(found["cells"])}


def turned(kind: str) -> Callable[[Any], None]:
    return lambda cell: cell.update(cell_type=kind)


def set_source(source: str) -> Callable[[Any], None]:
    return lambda cell: cell.update(source=source)


def bare(cell: Any) -> None:
    cell.pop("id", None)


def through_colab(cell: Any) -> None:
    cell.update(metadata={"id": f"Xy{len(cell.source)}", "execution": {}, "outputId": "a1b2", "colab": {"height": 1}})
    bare(cell)


def through_vscode(cell: Any) -> None:
    more = {"vscode": {"languageId": "python"}, "execution": {"iopub.status.busy": "2026-01-01"}}
    cell.update(id=f"VSC-{len(cell.source):x}", metadata={**cell.metadata, **more})


def as_lines(cell: Any) -> None:
    cell.update(source=cell.source.splitlines(keepends=True))


def full_of_outputs(cell: Any) -> None:
    if cell.cell_type == "code":
        cell.update(outputs=[{"output_type": "stream", "name": "stdout", "text": ["step 1: loss 0.1\n"] * 20_000}])


def without_outputs(cell: Any) -> None:
    cell.pop("outputs", None)
    cell.pop("execution_count", None)


def with_windows_lines(cell: Any) -> None:
    cell.update(source=cell.source.replace("    ", "\t").replace("\n", "\r\n"))


def as_version_3(found: Notebook) -> Notebook:
    cells = [
        {"cell_type": c["cell_type"], "input" if c["cell_type"] == "code" else "source": c["source"]} for c in found["cells"]
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells, "metadata": {}}]}


def as_bytes(found: Notebook, encoding: str = "utf-8") -> bytes:
    return json.dumps(found, ensure_ascii=False).encode(encoding, "replace")


def handed_in(source: str) -> Any:
    return nbformat.v4.new_notebook(cells=[code(source)])


code = nbformat.v4.new_code_cell
UNTOUCHED = nbformat.read(ROOT / "exercises" / FILE, as_version=4)
COLAB = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}, "accelerator": "GPU"}
VSCODE = {"language_info": {"name": "python", "version": "3.12.1"}, "kernelspec": {"name": ".venv", "language": "python"}}

# What they write

SOFTMAX = """def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)"""
WRONG = "def softmax(logits):\n    return np.exp(logits) / np.exp(logits).sum()"
STUB = ours(UNTOUCHED, "task-00-1")["source"]
SHIFT = "def shift(logits):\n    return logits - logits.max(axis=1, keepdims=True)"
SHIFTED = SOFTMAX.replace("logits - logits.max(axis=1, keepdims=True)", "shift(logits)")
USES = """def cross_entropy(logits, targets):
    right = (logits - logits.max(1, keepdims=True))[np.arange(len(targets)), targets]
    smallest = softmax(logits).max(1)
    return np.mean(-right - np.log(smallest)) / np.log(2)"""
BOTH = f"{SOFTMAX}\n\n\n{CROSS_ENTROPY}"
TIMED = """import functools, time
def timed(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        start = time.time()
        result = f(*args, **kwargs)
        print(f.__name__, time.time() - start)
        return result
    return inner"""
NOISE = """
    print("logits", logits.shape)
    warnings.warn("large")
    logging.warning("large")
    clear_output()
    np.log(0)
"""
POOL = """import torch
torch.set_num_threads(4)
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(abs, range(8))))"""
CALLABLE = f"""class Softmax:
    def __call__(self, logits):
        return weights(logits)

softmax = Softmax()

{SOFTMAX.replace("softmax", "weights")}"""
PARTIAL = f"""import functools
{SOFTMAX.replace("softmax(logits", "along(axis, logits").replace("axis=1", "axis=axis")}
softmax = functools.partial(along, 1)"""
RECURSIVE = f"""def cross_entropy(logits, targets):
    if len(targets) == 1:
        return one(logits, targets)
    n = len(targets)
    return (one(logits[:1], targets[:1]) + (n - 1) * cross_entropy(logits[1:], targets[1:])) / n

{CROSS_ENTROPY.replace("cross_entropy", "one")}"""
LISTS = """import math
from itertools import *
def softmax(logits):
    e = [[math.exp(v - max(row)) for v in row] for row in logits]
    return np.array([[v / sum(row) for v in row] for row in e])"""
COMPARED = """import torch
x = np.random.randn(3, 4)
assert np.allclose(softmax(x), torch.softmax(torch.from_numpy(x), -1))"""
TENSORS = """import torch
def softmax(logits):
    e = torch.exp(torch.from_numpy(logits - logits.max(1, keepdims=True)))
    return (e / e.sum(1, keepdim=True)).numpy()"""
LOGSUMEXP = """from scipy.special import logsumexp
def softmax(logits):
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))"""
NAMED = """def softmax(x, axis=1, verbose=False):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)"""
SAVING = """plt.plot([1])
plt.savefig("p.png")
torch.save({"a": 1}, "m.pt")
np.save("a.npy", np.eye(2))
np.load("a.npy")"""
CHAPTER = {
    "01.1": RUN_RNN.replace("np.zeros((B, T, W_hh.shape[0]))", "np.zeros((B, T, W_hh.shape[0]), dtype=np.float32)"),
    "01.2": INDEXED,
    "01.3": """def windows(ids, batch, time):
    length = (len(ids) - 1) // batch
    count = length // time
    views = [ids[i : i + batch * length].reshape(batch, length)[:, : count * time] for i in (0, 1)]
    return [view.reshape(batch, count, time).transpose(1, 0, 2) for view in views]""",
    "01.4": LSTM.replace("return h_new, c_new", "return [h_new + bias, c_new.requires_grad_()]"),
    "01.5": CLIP.replace("return list(gradients)", "return gradients"),
    "01.6": BITS,
    "01.7": GENERATE.replace("int(np.argmax(logits))", "np.argmax(logits)"),
}
COMPILED = f"{BITS}\nbits_per_character = torch.compile(bits_per_character, mode='reduce-overhead')"
BIAS = "torch.manual_seed(0)\nbias = torch.zeros(1, requires_grad=True)"
MOST = {"01.1": 1.0, "01.2": 1.0, "01.3": 2.0, "01.4": 2.0, "01.5": 2.0, "01.6": 2.0, "01.7": 2.0}

DEBRIS = [
    mess("whole", "The tasks are solved in their places.", book(), ALL),
    mess(
        "plots",
        "Plots and prints are what a notebook is for.",
        book(
            before=["%matplotlib inline\nimport matplotlib.pyplot as plt", "%config InlineBackend.figure_format = 'retina'"],
            after=[
                "plt.plot(softmax(np.zeros((1, 3)))[0])\nplt.title('weights')\nplt.show()",
                "print(softmax(np.eye(3)))\n1 + 1",
            ],
        ),
        ALL,
    ),
    mess(
        "plot-notebook",
        "An interactive plot needs a browser; no task needs it.",
        book(before="%matplotlib notebook\nimport matplotlib.pyplot as plt", after="plt.plot([1, 2])\nplt.show()"),
        ALL,
    ),
    mess("pip", "What is installed already need not be.", book(before=["!pip install numpy", "%pip install -q torch"]), ALL),
    mess(
        "shell",
        "There is no shell where work is graded; nothing depends on it here.",
        book(before=["!ls -la", "files = !ls", "%%bash\necho hello", "%cd ..\n%pwd"]),
        ALL,
        "bash.*stopped with PermissionError",
    ),
    mess("time", "A cell that is timed is a cell.", book(f"%%time\n{SOFTMAX}", f"%%capture out\n{CROSS_ENTROPY}"), ALL),
    mess(
        "timeit",
        "Below %%timeit a function is defined for the timing alone: in Jupyter too, softmax is not there afterwards.",
        book(f"%%timeit -n 10 -r 2\n{SOFTMAX}"),
        OTHER,
        "softmax is not defined at the end",
    ),
    mess("timeit-line", "A timed call costs time only.", book(after="%timeit -n 5 -r 2 softmax(np.eye(3))"), ALL),
    mess("autoreload", "A habit that costs nothing.", book(before="%load_ext autoreload\n%autoreload 2"), ALL),
    mess(
        "colab-drive",
        "The drive is not there; no task needs it.",
        book(before="from google.colab import drive\ndrive.mount('/content/drive')"),
        ALL,
        "No module named 'google'",
    ),
    mess(
        "input",
        "Nobody is there to answer; the cell is lost, and no task needs it.",
        book(after='n = int(input("How many? "))\nprint(n)'),
        ALL,
        "stopped with EOFError",
    ),
    mess(
        "input-in-the-answer",
        "The cell stops before the function is defined: it needs somebody at the keyboard.",
        book(f'n = int(input("How many? "))\n{SOFTMAX}'),
        OTHER,
        "softmax is not defined at the end",
        "stopped with EOFError",
    ),
    mess(
        "own-file",
        "The file was not handed in, and no task needs it.",
        book(after=['data = np.load("measurements.npy")', 'print(open("notes.txt").read())']),
        ALL,
        "No such file.*measurements.npy",
        "No such file.*notes.txt",
    ),
    mess(
        "own-module",
        "Only the notebook runs: what stands in another file is not there.",
        book(f"from helper import shift\n{SOFTMAX.replace('logits - logits.max(axis=1, keepdims=True)', 'shift(logits)')}"),
        OTHER,
        "Python and NumPy only.*helper.shift",
        "No module named 'helper'",
    ),
    mess(
        "own-module-handed-in",
        "Only the notebook runs, and not a module that was handed in beside it.",
        {f"{FIRST}.ipynb": book(f"from helper import shift\n{SOFTMAX}"), "helper.py": b"def shift(x): return x"},
        OTHER,
        "not defined at the end",
        "No module named 'helper'",
    ),
    mess(
        "writefile",
        "A task asks for a function in the notebook, not in a module that the notebook writes.",
        book("from helper import softmax", before=f"%%writefile helper.py\nimport numpy as np\n{SOFTMAX}"),
        OTHER,
        "Python and NumPy only.*helper.softmax",
        "No module named 'helper'",
    ),
    mess(
        "saves",
        "It may write files; they are thrown away.",
        book(
            before="import matplotlib.pyplot as plt\nimport torch",
            after=SAVING,
        ),
        ALL,
    ),
    mess(
        "download",
        "There is no network; the cell is lost.",
        book(before='import urllib.request\nurllib.request.urlopen("http://example.org/data.csv").read()'),
        ALL,
        "stopped with URLError",
    ),
    mess(
        "endless",
        "A loop without end in a cell of one's own costs that cell.",
        book(after="loss = 1.0\nwhile loss > 0:\n    loss = loss * 0.999 + 0.001"),
        ALL,
        "left out.*second",
    ),
    mess("sleeps", "A slow cell costs that cell.", book(before="import time\ntime.sleep(30)"), ALL, "left out.*second"),
    mess("exit", "It would end the notebook; here it ends the cell.", book(before="exit()", after="quit()"), ALL),
    mess(
        "raises",
        "A cell that is made to fail fails.",
        book(before="raise SystemExit", after=["assert False, 'not done'", "import sys\nsys.exit(1)"]),
        ALL,
        "stopped with SystemExit.$",
        "AssertionError: not done",
        "SystemExit: 1",
    ),
    mess(
        "pdb",
        "A stop of the debugger ends its cell.",
        book(after="import pdb; pdb.set_trace()\nx = 1"),
        ALL,
        "stopped with BdbQuit.$",
    ),
    mess(
        "breakpoint",
        "The function cannot be called while it waits for somebody.",
        book(SOFTMAX.replace("    return", "    breakpoint()\n    return")),
        OTHER,
        "BdbQuit",
    ),
    mess(
        "widgets",
        "Widgets and display show something to somebody.",
        book(
            after=[
                "from ipywidgets import interact\ninteract(lambda k: print(k), k=(0, 10))",
                "display(np.eye(2))\nfrom IPython.display import HTML, clear_output\nHTML('<b>x</b>')",
                "%%html\n<b>bold</b>",
                "softmax?\nnp.exp?",
                "from tqdm.notebook import tqdm\nfor i in tqdm(range(3)): pass",
            ]
        ),
        ALL,
    ),
    mess(
        "await",
        "A notebook may wait at its top level.",
        book(
            before="import asyncio\nawait asyncio.sleep(0.01)\nasync def f():\n    return 1\nv = await f()",
            after="assert v == 1",
        ),
        ALL,
    ),
    mess(
        "memory",
        "More memory than there is costs its cell.",
        book(before="huge = np.ones((200_000, 200_000))"),
        ALL,
        "stopped with MemoryError",
    ),
    mess(
        "plots-on-top", "The line above it opens no window, and the answer runs.", book(f"%matplotlib inline\n{SOFTMAX}"), ALL
    ),
    mess(
        "shell-on-top",
        "A command that cannot run ends no cell in Jupyter.",
        book(f"!pip install x\n%pip install x\n{SOFTMAX}"),
        ALL,
    ),
    mess(
        "temporary",
        "It may write temporary files.",
        book(after="import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n    f.write(b'x')"),
        ALL,
    ),
    mess(
        "arguments",
        "The command line is empty.",
        book(before="import argparse\nprint(argparse.ArgumentParser().parse_args())"),
        ALL,
    ),
    mess(
        "slow-cells",
        "Together they take too long; the tasks need none of them.",
        book(before=["import time\ntime.sleep(2.5)"] * 9),
        ALL,
        "was left out: the cells of this notebook take more than 18 seconds",
    ),
    mess(
        "workers",
        "No other process can be started; the cell is lost.",
        book(after="import torch\nfrom torch.utils.data import DataLoader\nlist(DataLoader(torch.arange(8), num_workers=2))"),
        ALL,
        "stopped with (FileNotFound|Permission)Error",
    ),
    mess(
        "timed-scipy",
        "The statement asks for NumPy, timed or not.",
        book("%%time\nfrom scipy.special import softmax as theirs\ndef softmax(x):\n    return theirs(x, axis=1)"),
        OTHER,
        "asks you to write softmax.*scipy.special.softmax",
    ),
    mess(
        "reset",
        "A clean sheet at the top hurts nobody in Jupyter, where our imports come after it.",
        with_cell(book(), "setup", 0, code("%reset -f")),
        ALL,
    ),
    mess(
        "device",
        "Without a GPU it takes the CPU.",
        book(before='import torch\ndevice = "cuda" if torch.cuda.is_available() else "cpu"\ntorch.zeros(2).to(device)'),
        ALL,
    ),
    mess("cuda", "There is no GPU; the cell is lost.", book(before='import torch\ntorch.zeros(2, device="cuda")'), ALL, "CUDA"),
    mess(
        "threads",
        "Threads are allowed.",
        book(
            before=POOL,
        ),
        ALL,
    ),
    mess("python-2", "A cell for Python 2 is lost.", book(after='print "hello"'), ALL, "SyntaxError"),
    mess(
        "absent-package",
        "A package that is not there costs its cell.",
        book(after="import seaborn as sns\nsns.set()"),
        ALL,
        "No module named 'seaborn'",
    ),
    mess(
        "absent-package-in-the-answer",
        "The cell stops before the function is defined.",
        book(f"import seaborn as sns\n{SOFTMAX}"),
        OTHER,
        "No module named 'seaborn'",
        "softmax is not defined at the end",
    ),
    mess(
        "own-checks",
        "Checking oneself is what checks are for.",
        book(after=['check("00.1")', 'check("00.1"); check("00.2")', 'check("01.1")']),
        ALL,
    ),
    mess(
        "own-asserts",
        "The assertion fails because a stub is unfinished; the other task counts.",
        notebook({"00.1": SOFTMAX}, (), ["assert np.isclose(cross_entropy(np.zeros((1, 2)), np.zeros(1, int)), 1)"]),
        ONE,
        "assert.*NotImplementedError",
        "return the mean number of bits",
    ),
    mess(
        "book-parts",
        "The book's own modules are not there; no task needs them.",
        book(before="from utils.ngram import *"),
        ALL,
        "utils.ngram is not there",
    ),
    mess(
        "main-guard",
        "A notebook is the main program.",
        book(after='if __name__ == "__main__":\n    print(softmax(np.eye(2)))'),
        ALL,
    ),
    mess(
        "settings",
        "Settings of NumPy and of warnings do not reach into the check.",
        book(
            before='import warnings\nwarnings.filterwarnings("error")\nnp.seterr(all="raise")\nnp.set_printoptions(precision=3)'
        ),
        ALL,
    ),
    mess(
        "gui-backend",
        "No window can open; the cell is lost at most.",
        book(before='import matplotlib\nmatplotlib.use("TkAgg")'),
        ALL,
        "Cannot load backend 'TkAgg'",
    ),
]

STRUCTURE = [
    mess("split", "An answer over two cells is an answer.", with_cell(book(SHIFTED), "task-00-1", 1, code(SHIFT)), ALL),
    mess(
        "helper-below",
        "When the function is called, all cells have run.",
        book(f"{SHIFTED}\n\n\n{SHIFT}", CROSS_ENTROPY.replace("np.log(2)", "nat()"), after="def nat():\n    return np.log(2)"),
        ALL,
    ),
    mess("moved", "The task asks for a function, not for a place.", without(book(after=SOFTMAX), "task-00-1"), ALL),
    mess("both-moved", "One new cell may hold it all.", without(book(after=BOTH), "task-00-1", "task-00-2"), ALL),
    mess("reordered", "The order of the tasks is theirs.", reordered(book(two=USES), lambda cells: cells[::-1]), ALL),
    mess("imports-last", "The imports that we gave run first.", reordered(book(), lambda cells: [*cells[4:], *cells[:4]]), ALL),
    mess("imports-gone", "The imports that we gave run all the same.", without(book(), "setup", "first", "imports"), ALL),
    mess("stub-left", "The stub is ours, the function below it theirs.", notebook({"00.2": CROSS_ENTROPY}, (), [SOFTMAX]), ALL),
    mess(
        "stub-below", "A stub that was copied in below takes nothing away.", with_cell(book(), "check-00-1", 1, code(STUB)), ALL
    ),
    mess("stub-copied", "So does one with our ids.", with_cell(book(), "check-00-1", 1, ours(UNTOUCHED, "task-00-1")), ALL),
    mess("later-right", "The later of two counts, as in Python.", book(WRONG, after=SOFTMAX), ALL),
    mess("later-right-in-one-cell", "The later of two counts, as in Python.", book(f"{WRONG}\n\n\n{SOFTMAX}"), ALL),
    mess("later-wrong", "The later of two counts, as in Python.", book(after=WRONG), OTHER, "one sum for the whole array"),
    mess(
        "renamed",
        "The statement gives the name; the other task may use the new one.",
        book(SOFTMAX.replace("softmax", "my_softmax"), USES.replace("softmax", "my_softmax")),
        OTHER,
        "softmax is not defined at the end",
    ),
    mess(
        "overwritten",
        "At the end softmax is no function any more.",
        book(after="softmax = softmax(np.eye(3))"),
        OTHER,
        "softmax is .*ndarray.*function",
    ),
    mess(
        "shadowed",
        "After the whole notebook has run, np is 3, and the functions need it.",
        book(after="np = 3"),
        NONE,
        "'int' object has no attribute.*in softmax",
        "'int' object has no attribute.*in cross_entropy",
    ),
    mess(
        "shadowed-builtin",
        "After the whole notebook has run, sum is a number, and the function needs it.",
        book(two=CROSS_ENTROPY.replace("np.sum", "sum"), after="sum = 0"),
        ONE,
        "'int' object is not callable.*in cross_entropy",
    ),
    mess(
        "deleted",
        "After the whole notebook has run, softmax is gone.",
        book(after="del softmax"),
        OTHER,
        "softmax is not defined at the end",
    ),
    mess(
        "global",
        "What a cell defines, the function may use.",
        book(SOFTMAX.replace("axis=1", "axis=AXIS"), before="AXIS = 1"),
        ALL,
    ),
    mess(
        "global-gone",
        "It worked because of a cell that was deleted since; after a restart it does not.",
        book(SOFTMAX.replace("axis=1", "axis=AXIS")),
        OTHER,
        "name 'AXIS' is not defined.*in softmax",
    ),
    mess(
        "global-in-a-check-cell",
        "Check cells are not the student's, and do not run; the note says where the line belongs.",
        changed(book(SOFTMAX.replace("axis=1", "axis=AXIS")), set_source('AXIS = 1\ncheck("00.1")'), "check-00-1"),
        OTHER,
        "changed check cell.*cell of its own",
        "name 'AXIS' is not defined",
    ),
    mess(
        "inside-main",
        "A function inside a function has no name outside.",
        book(f"def main():\n{indent(SOFTMAX, 4 * ' ')}\n\n\nmain()"),
        OTHER,
        "softmax is not defined at the end",
    ),
    mess(
        "syntax-error",
        "A cell that is no Python is lost, and no other.",
        book(SOFTMAX.replace(":\n", "\n", 1)),
        OTHER,
        "SyntaxError",
        "softmax is not defined at the end",
    ),
    mess(
        "indentation",
        "A pasted line stands too far to the right.",
        book(SOFTMAX.replace("    return", "      return")),
        OTHER,
        "IndentationError",
        "softmax is not defined at the end",
    ),
    mess(
        "unfinished-line",
        "The cell is not finished.",
        book("def softmax(logits):\n    powers ="),
        OTHER,
        "SyntaxError",
        "softmax is not defined at the end",
    ),
    mess("one-done", "One task is done, one not begun.", notebook({"00.1": SOFTMAX}), ONE, "return the mean number of bits"),
    mess(
        "begun",
        "The line that says what is missing is still there.",
        book(SOFTMAX.replace("    return", "    raise NotImplementedError\n    return")),
        OTHER,
        "Still to do: replace the NotImplementedError",
    ),
    mess("pass", "Nothing comes back.", book("def softmax(logits):\n    pass"), OTHER, "your answer is None"),
    mess("untouched", "Nothing was done.", UNTOUCHED, NONE, "return the probabilities", "return the mean number"),
]

WRITTEN_BY = [
    mess("windows", "Tabs and line ends of Windows are Python.", changed(book(), with_windows_lines), ALL),
    mess(
        "tabs-and-spaces",
        "Python refuses tabs mixed with spaces.",
        book(SOFTMAX.replace("    return", "\treturn")),
        OTHER,
        "TabError|IndentationError",
        "softmax is not defined at the end",
    ),
    mess(
        "smart-quotes",
        "A word processor's quotes are no Python.",
        book(SOFTMAX.replace("\n", "\n    “the weights”\n", 1)),
        OTHER,
        "SyntaxError.*“",
        "softmax is not defined at the end",
    ),
    mess("smart-comment", "In a comment they are.", book(SOFTMAX.replace("\n", "  # “weights” — 3 × 4…\n", 1)), ALL),
    mess(
        "bom",
        "A mark at the beginning of the file is none of the text.",
        {f"{FIRST}.ipynb": as_bytes(book(), "utf-8-sig")},
        ALL,
    ),
    mess("utf-16", "Another encoding is an encoding.", {f"{FIRST}.ipynb": as_bytes(book(), "utf-16")}, ALL),
    mess(
        "latin-1",
        "Letters that cannot be read stand in a comment.",
        {f"{FIRST}.ipynb": as_bytes(book(f"# größer\n{SOFTMAX}"), "latin-1")},
        ALL,
        "UTF-8",
    ),
    mess(
        "emoji",
        "Text may hold what it likes, and names what Python allows.",
        {"00 🎉 fertig.ipynb": book(f"π = 3  # 🎉\n{SOFTMAX.replace('powers', 'größe')}", after="print('🎉', π)")},
        ALL,
    ),
    mess("emoji-name", "Python allows no emoji in a name; that cell is lost.", book(after="🎉 = 1"), ALL, "SyntaxError.*🎉"),
    mess("nbformat-4-0", "An old notebook has no ids.", {**changed(book(), bare), "nbformat_minor": 0}, ALL),
    mess("nbformat-3", "A very old notebook has worksheets.", {FILE: as_version_3(book())}, ALL),
    mess(
        "colab",
        "Colab gives cells ids of its own.",
        {**changed(book(), through_colab), "metadata": COLAB, "nbformat_minor": 0},
        ALL,
    ),
    mess("vscode", "VS Code gives cells ids of its own.", {**changed(book(), through_vscode), "metadata": VSCODE}, ALL),
    mess("lists-of-lines", "A source may be a list of lines.", changed(book(), as_lines), ALL),
    mess("outputs", "2 MB of outputs are no code.", changed(book(), full_of_outputs), ALL),
    mess("no-outputs", "Without outputs it is the same.", changed(book(), without_outputs), ALL),
    mess("text-as-code", "Our text turned into code does not run.", changed(book(), turned("code"), "about-00-1"), ALL),
    mess(
        "notes-as-code",
        "A text of one's own turned into code is lost.",
        book(after="My notes: softmax is a soft maximum."),
        ALL,
        "SyntaxError",
    ),
    mess(
        "code-as-text",
        "Text does not run; the note says what to do.",
        changed(book(), turned("markdown"), "task-00-1"),
        OTHER,
        "00.1 as text.*code cell",
        "softmax is not defined at the end",
    ),
    mess(
        "code-as-raw",
        "A raw cell does not run; the note says what to do.",
        changed(book(), turned("raw"), "task-00-2"),
        ONE,
        "00.2 as text.*code cell",
        "cross_entropy is not defined",
    ),
    mess("raw-notes", "Raw cells are notes.", with_cell(book(), "about-00-1", 1, nbformat.v4.new_raw_cell("raw >> text")), ALL),
    mess("no-cells", "There is nothing in it.", {**book(), "cells": []}, NONE, "no cells"),
    mess(
        "one-empty-cell",
        "There is nothing in it, and its name says what it should hold.",
        {**book(), "cells": [nbformat.v4.new_code_cell()]},
        NONE,
        "lacks.*00.1",
        "lacks.*00.2",
        "softmax is not defined at the end",
        "cross_entropy is not defined",
    ),
    mess("emptied", "The answer was deleted from its cell.", book(one=""), OTHER, "softmax is not defined at the end"),
    mess("empty-file", "The file is empty.", {f"{FIRST}.ipynb": b""}, NONE, "empty"),
    mess("cut-off", "The upload broke off.", {f"{FIRST}.ipynb": as_bytes(book())[:3000]}, NONE, "no complete notebook"),
    mess(
        "web-page",
        "The page was saved, not the notebook.",
        {f"{FIRST}.ipynb": b"<!doctype html><title>Jupyter</title>"},
        NONE,
        "no complete notebook",
    ),
    mess(
        "exported",
        "Exports are no notebook.",
        {f"{FIRST}.py": b"import numpy", f"{FIRST}.html": b"<html>"},
        NONE,
        "no notebook",
    ),
    mess(
        "long-data",
        "A cell that is too long is left out, and no task needs it.",
        book(before=f"data = {list(range(30_000))}"),
        ALL,
        "longer than",
    ),
]

FILES = [
    mess("renamed-file", "What a notebook is tells its cells, not its name.", {"01 - final (2).ipynb": book()}, ALL),
    mess("wrong-name", "It bears the name of another exercise; its cells tell.", {f"{SECOND}.ipynb": book()}, ALL),
    mess(
        "blank-and-solved",
        "Beside the notebook as it was handed out lies the solved one, and that is meant.",
        {f"{FIRST}.ipynb": UNTOUCHED, f"{FIRST} (1).ipynb": book()},
        ALL,
        r"\(1\).ipynb was graded",
    ),
    mess(
        "draft-and-final",
        "Of two answers the one under the exercise's own name counts, and the note says so.",
        {f"{FIRST}.ipynb": book(), f"{FIRST}-Copy1.ipynb": book(WRONG)},
        ALL,
        "Copy1.ipynb was not",
    ),
    mess("deep", "Folders do not matter.", {f"week 1/my work/exercises/{FIRST}.ipynb": book()}, ALL),
    mess(
        "zip-beside",
        "The notebook is there as well.",
        {f"{FIRST}.ipynb": book(), "all.zip": b"PK\3\4", "notes.docx": b"PK"},
        ALL,
    ),
    mess("zip-alone", "Nobody unpacked it.", {"all.zip": b"PK\3\4"}, NONE, "no notebook"),
    mess(
        "checkpoint",
        "Jupyter's own copy is not the student's answer.",
        {f"{FIRST}.ipynb": book(), f".ipynb_checkpoints/{FIRST}-checkpoint.ipynb": book(WRONG)},
        ALL,
    ),
    mess(
        "checkpoint-alone",
        "Jupyter's own copy is not what was meant to be handed in.",
        {f".ipynb_checkpoints/{FIRST}-checkpoint.ipynb": book()},
        NONE,
        "no notebook",
    ),
    mess("other-course", "It belongs to no exercise here.", {"hw3.ipynb": handed_in("x = 1")}, NONE, "belongs to no exercise"),
    mess(
        "other-course-beside",
        "It belongs to no exercise here; the other does.",
        {f"{FIRST}.ipynb": book(), "hw3.ipynb": handed_in("x = 1")},
        ALL,
        "hw3.ipynb belongs to no exercise",
    ),
    mess(
        "two-exercises",
        "Each notebook counts for itself.",
        {f"{FIRST}.ipynb": book(), **chapter(CHAPTER, BIAS)},
        ALL | MOST,
        "return the gradient",
    ),
]

CODE = [
    mess(
        "hints-without-imports",
        "The cell stops at the hint, in Jupyter too.",
        book(SOFTMAX.replace("(logits)", "(logits: Tensor) -> Optional[Tensor]", 1)),
        OTHER,
        "NameError.*'(Tensor|Optional)'",
        "softmax is not defined at the end",
    ),
    mess(
        "hints-of-the-future",
        "Hints that are not evaluated need no import.",
        book(f"from __future__ import annotations\n{SOFTMAX.replace('(logits)', '(logits: Tensor)', 1)}"),
        ALL,
    ),
    mess(
        "cache",
        "An array cannot be looked up in a cache.",
        book(f"from functools import lru_cache\n@lru_cache\n{SOFTMAX}"),
        OTHER,
        "unhashable type",
    ),
    mess("decorator", "A decorator of one's own is Python.", book(f"@timed\n{SOFTMAX}", before=TIMED), ALL),
    mess(
        "class",
        "An object that can be called is a function.",
        book(
            CALLABLE,
        ),
        ALL,
    ),
    mess(
        "class-of-that-name",
        "The class takes no logits.",
        book(f"class softmax:\n{indent(SOFTMAX.replace('softmax(logits', '__call__(self, logits'), 4 * ' ')}"),
        OTHER,
        "TypeError.*no arguments",
    ),
    mess(
        "lambda",
        "A lambda is a function.",
        book("softmax = lambda x: np.exp(x - np.logaddexp.reduce(x, axis=1, keepdims=True))"),
        ALL,
    ),
    mess(
        "partial",
        "So is a partial.",
        book(
            PARTIAL,
        ),
        ALL,
    ),
    mess(
        "recursion",
        "So is one that calls itself.",
        book(
            two=RECURSIVE,
        ),
        ALL,
    ),
    mess(
        "endless-recursion", "It never ends.", book("def softmax(logits):\n    return softmax(logits)"), OTHER, "RecursionError"
    ),
    mess(
        "endless-answer",
        "It never ends, and costs its own task only.",
        book("def softmax(logits):\n    while True:\n        pass"),
        OTHER,
        "within 3 seconds.*loop",
    ),
    mess(
        "list",
        "The statement asks for an array.",
        book(f"{SOFTMAX.replace('return powers', 'return (powers')}).tolist()"),
        OTHER,
        "of type list; expected a NumPy array",
    ),
    mess(
        "float32",
        "Single precision is precise enough.",
        book(
            f"{SOFTMAX.replace('return powers', 'return (powers')}).astype(np.float32)",
            CROSS_ENTROPY.replace("return total", "return np.float32(total)"),
        ),
        ALL,
    ),
    mess(
        "int",
        "A number of bits is no whole number.",
        book(two=CROSS_ENTROPY.replace("return total / len(targets)", "return int(total / len(targets))")),
        ONE,
        "whole numbers.*floating",
    ),
    mess(
        "scalars",
        "An array of no axes is a number.",
        book(two=CROSS_ENTROPY.replace("return total / len(targets)", "return np.array(total / len(targets))")),
        ALL,
    ),
    mess(
        "one-number-in-an-array",
        "The statement asks for one number.",
        book(two=CROSS_ENTROPY.replace("return total / len(targets)", "return np.array([total / len(targets)])")),
        ONE,
        r"shape \(1,\); expected \(\)",
    ),
    mess(
        "matrix",
        "A matrix is another thing than an array.",
        book(SOFTMAX.replace("return powers", "return np.asmatrix(powers)")),
        OTHER,
        "matrix cannot",
    ),
    mess(
        "printed",
        "It prints the answer and returns nothing.",
        book(SOFTMAX.replace("return ", "print(") + ")"),
        OTHER,
        "your answer is None",
    ),
    mess(
        "generator",
        "yield makes a generator of it.",
        book(SOFTMAX.replace("return", "yield")),
        OTHER,
        "of type generator; expected a NumPy array",
    ),
    mess("async", "async makes a coroutine of it.", book(f"async {SOFTMAX}"), OTHER, "of type coroutine"),
    mess(
        "in-place",
        "It writes into its argument: it is told, and loses nothing.",
        book(SOFTMAX.replace("    powers =", "    logits -= logits.max(axis=1, keepdims=True)\n    powers =")),
        ALL,
        "writes into logits of softmax",
    ),
    mess(
        "noisy",
        "What a function prints, warns and draws costs nothing.",
        book(SOFTMAX.replace("\n", NOISE, 1), before="import warnings, logging\nfrom IPython.display import clear_output"),
        ALL,
    ),
    mess(
        "displays",
        "In Jupyter, display and get_ipython are there at any time.",
        book(SOFTMAX.replace("\n", "\n    display(logits)\n    get_ipython()\n", 1)),
        ALL,
    ),
    mess(
        "random",
        "Its own random numbers cost nothing.",
        book(SOFTMAX.replace("\n", "\n    np.random.seed(3)\n    logits = logits + 0 * np.random.randn(*logits.shape)\n", 1)),
        ALL,
    ),
    mess("star", "Names may come by a star.", book(SOFTMAX.replace("np.", ""), before="from numpy import *"), ALL),
    mess("long-names", "NumPy has a long name too.", book(f"import numpy as numpy\n{SOFTMAX.replace('np.', 'numpy.')}"), ALL),
    mess(
        "math",
        "The standard library is Python.",
        book(
            LISTS,
        ),
        ALL,
    ),
    mess(
        "unused-import",
        "What is imported and not used does no task.",
        book(f"import torch.nn.functional as F\nfrom scipy.special import softmax as theirs\n{SOFTMAX}"),
        ALL,
    ),
    mess(
        "compared",
        "It compares its answer with PyTorch's, in a cell of its own.",
        book(
            after=COMPARED,
        ),
        ALL,
    ),
    mess(
        "torch-in-numpy",
        "The statement asks for NumPy.",
        book(
            TENSORS,
        ),
        OTHER,
        "Python and NumPy only.*torch",
    ),
    mess(
        "scipy",
        "The statement asks for NumPy.",
        book(
            LOGSUMEXP,
        ),
        OTHER,
        "Python and NumPy only.*scipy",
    ),
    mess(
        "whole-call",
        "The call does the whole task.",
        book("import torch\ndef softmax(logits):\n    return torch.softmax(torch.tensor(logits), -1).numpy()"),
        OTHER,
        "asks you to write softmax.*torch.softmax",
    ),
    mess(
        "own-names",
        "The check gives the arguments by their places.",
        book(
            NAMED,
        ),
        ALL,
    ),
    mess(
        "argument-more",
        "The check gives what the statement names.",
        book(SOFTMAX.replace("(logits)", "(logits, axis)", 1)),
        OTHER,
        "missing 1 required positional argument: 'axis'",
    ),
    mess(
        "counter",
        "It may count its calls.",
        book(SOFTMAX.replace("\n", "\n    global calls\n    calls += 1\n", 1), before="calls = 0"),
        ALL,
    ),
    mess(
        "chapter",
        "Views, float32, NumPy's whole numbers, and tensors with a gradient are what the statement asks for.",
        chapter(CHAPTER, BIAS),
        MOST,
        "return the gradient",
    ),
    mess(
        "compiled",
        "It computes the same, compiled or not.",
        chapter({"01.4": f"@torch.compile\n{LSTM.strip()}", "01.6": COMPILED}),
        {"01.4": 2.0, "01.6": 2.0},
    ),
    mess(
        "scripted",
        "It computes the same, scripted or not.",
        chapter({"01.4": f"@torch.jit.script\n{LSTM.strip()}"}),
        {"01.4": 2.0},
    ),
    mess(
        "no-grad",
        "The statement says that the answer is a loss; no gradient flows through this one.",
        chapter({"01.6": f"@torch.no_grad()\n{BITS.strip()}"}),
        NONE,
        "no gradient flows back",
    ),
    mess(
        "tokens-as-floats",
        "The statement asks for whole numbers.",
        chapter({"01.7": GENERATE.replace("int(", "float(")}),
        NONE,
        "floating-point numbers.*whole",
    ),
]

CASES = [*DEBRIS, *STRUCTURE, *WRITTEN_BY, *FILES, *CODE]
