"""What a notebook finds on Colab: the first cell installs the book there and leaves Colab's own packages as they are."""

import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COLAB = {  # of its pip-freeze.gpu.txt of February 2026 (github.com/googlecolab/backend-info): those that the book asks for
    "filelock": "3.24.3",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "joblib": "1.5.3",
    "matplotlib": "3.10.0",
    "nbclient": "0.10.4",
    "nbformat": "5.10.4",
    "numpy": "2.0.2",
    "pillow": "11.3.0",
    "pooch": "1.9.0",
    "regex": "2025.11.3",
    "rich": "13.9.4",
    "scipy": "1.16.3",
    "tokenizers": "0.22.2",
    "torch": "2.10.0+cu128",
    "tqdm": "4.67.3",
    "traitlets": "5.7.1",
    "typer": "0.24.1",
}
ABSENT = {"gensim", "nbstripout", "pyseccomp", "reservoirpy", "sacrebleu"}


def test_the_first_cell_replaces_nothing_that_colab_has(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {canonicalize_name(r.name): r.specifier for r in map(Requirement, project["dependencies"])}
    assert set(asked) - set(COLAB) == ABSENT, "look up what Colab has of it"
    assert {name: COLAB[name] for name in set(asked) - ABSENT if not asked[name].contains(COLAB[name])} == {}
