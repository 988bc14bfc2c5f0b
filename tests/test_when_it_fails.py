"""The page on what to do when something fails: what it quotes is what is said, and its remedies work."""

import os
import re
import signal
import threading
import tomllib
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from utils import training
from utils.book.project import find_root
from utils.grading import progress
from utils.grading.task import Part, Result

ROOT = find_root(Path(__file__).parent)
PAGE = (ROOT / "chapters" / "when-it-fails.md").read_text(encoding="utf-8")

ENDLESS = "def last_states(states, lengths):\n    while True:\n        pass"
RIGHT = "import numpy as np\ndef last_states(states, lengths):\n    return states[np.arange(len(lengths)), lengths - 1]"
UNFINISHED = "def last_states(states, lengths):\n    raise NotImplementedError"


def said(cell):
    """What a cell's last output says, an error's traceback without its colours."""
    last = cell.outputs[-1]
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(last.traceback)) if last.output_type == "error" else last.data["text/plain"]


def test_a_check_in_trouble_says_what_the_page_quotes_and_can_be_interrupted(tmp_path):
    sources = ["from utils.grading.student import check", 'check("01.2")', UNFINISHED, 'check("01.2")']
    notebook = new_notebook(cells=[new_code_cell(s) for s in [*sources, ENDLESS, 'check("01.2")', RIGHT, 'check("01.2")']])
    client = NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}, allow_errors=True, timeout=60)

    def interrupt(cell, cell_index):
        if cell_index == 5:
            threading.Timer(1, os.kill, (client.km.provisioner.pid, signal.SIGINT)).start()

    client.on_cell_execute = interrupt
    client.execute()
    missing, unfinished, hanging, right = (said(notebook.cells[i]) for i in (1, 3, 5, 7))
    for text, output in (("is not defined; run the cell that defines it first", missing), ("not finished yet", unfinished)):
        assert text in PAGE and text in output
    assert "KeyboardInterrupt" in hanging
    assert re.search(r"-+> \d+ +(while True:|pass)", hanging), "the message names the line where it was"
    assert "Task 01.2: passed" in right


def test_the_course_command_outside_the_book_says_what_the_page_quotes(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        find_root(tmp_path)
    quoted = re.search(r'\*\*"(no _toc.yml .+?) \.\.\. (or above it)"', PAGE)
    assert all(part in str(error.value) for part in quoted.groups())


def test_the_states_and_the_file_that_the_page_names(tmp_path):
    path = tmp_path / "01-recurrent-networks.ipynb"
    path.write_text((ROOT / "exercises" / path.name).read_text(encoding="utf-8"), encoding="utf-8")
    progress.record(tmp_path, Result("01.2", (Part("a", True),)), "of another answer")
    states = {row.exercise.id: row.state for row in progress.rows(tmp_path)}
    assert f"*{states['01.2']}*" in PAGE and f"*{states['01.3']}*" in PAGE
    (tmp_path / progress.FILE).write_text("{", encoding="utf-8")
    progress.load(tmp_path)
    (aside,) = tmp_path.glob("*.broken*")
    assert f"`{aside.name}`" in PAGE


def test_the_versions_and_scales_that_the_page_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14" and "3.11, 3.12 or 3.13" in PAGE
    assert set(re.findall(r"COURSE_SCALE=(\w+)", PAGE)) <= set(training.SCALES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}:" in makefile for target in re.findall(r"`(?:COURSE_\w+=\w+ )?make (\w+)", PAGE))
