"""A notebook in its worker, at every level of the sandbox: what crosses, what is said of it, and that nothing is left."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import answers
import numpy as np
import psutil
import pytest
import torch

from utils import shapes
from utils.grading.calls import StudentError
from utils.grading.codec import MAX_MESSAGE
from utils.grading.rooms import Direct, Theirs
from utils.grading.sandbox.channel import Channel
from utils.grading.sandbox.workers import SandboxError, Workers, strongest
from utils.grading.session import CELLS, Session
from utils.grading.task import Task, difference, find, grade, known

ROOT = Path(shapes.__file__).parent.parent
LEVELS = ["namespaces", "landlock", "process"]
QUICK = ["namespaces", "landlock", pytest.param("process", marks=pytest.mark.slow)]  # where a worker takes seconds to start

SOURCE = """
import random, warnings
import numpy as np
import torch
from torch import nn

def double(x): return 2 * x
def pair(a, b): return {"a": (a, [b, None, True, 1.5, "é"]), 3: np.float32(0.5), ("k",): float("nan")}
def twice(f, x): return f(f(x))
def composed(f): return lambda x: f(f(x))
def there_and_back(outer): return outer(lambda x: outer(None, x) + 1, 2)
def caught(f):
    try: return f(1)
    except ValueError as error: return f"caught {error}"
def count_down(n):
    while n:
        yield n
        n -= 1
class Counter:
    def __init__(self, start): self.n = start
    def add(self, k):
        self.n += k
        return self.n
class Gate(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.linear = nn.Linear(size, size)
    def forward(self, x): return torch.sigmoid(self.linear(x)) * x
def square(x): return (x * x).sum()
def detached(x): return (x * x).sum().detach()
def writes(x, y):
    x += 1
    return x + y
def dice(): return [random.random(), float(np.random.rand()), torch.rand(3)]
def noisy():
    warnings.warn("careful")
    import os, sys
    print("x" * 100_000)
    print("x", file=sys.stderr)
    os.write(1, b"x" * 100_000)
    return 1
def fails(x):
    y = x + 1
    return y % 0
def leaves():
    raise SystemExit("goodbye")
def stub(): raise NotImplementedError("return the number of words")
def a_set(): return {1}
seen = []
def how_often():
    seen.append(1)
    return len(seen)
value = 5
"""
NAMESPACE: dict = {"__name__": "notebook"}
exec(SOURCE, NAMESPACE)


@pytest.fixture(scope="module")
def started():
    """Level -> its workers, of which each test takes what it needs."""
    found: dict[str, Workers] = {}
    yield found
    for workers in found.values():
        workers.__exit__()


def at(level: str, started: dict[str, Workers]) -> Workers:
    """The workers of that level; a test that needs them is skipped where there are none."""
    try:
        if level not in started:
            started[level] = strongest(level)
    except SandboxError as error:
        pytest.skip(f"this machine has no sandbox {level!r}: {error}")
    return started[level]


@pytest.fixture(scope="module", params=LEVELS)
def workers(request, started):
    return at(request.param, started)


@pytest.fixture(scope="module", params=QUICK)
def quick(request, started):
    """Workers, for tests that need many of them."""
    return at(request.param, started)


@pytest.fixture(scope="module", params=LEVELS[:2])
def walled(request, started):
    """Workers that a fork server makes."""
    return at(request.param, started)


@pytest.fixture(scope="module")
def session(workers):
    with Session(workers, [SOURCE], {}, 20) as opened:
        yield opened


def asking(ask, *names: str, may_use=("torch",), not_use=()) -> Task:
    """A task whose only part is what `ask(room)` returns; right is what the same functions return here."""

    def check(room, rng):
        yield "all", ask(room)

    return Task("99.1", check, {name: NAMESPACE[name] for name in names}, {}, may_use, not_use)


def asked(room: Session, ask, *names: str):
    """What `ask(room)` returns there."""
    found = []

    def check(asked, rng):
        if asked is room:
            found.append(ask(asked))
        yield "all", None

    outcome = room.grade(replace(asking(ask, *names), ask=check), 0)
    assert outcome.result is not None and outcome.result.passed, outcome
    return found[0]


def says(room: Session, ask, *names: str) -> str:
    """What the student is told of the one thing that `ask(room)` asks."""

    def check(asked, rng):
        if asked is room:
            ask(asked)
        yield "all", None

    outcome = room.grade(replace(asking(ask, *names), ask=check), 0)
    assert not outcome.problem, outcome.problem
    return outcome.result.parts[0].message


# Values


VALUES = [3, -(2**63), 1.5, float("inf"), "ä\n", None, True, [], (1, (2,)), {"a": {1: [2]}}]
ARRAYS = [np.arange(6).reshape(2, 3)[:, ::-1], np.float16(2), np.zeros((0, 3)), np.array([True, False])]


@pytest.mark.parametrize("value", [*VALUES, *ARRAYS, torch.arange(3.0), torch.tensor(2), torch.zeros(2, 0)], ids=repr)
def test_a_value_goes_there_and_comes_back_as_it_was(session, value):
    got = asked(session, lambda room: room.call("pair", value, value), "pair")
    assert list(got) == ["a", 3, ("k",)] and np.isnan(got["k",]) and type(got[3]) is np.float32
    first, (second, *rest) = got["a"]
    assert type(got["a"]) is tuple and rest == [None, True, 1.5, "é"]
    for found in (first, second):
        assert type(found) is type(value) and not difference(found, value)
        if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
            assert found.dtype == value.dtype and found.shape == value.shape


def test_the_check_s_function_is_called_there_and_may_raise(session):
    assert asked(session, lambda room: room.call("twice", lambda x: x + 0.5, np.ones(3)), "twice").tolist() == [2.0] * 3

    def refuses(x):
        raise ValueError(f"not {x}")

    assert asked(session, lambda room: room.call("caught", refuses), "caught") == "caught not 1"


def test_functions_call_each_other_through_both_processes(session):
    def outer(inner, x):
        return 10 * x if inner is None else inner(x + 1)  # the student's, which calls this one again

    assert asked(session, lambda room: room.call("there_and_back", outer), "there_and_back") == 31


def test_functions_that_call_each_other_without_end_are_stopped(session):
    def outer(inner, x):
        return inner(x)

    source = "def endless(f): return f(lambda x: endless(f), 0)"
    with Session(session._workers, [source], {}, 20) as room:
        NAMESPACE["endless"] = lambda f: None
        assert "call each other without end" in says(room, lambda asked: asked.call("endless", outer), "endless")
        assert room.grade(asking(lambda asked: None, "endless"), 0).result.passed


def test_a_function_of_theirs_stays_there_and_can_be_called(session):
    def ask(room):
        theirs = room.call("composed", lambda x: x + 3)
        assert type(theirs) is Theirs and theirs.type == "function"
        return [theirs(1), theirs(theirs(2)), room.call("twice", theirs, 0)]

    assert asked(session, ask, "composed", "twice") == [7, 14, 12]


def test_a_generator_and_an_object_keep_their_state_there(session):
    def ask(room):
        down, counter = room.call("count_down", 3), room.call("Counter", 5)
        first = next(down)
        return [first, counter.call("add", 2), [*down], [*down], counter.call("add", 2), counter.type]

    assert asked(session, ask, "count_down", "Counter") == [3, 7, [2, 1], [], 9, "Counter"]
    message = says(session, lambda room: room.call("Counter", 5).call("take", 1), "Counter")
    assert message == "an object of type Counter has no method take"


def test_a_module_takes_weights_runs_and_gives_gradients(session):
    rng = np.random.default_rng(0)
    x, back, weight, bias = (torch.from_numpy(rng.normal(size=shape)).float() for shape in ((4, 3), (4, 3), (3, 3), (3,)))

    def ask(room):
        gate = room.call("Gate", 3)
        gate.call("load_state_dict", {"linear.weight": weight, "linear.bias": bias})
        slopes = [gate.grad((x,), wrt, back) for wrt in (0, "linear.weight", "linear.bias")]
        return [gate(x), *slopes, gate.call("state_dict")]

    out, to_x, to_weight, to_bias, state = asked(session, ask, "Gate")
    own = NAMESPACE["Gate"](3)
    own.load_state_dict({"linear.weight": weight, "linear.bias": bias})
    leaf = x.clone().requires_grad_()
    (own(leaf) * back).sum().backward()
    wanted = [own(x).detach(), leaf.grad, own.linear.weight.grad, own.linear.bias.grad]
    for got, want in zip((out, to_x, to_weight, to_bias), wanted):
        torch.testing.assert_close(got, want)
    assert torch.equal(state["linear.weight"], weight) and torch.equal(state["linear.bias"], bias)
    missing = says(session, lambda room: room.call("Gate", 3).grad((x,), "bias", back), "Gate")
    assert missing == "there is no parameter 'bias'; there are linear.weight, linear.bias"


def test_a_gradient_of_a_function(session):
    x = torch.tensor([1.0, -2.0])
    one = torch.tensor(1.0)
    assert torch.equal(asked(session, lambda room: room.grad("square", (x,), 0, one), "square"), 2 * x)
    assert "no gradient flows back" in says(session, lambda room: room.grad("detached", (x,), 0, one), "detached")


# Errors, writes, prints, random numbers


@pytest.mark.parametrize(
    ("ask", "name", "message"),
    [
        (lambda room: room.call("fails", 1), "fails", "ZeroDivisionError: integer modulo by zero (in fails: return y % 0)"),
        (lambda room: room.call("fails"), "fails", "TypeError: fails() missing 1 required positional argument: 'x'"),
        (lambda room: room.call("leaves"), "leaves", 'SystemExit: goodbye (in leaves: raise SystemExit("goodbye"))'),
        (lambda room: room.call("value"), "fails", "value is of type int; expected a function"),
        (lambda room: room.call("a_set"), "a_set", "the result cannot be checked: a value of type set cannot cross; "),
    ],
)
def test_an_error_is_told_with_the_student_s_line(session, ask, name, message):
    assert says(session, ask, name).startswith(message)


def test_a_name_that_is_not_there_is_named(session):
    assert says(session, lambda room: room.call("doubel", 1), "double").startswith("doubel is not defined")


def test_a_stub_is_unfinished(session):
    outcome = session.grade(asking(lambda room: room.call("stub") if room is session else None, "stub"), 0)
    assert outcome.result.unfinished == "return the number of words" and not outcome.result.passed


def test_arguments_that_are_written_into_are_named_and_ours_stay_as_they_were(session):
    x, y = np.zeros(3), np.ones(3)
    outcome = session.grade(asking(lambda room: room.call("writes", x, y), "writes"), 0)
    assert outcome.result.changed == ("x of writes",) and outcome.result.passed
    assert not x.any()
    assert session.grade(asking(lambda room: room.call("double", x), "double"), 0).result.changed == ()


def test_every_call_has_the_same_random_numbers_as_anywhere_else(session):
    first, second = asked(session, lambda room: [room.call("dice"), room.call("dice")], "dice")
    here = Direct(NAMESPACE).call("dice")
    for got in (first, second):
        assert got[:2] == here[:2] and torch.equal(got[2], here[2])


def test_warnings_and_prints_cost_nothing_and_go_nowhere(session, capfd):
    assert asked(session, lambda room: room.call("noisy"), "noisy") == 1
    assert capfd.readouterr() == ("", "")


def test_one_worker_serves_all_tasks_of_a_notebook(session):
    first = asked(session, lambda room: room.call("how_often"), "how_often")
    assert asked(session, lambda room: room.call("how_often"), "how_often") == first + 1


def test_the_guard_sees_what_no_text_names(workers):
    source = (
        "import torch\n"
        "def hidden(x): return getattr(torch, 'soft' + 'max')(x, 0)\n"
        "def through(f, x): return f(x)\n"
        "def exponentials(x): return torch.exp(x)\n"
    )
    names, x = ("hidden", "through", "exponentials"), torch.zeros(2)
    NAMESPACE.update(hidden=lambda x: x.softmax(0), through=lambda f, x: f(x), exponentials=torch.exp)
    with Session(workers, [source], {}, 20) as room:

        def told(ask, **rules) -> str:
            return room.grade(asking(ask, *names, **rules), 0).result.parts[0].message

        def softmax(x):
            return torch.softmax(x, 0)

        forbidden = {"not_use": ("torch.softmax",)}
        assert "your code calls PyTorch's softmax" in told(lambda room: room.call("hidden", x), **forbidden)
        assert told(lambda room: room.call("hidden", x)) == ""
        assert told(lambda room: room.call("through", softmax, x), **forbidden) == ""  # the check may call what it likes
        assert told(lambda room: room.call("exponentials", x), **forbidden) == ""


# The real checks


def right_answers(chapter: str) -> dict[str, list[str]]:
    """The sources of the right answers to each task of a chapter."""
    spec = spec_from_file_location("sources", Path(answers.__file__).parent / f"chapter_{chapter}.py")
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "written", lambda source: source)
        spec.loader.exec_module(module)
    return module.RIGHT


def test_the_right_answers_of_a_chapter_fare_as_they_do_in_one_room(workers):
    right = right_answers("01")
    tasks = [replace(find(id), may_use=("torch",), not_use=()) for id in known() if id.startswith("01")]
    for turn in range(1 if workers.level == "process" else max(map(len, right.values()))):
        begin = "import numpy as np\nimport torch\nimport torch.nn.functional as F"
        cells = [begin, *(right[task.id][turn % len(right[task.id])] for task in tasks)]
        namespace: dict = {}
        for cell in cells:
            exec(cell, namespace)
        with Session(workers, cells, {}, 20) as room:
            for task in tasks:
                outcome = room.grade(task, 5)
                assert outcome.result == grade(task, Direct(namespace), 5), (task.id, outcome)
                assert outcome.result.passed and not outcome.problem
            assert room.errors == {}


# Cells


CELL_SOURCES = [
    "x = 1",
    "import utils\nfrom utils.grading.student import check\ncheck('01.1')",
    "from utils.shapes import expect_array\nimport numpy\nexpect_array('x', numpy.ones(1), (1,))",
    "import utils.rnn",
    "from experiments import memory",
    "%%time\n\nfrom math import tau",
    "%time three = 3",
    "x = 1 / 0",
    "y = (",
    "raise KeyError('k')",
    "def total(): return x + three + int(tau)",
]


def test_cells_run_in_order_with_magics_and_their_errors_are_reported(workers):
    NAMESPACE["total"] = lambda: 10
    modules = {"utils.shapes": Path(shapes.__file__).read_text(encoding="utf-8")}
    with Session(workers, CELL_SOURCES, modules, 20) as room:
        assert asked(room, lambda asked: asked.call("total"), "total") == 10
        missing = "stopped with ModuleNotFoundError: {} is not there while your work is graded"
        assert room.errors.pop(3).startswith(missing.format("utils.rnn"))
        assert room.errors.pop(4).startswith(missing.format("experiments"))
        assert room.errors.pop(7) == "stopped with ZeroDivisionError: division by zero"
        assert room.errors.pop(8).startswith("stopped with SyntaxError: ")
        assert room.errors == {9: "stopped with KeyError: 'k'"}


def test_a_part_of_the_course_is_there_only_where_a_task_may_use_it(workers):
    with Session(workers, ["from utils.shapes import expect", SOURCE], {}, 20) as room:
        asked(room, lambda asked: asked.call("double", 1), "double")
        assert "utils.shapes is not there while your work is graded" in room.errors[0]


def patience(workers: Workers) -> int:
    """Seconds for a task; the time that a worker takes to start counts as that of the cells."""
    return 4 if workers.level == "process" else 1


HANGS = "def hangs():\n    while True: pass\n"
ENDS = "import os\ndef ends(): os._exit(0)\n"
NAMESPACE.update(hangs=lambda: 1, ends=lambda: 1)


@pytest.mark.parametrize(
    ("source", "name", "told"),
    [
        (HANGS, "hangs", "there was no answer within {} seconds; look for a loop that does not end"),
        (ENDS, "ends", "the Python process ended during the call"),
    ],
)
def test_a_task_that_hangs_or_ends_the_process_costs_itself_and_the_next_has_a_fresh_worker(quick, source, name, told):
    seconds = patience(quick)
    with Session(quick, [SOURCE + source], {}, seconds) as room:
        asked(room, lambda asked: asked.call("how_often"), "how_often")
        began = time.monotonic()
        assert says(room, lambda asked: asked.call(name), name) == told.format(seconds)
        assert time.monotonic() - began < seconds + 2
        assert asked(room, lambda asked: asked.call("how_often"), "how_often") == 1
        assert room.errors == {}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("import os; os._exit(3)", "was left out: it ended the Python process"),
        ("while True: pass", "was left out: it took more than {} seconds"),
    ],
)
def test_a_cell_that_ends_the_process_or_takes_too_long_is_left_out_and_named(quick, cell, said):
    seconds = patience(quick)
    with Session(quick, [SOURCE, cell, "value = 6", "def after(): return value"], {}, seconds) as room:
        NAMESPACE["after"] = lambda: 6
        assert asked(room, lambda asked: [asked.call("after"), asked.call("double", 2)], "after", "double") == [6, 4]
        assert room.errors == {1: said.format(seconds)}


@pytest.mark.slow
def test_cells_that_are_each_quick_enough_may_not_take_for_ever_together(walled):
    seconds = 0.5
    with Session(walled, ["import time; time.sleep(0.4)"] * 40 + [SOURCE], {}, seconds) as room:
        began = time.monotonic()
        outcome = room.grade(asking(lambda asked: None, "double"), 0)
        assert time.monotonic() - began < CELLS * seconds + 2
        assert outcome.problem == f"the cells of this notebook take more than {CELLS * seconds:g} seconds in all."


def test_a_process_that_ends_between_two_tasks_costs_one_of_them(walled):
    source = "import os, threading\ndef soon(): threading.Timer(0.1, os._exit, [0]).start()\n"
    NAMESPACE["soon"] = lambda: None
    with Session(walled, [SOURCE + source], {}, 10) as room:
        assert asked(room, lambda asked: asked.call("soon"), "soon") is None
        time.sleep(0.6)
        assert room.grade(asking(lambda asked: None, "double"), 0).problem == "The Python process ended before this task began."
        assert asked(room, lambda asked: asked.call("double", 2), "double") == 4


def test_a_check_that_fails_by_itself_costs_nothing_else(session):
    def broken(room, rng):
        yield "all", 1 // 0

    outcome = session.grade(replace(asking(lambda room: None, "double"), ask=broken), 0)
    assert outcome.result is None and "a person will look at it. (ValueError: the check of 99.1 cannot run" in outcome.problem
    assert asked(session, lambda room: room.call("double", 2), "double") == 4


def test_source_that_no_message_can_hold_is_a_problem_of_the_notebook(session):
    with Session(session._workers, ["x" * (5 << 20)], {}, 5) as room:
        assert room.grade(asking(lambda asked: None, "double"), 0).problem.startswith("the code of this notebook cannot be run")


# What is left behind


OWNER = """
import sys
from utils.grading.session import Session
from utils.grading.sandbox.workers import Workers
level, last = sys.argv[1:]
with Workers(level) as workers, Session(workers, ["def f(): pass", "open('left', 'w').close()", last], {}, 60) as room:
    try:
        room._start()
    finally:
        print("there", flush=True)
    if last == "pass":
        room._worker.channel.receive()
"""


def family(pid: int, count: int) -> list[psutil.Process]:
    """All processes below this one, once there are so many."""
    until = time.monotonic() + 60
    while len(found := psutil.Process(pid).children(recursive=True)) < count and time.monotonic() < until:
        time.sleep(0.05)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_left_behind(level, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    try:
        found = Workers(level)
        with found, Session(found, [SOURCE, "open('left', 'w').write('x')"], {}, 20) as room:
            assert asked(room, lambda asked: asked.call("double", 2), "double") == 4
            during = set(psutil.Process().children(recursive=True)) - before
            assert during
    except SandboxError as error:
        pytest.skip(f"this machine has no sandbox {level!r}: {error}")
    _, alive = psutil.wait_procs(during, 5)
    assert not alive
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a process does not end with its parent")
@pytest.mark.parametrize(("level", "count"), [("namespaces", 3), ("landlock", 2), ("process", 1)])
def test_no_process_outlives_its_owner_that_is_killed(level, count, tmp_path):
    busy = "pass" if level == "process" else "while True: pass"  # without a sandbox it notices when it next reads
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", OWNER, level, busy]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE) as owner:
        try:
            if busy == "pass":
                assert owner.stdout.readline() == b"there\n"
            below = family(owner.pid, count)
            assert len(below) >= count
            if busy != "pass":
                time.sleep(0.3)  # so that the last cell runs
        finally:
            owner.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(below, 5)
    for process in alive:
        process.kill()
    assert not alive


def test_a_level_that_nobody_knows_is_refused():
    with pytest.raises(SandboxError):
        strongest("walls of paper")


# The channel


@pytest.fixture
def ends():
    ours, its = socket.socketpair()
    with ours, its:
        yield Channel(ours), its


def soon() -> float:
    return time.monotonic() + 0.2


def test_a_message_arrives_as_it_was_sent(ends):
    channel, its = ends
    other = Channel(its)
    for message in (b"", b"x", bytes(range(256)) * 500):
        channel.send(message, soon())
        assert other.receive(soon()) == message


def test_silence_and_a_trickle_end_at_the_deadline(ends):
    channel, its = ends
    with pytest.raises(TimeoutError):
        channel.receive(soon())
    its.sendall(struct.pack(">I", 1000))

    def trickle() -> None:
        for _ in range(100):
            its.sendall(b"x")
            time.sleep(0.02)

    thread, began = threading.Thread(target=trickle), time.monotonic()
    thread.start()
    with pytest.raises(TimeoutError):
        channel.receive(soon())
    assert time.monotonic() - began < 1.5
    thread.join()
    with pytest.raises(TimeoutError):
        channel.receive(time.monotonic() - 1)  # though there is something to read


def test_somebody_who_does_not_read_cannot_hold_up_the_sender(ends):
    channel, _ = ends
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.send(bytes(32 << 20), soon())
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("length", [MAX_MESSAGE + 1, 2**32 - 1])
def test_a_message_that_is_announced_too_long_is_not_waited_for(ends, length):
    channel, its = ends
    its.sendall(struct.pack(">I", length))
    with pytest.raises(EOFError, match="at most"):
        channel.receive(soon())


def test_the_end_of_the_other_side_is_an_end_whenever_it_comes(ends):
    channel, its = ends
    its.sendall(struct.pack(">I", 10) + b"half")
    its.close()
    with pytest.raises(EOFError):
        channel.receive(soon())
    with pytest.raises(EOFError):
        channel.receive(soon())
    with pytest.raises(EOFError):
        channel.send(bytes(1 << 20), soon())


# The worker that is asked in a way that no session asks


def test_a_worker_ends_when_it_is_asked_nonsense_or_nobody_is_there(workers):
    worker = workers.start()
    worker.channel.send(b"no message of ours", soon())

    def listen() -> None:
        while True:
            worker.channel.receive(time.monotonic() + 5)

    try:
        with pytest.raises(EOFError):  # after it has said what went wrong
            listen()
    finally:
        worker.kill()


def test_a_student_s_error_is_no_longer_than_it_may_be(workers):
    source = "def shouts(): raise ValueError('x' * 10**6)"
    NAMESPACE["shouts"] = lambda: 1
    with Session(workers, [source], {}, 20) as room:
        assert len(says(room, lambda asked: asked.call("shouts"), "shouts")) == 500


def test_a_room_without_a_process_says_so(session):
    room = Session(session._workers, [], {}, 1)
    with pytest.raises(StudentError, match="the Python process has ended"):
        room.call("double", 1)
