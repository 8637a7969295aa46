"""The harmless `$` expressions of a bundle, worked out on plain values by a walk over their syntax tree: never eval.

What is understood: literals, references (`@name`), arithmetic, comparison, `and`/`or`/`not`, `a if b else c`, lists,
tuples, indexing, a handful of functions of plain values, dtypes (`torch.float32`), constants of MONAI
(`monai.utils.CommonKeys.IMAGE`) and `@network_def.to(@device)`, as good as `@network_def`: MedAssist places it.
"""

from __future__ import annotations

import ast
import math
import operator
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 1000
MAX_ITEMS = 10_000
MAX_NUMBER = 10**15
REFERENCE = re.compile(r"@\w+(?:(?:#|::)\w+)*")

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "tuple": tuple,
    "os.path.join": posixpath.join,
}
_CONSTANTS = {"np.pi": math.pi, "numpy.pi": math.pi, "math.pi": math.pi, "np.inf": math.inf, "numpy.inf": math.inf}
_DTYPE = re.compile(r"(?:torch|np|numpy)\.(float16|float32|float64|int8|int16|int32|int64|uint8|bool)")
_ENUM = re.compile(
    r"monai\.utils\.(?:enums\.)?"
    r"(?:CommonKeys|BlendMode|GridSampleMode|GridSamplePadMode|InterpolateMode|NumpyPadMode|PytorchPadMode)\.([A-Z_]+)"
)


@dataclass(frozen=True)
class Dtype:
    """A torch dtype by name, kept as a name until torch is needed."""

    name: str


class NotPlainError(Exception):
    """The expression needs more than plain values; the message is the part that does."""


def evaluate(text: str, resolve: Callable[[str], Any]) -> Any:
    """Return the plain value of an expression, without its `$`.

    Args:
        text: the expression.
        resolve: gives the plain value, or the untouched configuration, of a reference (without its `@`); called only
            for references whose value is needed.

    Raises NotPlainError when anything but plain values would be needed, or when the values do not allow it.
    """
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        name = f"_reference_{len(names)}_"
        names[name] = found.group()[1:]
        return name

    if len(text) > MAX_LENGTH or "_reference_" in text:
        raise NotPlainError(text[:80])
    try:
        tree = ast.parse(REFERENCE.sub(named, text).strip(), mode="eval")
        return _Walk(names, resolve).value(tree.body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError, MemoryError) as error:
        raise NotPlainError(text[:80]) from error


@dataclass(frozen=True)
class _Walk:
    names: dict[str, str]
    resolve: Callable[[str], Any]

    def value(self, node: ast.expr) -> Any:
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise NotPlainError(self.written(node))
        return _small(handler(self, node))

    def written(self, node: ast.expr) -> str:
        """Return the part of the expression as its author wrote it."""
        text = ast.unparse(node)
        for name, reference in self.names.items():
            text = text.replace(name, f"@{reference}")
        return text[:80]

    def constant(self, node: ast.Constant) -> Any:
        if not isinstance(node.value, str | int | float | bool | None) or "_reference_" in str(node.value):
            raise NotPlainError(self.written(node))
        return node.value

    def name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise NotPlainError(node.id)
        return self.resolve(self.names[node.id])

    def attribute(self, node: ast.Attribute) -> Any:
        dotted = ast.unparse(node)
        dtype, enum = _DTYPE.fullmatch(dotted), _ENUM.fullmatch(dotted)
        if dtype:
            return Dtype(dtype.group(1))
        if enum:
            return enum.group(1).lower().replace("nearest_exact", "nearest-exact")
        if dotted not in _CONSTANTS:
            raise NotPlainError(self.written(node))
        return _CONSTANTS[dotted]

    def items(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self.value(item) for item in node.elts]

    def binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        _check_operands(left, right, node.op)
        return self.operator(node, node.op)(left, right)

    def unary(self, node: ast.UnaryOp) -> Any:
        return self.operator(node, node.op)(self.value(node.operand))

    def compare(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for sign, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other)
            if not self.operator(node, sign)(left, right):
                return False
            left = right
        return True

    def boolean(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for part in node.values:
            value = self.value(part)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def choice(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def subscript(self, node: ast.Subscript) -> Any:
        holder = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            return holder[slice(*(None if end is None else self.value(end) for end in ends))]
        return holder[self.value(node.slice)]

    def call(self, node: ast.Call) -> Any:
        placed = node.func
        if isinstance(placed, ast.Attribute) and isinstance(placed.value, ast.Name) and placed.attr in ("to", "eval"):
            return f"@{self.names[placed.value.id]}" if placed.value.id in self.names else self.name(placed.value)
        function = _FUNCTIONS.get(ast.unparse(placed))
        if function is None or node.keywords:
            raise NotPlainError(self.written(node))
        return function(*(self.value(argument) for argument in node.args))

    def operator(self, node: ast.expr, sign: ast.AST) -> Callable[..., Any]:
        if type(sign) not in _OPERATORS:
            raise NotPlainError(self.written(node))
        return _OPERATORS[type(sign)]


_HANDLERS: dict[type[ast.expr], Callable[[_Walk, Any], Any]] = {
    ast.Constant: _Walk.constant,
    ast.Name: _Walk.name,
    ast.Attribute: _Walk.attribute,
    ast.List: _Walk.items,
    ast.Tuple: _Walk.items,
    ast.BinOp: _Walk.binary,
    ast.UnaryOp: _Walk.unary,
    ast.Compare: _Walk.compare,
    ast.BoolOp: _Walk.boolean,
    ast.IfExp: _Walk.choice,
    ast.Subscript: _Walk.subscript,
    ast.Call: _Walk.call,
}


def _check_operands(left: Any, right: Any, sign: ast.operator) -> None:
    """Refuse what grows without bound before it is computed, and `%` on a text, which is formatting."""
    if isinstance(sign, ast.Mod) and isinstance(left, str):
        raise NotPlainError("%")
    if isinstance(sign, ast.Mult):
        sizes = [len(one) for one in (left, right) if isinstance(one, str | list)]
        counts = [one for one in (left, right) if isinstance(one, int)]
        if sizes and counts and sizes[0] * counts[0] > MAX_ITEMS:
            raise NotPlainError("*")


def _small(value: Any) -> Any:
    if isinstance(value, str | list | tuple) and len(value) > MAX_ITEMS:
        raise NotPlainError("…")
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise NotPlainError("…")
    return list(value) if isinstance(value, tuple) else value
