"""Where things are: the book's folder, its chapters, and what its table of contents and its configuration say."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

DISTRIBUTION = "from-recurrence-to-attention"


def find_root(start: Path | None = None) -> Path:
    """The book's folder: the nearest one, from `start` (the current folder) upwards, that holds _toc.yml and chapters/."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "_toc.yml").is_file() and (folder / "chapters").is_dir():
            return folder
    raise FileNotFoundError(f"no _toc.yml and chapters/ in {start} or above it; run this inside the book's folder")


def chapters(root: Path) -> list[Path]:
    """The notebooks that the build runs, in their order: chapters/NN-name.ipynb."""
    return sorted(p for p in (root / "chapters").glob("*.ipynb") if re.match(r"\d\d-", p.name))


def config(root: Path) -> dict:
    """_config.yml."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def toc_files(root: Path) -> list[str]:
    """The pages that _toc.yml names, root page first, as written there (no ending)."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    pages = [toc["root"]]

    def collect(entry: object) -> None:
        if isinstance(entry, dict):
            pages.extend([entry["file"]] if "file" in entry else [])
            for value in entry.values():
                collect(value)
        elif isinstance(entry, list):
            for value in entry:
                collect(value)

    collect({key: value for key, value in toc.items() if key != "root"})
    return pages


def pinned_versions(root: Path) -> dict[str, str]:
    """The installed version of each package that requirements.txt names ("missing" where one is not installed)."""
    versions = {}
    for line in (root / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name = re.split(r"[=<>!~;\[ #]", line.strip(), maxsplit=1)[0]
        if name:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                versions[name] = "missing"
    return versions
