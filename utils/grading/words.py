"""What a result says to a student, in the words that the notebook and the page of feedback share.

How the words are laid out, and which of them must be escaped, is the reader's of this module.
"""

import unicodedata

from utils.grading.task import Part, Result

LOOKS_LIKE = "This looks like: {}. "
ODD = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's controls, formats (that turn the direction), surrogates, separators
JOINERS = "\u200c\u200d"  # formats that words of Persian and many emoji hold


def verdict(part: Part) -> str:
    """A sign and a word."""
    return "✓ passed" if part.passed else "✗ not yet"


def standing(result: Result) -> str:
    """How a task stands."""
    if result.unfinished is not None:
        return "not finished yet"
    good = sum(part.passed for part in result.parts)
    return "passed" if result.passed else f"not yet ({good} of {len(result.parts)} parts passed)"


def parts(result: Result) -> tuple[Part, ...]:
    """The parts worth showing: none of an unfinished answer."""
    return result.parts if result.unfinished is None else ()


def notes(result: Result) -> list[str]:
    """What is to be said beside the parts, in whole sentences."""
    todo = [] if result.unfinished is None else [f"Still to do: {result.unfinished or 'replace the NotImplementedError'}"]
    return todo + [
        f"Your code writes into {name}. That costs nothing here; whoever calls it may still need the old values."
        for name in result.changed
    ]


def number(points: float) -> str:
    """Points without needless digits: 1, 0.5, 33.33."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def printable(text: str, most: int = 2000, keep: str = "\n\t") -> str:
    """A student's text as it may be shown: controls and what turns the direction of writing as [U+202E], a long one cut."""
    keep += JOINERS
    seen = "".join(f"[U+{ord(c):04X}]" if c not in keep and unicodedata.category(c) in ODD else c for c in text[:most])
    return seen if len(text) <= most else f"{seen} … ({len(text) - most} more characters)"
