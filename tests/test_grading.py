"""The checks against right and wrong answers, and what they stand on: the codec, the rooms, the comparison.

Each task's answers are in answers/chapter_NN.py; a new chapter adds that file and is tested here.
"""

import random
import re
import warnings
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.grading import codec
from utils.grading.calls import StudentError
from utils.grading.rooms import Direct, Serialised
from utils.grading.task import difference, find, grade, known, mistake, task

TASKS = known()
SEEDS = range(20)


@pytest.fixture(params=[Direct, Serialised])
def room(request):
    return request.param


def answers(id: str, kind: str):
    return getattr(import_module(f"answers.chapter_{id[:2]}"), kind)[id]


def graded(id: str, answer, seed: int = 0, room=Direct):
    (name,) = find(id).oracle
    return grade(find(id), room({name: answer}), seed)


# The answers


ROOMS_AND_SEEDS = [  # all of them in the end; a few of them every few minutes
    pytest.param(Direct, SEEDS[:3], id="Direct"),
    pytest.param(Direct, SEEDS[3:], id="Direct-on-more-seeds", marks=pytest.mark.slow),
    pytest.param(Serialised, SEEDS, id="Serialised", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("room", "seeds"), ROOMS_AND_SEEDS)
@pytest.mark.parametrize("id", TASKS)
def test_each_wrong_answer_earns_its_own_hint_and_no_right_one_is_refused(id, room, seeds):
    for seed in seeds:
        for misconception, answer in answers(id, "WRONG").items():
            assert (graded(id, answer, seed, room).misconception, seed) == (misconception, seed)
        for answer in answers(id, "RIGHT"):
            result = graded(id, answer, seed, room)
            assert result.passed, (seed, result)


@pytest.mark.parametrize("id", TASKS)
def test_a_wrong_answer_that_nobody_foresaw_fails_all_the_same(id):
    for seed in range(4):
        for name, answer in answers(id, "SLOPPY").items():
            assert not graded(id, answer, seed).passed, (name, seed)


@pytest.mark.parametrize("id", TASKS)
def test_every_known_mistake_is_a_wrong_answer_here_with_a_hint_of_its_own(id):
    mistakes = find(id).mistakes
    assert set(answers(id, "WRONG")) == set(mistakes)
    assert len({known.hint for known in mistakes.values()}) == len(mistakes)
    assert len(answers(id, "RIGHT")) >= 2


@pytest.mark.parametrize("id", TASKS)
def test_at_least_four_wrong_answers_have_the_right_shape_and_kind_and_are_finite(id):
    def fault(answer) -> str:
        (name,) = find(id).oracle
        student, oracle = (find(id).ask(Direct({name: f}), np.random.default_rng(0)) for f in (answer, find(id).oracle[name]))
        return next(filter(None, (difference(got, want) for (_, got), (_, want) in zip(student, oracle))))

    assert sum("is wrong" in fault(answer) for answer in answers(id, "WRONG").values()) >= 4


# Answers that are wrong anywhere


def unlike(change):
    """Answers as the right one does, then changes what it would return."""
    return lambda id: lambda *args: change(answers(id, "RIGHT")[0](*args))


def deep(change, value):
    """`change` applied to each array or number in an answer."""
    return type(value)(deep(change, v) for v in value) if isinstance(value, (list, tuple)) else change(value)


BROKEN = {
    "None": unlike(lambda value: None),
    "a string": unlike(str),
    "one axis more": unlike(lambda value: deep(lambda v: v[None] if hasattr(v, "shape") else [v], value)),
    "a list of lists": unlike(lambda value: deep(lambda v: v.tolist() if np.ndim(v) else str(v), value)),
    "of another kind": unlike(lambda value: deep(lambda v: np.asarray(v).astype(complex), value)),
    "booleans": unlike(lambda value: deep(lambda v: v <= 0, value)),
    "everything NaN": unlike(lambda value: deep(lambda v: v * float("nan"), value)),
    "nothing in it": unlike(lambda value: deep(lambda v: v[:0] if np.ndim(v) else (), value)),
    "an opaque object": unlike(lambda value: object()),
    "a function": unlike(lambda value: lambda: value),
    "an error": lambda id: lambda *args: args[99],
    "too few arguments": lambda id: lambda: None,
    "exit": lambda id: lambda *args: exit(0),
    "zeros": unlike(lambda value: deep(lambda v: v * 0, value)),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("id", TASKS)
def test_a_broken_answer_fails_and_says_why(id, broken, room):
    result = graded(id, BROKEN[broken](id), room=room)
    first = next(part for part in result.parts if not part.passed)
    assert not result.passed
    assert result.unfinished is None
    assert first.message


@pytest.mark.parametrize("id", TASKS)
def test_unfinished_says_what_is_to_be_done(id, room):
    def unfinished(*args):
        raise NotImplementedError("return the answer")

    result = graded(id, unfinished, room=room)
    assert (result.unfinished, result.passed, result.misconception) == ("return the answer", False, None)


@pytest.mark.parametrize("id", TASKS)
def test_writing_into_an_argument_is_reported_and_costs_nothing(id, room):
    def writes(*args):
        answer = answers(id, "RIGHT")[0](*(x.copy() if isinstance(x, np.ndarray) else x for x in args))
        for x in (y for arg in args for y in (arg if isinstance(arg, list) else [arg])):
            if isinstance(x, np.ndarray):
                x[...] = x == 0
            if isinstance(x, torch.Tensor):
                with torch.no_grad():
                    answer = deep(torch.clone, answer)
                    x[...] = x == 0
        return answer

    result = graded(id, writes, room=room)
    assert result.changed
    assert all(name.endswith("of writes") for name in result.changed)


def test_what_was_written_into_is_forgotten_at_the_next_task(room):
    def softmax(logits):
        logits += 1
        return answers("00.1", "RIGHT")[0](logits)

    student = room({"softmax": softmax, "last_states": answers("01.2", "RIGHT")[0]})
    assert grade(find("00.1"), student, 0).changed == ("logits of softmax",)
    assert grade(find("01.2"), student, 0).changed == ()


# The machinery of a check


def test_an_unknown_fault_hears_where_it_is_and_never_what_was_expected():
    def off_at_one_place(states, lengths):
        answer = answers("01.2", "RIGHT")[0](states, lengths)
        answer[0, 1] += 0.5
        return answer

    parts = graded("01.2", off_at_one_place).parts
    assert parts[0].message == "your answer is wrong, first at [0, 1]"
    assert not any(re.search(r"\d\.\d", part.message) for part in parts)


def two_functions(double=lambda x: 2 * x, add=lambda x, y: x + y):
    return {"double": double, "add": add}


@task("99.1", oracle=two_functions(), mistakes={"adds one": mistake("Look.", double=lambda x: x + 1)})
def two(room, rng):
    x = rng.normal(size=3)
    yield "doubled", room.call("double", x)
    yield "added", room.call("add", x, x)
    yield "both", room.call("add", x, room.call("double", x))


def test_a_task_of_two_functions():
    assert grade(two, Direct(two_functions()), 0).passed
    assert grade(two, Direct(two_functions(double=lambda x: 1 + x)), 0).misconception == "adds one"
    half = grade(two, Direct({"double": lambda x: x + x}), 0)
    assert [part.passed for part in half.parts] == [True, False, False]
    assert half.parts[1].message == "add is not defined; run the cell that defines it first"
    assert half.parts[2].message == "not reached"


def test_a_mistake_must_agree_with_the_parts_that_passed_too():
    """Adding one is right nowhere, so who doubles and then adds wrongly has not made that mistake."""
    calls = []

    def right_once(x):
        calls.append(x)
        return 2 * x if len(calls) == 1 else x + 1

    result = grade(two, Direct(two_functions(double=right_once)), 0)
    assert [part.passed for part in result.parts] == [True, True, False]
    assert result.misconception is None


def test_a_check_that_cannot_run_on_its_oracle_is_no_student_s_fault():
    @task("99.2", oracle={"f": lambda: 1 / 0}, mistakes={})
    def broken(room, rng):
        yield "f", room.call("f")

    with pytest.raises(ValueError, match=r"99.2 cannot run on its own oracle"):
        grade(broken, Direct({"f": lambda: 1}), 0)


def test_a_check_whose_parts_depend_on_the_answer_is_refused():
    @task("99.3", oracle={"f": lambda: 1}, mistakes={})
    def changing(room, rng):
        for _ in range(room.call("f")):
            yield "f", 1

    with pytest.raises(ValueError, match="yields 2 parts here, 1 on its oracle"):
        grade(changing, Direct({"f": lambda: 2}), 0)


@pytest.mark.parametrize("id", ["98.1", "01.99", "lstm", "1.2", "", 1.2, None])
def test_an_unknown_task_lists_the_known_ones(id):
    with pytest.raises(ValueError, match=r"known are 00\.1, 00\.2, 01\.1"):
        find(id)


# The comparison

A = np.arange(6.0).reshape(2, 3) + 1


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (A.astype(np.float32), A),
        (A * (1 + 0.9e-4), A),
        (A + 0.9e-4, A),
        (np.float32(0.1), 0.1),
        (torch.tensor(0.1), 0.1),
        (np.array(3), 3),
        ([1, np.int64(2)], [1, 2]),
        ([A, 2], (A, 2)),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        ({"a": A}, {"a": A.copy()}),
        ("x", "x"),
        (None, None),
        (np.zeros(3) + 1e-9, np.zeros(3)),
    ],
)
def test_equal_enough(got, want):
    assert difference(got, want) == ""


@pytest.mark.parametrize(
    ("got", "want", "says"),
    [
        (A[0], A, "shape (3,); expected (2, 3)"),
        (A[:1], A, "shape (1, 3)"),
        (5.0, A, "a number (float); expected a NumPy array of shape (2, 3)"),
        (A.tolist(), A, "of type list"),
        (torch.from_numpy(A), A, "a tensor of shape (2, 3); expected a NumPy array"),
        (A, torch.from_numpy(A), "expected a tensor"),
        (A.astype(int), A, "holds whole numbers (int64); expected floating-point"),
        (A > 2, A > 3, "is wrong, first at [0, 2]"),
        (A * (1 + 3e-4), A, "is wrong, first at [0, 0]"),
        (np.where(A == 4, np.inf, A), A, "is not finite at [1, 0]: it is inf"),
        (1, 1.0, "whole numbers"),
        (True, 1, "booleans"),
        (np.zeros(1), 0.0, "shape (1,); expected ()"),
        ((A,), (A, A), "holds 1 values; expected 2"),
        ((A, A + 1), (A, A), "your answer[1] is wrong, first at [0, 0]"),
        (A, (A, A), "expected a tuple of 2"),
        ({"b": A}, {"a": A}, "the keys 'a'"),
        ({"a": A + 1}, {"a": A}, "your answer['a'] is wrong"),
        ("x", "y", "not right"),
        (None, 1.0, "None; expected a number"),
        (np.zeros(3) + 1e-6, np.zeros(3), "is wrong, first at [0]"),
        (np.array([1.0, np.inf]), np.array([np.inf, np.inf]), "is wrong, first at [0]"),
        (np.array([-np.inf]), np.array([np.inf]), "is wrong"),
        (np.array([[0.0, np.nan]]), np.array([[0.0, np.inf]]), "is wrong, first at [0, 1]"),
    ],
)
def test_not_equal(got, want, says):
    assert says in difference(got, want)


# The rooms


def test_what_is_returned_is_a_copy(room):
    kept = np.zeros(2)

    def counts(x):
        kept[0] += 1
        return kept

    first = (student := room({"counts": counts})).call("counts", 0)
    second = student.call("counts", 0)
    assert (first[0], second[0]) == (1, 2)


def test_what_is_given_is_a_copy(room):
    x, t = np.ones(3), [torch.ones(2), {"a": np.zeros(1)}]

    def writes(x, t, untouched):
        x[0] = 7
        t[0].zero_()
        t[1] = 5
        return x

    student = room({"writes": writes})
    assert student.call("writes", x, t, np.ones(1))[0] == 7
    assert (x[0], t[0].sum(), len(t)) == (1, 2, 2)
    assert student.changed == {"x of writes", "t of writes"}


@pytest.mark.parametrize(
    "change", [lambda v: v.append(1), lambda v: v.__setitem__(0, 2), lambda v: v[1].update(b=1), lambda v: v[2].add_(1)]
)
def test_any_change_of_an_argument_is_noticed_and_nothing_else(change, room):
    value = [1, {"a": None}, torch.tensor([1.0, np.nan]), np.array([np.nan]), float("nan"), len]
    student = room({"writes": change, "reads": lambda v: v[1]})
    student.call("reads", value)
    assert student.changed == set()
    student.call("writes", value)
    assert len(student.changed) == 1


def test_a_warning_costs_nothing(room):
    def warns():
        warnings.warn("watch out", RuntimeWarning, stacklevel=1)
        return 1

    assert room({"warns": warns}).call("warns") == 1


def test_every_value_goes_through_bytes(monkeypatch):
    messages = []
    monkeypatch.setattr(codec, "decode", lambda data, *rest, decode=codec.decode: messages.append(data) or decode(data, *rest))
    x, g = torch.ones(2), torch.ones(2)
    student = Serialised({"f": lambda step, x: step(x), "g": lambda x: x * x})
    student.call("f", lambda x: x + 1, x)
    assert len(messages) == 4  # the arguments, the callback's, what it returns, the answer
    student.grad("g", (x,), 0, g)
    assert len(messages) == 6


def test_calls_start_from_one_seed_and_leave_the_generators_alone(room):
    draw = lambda: [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: E731
    student = room({"draw": draw})
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    outside = draw()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    first = student.call("draw")
    assert draw() == outside  # the call before moved nothing
    second = student.call("draw")  # from another state of the generators
    assert first == second
    assert all(mine != theirs for mine, theirs in zip(first, outside))


def test_functions_cross_both_ways_and_exchange_copies(room):
    table, seen = np.arange(3.0), []

    def step(x):
        seen.append(x)
        return table

    def student_side(step):
        step(x=table)[0] = 99
        return lambda y: step(y) + y

    returned = room({"f": student_side}).call("f", step)
    assert np.array_equal(returned(np.ones(3)), [1, 2, 3])
    assert table[0] == 0
    assert seen[0] is not table


def test_an_error_in_a_returned_function_is_the_student_s(room):
    with pytest.raises(StudentError, match="ZeroDivisionError"):
        room({"f": lambda: lambda: 1 / 0}).call("f")()


def test_an_error_names_the_line(room):
    namespace = {}
    exec(compile("def f(x):\n    y = x + 1\n    return y[7]\n", __file__, "exec"), namespace)
    with pytest.raises(StudentError, match=r"IndexError: .*out of bounds.* \(in f: "):
        room(namespace).call("f", np.ones(2))


@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ({}, "f is not defined"),
        ({"f": 3}, "f is of type int; expected a function"),
        ({"f": lambda x: {1, 2}}, "the result cannot be checked: a value of type set cannot cross"),
        ({"f": lambda x: x.to(torch.bfloat16)}, "bfloat16"),
        ({"f": lambda x: exit(3)}, "SystemExit: 3"),
    ],
)
def test_what_gives_no_value_is_one_kind_of_error(namespace, says, room):
    with pytest.raises(StudentError, match=re.escape(says)) as error:
        room(namespace).call("f", torch.ones(2))
    assert not error.value.unfinished


def test_an_interrupt_is_not_swallowed(room):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room({"f": stopped}).call("f")


def test_grad_is_the_gradient_of_the_contraction(room):
    x, W, g = torch.randn(2, 3), torch.randn(3, 4), torch.randn(2, 4)
    student = room({"f": lambda x, W: torch.tanh(x @ W)})
    leaf = W.clone().requires_grad_()
    (expected,) = torch.autograd.grad((torch.tanh(x @ leaf) * g).sum(), leaf)
    assert torch.allclose(student.grad("f", (x, W), 1, g), expected)
    assert not W.requires_grad


def test_grad_of_what_is_not_used_is_zero_and_of_what_is_cut_off_an_error(room):
    x, one = torch.randn(3), torch.tensor(1.0)
    student = room(
        {
            "first": lambda x, y: y.sum(),
            "cut": lambda x: x.detach().sum(),
            "number": lambda x: x.sum().item(),
            "wide": lambda x: x,
        }
    )
    assert torch.equal(student.grad("first", (x, x), 1, one), torch.ones(3))
    for name in ("cut", "number"):
        with pytest.raises(StudentError, match="no gradient flows back"):
            student.grad(name, (x,), 0, one)
    with pytest.raises(StudentError, match=r"shape \(3,\); expected \(\)"):
        student.grad("wide", (x,), 0, one)
    assert torch.equal(room({"f": lambda x, y: x.sum() + 0 * y.detach().sum()}).grad("f", (x, x), 0, one), torch.ones(3))


def test_writing_into_what_grad_is_taken_of_is_reported(room):
    def writes(x):
        x *= 2
        return x.sum()

    student = room({"f": writes})
    assert torch.equal(student.grad("f", (torch.ones(3),), 0, torch.tensor(1.0)), 2 * torch.ones(3))
    assert student.changed == {"x of writes"}


# The codec

ARRAYS = st.sampled_from(codec.DTYPES).flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | ARRAYS
    | ARRAYS.map(torch.from_numpy)
    | ARRAYS.filter(lambda a: a.size).map(lambda a: a.reshape(-1)[0])
)
KEYS = st.text() | st.integers(0, 9) | st.tuples(st.booleans(), st.none())
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=4) | st.tuples(v, v) | st.dictionaries(KEYS, v, max_size=4), max_leaves=8
)


def identical(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        return identical(list(a.items()), list(b.items()))
    if isinstance(a, torch.Tensor):
        return identical(a.numpy(), b.numpy())
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return a == b or a != a


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_a_value_comes_back_as_it_went(value):
    assert identical(codec.decode(codec.encode(value)), value)


@pytest.mark.parametrize("a", [A.T, A[:, ::2], A[::-1], A.astype(">f8"), np.asfortranarray(A), np.broadcast_to(1.0, (2, 3))])
def test_the_layout_of_an_array_does_not_matter(a):
    for back in (codec.decode(codec.encode(a)), codec.unpack(*codec.pack(a))):
        assert np.array_equal(back, a)
        assert back.dtype == np.float64
        assert back.dtype.isnative
        assert back.flags.writeable


def test_tensors_leave_their_graph_behind():
    back = codec.decode(codec.encode(torch.nn.Parameter(torch.ones(2)) * 2))
    assert torch.equal(back, torch.full((2,), 2.0))
    assert not back.requires_grad


class Scale(torch.nn.Module):
    """A student's module, and beside it a student's class and generator."""

    def __init__(self, dim):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * self.weight


class Stack:
    def __init__(self):
        self.values = []

    def push(self, value):
        self.values.append(value)
        return self

    def top(self):
        return self.values[-1]


def count_up(start):
    yield start
    yield from count_up(start + 1)


MADE = {"Scale": Scale, "Stack": Stack, "count_up": count_up, "same": lambda thing: thing, "apply": lambda f, x: f(x)}


def test_a_module_is_made_gets_weights_runs_and_gives_them_back(room):
    scale = room(MADE).call("Scale", 3)
    scale.call("load_state_dict", {"weight": torch.tensor([1.0, 2.0, 3.0])})
    x = torch.tensor([2.0, 2.0, 2.0])
    assert torch.equal(scale(x), torch.tensor([2.0, 4.0, 6.0]))
    assert torch.equal(scale.call("state_dict")["weight"], torch.tensor([1.0, 2.0, 3.0]))
    assert torch.equal(scale.grad([x], 0, torch.ones(3)), torch.tensor([1.0, 2.0, 3.0]))
    assert torch.equal(scale.grad([x], "weight", torch.ones(3)), x)
    with pytest.raises(StudentError, match="there is no parameter 'bias'; there are weight"):
        scale.grad([x], "bias", torch.ones(3))
    with pytest.raises(StudentError, match="size mismatch"):
        scale.call("load_state_dict", {"weight": torch.ones(4)})


def test_an_object_keeps_its_state_and_a_generator_its_place(room):
    student = room(MADE)
    stack = student.call("Stack").call("push", 1).call("push", np.ones(2))
    assert np.array_equal(stack.call("top"), np.ones(2))
    numbers = student.call("count_up", 5)
    assert [next(numbers), next(numbers)] == [5, 6]
    assert list(zip(student.call("count_up", 1), "ab")) == [(1, "a"), (2, "b")]
    with pytest.raises(StudentError, match="no method pop"):
        stack.call("pop")
    with pytest.raises(StudentError, match="no method __call__"):
        stack()


def test_what_is_theirs_is_theirs_again_when_it_is_handed_back(room):
    student = room(MADE)
    scale = student.call("Scale", 2)
    assert torch.equal(student.call("apply", student.call("same", scale), torch.ones(2)), torch.ones(2))


def test_an_object_is_no_answer():
    made = task("00.9", oracle={"f": lambda: 1}, mistakes={})(lambda room, rng: iter([("one", room.call("f"))]))
    (part,) = grade(made, Direct({"f": Stack}), 0).parts
    assert part.message == "your answer is of type Stack; expected a number (int)"


def test_callables_cross_as_numbers():
    table = []
    data = codec.encode([len, 1, {"f": max}], codec.kept(table))
    assert table == [len, max]
    assert codec.decode(data, lambda number, type: f"proxy {number}") == ["proxy 0", 1, {"f": "proxy 1"}]
    with pytest.raises(codec.CodecError, match="function"):
        codec.decode(data)


def nested(depth: int):
    return [nested(depth - 1)] if depth else []


LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (object(), "type object"),
        ({1, 2}, "type set"),
        (b"x", "type bytes"),
        (1j, "type complex"),
        (np.ones(2, complex), "dtype complex128"),
        (np.array([None]), "dtype object"),
        (np.array(["a"]), "dtype <U1"),
        (np.array([1.0]).view(type("Own", (np.ndarray,), {})), "type Own"),
        (np.ma.array([1.0], mask=[True]), "type MaskedArray"),
        (torch.ones(1, dtype=torch.bfloat16), "bfloat16"),
        (torch.eye(2).to_sparse(), "sparse"),
        (2**63, "64 bits"),
        (nested(17), "deeper than 16"),
        (LOOP, "deeper than 16"),
        ([0] * 100_001, "more than 100000 parts"),
        (np.zeros((64 << 20) + 1, np.uint8), "too large"),
        ([np.zeros(40 << 20, np.uint8)] * 2, "too large"),
        ("x" * (5 << 20), "too large"),
        (np.zeros((1,) * 9), "9 axes"),
    ],
)
def test_what_may_not_cross_is_refused(value, says):
    with pytest.raises(codec.CodecError, match=re.escape(says)):
        codec.encode(value)


def test_the_deepest_and_the_largest_may_cross():
    assert codec.decode(codec.encode(nested(16))) == nested(16)
    assert codec.decode(codec.encode(np.zeros(64 << 20, np.uint8))).nbytes == 64 << 20


@given(st.binary(max_size=40) | st.binary(max_size=60).map(lambda b: len(b).to_bytes(4, "big") + b))
def test_bytes_that_nobody_encoded_are_refused(data):
    with pytest.raises(codec.CodecError):
        codec.decode(data)


@given(st.data())
@settings(max_examples=200)
def test_damaged_bytes_are_refused_or_another_value(data):
    message = bytearray(codec.encode([1, (2.5, "ab"), {"k": np.arange(3)}, torch.ones(2, 2), float("nan"), np.float32(1)]))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    message = message[: data.draw(st.integers(0, len(message)))] if data.draw(st.booleans()) else message
    try:
        value = codec.decode(bytes(message))
    except codec.CodecError:  # and no other error
        return
    assert codec.encode(value), "what came out must be a value that may cross again"


def test_bytes_left_over_are_refused():
    with pytest.raises(codec.CodecError, match="do not fill"):
        codec.decode(codec.encode(A) + b"x")


@pytest.mark.parametrize(
    "header",
    [
        "[" * 100_000,
        '[{"kind": "array"}, []]',
        '[{"kind": "array"}, [["complex64", [0]]]]',
        '[{"kind": "array"}, [["uint8", [-1]]]]',
        '[{"kind": "array"}, [["uint8", [0, 99999999999999999999999]]]]',
        '[{"kind": "array"}, [["uint8", [1000000000000]]]]',
        '[{"kind": "dict", "value": [[[], 1]]}, []]',
        '[{"kind": "dict", "value": [[1]]}, []]',
        '[{"kind": "float", "value": "1_0"}, []]',
        '[{"kind": "module", "value": "os"}, []]',
        '[{"kind": "tuple", "value": 3}, []]',
        "[1]",
        "{}",
        "[" + "[" * 20 + "]" * 20 + ", []]",
    ],
)
def test_forged_headers_are_refused(header):
    with pytest.raises(codec.CodecError):
        codec.decode(len(header).to_bytes(4, "big") + header.encode())
