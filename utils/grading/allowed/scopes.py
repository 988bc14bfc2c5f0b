"""What a name in a student's source stands for: scopes, imports, aliases, constant look-ups. Nothing is run.

It follows a name to a module's path, to a name of the notebook, or to a value that it says nothing about.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

MAX_PATH, MAX_MEANINGS, MAX_DEPTH = 200, 50, 20

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Path = tuple[str, str]
"""("module", "torch.softmax"); ("global", "F.softmax"), where F is a name of some cell; ("value", "softmax"), of any value."""


class Scope:
    """The names of one function, class or comprehension, and what each may stand for. None is the scope of the cells."""

    def __init__(self, node: ast.AST, parent: "Scope | None", inside: Sequence[ast.AST]) -> None:
        self.parent, self.is_class = parent, isinstance(node, ast.ClassDef)
        self.values: dict[str, list] = {}  # a module's path, or an expression and its scope, or None
        self.meanings: dict[str, dict[Path, None]] = {}
        self.elsewhere: set[str] = set()  # names declared global or nonlocal
        for name, value in _parameters(node):
            self.values.setdefault(name, []).append(value and (value, parent))
        for name, value in bound(inside, self.elsewhere):
            self.values.setdefault(name, []).append((value, self) if isinstance(value, ast.AST) else value)

    def meaning(self, name: str, depth: int) -> list[Path]:
        """What one of its names stands for. A name that is made of itself sees what was known of it before."""
        if name not in self.meanings:
            known = self.meanings[name] = {}
            for value in self.values[name]:
                found = [("module", value)] if isinstance(value, str) else value and paths(*value, depth + 1)
                known.update(dict.fromkeys((found or [("value", "")])[: MAX_MEANINGS - len(known)]))
        return list(self.meanings[name])


def bound(nodes: Sequence[ast.AST], elsewhere: set[str]) -> Iterator[tuple[str, Any]]:
    """The names that these nodes bind in their own scope: to a module's path, an expression, or what is not known, None."""
    todo = list(nodes)[::-1]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is ast.Import:
            yield from ((a.asname, a.name) if a.asname else 2 * (a.name.partition(".")[0],) for a in node.names)
        elif kind is ast.ImportFrom:
            known = node.module and not node.level
            yield from ((a.asname or a.name, f"{node.module}.{a.name}" if known else None) for a in node.names if a.name != "*")
        elif kind in DEFINITIONS or kind is ast.Lambda:
            yield from [] if kind is ast.Lambda else [(node.name, None)]
            todo += before(node)
        elif kind in COMPREHENSIONS:
            todo += [part for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
        elif kind in (ast.Global, ast.Nonlocal):
            elsewhere.update(node.names)
        elif kind is ast.Name:
            yield from [(node.id, None)] if isinstance(node.ctx, ast.Store) else []
        else:
            names = [getattr(node, field, None) for field in ("name", "rest")]  # of an exception, of a pattern
            yield from ((name, None) for name in names if isinstance(name, str))
            targets = _targets(node)
            yield from (pair for target in targets for pair in _pairs(target, node.value))
            todo += [part for part in ast.iter_child_nodes(node) if part not in targets][::-1]


def before(node: ast.AST) -> list[ast.AST]:
    """What of a definition is run outside of it: decorators, defaults, bases."""
    around = list(getattr(node, "decorator_list", ()))
    if isinstance(node, ast.ClassDef):
        return [*around, *node.bases, *(keyword.value for keyword in node.keywords)]
    return [*around, *node.args.defaults, *(default for default in node.args.kw_defaults if default)]


def changed(node: ast.AST) -> Iterator[str]:
    """The names of the cells whose values a statement changes: softmax of softmax.by = f, table of table["a"] = f."""
    for target in _targets(node):
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
            if isinstance(target, ast.Name):
                yield target.id


def chain(node: ast.AST) -> tuple[ast.AST, list[str]]:
    """What a dotted expression begins with, and its attributes."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, attributes[::-1]


def paths(node: ast.AST, scope: Scope | None, depth: int = 0) -> list[Path]:
    """What an expression may stand for, if names and constants alone say so."""
    if depth > MAX_DEPTH:
        return []
    base, attributes = chain(node)
    rest = ".".join(attributes)[:MAX_PATH]
    found = _name(base.id, scope, depth) if isinstance(base, ast.Name) else _looked_up(base, scope, depth)
    return [(kind, f"{path}.{rest}".strip(".")[: 2 * MAX_PATH]) for kind, path in found]


def _name(name: str, scope: Scope | None, depth: int) -> list[Path]:
    here = scope
    while here is not None:
        if name in here.values and name not in here.elsewhere and (here is scope or not here.is_class):
            return here.meaning(name, depth)
        here = here.parent
    return [("global", name)]


def _looked_up(node: ast.AST, scope: Scope | None, depth: int) -> list[Path]:
    """getattr(F, "softmax"), import_module("torch.nn"), vars(F)["softmax"], F.__dict__["softmax"], sys.modules["torch"]."""
    match node:
        case ast.Call(func=ast.Name("getattr"), args=[owner, ast.Constant(str(key)), *_]):
            return _inside(paths(owner, scope, depth + 1) or [("value", "")], key)
        case ast.Call(func=ast.Name("__import__"), args=[ast.Constant(str(module))], keywords=[]):
            return [("module", module.partition(".")[0])]
        case ast.Call(func=ast.Name("__import__" | "import_module"), args=[ast.Constant(str(module)), *_]):
            return [("module", module)]
        case ast.Call(func=ast.Attribute(attr="__import__" | "import_module"), args=[ast.Constant(str(module)), *_]):
            return [("module", module)]
        case ast.Subscript(value=ast.Call(func=ast.Name("vars"), args=[owner]), slice=ast.Constant(str(key))):
            return _inside(paths(owner, scope, depth + 1), key)
        case ast.Subscript(value=ast.Attribute(value=owner, attr="__dict__"), slice=ast.Constant(str(key))):
            return _inside(paths(owner, scope, depth + 1), key)
        case ast.Subscript(value=ast.Call(func=ast.Name("globals")), slice=ast.Constant(str(key))):
            return [("global", key)]
        case ast.Subscript(value=ast.Attribute(value=ast.Name("sys"), attr="modules"), slice=ast.Constant(str(key))):
            return [("module", key)]
        case ast.NamedExpr(value=value):
            return paths(value, scope, depth + 1)
    return []


def _inside(paths: list[Path], key: str) -> list[Path]:
    return [(kind, f"{path}.{key}".strip(".")) for kind, path in paths]


def _parameters(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """The names that a function or a comprehension gets from outside, with their defaults."""
    if isinstance(node, FUNCTIONS):
        a = node.args
        places = [*a.posonlyargs, *a.args]
        yield from ((arg.arg, None) for arg in [*places, *a.kwonlyargs, a.vararg, a.kwarg] if arg)
        yield from ((arg.arg, default) for arg, default in zip(reversed(places), reversed(a.defaults)))
        yield from ((arg.arg, default) for arg, default in zip(a.kwonlyargs, a.kw_defaults) if default)
    elif isinstance(node, COMPREHENSIONS):
        yield from bound([loop.target for loop in node.generators], set())


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value else []


def _pairs(target: ast.AST, value: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """The names in a target, each with the expression that it gets."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, its in zip(target.elts, value.elts):
            yield from [(part.id, its)] if isinstance(part, ast.Name) else bound([part], set())
    else:
        yield from bound([target], set())
