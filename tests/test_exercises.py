"""The exercise notebooks: made from the solutions, up to date, checked in a kernel as a student does, and noted as progress."""

import copy
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console

from utils.grading import progress, student
from utils.grading.generate import stub, student_version, write_exercises
from utils.grading.notebooks import cells, exercises
from utils.grading.rooms import Direct, Serialised
from utils.grading.task import Part, Result, find, grade, known

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted(ROOT.glob("solutions/*.ipynb"))
EXERCISES = ROOT / "exercises"


def read(path: Path):
    return nbformat.read(path, as_version=4)


def namespace_of(notebook) -> dict:
    """What the notebook's code defines, its checks left out."""
    checks = {cell.id for _, cell in cells(notebook, "grade")}
    namespace = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id not in checks:
            exec(cell.source, namespace)
    return namespace


# The book's own


@pytest.mark.parametrize("room", [Direct, Serialised])
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_solution_passes_and_every_stub_fails(path, room):
    solved, untouched = namespace_of(read(path)), namespace_of(read(EXERCISES / path.name))
    for exercise in exercises(read(path)):
        for seed in range(5):
            result = grade(find(exercise.id), room(solved), seed)
            assert result.passed, result
            assert not result.changed
        result = grade(find(exercise.id), room(untouched), 0)
        assert result.unfinished
        assert not any(part.passed for part in result.parts)


def test_every_task_that_has_a_check_stands_in_the_notebook_of_its_chapter():
    assert [exercise.id for path in SOLUTIONS for exercise in exercises(read(path))] == known()
    for path in SOLUTIONS:
        assert all(exercise.id.startswith(path.name[:2]) for exercise in exercises(read(path)))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_student_s_notebook_differs_from_its_source_in_the_solutions_alone(path):
    source, theirs = read(path), read(EXERCISES / path.name)
    assert student_version(source) == theirs
    solutions = {cell.id for _, cell in cells(source, "solution")}
    for ours, student_cell in zip(source.cells, theirs.cells, strict=True):
        if ours.id not in solutions:
            assert ours == student_cell
            continue
        solution = re.compile(r"### BEGIN SOLUTION: ([^\n]*)\n.*?### END SOLUTION", flags=re.S)
        cut = solution.sub(r'raise NotImplementedError("\1")', ours.source)
        assert student_cell.source == cut
        assert student_cell.metadata == ours.metadata
    assert "SOLUTION" not in (EXERCISES / path.name).read_text(encoding="utf-8")


def test_the_committed_exercises_are_what_the_generator_writes(tmp_path):
    written = write_exercises(ROOT / "solutions", tmp_path)
    assert {path.name for path in written} == {path.name for path in EXERCISES.glob("*.ipynb")}
    for path in written:
        assert path.read_bytes() == (EXERCISES / path.name).read_bytes()


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_metadata_is_nbgrader_s_and_the_headings_say_the_same(path):
    notebook = read(path)
    nbformat.validate(notebook)
    found = exercises(notebook)
    headings = [cell.source for cell in notebook.cells if re.match(r"## \d\d\.\d", cell.source)]
    assert [heading.split("\n")[:3] for heading in headings] == [[f"## {e.id} {e.title}", "", e.effort] for e in found]
    assert all(1 <= e.difficulty <= 3 and e.minutes >= 1 and e.points >= 1 for e in found)
    common = {"schema_version": 3, "cell_type": "code", "task": False}
    for (id, solution), (check_id, check), e in zip(cells(notebook, "solution"), cells(notebook, "grade"), found, strict=True):
        free = {**common, "grade": False, "solution": True, "locked": False}
        assert solution.metadata.nbgrader == {**free, "grade_id": f"task-{id.replace('.', '-')}"}
        mark = {"grade": True, "solution": False, "locked": True, "points": e.points}
        assert check.metadata.nbgrader == {**common, **mark, "grade_id": f"check-{id.replace('.', '-')}"}
        assert (check_id, check.source) == (id, f'check("{id}")')
        assert re.fullmatch(r"[\w-]+", solution.metadata.nbgrader.grade_id), "nbgrader takes no other ids"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_each_set_ends_with_questions_whose_answers_are_folded(path):
    questions = read(path).cells[-1].source
    count = len(re.findall(r"^\*\*\d\.\*\*", questions, flags=re.M))
    assert count in (2, 3)
    assert len(re.findall(r"<details>\n<summary>Answer</summary>\n\n.+?\n\n</details>", questions, flags=re.S)) == count


# The generator

STUB = "def f(x):\n    ### BEGIN SOLUTION: return x, shape (B,)\n    y = x\n    return y\n    ### END SOLUTION"


def notebook_of(*sources: str, solution: bool = True):
    """A notebook with a task for each source."""
    made = []
    for i, source in enumerate(sources, start=1):
        common = {"schema_version": 3, "cell_type": "code", "task": False}
        graded = {**common, "grade_id": f"task-99-{i}", "grade": False, "solution": solution, "locked": False}
        check = {**common, "grade_id": f"check-99-{i}", "grade": solution, "solution": False, "locked": True, "points": i}
        course = {"title": f"task {i}", "difficulty": 2, "minutes": 10}
        made.append(new_code_cell(source, id=f"task-99-{i}", metadata={"nbgrader": graded, "course": course}))
        made.append(new_code_cell(f'check("99.{i}")', id=f"check-99-{i}", metadata={"nbgrader": check}))
    return new_notebook(cells=made)


def test_a_solution_is_cut_out_at_its_own_indentation():
    inner = 'def g():\n    if a:\n        ### BEGIN SOLUTION: say "a"\n        return a\n        ### END SOLUTION\n    return 0'
    two = f"a = 1\n{STUB}\n{inner}"
    assert stub(two, "99.1") == (
        'a = 1\ndef f(x):\n    raise NotImplementedError("return x, shape (B,)")\n'
        "def g():\n    if a:\n        raise NotImplementedError(\"say 'a'\")\n    return 0"
    )


def test_outputs_go_and_the_source_notebook_is_left_alone():
    notebook = notebook_of(STUB)
    notebook.cells[1].update(execution_count=3, outputs=[nbformat.v4.new_output("stream", text="passed")])
    before = copy.deepcopy(notebook)
    student_cell = student_version(notebook).cells[1]
    assert (student_cell.outputs, student_cell.execution_count) == ([], None)
    assert notebook == before


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (STUB.replace("    ### END SOLUTION", ""), "99.1 begins a solution and does not end it"),
        (STUB.replace("### BEGIN SOLUTION: return x, shape (B,)", "pass"), "99.1 ends a solution that it did not begin"),
        (STUB.replace(": return x, shape (B,)", ""), "99.1 does not say what to do"),
        (STUB.replace(": return x, shape (B,)", ":  "), "99.1 does not say what to do"),
        (STUB.replace("    y = x", "    ### BEGIN SOLUTION: again"), "99.1 begins a solution inside another"),
        (STUB.replace("### END SOLUTION", "# END SOLUTION"), "99.1 has a marker that cannot be read: '# END SOLUTION'"),
        (STUB.replace("### BEGIN", "###BEGIN"), "99.1 has a marker that cannot be read"),
        ("def f(x):\n    return x", "99.1 has no solution"),
    ],
)
def test_markers_that_do_not_fit_are_an_error(source, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        student_version(notebook_of(source))


def test_cells_that_do_not_fit_are_an_error(tmp_path):
    twice = notebook_of(STUB, STUB)
    twice.cells[2].metadata.nbgrader.grade_id = "task-99-1"
    with pytest.raises(ValueError, match=re.escape("two cells have the id '99.1'")):
        student_version(twice)
    with pytest.raises(ValueError, match="metadata does not say so"):
        student_version(notebook_of(STUB, solution=False))
    with pytest.raises(ValueError, match=re.escape("task 99.1 has one of its cells only")):
        student_version(new_notebook(cells=notebook_of(STUB).cells[:1]))
    (tmp_path / "in").mkdir()
    nbformat.write(twice, tmp_path / "in" / "99-x.ipynb")
    with pytest.raises(ValueError, match=re.escape("99-x.ipynb: two cells")):
        write_exercises(tmp_path / "in", tmp_path / "out")


# A student at work

RIGHT = "import numpy as np\ndef last_states(states, lengths):\n    return states[np.arange(len(lengths)), lengths - 1]"
WRONG = "def last_states(states, lengths):\n    last = states[:, -1].copy()\n    states[:] = 0\n    return last"
UNFINISHED = 'def last_states(states, lengths):\n    raise NotImplementedError("return one state for each sequence")'


def test_a_check_in_a_kernel(tmp_path):
    """Right, wrong and unfinished, as a notebook shows them; a task that is not there; and the file that is left."""
    sources = ["from utils.grading.student import check"]
    for source in (UNFINISHED, WRONG, RIGHT):
        sources += [source, 'check("01.2")']
    notebook = new_notebook(cells=[new_code_cell(source) for source in [*sources, 'check("01.3")', 'check("1.2")']])
    NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}, allow_errors=True, timeout=120).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    unfinished, wrong, right, missing = (outputs[i][-1].data for i in (2, 4, 6, 7))
    assert all({"text/plain", "text/html"} == set(data) for data in (unfinished, wrong, right, missing))
    assert "not finished yet" in unfinished["text/plain"]
    assert "Still to do: return one state for each sequence" in unfinished["text/html"]
    assert "This looks like: the last column, padding included. " in wrong["text/plain"]
    assert find("01.2").mistakes["the last column, padding included"].hint in wrong["text/html"]
    assert "writes into states of last_states" in wrong["text/plain"]
    assert "Task 01.2: passed" in right["text/plain"]
    assert right["text/plain"].count("✓ passed") == len(re.findall("✓ passed", right["text/html"])) == 3
    assert "windows is not defined; run the cell that defines it first" in missing["text/plain"]
    assert outputs[8][0].ename == "ValueError"
    assert "known are 00.1, 00.2" in outputs[8][0].evalue
    entries = json.loads((tmp_path / "progress.json").read_text())
    assert (entries["01.2"]["passed"], entries["01.3"]["passed"]) == (True, False)
    assert entries["01.2"]["fingerprint"] == progress.fingerprint([RIGHT], ["last_states"])


SHORTCUT = """%%time
def lstm_step(x, h, c, W_xh, W_hh, b):
    cell = torch.nn.LSTMCell(W_xh.shape[0], W_hh.shape[0])
    return cell(x, (h, c))"""


def test_a_call_that_will_not_count_is_named_at_once_and_forgotten_when_it_is_gone(tmp_path):
    (solution,) = (c.source for c in read(ROOT / "solutions" / "01-recurrent-networks.ipynb").cells if c.id == "task-01-4")
    sources = ["import torch\nfrom utils.grading.student import check", SHORTCUT, 'check("01.4")', solution, 'check("01.4")']
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}, timeout=120).execute()
    said = [notebook.cells[i].outputs[-1].data["text/plain"] for i in (2, 4)]
    assert "This task asks you to write lstm_step; your code calls torch.nn.LSTMCell" in said[0]
    assert "Task 01.4: passed" in said[1]


def test_a_report_escapes_what_the_student_s_code_says():
    result = Result("01.2", (Part("a < b", False, message="KeyError: '<script>'"),), ("<x>",))
    assert "<script>" not in student.Report(result)._repr_html_()
    assert "a &lt; b" in student.Report(result, "<disk full>")._repr_html_()


def test_check_where_nothing_can_be_written_still_reports(tmp_path, monkeypatch, capsys):
    def full(*args):
        raise OSError("no space")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress.os, "replace", full)
    exec(RIGHT + '\nfrom utils.grading.student import check\ncheck("01.2")', {})
    said = capsys.readouterr().out
    assert "Task 01.2: passed" in said
    assert "could not be saved here (no space)" in said
    assert list(tmp_path.iterdir()) == []


# Progress

PASSED = Result("99.1", (Part("a", True),))
FAILED = Result("01.2", (Part("a", False, "the last column, padding included", "Look."),))


def test_results_are_kept_until_the_next_check(tmp_path):
    progress.record(tmp_path, PASSED, "abc")
    progress.record(tmp_path, FAILED, None)
    progress.record(tmp_path, Result("99.1", (Part("a", False),)), "abd")
    entries = progress.load(tmp_path)
    assert (entries["99.1"]["passed"], entries["99.1"]["fingerprint"]) == (False, "abd")
    assert entries["01.2"]["misconception"] == "the last column, padding included"
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"01.2": 1}', '{"01.2": {"passed": "yes"}}', '{"01.2": {"passed": true}}', "\x00"]
)
def test_a_damaged_file_is_set_aside_and_never_lost(text, tmp_path):
    for attempt in (1, 2):
        (tmp_path / "progress.json").write_text(text)
        assert progress.load(tmp_path) == {}
        assert (tmp_path / f"progress.json.broken{attempt}").read_text() == text
    progress.record(tmp_path, PASSED, None)
    assert progress.load(tmp_path)["99.1"]["passed"]


def test_a_fingerprint_follows_the_code_and_not_its_layout():
    print_of = lambda source: progress.fingerprint([source], ["last_states"])  # noqa: E731
    assert print_of(RIGHT) == print_of(RIGHT.replace("\n    return", "\n\n    # a remark\n    return"))
    assert print_of(RIGHT) != print_of(RIGHT.replace("- 1", "- 2"))
    assert print_of("x = 1") is None
    assert print_of("last_states = lambda s, l: s[:, 0]") is not None
    assert progress.fingerprint(["%matplotlib inline", WRONG, RIGHT], ["last_states"]) == print_of(RIGHT)


def test_the_state_of_every_task(tmp_path):
    notebook = read(EXERCISES / "01-recurrent-networks.ipynb")
    cell = dict(cells(notebook, "solution"))["01.2"]
    states = {}

    def state() -> str:
        nbformat.write(notebook, tmp_path / "01-x.ipynb")
        found = progress.rows(tmp_path)
        assert [row.exercise for row in found] == exercises(notebook)
        states.update({row.exercise.id: row.state for row in found})
        return states["01.2"]

    assert state() == "not tried"
    cell.source = RIGHT
    progress.record(tmp_path, FAILED, progress.fingerprint([RIGHT], ["last_states"]))
    assert state() == "not yet: the last column, padding included"
    cell.source = WRONG
    assert state() == "changed since it was checked"
    progress.record(tmp_path, Result("01.2", (Part("a", True),)), progress.fingerprint([WRONG], ["last_states"]))
    assert state() == "passed"
    notebook.cells.append(nbformat.from_dict(copy.deepcopy(cell) | {"id": "copied"}))
    notebook.cells.append(new_markdown_cell("a note"))
    assert state() == "passed"
    progress.record(tmp_path, Result("01.2", (Part("a", False),)), progress.fingerprint([WRONG], ["last_states"]))
    assert state() == "not yet"
    assert set(states.values()) == {"not tried", "not yet"}


def test_the_table_adds_up_the_points(tmp_path):
    nbformat.write(notebook_of(STUB, STUB), tmp_path / "99-x.ipynb")
    progress.record(tmp_path, Result("99.2", (Part("a", True),)), None)
    with (console := Console(width=100)).capture() as said:
        console.print(progress.status(tmp_path))
    assert "2 of 3 points" in said.get()
    assert re.search(r"99\.2 .*task 2 .*2 .*●●○ .*10 .*passed", said.get())
    assert re.search(r"99\.1 .*not tried", said.get())


# The worked examples of the statements


def test_the_examples_by_hand_hold():
    made = {}
    for path in SOLUTIONS:
        made |= namespace_of(read(path))
    log3, one, zero = np.log(3), np.ones((1, 1)), np.zeros((1, 1))
    assert np.allclose(made["softmax"](np.array([[0, log3], [1000, 1000 + log3]])), [[0.25, 0.75]] * 2)
    assert np.isclose(made["cross_entropy"](np.array([[5.0, 5.0], [0, log3]]), np.array([1, 0])), 1.5)
    states = made["run_rnn"](np.array([[[1.0], [0.0]]]), zero, one, 0.5 * one, np.zeros(1))
    assert np.allclose(states, [[[0.762], [0.363]]], atol=5e-4)
    padded = np.array([[[10.0], [20.0], [30.0], [40.0]], [[5.0], [6.0], [7.0], [8.0]]])
    assert made["last_states"](padded, np.array([3, 1])).tolist() == [[30.0], [5.0]]
    inputs, targets = made["windows"](np.arange(11), 2, 2)
    assert inputs.tolist() == [[[0, 1], [5, 6]], [[2, 3], [7, 8]]]
    assert targets.tolist() == [[[1, 2], [6, 7]], [[3, 4], [8, 9]]]
    x, c, W = torch.randn(1, 1), torch.full((1, 1), 2.0), torch.zeros(1, 4)
    h, c = made["lstm_step"](x, x, c, W, W, W[0])
    assert c.item() == 1.0
    assert abs(h.item() - 0.381) < 5e-4
    assert np.allclose(made["clip"]([3 * one, np.array([4.0])], 1.0)[0], 0.6)
    assert made["clip"]([3 * one, np.array([4.0])], 10.0)[1].tolist() == [4.0]
    logits = torch.zeros(2, 3, 2)
    logits[1, :, 1] = float(log3)
    assert torch.isclose(
        made["bits_per_character"](logits, torch.zeros(2, 3, dtype=torch.int64), torch.tensor([3, 1])), torch.tensor(1.25)
    )
    assert made["generate"](lambda state, token: (np.eye(3)[(token + 1) % 3], state), None, 0, 4) == [1, 2, 0, 1]
    pulls = np.array([[[1.0], [2.0]]])
    assert made["bptt"](np.array([[[0.0], [0.5]]]), one, 0.5 * one, pulls).item() == 1.75


def test_the_examples_by_hand_of_decoding_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("02-"))))
    tokens, score = made["greedy"](np.array([[-1.0, -2, -3], [-4, -2, -2]]))
    assert tokens.tolist() == [0, 1]
    assert score == -3
    start, table = np.array([0.5, 0.5]), np.array([[0, 1], [0.25, 0.75]])
    assert np.isclose(made["log_probability"](np.array([0, 1, 0]), start, table), np.log(1 / 8))
    assert made["log_probability"](np.array([0, 0]), start, table) == -np.inf
    logits = torch.tensor([[0, float(np.log(3))]])
    assert torch.allclose(made["tempered"](logits, 0.5), torch.tensor([[0.1, 0.9]]))
    assert made["keep_top_k"](np.array([[1.0, 3, 3, 3, 0]]), 2).tolist() == [[-np.inf, 3, 3, -np.inf, -np.inf]]
    finished, scores = np.array([[3, 0, 0, 0], [1, 2, 4, 0]]), np.array([-3.0, -4])
    assert [part.tolist() for part in made["rank"](finished, scores, 0, 1.0)] == [[1, 0], [-1, -1.5]]
    kept = made["keep_nucleus"](torch.tensor([[0.2, 0.5, 0.3]]).log(), 0.6)
    assert kept.isfinite().tolist() == [[False, True, True]]
    expanded = made["expand"](torch.tensor([-1.0, -2]), torch.tensor([[-1.0, -3, -4], [-2, -5, -2]]))
    assert [part.tolist() for part in expanded] == [[0, 0], [0, 1], [-2, -4]]
    table = np.array([[0.4, 0.3, 0.3], [0, 1, 0], [0.2, 0.2, 0.6]])
    best, gap = made["gap_to_greedy"](np.array([0.5, 0.4, 0.1]), table, 2)
    assert best == [1, 1]
    assert np.isclose(gap, 1)
    rows = {None: [0.4, 0.5, 0.1], 1: [0.3, 0.6, 0.1], 2: [0.8, 0.1, 0.1]}
    found = made["beam_search"](lambda state, token: (np.log(rows[token if state else None]), 1), 0, 0, 2, 2, 0)
    assert [sequence for sequence, _ in found] == [[0], [1, 1]]
    assert np.allclose([score for _, score in found], np.log([0.4, 0.3]))


def test_the_examples_by_hand_of_subword_tokens_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("04-"))))
    counts = {("h", "u"): 10, ("u", "g"): 10, ("p", "ug"): 5}
    assert made["count_pairs"]({("h", "u", "g"): 10, ("p", "ug"): 5}) == counts
    assert made["count_pairs"]({("a", "a", "a"): 1}) == {("a", "a"): 2}
    assert made["merge"]([1, 2, 3, 2, 1, 2], (1, 2), 9) == [9, 3, 2, 9]
    assert made["merge"]([1, 1, 1], (1, 1), 9) == [9, 1]
    merges = [(("u", "g"), 20), (("h", "ug"), 15), (("p", "u"), 12)]
    assert made["train"]({"hug": 10, "pug": 5, "pun": 12, "hugs": 5}, 3) == merges
    assert made["encode"]("abc", [(98, 99), (97, 98)]) == [97, 256]
    assert made["decode"]([256, 169, 98], [(97, 195)]) == ("aéb", 2)
    pieces = ["a", " hug", ",", " ", " a", " pug", "2"]
    assert made["count_pieces"](["a hug,  a pug2"]) == dict.fromkeys(pieces, 1)
    split = [("a", False), ("###", True), ("b", False), ("###", True), ("#", False)]
    assert made["split_special"]("a###b####", ["##", "###"]) == split
    assert np.isclose(made["per_character"](np.log(2) * np.array([3, 1]), np.array([2, 4]), ["hug", "é a pug"]), 1)


def test_the_examples_by_hand_of_word_vectors_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("03-"))))
    pairs = made["training_pairs"](np.array([4, 7, 5, 7, 2]), np.array([0, 0, 0, 1, 1]), 1)
    assert pairs.tolist() == [[4, 7], [7, 4], [7, 5], [5, 7], [7, 2], [2, 7]]
    assert np.allclose(made["keep_probability"](np.array([64, 32, 4]), 0.16), [0.5, 0.5**0.5, 1])
    assert np.allclose(made["noise_distribution"](np.array([16, 1]), 0.75), [8 / 9, 1 / 9])
    vectors = torch.tensor([[1.0, 0], [3, 6], [5, 2]])
    means = made["context_means"](vectors, torch.tensor([[1, 2, 0], [0, 2, 2]]), torch.tensor([[1.0, 1, 0], [1, 1, 1]]))
    assert torch.allclose(means, torch.tensor([[4, 4], [11 / 3, 4 / 3]]))
    ids, cosines = made["nearest"](np.array([[3.0, 4], [0, 1], [30, 0], [6, 8]]), 0, 2)
    assert ids.tolist() == [3, 1]
    assert np.allclose(cosines, [1, 0.8])
    assert np.allclose(made["ppmi"](np.array([[2, 0], [1, 1]])), [[np.log2(4 / 3), 0], [0, 1]])
    log3 = float(np.log(3))
    example = [[[1.0, 0]], [[log3, 5]], [[[0, 7.0], [-log3, 2]]]]
    assert torch.isclose(made["sampled_loss"](*map(torch.tensor, example)), torch.tensor(np.log(32 / 9)).float())
    assert np.allclose(made["centre_gradient"](*map(np.array, example)), [[-log3 / 2, 2.75]])


def test_the_examples_by_hand_of_echo_state_networks_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("05-"))))
    column = lambda *v: np.array(v, dtype=float)[:, None]  # noqa: E731
    assert np.allclose(made["scale_to_radius"](np.array([[0, 2], [-0.5, 0]]), 0.9), [[0, 1.8], [-0.45, 0]])
    states = made["run_reservoir"](column(1, 0), column(0, 1), column(1), 0.5)
    assert np.allclose(states, [[0.381], [0.372]], atol=5e-4)
    first, second = np.array([3.0, 4]), np.zeros(2)
    assert np.allclose(made["distances"](lambda u, x: x / 2 + u, column(1, 7), first, second), [2.5, 1.25])
    u, states, y = column(1, 2, 3)[None], column(10, 20, 30)[None], column(7, 8, 9)[None]
    assert [part.tolist() for part in made["training_rows"](u, states, y, 1)] == [[[1, 2, 20], [1, 3, 30]], [[8], [9]]]
    assert np.allclose(made["ridge"](column(1, 2), column(3, 6), 1.0), [[2.5]])
    assert np.allclose(made["nrmse"](column(1, 3, 3), column(1, 3, 5)), [0.5**0.5])
    assert np.allclose(made["free_run"](lambda v, x: v + x, column(1, 0, 0.5), column(2, 4), np.zeros(1), 2), [[4], [6]])
    u = np.array([1.0, 1, 0, 0, 1, 0, 0, 1])
    assert np.allclose(made["memory"](u, column(0, 1, 1, 0, 0, 1, 0, 0), 2, 5), [1, 0.25])


def test_the_examples_by_hand_of_sequence_to_sequence_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("07-"))))
    rows = made["inputs_and_targets"](np.array([7, 4, 9]), 1, 2)
    assert [row.tolist() for row in rows] == [[1, 7, 4, 9], [7, 4, 9, 2]]
    log3, one = float(np.log(3)), np.ones((1, 1))
    rows = {1: [0.1, 1e-9, 0.5, 0.4], 2: [0.5, 1e-9, 0.25, 0.25], 3: [0.9, 1e-9, 0.05, 0.05]}
    after = lambda state, token: (np.log(rows[int(token)]), state)  # noqa: E731
    judged = made["judge"](after, None, np.array([2]), np.array([3]), 1, 0)
    assert np.allclose(judged, [np.log(0.25), np.log(0.36), True])
    assert np.allclose(judged, [-1.386, -1.022, True], atol=5e-4)
    source = np.array([[1, 0], [1, 0]])
    states = made["encode"](source, np.array([2, 1]), np.array([[0.0], [1.0]]), one, 0.5 * one, np.zeros(1))
    assert np.allclose(states, [[0.363], [0.762]], atol=5e-4)
    reversed_rows = made["reverse"](np.array([[1, 2, 3, 0], [4, 0, 9, 8]]), np.array([3, 2]))
    assert reversed_rows.tolist() == [[3, 2, 1, 0], [0, 4, 9, 8]]
    first = [[0.25, 0.25, 0.5], [0.9, 0.05, 0.05], [0.25, 0.5, 0.25]]
    p = torch.tensor([first, [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.25, 0.5, 0.25]]])
    step = lambda t, tokens: (p[min(t, 1)].log(), t + 1)  # noqa: E731
    tokens, scores = made["translate"](step, 0, torch.tensor([1, 1, 1]), 3, 0)
    assert tokens.tolist() == [[2, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert torch.allclose(scores, torch.tensor([0.4, 0.9, 0.125]).log())
    column = lambda *v: torch.tensor(v)[:, None]  # noqa: E731
    W_p = torch.tensor([[7.0, 8], [0, log3], [1, 1]])
    p, z = made["decoder_step"](column(1.0), column(-3.0), column(2.0), torch.ones(3, 1), torch.zeros(1), W_p, torch.zeros(2))
    assert torch.allclose(p, torch.tensor([[0.25, 0.75]]))
    assert z.tolist() == [[0]]
    true = ["the", "cat", "sat", "on", "the", "mat"]
    found = [[*true[:5], "the", "mat"], true[:5]]
    assert np.isclose(made["bleu"](found, [true, true]), 100 * 0.4125**0.25)
    assert np.isclose(made["bleu"](found, [true, true]), 80.14, atol=5e-3)
    assert np.isclose(made["bleu"](found[1:], [true]), 81.87, atol=5e-3)


def test_the_examples_by_hand_of_bahdanau_attention_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("08-"))))
    log3, tanh1 = float(np.log(3)), float(np.tanh(1))
    scores = torch.tensor([[[0, log3, 50]] * 2])
    mask = torch.tensor([[[True, True, False], [False] * 3]])
    assert torch.allclose(made["masked_softmax"](scores, mask), torch.tensor([[[0.25, 0.75, 0], [0, 0, 0]]]))
    one = torch.ones(1, 1)
    found = made["additive_scores"](one[None], torch.tensor([[[0.0], [-1]]]), one, one, 2 * one[0])
    assert torch.allclose(found, torch.tensor([[[2 * tanh1, 0]]]))
    values = torch.tensor([[[4.0, 0], [0, 8]]])
    assert torch.allclose(made["context"](scores[:, :1, :2], values), torch.tensor([[[1.0, 6]]]))
    words = torch.tensor([[[3.0], [4]]])
    states, weights = made["decode"](words, one, lambda s: (2 * s, one), lambda x, s: x.sum(1, keepdim=True) + s)
    assert (states.flatten().tolist(), weights.flatten().tolist()) == ([6, 22], [1, 1])
    zero, states = torch.zeros(1, 1), torch.tensor([[[0.0], [1]]])
    seen, rest = torch.tensor([[True, True]]), (torch.zeros(2, 2), torch.tensor([[1.0, 0]]), torch.tensor([2.0, 0]))
    assert made["look_as_found"](zero, zero, states, seen, *rest).tolist() == [[0.5, 0.5]]
    found, back = (made["look"](zero, zero, h, seen, *rest) for h in (states, states.flip(1)))
    assert torch.allclose(found, torch.tensor([[0.179, 0.821]]), atol=5e-4)
    assert torch.allclose(back, found.flip(1))
    softmax = lambda scores: np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)  # noqa: E731
    products = lambda q, k, v: (v, softmax(q @ k.swapaxes(1, 2)))  # noqa: E731
    case = np.ones((1, 1, 1)), np.array([[[0], [log3]]]), np.ones((1, 2, 1))
    assert np.allclose(products(*case)[1], [0.25, 0.75])
    assert made["looks_at_the_source"](products, *case)
    assert not made["looks_at_the_source"](lambda q, k, v: (v, np.full((1, 1, 2), 0.5)), *case)
    weights = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
    assert np.isclose(made["alignment_error_rate"]([weights], [[(0, 0)]], [[(0, 0), (2, 1)]]), 1 / 3)


def test_the_examples_by_hand_of_self_attention_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("11-"))))
    log3, words = np.log(3), np.eye(2)
    W_q, W_k = np.array([[2 * log3, 0, 0, 0], [0, 0, 0, 0]]), np.array([[0.0, 0, 0, 0], [1, 0, 0, 0]])
    assert np.allclose(made["self_attention"](words, W_q, W_k, np.array([[4.0], [8]])), [[7], [6]])
    scores = np.array([[[0, 9, 9], [0, log3, 9], [0, 0, np.log(2)]]] * 2)
    weights = made["causal_weights"](scores, np.array([[True] * 3, [False, True, True]]))
    assert np.allclose(weights[0], [[1, 0, 0], [0.25, 0.75, 0], [0.25, 0.25, 0.5]])
    assert np.allclose(weights[1], [[0, 0, 0], [0, 1, 0], [0, 1 / 3, 2 / 3]])
    maps = np.array([[log3, 0], [0, 0]]), np.array([[0.0, 0], [1, 5]]), np.array([[4.0, 2], [8, 6]]), np.array([[1.0], [10]])
    assert np.allclose(made["multi_head"](words[None], *maps, 2), [[[47], [46]]])
    vectors = made["sinusoids"](np.array([0, 1]), 4)
    assert np.allclose(vectors, [[0, 1, 0, 1], [0.841, 0.540, 0.010, 1.000]], atol=5e-4)
    places = np.array([3]), np.array([1, 1])
    assert np.allclose(made["rotary_scores"](words[:1], words, *places), [[-0.416, 0.909]], atol=5e-4)
    case = np.array([[[1.0], [3]]])
    mean = lambda x: np.broadcast_to(x.mean(1, keepdims=True), x.shape)  # noqa: E731
    so_far = lambda x: x.cumsum(1) / np.arange(1, x.shape[1] + 1)[:, None]  # noqa: E731
    assert (mean(case).ravel().tolist(), so_far(case).ravel().tolist()) == ([2, 2], [1, 2])
    assert not made["is_causal"](mean, case)
    assert made["is_causal"](so_far, case)
    cost, path = made["costs"](np.array([9]), 2, 3)
    assert (cost.tolist(), path.tolist()) == ([[432, 72, 432, 216]], [[1, 9, 4, 2]])


def test_the_examples_by_hand_of_attention_variants_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("09-"))))
    log3, column = np.log(3), lambda *v: np.array(v, dtype=float)[:, None]
    vectors = np.array([[[1.0, 2, 0, 0]]]), np.array([[[4.0, 3, 7, 7]]])
    assert [made["product_scores"](*vectors, kind).item() for kind in ("dot", "scaled dot")] == [10, 5]
    assert made["product_scores"](np.ones((1, 1, 1)), np.array([[[4.0, 3]]]), "general", np.array([[1.0, 2]])).item() == 10
    keys = np.array([[[5.0, 0], [0, 2]]])
    assert np.allclose(made["cosine_weights"](np.array([[[3.0, 0]]]), keys, np.array([[log3]])), [[[0.75, 0.25]]])
    zeros, ones = np.zeros(4), np.ones(4)
    assert np.isclose(made["logit_scale"](zeros, ones, zeros, ones), 1 / 2)
    assert np.isclose(made["logit_scale"](zeros, ones, 3**0.5 * ones, ones), 1 / 4)
    read_here = made["positional_read"](column(4, 8)[None], column(9, 5, 1), column(8, log3, 0))
    assert np.allclose(read_here, column(4, 5)[None])
    add, look = lambda x, s: x.sum(1, keepdims=True) + s, lambda s: (2 * s, np.ones((1, 1)))
    found, weights = made["luong_decode"](column(0.5, 0)[None], np.zeros((1, 1)), add, look, column(1, -1))
    assert np.allclose(found.flatten(), [0.462, 0.745], atol=5e-4)
    assert weights.flatten().tolist() == [1, 1]
    found = made["local_weights"](np.zeros((1, 1, 6)), np.zeros((1, 1)), np.array([4]), 2)
    assert np.allclose(found, [[[0.034, 0.152, 0.25, 0.152, 0, 0]]], atol=5e-4)
    logits, rest = np.array([[0, log3]]), (np.array([1.0]), np.array([0.2]))
    assert np.allclose(made["reinforce"](logits, np.array([0]), *rest), [[0.6, -0.6]])
    assert np.allclose(made["reinforce"](logits, np.array([1]), np.zeros(1), np.array([0.2])), [[0.05, -0.05]])


def test_the_examples_by_hand_of_the_transformer_hold():
    made = namespace_of(read(next(path for path in SOLUTIONS if path.name.startswith("13-"))))
    log3 = np.log(3)
    assert made["layer_norm"](np.array([[[1.0, 3]]]), np.array([2.0, 4]), np.array([10.0, 20]), 3).tolist() == [[[9, 22]]]
    steps = (lambda x: x + 2), (lambda x: 3 * x), (lambda x: x / 2), (lambda x: x - 1)
    assert [order.item() for order in made["two_orders"](np.array([[[4.0]]]), *steps)] == [19, 29]
    assert made["warmups"](np.array([0.15, 0.8]), 4).tolist() == [12, 1]
    assert np.allclose((4 * np.array([11, 12, 1])) ** -0.5, [0.151, 0.1443, 0.5], atol=5e-4)  # their highest rates
    case = np.array([[[0, log3], [50, 7]]]), np.array([[1, 0]]), np.array([[True, False]])
    assert np.isclose(made["smoothed_loss"](*case, 0.2), 0.1 * np.log(4) + 0.9 * np.log(4 / 3))
    assert np.isclose(made["smoothed_loss"](*case, 0.2), 0.398, atol=5e-4)
    counts = made["count_parameters"](np.array([2]), np.array([3]), 1, 1, 5, 4, False)
    assert counts.tolist() == [[18, 53, 81, 12]]
    assert made["count_parameters"](np.array([2]), np.array([3]), 1, 1, 5, 4, True)[0, 3] == 4
    caches = np.zeros((2, 1, 1)), np.array([[[4.0]], [[2]]])
    maps = [np.array([row, [9.0, 9]]) for row in ([log3, 0], [1.0, 5], [8.0, 6])]
    output, keys, values = made["attend_step"](np.array([1.0, 0]), *caches, *maps, np.array([[1.0, 0], [0, 10]]))
    assert np.allclose(output, [7, 40])
    assert (keys[..., 0].tolist(), values[..., 0].tolist()) == ([[0, 1], [0, 5]], [[4, 8], [2, 6]])
    case = np.array([[1, 1]]), np.zeros((1, 1, 2)), np.array([[True]]), np.array([[1.0, 0], [0, 2]]), 0, []
    assert made["word_scores"](*case).tolist() == [[[1, 0], [0, 4]]]
    assert made["word_scores_as_found"](*case).tolist() == [[[0, 4], [0, 4]]]
