"""What was measured once of a network and holds for the next map too, as long as the network lives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from medassist.explain.protocol import Question

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")
MOST = 64
_known: WeakKeyDictionary[nn.Module, OrderedDict[tuple[object, ...], Any]] = WeakKeyDictionary()


def remembered(question: Question, key: tuple[object, ...], compute: Callable[[], T]) -> T:
    """Return what was computed under that key for the question's network, else compute it; the last 64 are kept."""
    known = _known.setdefault(question.network.module, OrderedDict())
    if key not in known:
        known[key] = compute()
        while len(known) > MOST:
            known.popitem(last=False)
    found: T = known[key]
    return found
