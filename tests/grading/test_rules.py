"""What the code of a task may call: told from its source, and stopped while it runs."""

import importlib
import json
import sys
from functools import wraps
from importlib.util import find_spec, module_from_spec
from pathlib import Path

import answers
import nbformat
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from utils.grading import calls
from utils.grading.allowed.facts import MAX_SIZE, MAX_SOURCE, facts
from utils.grading.allowed.guard import Forbidden, guard
from utils.grading.allowed.rules import MAX_SENTENCES, violations
from utils.grading.rooms import Direct
from utils.grading.task import find, grade, known

SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").glob("*.ipynb"))
IMPORTS = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
SOFTMAX = ("torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax", ".softmax")


def told(*cells, names=("softmax",), may_use=("torch",), not_use=SOFTMAX) -> list[str]:
    """What is said about functions in these cells; the facts cross as text, as between processes."""
    return violations([json.loads(json.dumps(facts(cell))) for cell in cells], names, may_use, not_use)


def told_of(id: str, *cells: str) -> list[str]:
    task = find(id)
    return told(*cells, names=[*task.oracle], may_use=task.may_use, not_use=task.not_use)


def right(chapter: str) -> dict:
    """The right answers of a chapter, each with its `source`."""
    spec = find_spec(f"answers.chapter_{chapter}")
    module = module_from_spec(spec)
    plain = answers.written
    try:
        answers.written = lambda source: setattr(made := plain(source), "source", source) or made
        spec.loader.exec_module(module)
    finally:
        answers.written = plain
    return module.RIGHT


RIGHT = {id: made for chapter in sorted({id[:2] for id in known()}) for id, made in right(chapter).items()}
CELLS = [cell.source for path in SOLUTIONS for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def guarded(function, may_use, not_use):
    @wraps(function)
    def called(*args):
        with guard(may_use, not_use):
            return function(*args)

    return called


# The tasks of the book


@pytest.mark.parametrize("id", known())
def test_every_right_answer_may_be_given(id):
    task = find(id)
    (name,) = task.oracle
    for answer in RIGHT[id]:
        assert told_of(id, IMPORTS, answer.source) == []
        assert grade(task, Direct({name: guarded(answer, task.may_use, task.not_use)}), 3).passed


def test_every_solution_may_be_given():
    for path in SOLUTIONS:
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        for id in [id for id in known() if id[:2] == path.name[:2]]:
            assert told_of(id, *cells) == []


@pytest.mark.parametrize("id", [id for id in known() if find(id).may_use or find(id).not_use])
def test_what_a_task_names_is_there(id):
    """A misspelled name would allow and forbid nothing."""
    task = find(id)
    for name in (*task.may_use, *task.not_use):
        owner, _, last = name.rpartition(".")
        if name.startswith("."):
            assert hasattr(torch.Tensor, last)
        elif owner:
            assert callable(getattr(importlib.import_module(owner), last))
        else:
            importlib.import_module(name)


TRIED = [
    ("00.1", "def softmax(logits):\n    x = torch.tensor(logits)\n    return torch.softmax(x, 1).numpy()", "torch.softmax"),
    ("00.1", "def softmax(logits):\n    return F.softmax(torch.from_numpy(logits), dim=1)", "torch.nn.functional.softmax"),
    ("00.1", "def softmax(logits):\n    return nn.Softmax(1)(torch.tensor(logits)).numpy()", "torch.nn.Softmax"),
    ("00.1", "def softmax(logits):\n    return torch.tensor(logits).softmax(-1).numpy()", "the method softmax"),
    (
        "00.1",
        "from scipy.special import softmax as s\ndef softmax(logits):\n    return s(logits, axis=1)",
        "scipy.special.softmax",
    ),
    (
        "00.2",
        "def cross_entropy(logits, targets):\n    return F.cross_entropy(torch.tensor(logits), torch.tensor(targets))",
        "torch.nn.functional.cross_entropy",
    ),
    ("00.2", "loss = nn.CrossEntropyLoss()\ndef cross_entropy(x, y):\n    return loss(x, y)", "torch.nn.CrossEntropyLoss"),
    (
        "01.4",
        "def lstm_step(x, h, c, W_xh, W_hh, b):\n    cell = torch.nn.LSTMCell(*W_xh.shape)\n    return cell(x, (h, c))",
        "torch.nn.LSTMCell",
    ),
    ("01.4", "def lstm_step(x, h, c, *w):\n    return torch.lstm_cell(x, (h, c), *w)", "torch.lstm_cell"),
    ("01.4", "class Step(nn.LSTM):\n    pass\n\nlstm_step = Step(3, 4)", "torch.nn.LSTM"),
]


@pytest.mark.parametrize(("id", "source", "called"), TRIED)
def test_a_call_that_does_the_whole_task_is_named(id, source, called):
    (name,) = find(id).oracle
    first, *_ = told_of(id, IMPORTS, source)
    assert first.startswith(f'This task asks you to write {name}; your code calls {called}, in the line "')


def test_each_task_that_names_a_call_was_tried():
    assert {id for id, *_ in TRIED} == {id for id in known() if find(id).not_use}


@pytest.mark.parametrize(
    ("id", "source", "used"),
    [
        (
            "01.8",
            "def bptt(*a):\n    return torch.autograd.grad(*a)",
            "Python and NumPy only; your code uses torch.autograd.grad",
        ),
        ("05.5", "from sklearn.linear_model import Ridge\ndef ridge(X, Y, beta):\n    return Ridge(beta).fit(X, Y)", "Ridge"),
        ("04.4", "from utils import bpe\ndef encode(text, merges):\n    return bpe.encode(text, merges)", "utils.bpe.encode"),
        ("02.9", "import utils.decoding\nbeam_search = utils.decoding.beam_search", "uses utils.decoding.beam_search"),
        ("03.7", "import utils.word_vectors as w\ndef sampled_loss(*a): return w.loss(*a)", "Python, NumPy and torch only"),
    ],
)
def test_a_package_that_is_left_out_is_named(id, source, used):
    (sentence,) = told_of(id, IMPORTS, source)
    assert sentence.startswith("This task asks for Python")
    assert used in sentence


# What the source tells

HERE = "def softmax(x):\n    return {}(x, 0)"


@pytest.mark.parametrize(
    "cells",
    [
        [HERE.format("torch.softmax")],
        ["import torch as t", HERE.format("t.softmax")],
        [HERE.format("t.softmax"), "import torch as t"],  # run in another order than they stand
        ["from torch.nn import functional as G", HERE.format("G.softmax")],
        ["from torch.nn.functional import softmax as s", HERE.format("s")],
        ["G = torch.nn.functional", "s = G.softmax", HERE.format("s")],
        ["G, s = nn, F.softmax", HERE.format("s")],
        ["softmax = F.softmax"],
        ["softmax = s = torch.softmax"],
        ["softmax = lambda x: F.softmax(x, 0)"],
        ["from functools import partial\nsoftmax = partial(F.softmax, dim=0)"],
        ["def softmax(x):\n    import torch.nn.functional as G\n    return G.softmax(x)"],
        ["def softmax(x):\n    from torch import softmax\n    return softmax(x, 0)"],
        ["def softmax(x):\n    G = nn.functional\n    s = G.softmax\n    return s(x)"],
        ["def softmax(x):\n    G = nn\n    G = G.functional\n    return G.softmax(x)"],
        ["def softmax(x, F=F):\n    return F.softmax(x)"],
        ["def softmax(x, *, s=F.softmax):\n    return s(x)"],
        ["def softmax(x):\n    return getattr(F, 'softmax')(x, 0)"],
        ["def softmax(x):\n    return vars(F)['softmax'](x, 0)"],
        ["def softmax(x):\n    return F.__dict__['softmax'](x, 0)"],
        ["def softmax(x):\n    return globals()['F'].softmax(x, 0)"],
        ["import sys\ndef softmax(x):\n    return sys.modules['torch'].softmax(x, 0)"],
        ["import importlib\nG = importlib.import_module('torch.nn.functional')", HERE.format("G.softmax")],
        ["def softmax(x):\n    from importlib import import_module\n    return import_module('torch').softmax(x, 0)"],
        ["def softmax(x):\n    return __import__('torch.nn').nn.functional.softmax(x, 0)"],
        ["def softmax(x):\n    return torch.Tensor.softmax(x, 0)"],
        ["def softmax(x):\n    return torch.special.softmax(x, 0)"],
        ["def softmax(x):\n    return torch.ops.aten.softmax.int(x, 0)"],
        ["def softmax(x):\n    return torch.ops.aten._softmax(x, 0, False)"],
        ["def softmax(x):\n    return torch._C._nn.softmax(x, 0)"],
        ["class Layer(nn.Softmax):\n    pass", "softmax = Layer(0)"],
        ["class Mine:\n    def __call__(self, x):\n        return F.softmax(x, 0)", "softmax = Mine()"],
        ["class Mine:\n    by = F.softmax\n    def read(self, x):\n        return self.by(x)", "softmax = Mine().read"],
        ["def wrap(f):\n    return F.softmax", "@wrap\ndef softmax(x):\n    pass"],
        ["def softmax(x):\n    def inner(rows):\n        return [F.softmax(row, 0) for row in rows]\n    return inner(x)"],
        ["def softmax(x):\n    return torch.stack([F for F in [F.softmax(r, 0) for r in x]])"],
        ["def softmax(x):\n    [F for F in ()]\n    return F.softmax(x, 0)"],
        ["def softmax(x):\n    return (G := nn.functional).softmax(x, 0)"],
        ["def softmax(x):\n    with torch.no_grad() as n:\n        return torch.softmax(x, 0)"],
        ["def softmax(x):\n    match x:\n        case [*rest]:\n            return F.softmax(x, 0)"],
        ["async def softmax(x):\n    async with x as y:\n        return F.softmax(x, 0)"],
        ["def helper(x):\n    return F.softmax(x, 0)", "def between(x):\n    return helper(x)", HERE.format("between")],
        ["table = {'s': F.softmax}", "def softmax(x):\n    return table['s'](x)"],
        ["table = {}\ntable['s'] = F.softmax", "def softmax(x):\n    return table['s'](x)"],
        ["def softmax(x):\n    return softmax.by(x)", "softmax.by = F.softmax"],
        ["for s in [F.softmax]:\n    pass", HERE.format("s")],
        ["if (s := F.softmax):\n    pass", HERE.format("s")],
        ["[s := F.softmax for _ in 'a']", HERE.format("s")],
        ["class Mine:\n    F = 1\n    def read(self, x):\n        return F.softmax(x, 0)", "softmax = Mine().read"],
        ["def softmax(x):\n    global F\n    y = F.softmax(x, 0)\n    F = None\n    return y"],
        ["try:\n    from torch import softmax as s\nexcept ImportError:\n    s = None", HERE.format("s")],
        ["def softmax(x):\n    return x", "def setup():\n    global softmax\n    softmax = F.softmax\nsetup()"],
        ["def softmax(x):\n    return x", "softmax = F.softmax"],  # the last one counts, and so does every other
        ["softmax = F.softmax", "def softmax(x):\n    return x"],
        ["a = b", "b = a", "a = F", HERE.format("b.softmax")],
    ],
)
def test_what_the_source_says_is_seen(cells):
    sentences = told(IMPORTS, *cells, not_use=SOFTMAX[:-1])
    assert sentences
    assert all(sentence.startswith("This task asks you to write softmax; your code calls torch.") for sentence in sentences)


@pytest.mark.parametrize(
    "call", ["x.softmax(0)", "x.exp().softmax(0)", "x[0].y.softmax", "getattr(x + 1, 'softmax')(0)", "y.softmax(0)"]
)
def test_a_method_of_any_value_is_seen(call):
    (sentence,) = told("y = [1]", f"def softmax(x):\n    return {call}")
    assert sentence == f'This task asks you to write softmax; your code calls the method softmax, in the line "return {call}".'


def test_a_method_is_not_what_another_package_calls_so():
    calls = "import torch, heapq\ndef f(x):\n    return {}(x)"
    assert told(calls.format("heapq.merge"), names=["f"], not_use=(".merge", ".sort")) == []
    assert len(told(calls.format("torch.Tensor.sort"), names=["f"], not_use=(".merge", ".sort"))) == 1


def test_what_stands_beside_a_name_is_not_used_with_it():
    assert told(IMPORTS, "G, s = nn.functional, torch.softmax", "def softmax(x):\n    return G.relu(x)") == []


@pytest.mark.parametrize(
    "cells",
    [
        [
            "import torch\nimport utils\nfrom utils.grading.student import check",
            "def softmax(x):\n    return np.exp(x)",
            "check('00.1')",
        ],
        ["def softmax(torch):\n    return torch.exp(torch)"],
        ["def softmax(x):\n    F = x.shape[1]\n    return x.sum(F)"],
        ["def softmax(x):\n    for F in x:\n        print(F.sum())\n    return [F.sum() for F in x]"],
        ["def softmax(x):\n    return sum(F.sum() for F in x) + (lambda nn: nn.sum())(x)"],
        ["def softmax(x):\n    try:\n        return x\n    except ValueError as F:\n        return F.args"],
        ["def softmax(x):\n    match x:\n        case {'a': F, **nn}:\n            return F.sum() + nn.sum()"],
        ["def softmax(x):\n    return 'torch.softmax(x)'  # not torch.softmax"],
        ['def softmax(x):\n    """As torch.softmax does."""\n    return x'],
        ["def softmax(x: torch.Tensor, *a: F, **k: F) -> torch.Tensor:\n    y: torch.Tensor = x\n    return y"],
        ["Row = torch.Tensor", "def softmax(x: Row) -> Row:\n    return x"],
        ["def softmax(x):\n    if isinstance(x, torch.Tensor):\n        x = x.numpy()\n    return x"],
        [
            "class Own:\n    def softmax(self, x):\n        return x",
            "own = Own()",
            "def softmax(x):\n    return own.softmax(x)",
        ],
        ["class Own:\n    def __init__(self):\n        self.softmax = len", "def softmax(x):\n    return Own().softmax(x)"],
        [
            "def softmax(x):\n    return x",
            "print(torch.softmax(torch.ones(2), 0))\nassert F.softmax(torch.ones(2), 0).sum() == 1",
        ],
        [
            "def softmax(x):\n    return x",
            "wanted = F.softmax(torch.ones(2), 0)",
            "def test():\n    assert softmax(1) == F.softmax(1)",
        ],
        ["def softmax(x):\n    return x", "np.testing.assert_allclose(softmax(1), torch.ones(1))"],
        ["x = torch.ones(3)", "def softmax(x):\n    return x"],
        ["class Other(nn.Module):\n    def softmax(self):\n        return F.softmax(self.x)", "def softmax(x):\n    return x"],
        [
            "import math, re, itertools\nfrom collections import Counter",
            "def softmax(x):\n    return Counter(math.exp(v) for v in x)",
        ],
        ["def softmax(x):\n    import matplotlib.pyplot as plt\n    plt.plot(x)\n    return x"],
        ["from numpy import *", "def softmax(x):\n    return exp(x) / sum(x) / undefined"],
        ["def softmax(x):\n    return missing.softmaxed(x)"],
        ["def softmax(x):\n    return x.modules['attention'] + globals['utils'] + x['torch']"],
        ["softmax = F.softmax(", "def softmax(x):\n    return x"],  # a cell that does not parse
        ["def softmax(x):\n    log_softmax = x.log()\n    return log_softmax"],
    ],
)
def test_there_is_no_false_alarm(cells):
    assert told(IMPORTS, *cells, may_use=()) == []


@pytest.mark.parametrize("module", ["torch", "torch.nn.functional"])
def test_a_name_that_comes_with_all_others_is_seen(module):
    cells = [f"from {module} import *", "def mine(x):\n    return softmax(x, 0)"]
    assert len(told(*cells, names=["mine"])) == len(told("from numpy import *", *cells, names=["mine"])) == 1
    assert told(*cells, "def softmax(x):\n    return x", names=["mine"]) == []
    (sentence,) = told(f"from {module} import *", "def mine(x):\n    return len(relu(x))", names=["mine"], may_use=())
    assert f"your code uses {module}.relu" in sentence
    assert (
        told(f"from {module} import *\nfrom numpy import *", "def mine(x):\n    return exp(x)", names=["mine"], may_use=())
        == []
    )


def test_parts_of_a_package_may_be_allowed():
    rows = "from utils import shapes, rnn\ndef f(x):\n    shapes.expect('x', x, ())\n    return {}"
    assert told(rows.format("x"), names=["f"], may_use=("utils.shapes",)) == []
    (sentence,) = told(rows.format("rnn.f(x)"), names=["f"], may_use=("utils.shapes",))
    assert "Python, NumPy and utils.shapes only; your code uses utils.rnn.f," in sentence
    assert told("import utils\ndef f(x):\n    return utils.shapely(x)", names=["f"], may_use=("utils.shape",)) != []
    one = "def f(x):\n    return __import__('utils.shapes').rnn.f(x)"  # which imports the one, and is their parent
    assert told(one, names=["f"], may_use=("utils.shapes",)) != []


def test_what_is_looked_up_is_told_once():
    (sentence,) = told(IMPORTS, "def softmax(x):\n    return getattr(F, 'relu')(x)", may_use=())
    assert "your code uses torch.nn.functional.relu" in sentence


def test_several_functions_are_one_task():
    cells = ["def encode(x):\n    return x", "import torch\ndef decode(x):\n    return torch.softmax(x)"]
    assert told(*cells, names=["encode"]) == []
    (sentence,) = told(*cells, names=["encode", "decode"])
    assert sentence.startswith("This task asks you to write encode and decode; your code calls torch.softmax, in the line")


def test_a_line_is_one_short_line():
    (sentence,) = told(IMPORTS, f"def softmax(x):\n    return F.softmax('\u202e{'x' * 500}')")
    assert sentence.isprintable()
    assert len(sentence) < 300
    assert len(told(IMPORTS, "def softmax(x):\n    return " + ", ".join(f"utils{i}.x(F.softmax)" for i in range(99)))) == 1


# Sources of any kind

FEW = [
    "(" * 50_000,
    "x = " + "+".join(["a"] * 100_000),
    "x = " + "-" * 50_000 + "1",
    "x" + ".a" * 50_000 + " = 1",
    "x" + "()" * 3_000,
    "lambda: " * 3_000 + "1",
    "x = " + "[y for y in " * 90 + "z" + "]" * 90,
    "def f():\n" + "".join(f"  a{i + 1} = a{i}\n" for i in range(3_000)),
    "def f():\n" + "  a = a.b; a = a.c; a = (a, b)\n" * 1_000,
    "".join(f"a{i} = b{i} = F.x\n" for i in range(9_000)),
    ", ".join(f"a{i}" for i in range(6_000)) + " = " + ", ".join(f"F.b{i}" for i in range(4_000)),
    "x = " + ", ".join(f"F.{'𠀀' * 150}{i}" for i in range(2_000)),
    "class A:\n" + "".join(f"  def {'𠀀' * 150}{i}(self): pass\n" for i in range(2_000)),
    "x = '" + "y" * MAX_SOURCE + "'",
    "\0",
    "\ud800",
    "from . import x\nfrom .. import *\nglobal y\nnonlocal z\nreturn",
    "import " + ".".join(["a"] * 2_000),
    "x = '\\d'",
    "type A[T: (int, str)] = list[T]\ndef f[T](x: T): pass\nclass B[*Ts, **P]: pass",
]


@pytest.mark.parametrize("source", FEW, ids=range(len(FEW)))
def test_facts_are_plain_and_bounded_whatever_the_source(source):
    found = facts(source)
    text = json.dumps(found)
    assert len(text) < 2 * MAX_SIZE
    assert violations([json.loads(text)], ["x", "f", "A", "a1"], (), ()) is not None


def test_a_cell_that_was_not_read_says_so():
    assert facts("x = " + "-" * 50_000 + "1")["unread"]
    assert facts("#" * (MAX_SOURCE + 1))["unread"]
    assert not facts("x = (")["unread"]
    assert not facts("x = 1")["unread"]


def are_sentences(said) -> bool:
    return len(said) <= MAX_SENTENCES and all(s.isprintable() and s.endswith(".") for s in said)


@given(st.text(max_size=300) | st.text("abF.=:()[]*, \n#'\"\\x", max_size=300))
@settings(max_examples=150, deadline=None)
@example("lambda: (yield)")
@example("del (F.a)")
@example("for x.a in F: pass")
@example("x: (y := F) = 1")
@example("await x")
def test_any_text_has_facts(source):
    assert are_sentences(told(source, names=["a", "b", "F"]))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_of_a_real_cell_has_facts(data):
    source = data.draw(st.sampled_from(CELLS))
    for _ in range(data.draw(st.integers(1, 4))):
        at, until = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(source))])))
        other = data.draw(st.sampled_from(CELLS))
        begin = data.draw(st.integers(0, len(other)))
        source = source[:at] + other[begin : begin + data.draw(st.integers(0, 40))] + source[min(until, at + 20) :]
    assert are_sentences(told(source, names=["softmax", "train"]))


GOOD = facts("import torch as t\nx = t.softmax\ny = t.ones(2)")


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: None,
        lambda cell: [],
        lambda cell: cell | {"bindings": None},
        lambda cell: cell | {"own": "ab"},
        lambda cell: cell | {"own": [1]},
        lambda cell: cell | {"stars": [["torch"]]},
        lambda cell: cell | {"stars": ["x" * 10_000]},
        lambda cell: cell | {"unread": 0},
        lambda cell: {"bindings": []},
        lambda cell: cell | {"bindings": [[]]},
        lambda cell: cell | {"bindings": ["four"]},
        lambda cell: cell | {"bindings": [[1, "own", [], []]]},
        lambda cell: cell | {"bindings": [["x", "other", [], []]]},
        lambda cell: cell | {"bindings": [["x", "own", [["module", "torch"]], []]]},
        lambda cell: cell | {"bindings": [["x", "own", [], [["module", 1, ""]]]]},
        lambda cell: cell | {"bindings": [["x", "own", [], [["nothing", "a", ""]]]]},
        lambda cell: cell | {"bindings": [["x", "own", [], [["module", "a", None]]]]},
    ],
)
def test_facts_of_another_make_are_refused(change):
    assert len(violations([GOOD], ["x"], (), ())) == 1
    with pytest.raises(ValueError, match=r"fact|reach"):
        violations([change(GOOD)], ["x"], (), ())


def test_forged_facts_do_not_keep_the_grader_busy():
    """Aliases of aliases that grow and multiply."""
    rows = [["x", "alias", [["global", f"x.{i}", ""]], []] for i in range(300)]
    assert violations([GOOD | {"bindings": rows}], ["x"], (), ()) == []
    assert violations([GOOD | {"bindings": [["x", "alias", [["global", "x.y", ""]], []]]}], ["x"], (), ()) == []


# What is stopped while it runs

X, ROW = torch.ones(2, 3), np.ones((2, 3))
CALLS = {
    "getattr": lambda: getattr(torch, "soft" + "max")(X, 0),
    "exec": lambda: exec("torch.softmax(X, 0)", globals()),
    "functional": lambda: nn.functional.softmax(X, 0),
    "method": lambda: X.softmax(0),
    "unbound": lambda: torch.Tensor.softmax(X, 0),
    "layer": lambda: nn.Softmax(0)(X),
    "aten": lambda: torch.ops.aten.softmax(X, 0),
    "overload": lambda: torch.ops.aten.softmax.int(X, 0),
    "private": lambda: torch._softmax(X, 0, False),
    "special": lambda: torch.special.softmax(X, 0),
    "vmap": lambda: torch.vmap(lambda row: row.softmax(0))(X),
    "no_grad": lambda: torch.no_grad()(lambda: X.softmax(0))(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_whole_task_is_stopped_however_it_is_spelled(call):
    call()
    with (
        guard(("torch",), SOFTMAX),
        pytest.raises(Forbidden, match="asks you to write this yourself; your code calls PyTorch's"),
    ):
        call()
    with guard(("torch",), ("torch.tanh",)):
        call()
    call()


@pytest.mark.parametrize("make", [nn.LSTMCell, nn.LSTM])
def test_a_layer_is_stopped_by_what_it_calls(make):
    layer, task = make(3, 4), find("01.4")
    with guard(task.may_use, task.not_use), pytest.raises(Forbidden, match="PyTorch's lstm"):
        layer(X)
    with guard(task.may_use, ("torch.gru_cell",)):
        layer(X)


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.tensor(ROW),
        lambda: torch.as_tensor(ROW),
        lambda: torch.zeros(2),
        lambda: torch.from_numpy(ROW) @ X.double().T,
        lambda: torch.from_numpy(ROW).numpy(),
        lambda: torch.Tensor(ROW) + 1,
        lambda: np.asarray(X),
        lambda: X.shape,
        lambda: nn.Linear(2, 2),
    ],
)
def test_pytorch_is_stopped_where_numpy_is_asked_for(call):
    with guard((), ()), pytest.raises(Forbidden, match="This task asks for Python and NumPy only; your code uses PyTorch"):
        call()
    with guard(("torch",), ()):
        call()


def test_the_guard_may_be_entered_within_itself_and_always_ends():
    outer = guard((), ())
    with pytest.raises(Forbidden), outer, guard((), ()):
        torch.ones(1)
    with outer:
        assert ROW.sum() == 6
        with guard(("torch",), SOFTMAX), pytest.raises(Forbidden):
            X.softmax(0)
    assert torch.ones(1) == 1


def test_a_call_and_a_gradient_within_the_guard_are_ours():
    """What the grader itself does around a call in a task of NumPy, or to find a gradient in one of PyTorch, is not stopped."""
    with guard((), ()):
        answer, changed = calls.perform(lambda x: x + 1, [ROW.copy()], [ROW.copy()])
    assert (answer.sum(), changed) == (12, set())
    slope = calls.Slope(0, torch.ones(2, 3))
    answer, _ = calls.perform(torch.tanh, [X.clone()], [X.clone()], slope, guard(("torch",), SOFTMAX))
    assert answer.shape == (2, 3)


def test_what_is_stopped_is_told_to_the_student():
    task = find("01.4")
    stopped = guarded(lambda x, h, c, *w: nn.LSTMCell(2, 3)(torch.ones(1, 2)), task.may_use, task.not_use)
    result = grade(task, Direct({"lstm_step": stopped}), 1)
    assert not result.passed
    assert result.parts[0].message == "This task asks you to write this yourself; your code calls PyTorch's lstm_cell."


def test_facts_need_nothing_of_the_checks():
    """They are read where the student's code will run."""
    for name in ("facts", "scopes", "rules", "guard"):
        source = Path(sys.modules[f"utils.grading.allowed.{name}"].__file__).read_text()
        assert "grading.task" not in source
        assert "grading.checks" not in source
