"""Which licences may go into the package, told from what a distribution says of itself."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

EXCEPTIONS = ("GCC-exception-3.1", "Bootloader-exception", "Classpath-exception-2.0", "LLVM-exception")
"""Exceptions that let a program under any licence be linked with, or built by, what is under the GPL."""

_SPDX = get_spdx_licensing()
_TROVE = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License (GPL)": "GPL-2.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_FREE = {"Apache License 2.0": "Apache-2.0", "Apache": "Apache-2.0", "BSD": "BSD-3-Clause"}
_STRONG = re.compile(r"A?GPL-|SSPL|BUSL|CC-BY-NC|EUPL|OSL|CECILL-2")


def expression_of(dist: Distribution) -> str:
    """Return the licence of a distribution as an SPDX expression, "" when it cannot be told.

    Its own SPDX expression counts first, then a short licence field, then the classifiers, all of which then hold.
    """
    told = dist.metadata
    for text in (told.get("License-Expression"), told.get("License")):
        short = _FREE.get((text or "").strip(), (text or "").strip())
        if short and "\n" not in short and _parsed(short) is not None:
            return str(_parsed(short))
    named = [one.rpartition("::")[2].strip() for one in told.get_all("Classifier", []) if one.startswith("License ::")]
    found = [_TROVE[one] for one in named if one in _TROVE]
    return " AND ".join(dict.fromkeys(found)) if len(found) == len(named) else ""


def objection(expression: str) -> str:
    """Return why a licence may not go in, "" when it may.

    Of alternatives (OR) one must be fit, of what holds together (AND) all; the GPL only with a linking exception.
    The LGPL is fit: libraries under it are files of their own, which a user may replace.
    """
    tree = _parsed(expression) if expression else None
    return f"{expression or 'no licence that can be told'}" if tree is None or not _fit(tree) else ""


def _parsed(expression: str) -> Any:
    try:
        return _SPDX.parse(expression, validate=True)
    except ExpressionError:
        return None


def _fit(tree: Any) -> bool:
    if isinstance(tree, _SPDX.OR):
        return any(_fit(part) for part in tree.args)
    if isinstance(tree, _SPDX.AND):
        return all(_fit(part) for part in tree.args)
    name, _, exception = str(tree).partition(" WITH ")
    return exception in EXCEPTIONS or not _STRONG.match(name)
