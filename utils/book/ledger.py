"""The results ledger: one page made from the records of the experiments, their modules' first words, and nothing else."""

import inspect
import textwrap
from collections.abc import Mapping
from pathlib import Path

from utils.book.record import find
from utils.records import Record, load, record_path

LINE, FEW = 76, 8  # characters of a claim in the table on top; numbers that an entry shows unfolded

PAGE = """# Results ledger

Every claim that this book tests in an experiment of several seeds, with the tolerance that was set before the run. A claim
that failed stays here. The chapters show the numbers; `course experiment NAME` runs an experiment again; the tests fail where a
record no longer belongs to the code that made it.

**{held} of {count} held**, at {hours:.1f} hours of processor time together. The table has the first words of each claim,
which lead to its entry, and the seconds that its runs took. The head of a column sorts by it.

```{{table}}
:class: sortable

| chapter | claim | held | seconds |
|---|---|---|---:|
{rows}
```

<script>
{script}</script>

{entries}"""

ENTRY = """(claim-{anchor})=
## {title}

{claim}

*What was run.* {words}

| | |
|---|---|
| outcome | **{outcome}** |
| tolerance, set before | {tolerance} |
| source | {source} |
| published | {published} |
| difference in scale | {scale} |
| chapter | [{chapter}](chapters/{chapter}) |
| seeds | {seeds} |
| cost | {cpu_s:.0f} cpu-seconds on {machine} |
| versions | {versions} |
| claim as of commit | `{commit}` |

<details{unfolded}>
<summary>All {count} numbers: mean over the seeds, lowest to highest</summary>

| number | mean | lowest | highest |
|---|---:|---:|---:|
{rows}

</details>
"""


def row(name: str, record: Record) -> str:
    """A record's row in the table on top: its claim in a line, as a link to the entry."""
    claim = textwrap.shorten(record.claim.split(". ")[0].rstrip("."), LINE, placeholder=" ...")
    chapter = f"[{record.chapter[:2]}](chapters/{record.chapter})"
    return f"| {chapter} | [{claim}](#claim-{anchor(name)}) | {'yes' if record.verdict else '**no**'} | {record.cpu_s:.0f} |"


def anchor(name: str) -> str:
    return name.replace("_", "-")


def entry(name: str, record: Record) -> str:
    """One record in Markdown."""
    fields = ("claim", "tolerance", "source", "published", "chapter", "cpu_s", "machine", "commit")
    rows = []
    for number in record.runs[0]["numbers"]:
        values = record.numbers(number)
        rows.append(f"| {number} | {values.mean():.4g} | {values.min():.4g} | {values.max():.4g} |")
    return ENTRY.format(
        anchor=anchor(name),
        title=name.replace("_", " ").capitalize(),
        words=inspect.getdoc(find(name)),
        scale=getattr(find(name), "SCALE", "nothing to compare with"),
        outcome="held" if record.verdict else "did not hold as stated",
        seeds=len(record.runs),
        count=len(rows),
        unfolded=" open" if len(rows) <= FEW else "",
        rows="\n".join(rows),
        versions=", ".join(f"{package} {version}" for package, version in record.versions.items()),
        **{field: getattr(record, field) for field in fields},
    )


def page(records: Mapping[str, Record]) -> str:
    """The page of these records, given by the experiments' names, in this order."""
    return PAGE.format(
        held=sum(record.verdict for record in records.values()),
        count=len(records),
        hours=sum(record.cpu_s for record in records.values()) / 3600,
        rows="\n".join(row(name, record) for name, record in records.items()),
        script=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
        entries="\n".join(entry(name, record) for name, record in records.items()),
    )


def ledger(root: Path) -> str:
    """The page of all that is recorded, in the order of the chapters."""
    names = [path.stem for path in sorted((root / "experiments").glob("*.py")) if path.stem != "__init__"]
    records = {name: load(find(name)) for name in names if record_path(find(name)).is_file()}
    return page(dict(sorted(records.items(), key=lambda item: (item[1].chapter, item[0]))))
