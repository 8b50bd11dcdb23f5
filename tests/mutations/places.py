"""Mutations of Python source: where a small mistake could be made, and the mistakes that fit there.

Left alone are annotations, decorators, docstrings and other strings, `__repr__`, error messages, log messages, help
texts, `strict` of `zip`, and what runs only for a type checker or as a program.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
REMOVED = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)
SILENT_FUNCTIONS = {"__repr__", "_repr_html_"}
LOGS = {"say", "warn", "debug", "info", "warning", "error", "exception"}
TEXT_KEYWORDS = {"help", "metavar", "description", "epilog"}
ASSERTED = {"strict"}  # of zip: it asserts what holds, so that no test could notice that it is gone


@dataclass(frozen=True)
class Mutation:
    """One replacement in one file."""

    path: Path
    line: int
    start: int  # bytes from the beginning of the file
    end: int
    before: str
    after: str
    replacement: str

    def apply(self, source: bytes) -> bytes:
        """The source with this mistake in it."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]


def places_of(source: str, path: Path) -> list[list[Mutation]]:
    """All places of a file, in order, each with the mutations that are possible there.

    >>> [[each.after for each in place] for place in places_of("x = a < b and not c", Path("m.py"))]
    [['a <= b', 'a >= b'], ['a < b or not c'], ['c']]
    """
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places: dict[tuple[int, int], list[Mutation]] = {}
    for node, changed in _walk(ast.parse(source)):
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        for new in changed:
            text = ast.unparse(new)
            atom = isinstance(new, ast.stmt | ast.Name | ast.Constant | ast.Attribute | ast.Call)
            replacement = text if atom else f"({text})"
            found = Mutation(path, node.lineno, start, end, ast.unparse(node), text, replacement)
            places.setdefault((start, end), []).append(found)
    return [place for _, place in sorted(places.items())]


def draw(files: Sequence[Path], root: Path, count: int, seed: int, each: int = 2) -> list[Mutation]:
    """Draw modules at random, and mutations at random places of each.

    Args:
        files: modules, as paths below `root`.
        root: of the checkout.
        count: mutations in all.
        seed: of the draw.
        each: mutations of one module, at different places.
    """
    rng = random.Random(seed)
    places = {path: places_of((root / path).read_text(encoding="utf-8"), path) for path in sorted(files)}
    enough = [path for path, found in places.items() if len(found) >= each]
    modules = rng.sample(enough, min(len(enough), -(-count // each)))
    return [rng.choice(place) for path in modules for place in rng.sample(places[path], each)][:count]


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Every node that can be mutated, with what it can become."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if _is_left_alone(node):
            continue
        if changed := [new for kind, change in CHANGES if isinstance(node, kind) for new in change(node)]:
            yield node, changed
        # Comparisons and `not` have mutations that negate them already.
        for test in _conditions(node):
            if not isinstance(test, ast.Compare) and not _is_not(test):
                yield test, [ast.UnaryOp(ast.Not(), test)]
        for default in _defaults(node):
            if isinstance(default.value, str | float):
                yield (
                    default,
                    [ast.Constant(f"{default.value}x" if isinstance(default.value, str) else default.value * 2)],
                )
        todo += _children(node)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in SILENT_FUNCTIONS
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and _called(node.value) in LOGS
    if isinstance(node, ast.Call):
        return _called(node) in LOGS or _called(node).endswith("Error")
    # Before Python 3.12 the parts of an f-string do not know where they stand.
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg in TEXT_KEYWORDS | ASSERTED)


def _children(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that run: no annotation, no decorator, no error message."""
    left_out = {"annotation", "returns", "decorator_list", "type_comment", "exc", "cause"}
    if isinstance(node, ast.Raise):
        return []
    found = []
    for name, value in ast.iter_fields(node):
        if name not in left_out:
            found += [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST)]
    return found


def _called(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _is_not(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.comprehension):
        return node.ifs
    return [node.test] if isinstance(node, ast.If | ast.While) else []


def _defaults(node: ast.AST) -> list[ast.Constant]:
    values = [*node.defaults, *node.kw_defaults] if isinstance(node, ast.arguments) else []
    return [value for value in values if isinstance(value, ast.Constant)]


def _of_comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _of_constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield from (ast.Constant(node.value + step) for step in (1, -1) if node.value + step >= 0)


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    other = NAMES.get(_called(node))
    if other and isinstance(node.func, ast.Name):
        yield _with(node, func=ast.Name(other))
    elif other:
        yield _with(node, func=_with(node.func, attr=other))


def _of_operation(node: ast.BinOp) -> Iterator[ast.AST]:
    if other := ARITHMETIC.get(type(node.op)):
        yield _with(node, op=other())


def _of_choice(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())


def _of_not(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if _is_not(node):
        yield node.operand


def _of_return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    stores = isinstance(node, ast.Assign) and all(isinstance(to, ast.Attribute | ast.Subscript) for to in node.targets)
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if stores or calls or isinstance(node, REMOVED):
        yield ast.Pass()


def _of_branches(node: ast.IfExp) -> Iterator[ast.AST]:
    yield _with(node, body=node.orelse, orelse=node.body)


CHANGES: tuple[tuple[type, Callable], ...] = (
    (ast.Compare, _of_comparison), (ast.Constant, _of_constant), (ast.Call, _of_call), (ast.BinOp, _of_operation),
    (ast.BoolOp, _of_choice), (ast.UnaryOp, _of_not), (ast.Return, _of_return), (ast.stmt, _of_statement),
    (ast.IfExp, _of_branches),
)  # fmt: skip
