"""What `analyze` is asked to explain: the method with its numbers, the target, what it is compared with, the layer."""

from __future__ import annotations

import math
from typing import Any

from medassist.entities.errors import UsageError


def add_explanation(verb: Any) -> None:
    """Add the options of an explanation to a verb."""
    verb.add_argument(
        "--explain",
        default="",
        metavar="METHOD[:NAME=VALUE,...]",
        help="a method, or none; with numbers of its own, as in occlusion:window=0.1",
    )
    verb.add_argument("--target", default="", metavar="LABEL", help="what to explain")
    verb.add_argument("--against", default="", metavar="LABEL", help="compare the target with: why it and not LABEL")
    verb.add_argument("--layer", default="", metavar="NAME", help="layer to read instead of the one the model names")


def method_of(text: str) -> tuple[str, dict[str, float]]:
    """Return method and numbers of "METHOD:NAME=VALUE,..." (UsageError when it is not written so)."""
    method, colon, rest = text.partition(":")
    settings: dict[str, float] = {}
    for part in rest.split(",") if colon else ():
        name, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not name.strip() or not math.isfinite(number):
            raise UsageError(
                "{part} is no setting of an explanation.",
                remedy="Write METHOD:NAME=VALUE, for example occlusion:window=0.1.",
                part=part or text,
            )
        settings[name.strip()] = number
    return method.strip(), settings
