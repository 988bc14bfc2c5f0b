"""Recorded experiments: what was claimed, what came out on every seed, and whether it holds. It only reads.

An experiment is a module in experiments/ with CHAPTER, CLAIM, SOURCE, PUBLISHED, TOLERANCE, SEEDS, settings(scale), run(seed,
scale, **setting) and holds(numbers); its record lies beside it in experiments/results/ as JSON.
"""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

WIDTH = 80  # characters that a page shows in one line


@dataclass(frozen=True)
class Record:
    """One experiment's outcome. `runs` has an entry a seed: {"seed": 0, "numbers": {name: value}}."""

    chapter: str
    claim: str
    source: str
    published: str
    tolerance: str
    runs: list[dict]
    tiny: dict[str, float]  # the numbers of one seed at tiny scale, which the tests replay
    cpu_s: float
    machine: str
    versions: dict[str, str]
    commit: str  # in which the claim and the tolerance stood as they are here, before the record was made
    verdict: bool

    def numbers(self, name: str) -> np.ndarray:
        """One number on every seed, in the order of the runs: (seeds,)."""
        return by_name(self.runs)[name]


def by_name(runs: list[dict]) -> dict[str, np.ndarray]:
    """The runs turned round: name -> its value on every seed (seeds,)."""
    return {name: np.array([run["numbers"][name] for run in runs]) for name in runs[0]["numbers"]}


def record_path(experiment: ModuleType) -> Path:
    """Where an experiment's record lies."""
    module = Path(experiment.__file__)
    return module.parent / "results" / f"{module.stem}.json"


def load(experiment: ModuleType) -> Record:
    """The record of an experiment, given as its module, so that a page which shows it is known to depend on it."""
    return Record(**json.loads(record_path(experiment).read_text(encoding="utf-8")))


def report(record: Record) -> str:
    """What was claimed, by how much it might miss, and what came out, wrapped. A claim that failed is said to have."""
    outcome = "it held" if record.verdict else "IT DID NOT HOLD as stated"
    said = {
        "claim": record.claim,
        "tolerance": f"{record.tolerance} (set before the run)",
        "recorded": f"{outcome}, {len(record.runs)} seeds, {record.cpu_s:.0f} cpu-seconds",
    }
    wrapped = (textwrap.fill(f"{name + ':':10} {words}", WIDTH, subsequent_indent=" " * 11) for name, words in said.items())
    return "\n".join(wrapped)
