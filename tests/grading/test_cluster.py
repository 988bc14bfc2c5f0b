"""A class on a cluster: a real scheduler of Dask's, two workers. One that is killed loses nothing and doubles nothing."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client
from grading.runs import a_class, alive, family, kept, start, table, wait_for
from joblib import delayed

from utils.book.project import find_root
from utils.grading import examiners
from utils.grading.backends import ClusterError, parallel
from utils.grading.batch import grade_class
from utils.grading.examiners import Examiners
from utils.grading.results import seeds

pytestmark = pytest.mark.slow
KEY = bytes(range(seeds.SIZE))
PAGE = (find_root() / "instructors" / "cluster.md").read_text(encoding="utf-8")
HEAD = "tcp://head:8786"


def command(program, **instead):
    """The command on the guide's page that begins so, its words, some of them replaced."""
    (found,) = re.findall(rf"^```\n({program} .+|{program})\n```$", PAGE, re.M)
    for word, other in instead.items():
        assert found.count(word) == 1, f"{word} is not on the page"
        found = found.replace(word, other)
    return found.split()


def in_place(words):
    """What the installed command `dask` does, wherever it lies."""
    assert words[0] == "dask"
    return [sys.executable, "-m", "dask", *words[1:], "--no-dashboard"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a scheduler with two workers, each a process with a nurse that starts it anew when it dies."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    rest = {"cwd": folder, "env": os.environ | {"TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [*in_place(command("dask scheduler")), "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    started = [subprocess.Popen(scheduler, **rest, **quiet)]
    wait_for(file.exists, 60)
    address = json.loads(file.read_text())["address"]
    for _ in range(2):
        worker = in_place(command("dask worker", **{HEAD: address, "--nworkers 4": "--nworkers 1"}))
        started.append(subprocess.Popen(worker, **rest, **quiet))
    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    yield address
    processes = [one for process in started if process.poll() is None for one in family(process)]
    for process in reversed(started):
        process.terminate()
        process.wait(60)
    wait_for(lambda: not alive(processes))


def here_alone():
    """Of a module that no worker has."""


def test_a_task_that_no_worker_can_do_ends_the_run_and_is_not_waited_for(cluster):
    with (
        parallel(1, "dask", cluster) as workers,
        pytest.raises(ClusterError, match=r"examine a student: .*different environments"),
    ):
        list(workers(delayed(here_alone)() for _ in range(3)))


def test_a_worker_that_is_killed_loses_no_student_and_doubles_no_mark(cluster, tmp_path):
    keys = tmp_path / "keys" / "results"
    keys.mkdir(parents=True)
    (keys / "secret.key").write_bytes(KEY)
    place = a_class(tmp_path / "class", keys.parent, 9)
    said = command("course grade", **{HEAD: cluster, "submissions": "", "--out results": ""})
    run = start(place, *said[2:])
    results = lambda: list(place.glob("results/students/*/result.json"))  # noqa: E731
    wait_for(lambda: len(results()) > 2 or run.poll() is not None, 120)
    assert run.poll() is None, run.communicate()
    with Client(cluster) as client:
        busy = next(address for address, tasks in client.processing().items() if tasks)
        worker = psutil.Process(client.run(os.getpid, workers=[busy])[busy])
    assert 2 < len(results()) < 9
    gone = [worker.parent(), worker, *worker.children(recursive=True)]
    assert len(gone) > 3  # the nurse, the worker, its examiner, and what holds the students' code
    for process in gone[:2]:
        process.kill()
    out, err = run.communicate(timeout=300)
    assert (run.returncode, "9 of 9 students graded, 0 marks changed" in out) == (0, True), out + err
    assert not alive(gone)
    assert [row["total"] for row in table(place / "results" / "grades.csv")] == ["6"] * 9
    assert table(place / "results" / "changes.csv") == []

    on_cluster = kept(place / "results")
    again = grade_class(place / "submissions", place / "results", place / "course", jobs=1)
    assert again.anew == ()  # every mark is the one that this machine would give
    assert kept(place / "results") == on_cluster


def test_examiners_that_travel_arrive_as_the_other_process_s_own(tmp_path):
    setting = (tmp_path, KEY, "landlock", 3.0)
    sent = pickle.dumps(Examiners(setting, str(tmp_path)))
    arrived = pickle.loads(sent)
    assert pickle.loads(sent) is arrived
    assert arrived.setting == setting and Path(arrived.scratch) != tmp_path
    assert pickle.loads(pickle.dumps(Examiners((tmp_path, KEY, "landlock", 4.0), ""))) is not arrived
    examiners._of_this_process.cache_clear()


def test_a_machine_that_does_not_see_the_submissions_gives_no_0_for_them(tmp_path):
    with Examiners((tmp_path, KEY, None, 1.0), str(tmp_path)) as some, pytest.raises(ValueError, match="there is nothing at"):
        some.examine("alice", tmp_path / "elsewhere" / "alice", None)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setitem(dask.config.config["distributed"]["comm"]["timeouts"], "connect", "1s")
    with (
        pytest.raises(ValueError, match=r"scheduler tcp://127\.0\.0\.1:9 does not answer"),
        parallel(2, "dask", "tcp://127.0.0.1:9"),
    ):
        pass
