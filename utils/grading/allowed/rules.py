"""What the code of a task may call: the facts of a student's cells held against what the task names.

It sees names, not values. What a program makes up while it runs, a name from pieces or code from text, is guard.py's.
"""

import builtins
import sys
from collections.abc import Sequence
from typing import Any

HARMLESS = ("numpy", "IPython", "matplotlib", "tqdm", "typing_extensions")
"""The packages that every task may use beside the standard library: NumPy, and what shows or describes."""

MAX_TEXT, MAX_STEPS, MAX_SENTENCES = 800, 100_000, 10

Reach = tuple[str, str, str]  # "module", "global" or "value"; a dotted name; the line of code


def violations(cells: Sequence[Any], names: Sequence[str], may_use: Sequence[str], not_use: Sequence[str]) -> list[str]:
    """What the functions `names` reach and may not use, a sentence to the student for each. ValueError for what is no facts.

    All that is bound to a name in any cell counts, since which of it comes last is not known before the cells are run.
    """
    reached = _reached(cells, names, may_use, not_use)
    if any(cell["unread"] for cell in cells):  # it could hide anything
        return ["One of your code cells is too long, or nested too deeply, to be read. Write it shorter, or cut it in two."]
    bad = {path: line for path, line in reached.items() if _named(path, not_use) or not _allowed(path, may_use)}
    first = sorted(bad, key=lambda path: not _named(path, not_use))[:MAX_SENTENCES]
    longest = [path for path in first if not any(other.startswith(path + ".") for other in bad)]
    return [_sentence(path, bad[path], names, may_use, not_use) for path in longest]


def asks_to_write(names: Sequence[str], called: str) -> str:
    """The sentence about a call that does the whole task."""
    return f"This task asks you to write {' and '.join(names)}; your code calls {called}"


def asks_for(may_use: Sequence[str], used: str) -> str:
    """The sentence about a package that the task leaves out."""
    packages = ["Python", "NumPy", *may_use]
    return f"This task asks for {', '.join(packages[:-1])} and {packages[-1]} only; your code uses {used}"


def short(name: str) -> str:
    """A function's name without what marks a variant of it: softmax of special_softmax, _softmax and softmax.int."""
    return name.partition(".")[0].strip("_").removeprefix("special_")


def _reached(cells: Sequence[Any], names: Sequence[str], may_use: Sequence[str], not_use: Sequence[str]) -> dict[str, str]:
    """The dotted names of modules that the functions reach, each with the line; ".softmax" for a method that is named."""
    bindings, own, stars = _joined(cells)
    only_foreign = not any(_allowed(module, may_use) for module in stars)
    found: dict[str, str] = {}
    seen, entered = set(), set()
    todo: list[Reach] = [("global", name, "") for name in names]
    for kind, path, line in todo:  # which grows
        if len(todo) > MAX_STEPS:
            break
        if (kind, path) in seen or len(path) > MAX_TEXT:
            continue
        seen.add((kind, path))
        if kind == "module":
            found.setdefault(path, line)
        elif kind == "value":
            methods = [f".{name}" for name in path.split(".") if name not in own]
            found |= {method: line for method in methods if method in not_use and method not in found}
        else:
            root, _, rest = path.partition(".")
            for what, means, reaches in bindings.get(root, ()):
                todo += [(k, f"{p}.{rest}".strip("."), line or their_line) for k, p, their_line in means]
                todo += reaches if root not in entered else []
                todo += [("value", rest, line)] if rest and what == "value" else []
                if what != "own":  # it is run at once: what it names may still be what a star imported
                    roots = [(p, its_line) for k, p, its_line in (*means, *reaches) if k == "global"]
                    starred = [(f"{module}.{p}", its_line) for module in stars for p, its_line in roots]
                    todo += [("module", p, its_line) for p, its_line in starred if _named(p, not_use)]
            entered.add(root)
            if root not in bindings and not hasattr(builtins, root):
                from_star = [f"{module}.{path}" for module in stars]
                todo += [("module", p, line) for p in from_star if only_foreign or _named(p, not_use)]
    return found


def _joined(cells: Sequence[Any]) -> tuple[dict[str, list], set[str], list[str]]:
    """The facts of all cells as one, looked over, since they come from the student's process."""
    bindings, own, stars = {}, set(), []
    for cell in cells:
        match cell:
            case {"bindings": list(rows), "own": list(names), "stars": list(modules), "unread": bool()}:
                own.update(map(_text, names))
                stars += map(_text, modules)
            case _:
                raise ValueError("the facts of a cell are of another make")
        for row in rows:
            match row:
                case [str(name), "alias" | "own" | "value" as what, list(means), list(reaches)]:
                    bindings.setdefault(name, []).append((what, [*map(_reach, means)], [*map(_reach, reaches)]))
                case _:
                    raise ValueError("a binding in the facts is of another make")
    return bindings, own, stars


def _reach(value: Any) -> Reach:
    match value:
        case ["module" | "global" | "value" as kind, path, line]:
            return kind, _text(path), _text(line)
    raise ValueError("what a name reaches is of another make")


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("the facts hold what is no short text")
    return value


def _under(path: str, names: Sequence[str]) -> bool:
    return any(path == name or path.startswith(name + ".") for name in names)


def _allowed(path: str, may_use: Sequence[str]) -> bool:
    """Whether its package is one that the task may use; a method of a value belongs to none."""
    root = path.partition(".")[0]
    return not root or root in HARMLESS or root in sys.stdlib_module_names or _under(path, may_use)


def _named(path: str, not_use: Sequence[str]) -> bool:
    """Whether it stands in `not_use`, or is what the same package has elsewhere under the same name."""
    root, *parts = path.split(".")
    if _under(path, not_use) or not root or not parts:
        return _under(path, not_use)
    names = {short(part) for part in [parts[-1], *(parts[2:3] if parts[0] == "ops" else ())]}
    rules = [rule.split(".") for rule in not_use]
    return any(short(rule[-1]) in names for rule in rules if rule[0] == root or (rule[0] == "" and root == "torch"))


def _sentence(path: str, line: str, names: Sequence[str], may_use: Sequence[str], not_use: Sequence[str]) -> str:
    called = f"the method {path[1:]}" if path.startswith(".") else path
    said = asks_to_write(names, called) if _named(path, not_use) else asks_for(may_use, called)
    line = "".join(c if c.isprintable() else " " for c in line)
    return said + (f', in the line "{line}".' if line else ".")
