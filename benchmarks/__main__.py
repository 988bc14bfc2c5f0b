"""This package beside its peers in one run: `python -m benchmarks`, or `python -m benchmarks bpe rnn` for some of it.

Each module here that has `rows()` measures ours and theirs on the same task, on one torch thread; where both should find
the same, they are made to first. Peers that the book itself does not need come with the extra: `pip install -e .[benchmarks]`.
"""

import os

os.environ["TQDM_DISABLE"] = "1"  # before tqdm is loaded: no bars between the rows

import sys
from importlib import import_module

import torch
from rich.console import Console
from rich.table import Table

MODELS = ("rnn", "decoding", "word_vectors", "bpe", "reservoir", "translation", "attention", "transformer")
NAMES = (*MODELS, "grading", "throughput")


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise SystemExit(f"no benchmark is called {unknown[0]!r}; expected some of {', '.join(NAMES)}")
    torch.set_num_threads(1)
    table = Table("task", "peer", "ours", "peer's", "unit", "ours / peer's")
    for name in names or NAMES:
        for row in import_module(f"benchmarks.{name}").rows():
            table.add_row(row.what, row.peer, f"{row.ours:.4g}", f"{row.theirs:.4g}", row.unit, f"{row.ours / row.theirs:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
