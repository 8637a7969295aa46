"""Begin where another training ended: weights of the same or a similar network, taken where name and shape agree."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused, UsageError
from medassist.inference.weights import format_of, read_state, too_large
from medassist.training.recipe import Initial

if TYPE_CHECKING:
    from torch import nn

_log = logging.getLogger(__name__)


def begin_with(initial: Initial, network: nn.Module) -> None:
    """Fill `network` with what fits of the weights; the rest keeps what the seed drew, and the log counts it.

    Raises UsageError when there is no such file or nothing of it fits, Refused when it is not plain numbers or not
    the file the recipe was read with.
    """
    import hashlib
    import io

    if not initial.path.is_file():
        raise UsageError("There are no weights at {path} to begin with.", path=initial.path)
    if too_large(initial.path):
        raise Refused("{file} is larger than 20 GB, or than the memory that is free.", file=initial.path)
    content = initial.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != initial.sha256:
        raise Refused("The weights {path} changed while the training began.", path=initial.path)
    form = format_of(io.BytesIO(content), initial.path.name)
    if form.runs_code:
        raise Refused("{file} is a program, not plain weights: nothing can begin with it.", file=initial.path)
    given, own = read_state(initial.path, content, form), network.state_dict()
    fitting = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    if not fitting:
        raise UsageError("No weight of {path} has a name and a shape of this network.", path=initial.path)
    network.load_state_dict(fitting, strict=False)
    left = [key for key in own if key not in fitting]
    _log.info(
        "began with %d of the %d tensors of %s; drawn anew: %s",
        len(fitting),
        len(given),
        initial.path.name,
        ", ".join(left) or "none",
    )
