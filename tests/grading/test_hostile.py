"""Hostile submissions. All of them are graded in one class, and none has its way; with the protection off, each has.

What they do stands in hostile/, one module a kind; how a protection is taken away, in hostile/weaker.py.
"""

import os
import sys
from pathlib import Path

import pytest
from hostile import static
from hostile.attack import CANARY, KINDS, PROTECTIONS, Attack, Evidence
from hostile.corpus import ATTACKS
from hostile.through import THROUGH
from hostile.without import FULL, WHOLE, together

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox")]

BOUND = 40  # seconds for a student: six times the two of a cell, two of each task, and a slow machine
HANGING = 15  # seconds after which a grader without deadlines is ended; with them, a student takes a few
AT_ONCE = 4  # of attacks that hang
WAYS = {  # by which a class is graded, in the strongest sandbox or, as in the container that Gradescope makes, in the other
    "course": {},
    "dask": {},
    "gradescope": {"level": "landlock"},
    "nbgrader": {"limit": 600},  # one student after the other
}


def name(attack: Attack) -> str:
    return f"{attack.kind}: {attack.name}"


def proofs() -> list:
    """Protections with the attacks that can do without them in one class."""
    found = []
    for protection in PROTECTIONS:
        aimed = [attack for attack in ATTACKS if attack.aims_at == protection]
        apart = [[attack] for attack in aimed if attack.alone]
        together = [attack for attack in aimed if not attack.alone]
        size = AT_ONCE if protection == "deadline" else len(together) or 1
        apart += [together[i : i + size] for i in range(0, len(together), size)]
        found += [pytest.param(protection, some, id=f"{protection}: {some[0].name} (of {len(some)})") for some in apart]
    return found


@pytest.fixture(scope="module", params=WAYS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evidence]:
    """What each did in one class with honest students, with all protections, in every way that a class can be graded."""
    settings = {"through": request.param} | WAYS[request.param]
    found = together("", ATTACKS, tmp_path_factory.mktemp("hostile"), **settings)
    if "cannot be set up here" in found[WHOLE].texts:
        pytest.skip("this machine has no such sandbox")
    return found


def test_corpus() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert WAYS.keys() == THROUGH.keys()
    assert {attack.kind for attack in ATTACKS} == set(KINDS)
    assert {attack.aims_at for attack in ATTACKS} == set(PROTECTIONS)


@pytest.mark.parametrize("attack", ATTACKS, ids=name)
def test_attack_fails(attack: Attack, found: dict[str, Evidence]) -> None:
    evidence = found[attack.name]
    assert not attack.had_its_way(evidence)
    assert not any(evidence.points.get(task, 0) for task in attack.tasks)
    assert CANARY not in evidence.texts
    assert evidence.survivors == []
    assert evidence.files == []
    assert 0 < evidence.seconds < BOUND
    assert evidence.neighbour == FULL
    assert evidence.alive


def test_class_is_unharmed(found: dict[str, Evidence]) -> None:
    whole = found[WHOLE]
    assert whole.neighbour == FULL  # every honest student
    assert CANARY not in whole.texts
    assert whole.survivors == []
    assert whole.files == []
    assert whole.alive


@pytest.mark.parametrize(("protection", "attacks"), proofs())
def test_attack_succeeds_without_its_protection(protection: str, attacks: list[Attack], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        attacks = [attack for attack in attacks if not attack.as_root]
    found = together(protection, attacks, tmp_path, *([HANGING] if protection == "deadline" else []))
    assert [attack.name for attack in attacks if not attack.had_its_way(found[attack.name])] == []


def test_what_the_grader_does_not_stop(tmp_path: Path) -> None:
    """As guard.py and rules.py say. Who closes one of these moves it to the attacks."""
    found = together("", static.OPEN, tmp_path)
    assert [attack.name for attack in static.OPEN if not attack.had_its_way(found[attack.name])] == []
