"""The recorded experiments are what their modules make, and recording survives being stopped."""

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import psutil
import pytest

from utils.book.record import find, merged, tiny_numbers
from utils.records import Record, by_name, load, record_path

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_the_record_belongs_to_its_module(name):
    experiment = find(name)
    record = load(experiment)
    assert {"chapter", "claim", "source", "published", "tolerance"} <= {field.name for field in fields(Record)}
    for field in ("chapter", "claim", "source", "published", "tolerance"):
        assert getattr(record, field) == getattr(experiment, field.upper()), f"{field} was changed after the record was made"
    assert tuple(run["seed"] for run in record.runs) == experiment.SEEDS
    assert len(experiment.SEEDS) >= 3
    assert record.verdict == experiment.holds(by_name(record.runs))
    assert all(np.isfinite(values).all() for values in by_name(record.runs).values())
    assert (ROOT / "chapters" / f"{record.chapter}.ipynb").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_published_says_how_far_its_scale_is_from_ours(name):
    experiment = find(name)
    assert hasattr(experiment, "SCALE") != experiment.PUBLISHED.startswith("none")


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_at_tiny_scale_gives_the_recorded_numbers(name, monkeypatch):
    """Where this fails, what the experiment measures has changed: run `course experiment` again."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    experiment = find(name)
    now, then = tiny_numbers(experiment), load(experiment).tiny
    assert now.keys() == then.keys()
    for key, value in now.items():
        assert math.isclose(value, then[key], rel_tol=1e-4, abs_tol=1e-6), key


@pytest.mark.parametrize("name", NAMES)
def test_every_run_holds_the_numbers_of_every_setting(name):
    experiment = find(name)
    runs = load(experiment).runs
    assert all(run["numbers"].keys() == runs[0]["numbers"].keys() for run in runs)
    assert len(runs[0]["numbers"]) >= len(experiment.settings("cpu"))


def test_an_unknown_experiment_is_refused_by_name():
    with pytest.raises(ValueError, match=f"'nothing'; known are {NAMES[0]}"):
        find("nothing")


def test_numbers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="both return a"):
        merged([{"seed": 0, "numbers": {"a": 1.0}}, {"seed": 0, "numbers": {"a": 2.0}}])


IDENTITY = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
TOY = """
import os, time
from pathlib import Path
CHAPTER, CLAIM, SOURCE, PUBLISHED, TOLERANCE, SEEDS = "00-a", "it runs", "none", "none", "none", (0, 1)
def settings(scale):
    return [{"n": n} for n in range(2 if scale == "tiny" else 3)]
def run(seed, scale, n):
    if scale != "tiny":
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(f"{seed} {n}\\n")
        if os.environ.get("TOY_STOP") == f"{seed} {n}":
            time.sleep(60)
    return {f"n {n}": float(seed + n)}
def holds(numbers):
    return numbers["n 2"].tolist() == [2.0, 3.0]
"""


@pytest.fixture
def toy(tmp_path):
    """A small book of its own, under git, with one experiment; runs the command there."""
    for folder in ("chapters", "experiments"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_toc.yml").write_text("root: index\n")
    (tmp_path / "experiments" / "__init__.py").write_text("")
    (tmp_path / "experiments" / "toy.py").write_text(TOY)
    log = tmp_path / "log"
    log.write_text("")
    environment = os.environ | IDENTITY | {"PYTHONPATH": str(tmp_path), "TOY_LOG": str(log), "COLUMNS": "120"}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "the claim"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=environment, check=True)

    def start(**more: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "utils.cli", "experiment", "toy", "--jobs", "1"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment | more, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    return tmp_path, log, start


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(toy):
    root, log, start = toy
    result = root / "experiments" / "results" / "toy.json"
    process = start(TOY_STOP="1 0")
    deadline = time.monotonic() + 60
    while "1 0" not in log.read_text():
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert workers and not psutil.wait_procs(workers, timeout=30)[1]  # and its workers end with it
    process.communicate()
    assert not result.exists()

    out, errors = start().communicate(timeout=120)
    assert "holds: it runs" in out, errors
    assert log.read_text().split("\n")[:-1] == ["0 0", "0 1", "0 2", "1 0", "1 0", "1 1", "1 2"]  # only the stopped one twice
    record = json.loads(result.read_text())
    assert record["runs"] == [{"seed": s, "numbers": {f"n {n}": float(s + n) for n in range(3)}} for s in (0, 1)]
    assert record["tiny"] == {"n 0": 0.0, "n 1": 1.0}
    assert record["verdict"] is True
    assert not list(root.rglob("*.partial"))

    (root / "experiments" / "toy.py").write_text(TOY.replace("seed + n", "seed - n"))
    out, _ = start().communicate(timeout=120)
    assert "commit the claim and the tolerance" in out.replace("\n", " ")
    assert json.loads(result.read_text()) == record  # refused: the old record stands

    subprocess.run(["git", "commit", "-qam", "another claim"], cwd=root, check=True, env=os.environ | IDENTITY)
    out, _ = start().communicate(timeout=120)
    assert "DOES NOT HOLD: it runs" in out  # a failed claim is recorded the same way
    changed = json.loads(result.read_text())
    assert changed["verdict"] is False
    assert changed["runs"][0]["numbers"]["n 2"] == -2.0  # nothing of the other code was reused
    assert changed["commit"] != record["commit"]


def test_records_lie_beside_their_module():
    assert record_path(find(NAMES[0])) == ROOT / "experiments" / "results" / f"{NAMES[0]}.json"
