"""What one cell of a notebook binds and what that reaches, from its source alone, as plain values: what rules.py judges.

It runs in the student's process, since a hostile source can bring the parser down. Nothing of the source is run.
"""

import ast
import json
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from utils.grading.allowed.scopes import (
    COMPREHENSIONS,
    DEFINITIONS,
    MAX_PATH,
    Path,
    Scope,
    before,
    bound,
    chain,
    changed,
    paths,
)

MAX_SOURCE, MAX_LINE = 1_000_000, 120
MAX_REACHES, MAX_SIZE = 20_000, 400_000  # of a statement, for all its names; of all facts of a cell, as JSON

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
PARTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def facts(source: str) -> dict[str, Any]:
    """What one cell binds and reaches, as plain values of bounded size. Never raises; a cell that does not parse has no facts.

    "bindings": [name, "alias", "own" or "value", what it stands for, what it reaches], both lists of [kind, path, code's line];
    "own": attributes that the cell defines; "stars": modules all of whose names it imports; "unread": too long or too deep.
    """
    found = {"bindings": [], "own": [], "stars": [], "unread": len(source) > MAX_SOURCE}
    if found["unread"]:
        return found
    lines, own, left = source.split("\n"), set(), MAX_SIZE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a string
            tree = ast.parse(source)
        for parts in _statements(tree.body):
            rows, stars = _bindings(parts, lines, own), _stars(parts)
            left -= len(json.dumps([rows, stars]))
            if left < 0:
                raise MemoryError
            found["bindings"] += rows
            found["stars"] += stars
        found["own"] = sorted(own)[: left // (6 * MAX_PATH)]
    except (SyntaxError, ValueError):
        return found
    except (RecursionError, MemoryError):
        return found | {"unread": True}
    return found


def _statements(body: list[ast.stmt]) -> Iterator[list[ast.AST]]:
    """The statements of a cell, also those in its blocks; of a block, what stands before its colon."""
    todo = body[::-1]
    while todo:
        node = todo.pop()
        if isinstance(node, (*BLOCKS, ast.ExceptHandler, ast.match_case)):
            children = list(ast.iter_child_nodes(node))
            yield [child for child in children if not isinstance(child, PARTS)]
            todo += [child for child in reversed(children) if isinstance(child, PARTS)]
        else:
            yield [node]


def _stars(parts: list[ast.AST]) -> list[str]:
    """The module whose names a statement imports, all of them."""
    match parts:
        case [ast.ImportFrom(module=str(module), names=[ast.alias(name="*")], level=0)]:
            return [module[:MAX_PATH]]
    return []


def _bindings(parts: list[ast.AST], lines: list[str], own: set[str]) -> list[list]:
    """What one statement binds and reaches; the attributes that it defines are added to `own`."""
    declared: set[str] = set()
    names = list(bound(parts, declared))
    others = [root for part in parts for root in changed(part)]
    if not names and not others:
        return []
    used: dict[Path, str] = {}  # with the line that uses it first
    for node, its in _reached(parts, declared, own):
        used |= {path: _line(node, lines) for path in its if path[1] and path not in used}
        if len(used) * (len(names) + len(others) + len(declared)) > MAX_REACHES:
            raise MemoryError
    reaches = [[kind, path[:MAX_PATH], line] for (kind, path), line in used.items()]
    what = "own" if isinstance(parts[0], DEFINITIONS) else "value"
    rows = []
    for name, value in names:
        its = [("module", value)] if isinstance(value, str) else value and paths(value, None)
        means = [[kind, path[:MAX_PATH], _line(parts[0], lines)] for kind, path in its or ()]
        dotted = not isinstance(value, ast.AST) or isinstance(chain(value)[0], ast.Name)  # and nothing else happens
        rows.append([name[:MAX_PATH], "alias" if means else what, means, [] if means and dotted else reaches])
    return rows + [[name, "own", [], reaches] for name in others] + [[name, "value", [], reaches] for name in sorted(declared)]


def _line(node: ast.AST, lines: list[str]) -> str:
    return lines[node.lineno - 1].strip()[:MAX_LINE] if hasattr(node, "lineno") else ""


def _reached(nodes: Sequence[ast.AST], declared: set[str], own: set[str]) -> Iterator[tuple[ast.AST, list[Path]]]:
    """Each name, dotted name and constant look-up in these nodes, with what it stands for.

    Names that functions declare global go into `declared`, attributes that are defined into `own`.
    """
    todo: list[tuple[ast.AST, Scope | None]] = [(node, None) for node in reversed(nodes)]
    while todo:
        node, scope = todo.pop()
        kind = type(node)
        if kind is ast.Name:
            if isinstance(node.ctx, ast.Load):
                yield node, paths(node, scope)
        elif kind is ast.Attribute:
            if isinstance(node.ctx, ast.Store):
                own.add(node.attr[:MAX_PATH])
            base, attributes = chain(node)
            yield node, paths(node, scope) or [("value", ".".join(attributes))]
            todo += [] if isinstance(base, ast.Name) else [(base, scope)]
        elif kind in DEFINITIONS or kind is ast.Lambda:
            body = [node.body] if kind is ast.Lambda else node.body
            own.update(name[:MAX_PATH] for name, _ in bound(body, set()) if kind is ast.ClassDef)
            inner = Scope(node, scope, body)
            todo += [(part, inner) for part in reversed(body)] + [(part, scope) for part in before(node)]
        elif kind in COMPREHENSIONS:
            inner, first = Scope(node, scope, ()), node.generators[0].iter
            parts = [part for child in ast.iter_child_nodes(node) for part in _of_comprehension(child)]
            todo += [(part, scope if part is first else inner) for part in parts]
        else:
            if kind is ast.Global:
                declared.update(node.names)
            if kind in (ast.Call, ast.Subscript):
                yield node, paths(node, scope)
            todo += [(part, scope) for part in _run(node)]


def _of_comprehension(child: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(child) if isinstance(child, ast.comprehension) else iter([child])


def _run(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that are run for their values: no annotation, and no type that a value is held against."""
    match node:
        case ast.AnnAssign(target=target, value=value):
            return [value, target] if value else [target]
        case ast.Call(func=ast.Name("isinstance" | "issubclass"), args=[first, *_]):
            return [first]
    return list(ast.iter_child_nodes(node))[::-1]
