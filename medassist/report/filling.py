"""Sentences with fields, filled by Jinja2 in a sandbox: a template may ask and choose, never compute or reach out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from medassist.entities.study import Warned, warned

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Node
    from jinja2.sandbox import ImmutableSandboxedEnvironment

FIELDS = (
    "modality",
    "body_part",
    "view",
    "study",
    "series",
    "date",
    "slices",
    "spacing",
    "findings",
    "absent",
    "deferred",
    "unreviewed",
    "impression",
    "measurements",
)
"""What sentences may ask for; the last six are lists of texts."""

_ALLOWED = (
    "Template", "Output", "TemplateData", "Name", "Const", "If", "CondExpr", "Compare", "Operand", "And", "Or", "Not",
    "For", "Filter",
)  # fmt: skip
LISTS = FIELDS[-6:]

_FILTERS = ("join", "length", "first", "last", "lower", "upper", "trim")
_LONGEST_LINK = 20
LONGEST_SENTENCES = 8_000
"""Characters of the sentences of one section."""
LONGEST_TEXT = 20_000
"""Characters of a filled section; more is cut with a mark."""


def check(text: str) -> Warned | None:
    """Say why sentences cannot be used, None where they can; they are parsed, not run.

    Only fields, conditions, one level of loops over a list and a few filters of a field pass. Without arithmetic,
    calls, attributes, nested loops and filters of filters, a template costs no more than what its fields hold.
    """
    import jinja2

    if len(text) > LONGEST_SENTENCES:
        return warned("they are longer than {count} characters.", count=LONGEST_SENTENCES)
    try:
        tree = _environment().parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError) as error:
        return warned("line {line}: {reason}", line=getattr(error, "lineno", 1), reason=getattr(error, "message", ""))
    return next(_complaints(tree, frozenset(FIELDS), looping=False), None)


def fill(text: str, fields: Mapping[str, object]) -> str:
    """Return the sentences with their fields filled in, as plain text without empty lines.

    Raises ValueError for sentences that `check` refuses.
    """
    lines = _compiled(text).render(fields).splitlines()
    filled = "\n".join(line.strip() for line in lines if line.strip())
    return filled if len(filled) <= LONGEST_TEXT else f"{filled[:LONGEST_TEXT]}…"


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    reason = check(text)
    if reason is not None:
        raise ValueError(reason.text())
    return _environment().from_string(text)


def _environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox. The text is no markup yet: pages escape it with everything else they show."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    found = ImmutableSandboxedEnvironment(
        autoescape=False, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.globals.clear()
    return found


def _complaints(node: Node, known: frozenset[str], *, looping: bool) -> Iterator[Warned]:
    """Return what is not allowed in a piece of sentences; `known` are the names it may use."""
    from jinja2 import nodes

    if type(node).__name__ not in _ALLOWED or not _is_bounded(node, looping=looping):
        yield warned("line {line}: {what} is not allowed here.", line=node.lineno, what=type(node).__name__)
        return
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known:
        yield warned("line {line}: there is no field {field}.", line=node.lineno, field=node.name)
    if isinstance(node, nodes.For):
        looping, known = True, known | {getattr(node.target, "name", "")}
    for child in node.iter_child_nodes():
        yield from _complaints(child, known, looping=looping)


def _is_bounded(node: Node, *, looping: bool) -> bool:
    """Tell whether a loop or a filter can only cost what a field holds."""
    from jinja2 import nodes

    if isinstance(node, nodes.For):
        over = node.iter.name if isinstance(node.iter, nodes.Name) else ""
        return not looping and over in LISTS and isinstance(node.target, nodes.Name)
    if isinstance(node, nodes.Filter):
        short = all(isinstance(one, nodes.Const) and len(str(one.value)) <= _LONGEST_LINK for one in node.args)
        plain = not node.kwargs and node.dyn_args is None and node.dyn_kwargs is None
        return node.name in _FILTERS and isinstance(node.node, nodes.Name) and short and plain
    return True
