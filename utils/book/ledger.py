"""The results ledger: one page made from the records of the experiments and from nothing else."""

from pathlib import Path

from utils.book.record import find
from utils.records import Record, load, record_path

HEAD = """# Results ledger

Every claim that this book tests in an experiment of several seeds, with the tolerance that was set before the run. A claim
that failed stays here. The chapters show the numbers; `course experiment NAME` runs an experiment again; the tests fail where a
record no longer belongs to the code that made it.
"""

ENTRY = """
## {name}

{claim}

| | |
|---|---|
| outcome | **{outcome}** |
| tolerance, set before | {tolerance} |
| source | {source} |
| published | {published} |
| chapter | [{chapter}](chapters/{chapter}) |
| seeds | {seeds} |
| cost | {cpu_s:.0f} cpu-seconds on {machine} |
| versions | {versions} |
| claim as of commit | `{commit}` |

<details>
<summary>All {count} numbers: mean over the seeds, lowest to highest</summary>

| number | mean | lowest | highest |
|---|---:|---:|---:|
{rows}

</details>
"""


def entry(name: str, record: Record) -> str:
    """One record in Markdown."""
    fields = ("claim", "tolerance", "source", "published", "chapter", "cpu_s", "machine", "commit")
    rows = []
    for number in record.runs[0]["numbers"]:
        values = record.numbers(number)
        rows.append(f"| {number} | {values.mean():.4g} | {values.min():.4g} | {values.max():.4g} |")
    return ENTRY.format(
        name=name.replace("_", " ").capitalize(),
        outcome="held" if record.verdict else "did not hold as stated",
        seeds=len(record.runs),
        count=len(rows),
        rows="\n".join(rows),
        versions=", ".join(f"{package} {version}" for package, version in record.versions.items()),
        **{field: getattr(record, field) for field in fields},
    )


def ledger(root: Path) -> str:
    """The page, in the order of the chapters."""
    names = [path.stem for path in sorted((root / "experiments").glob("*.py")) if path.stem != "__init__"]
    records = {name: load(find(name)) for name in names if record_path(find(name)).is_file()}
    return HEAD + "".join(entry(name, r) for name, r in sorted(records.items(), key=lambda item: (item[1].chapter, item[0])))
