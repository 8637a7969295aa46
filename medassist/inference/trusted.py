"""Parts of a bundle the user trusts, built by MONAI's own parser: its code is run, and nowhere else but here.

Only what the allow-list does not know comes here, and only for a package whose every byte the user has marked
(`inference.trust`). The bundle's own `scripts` can be imported while a part is built, and are forgotten afterwards, so
that the `scripts` of two bundles do not meet.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.packages import Package

if TYPE_CHECKING:
    from torch import nn

_OURS = ("LoadImage", "EnsureChannelFirst", "AsChannelFirst", "AddChannel", "SaveImage")
_lock = threading.RLock()


def trusted_network(package: Package) -> nn.Module:
    """Build the network by MONAI's parser, on the CPU (Refused with the reason when its code fails)."""
    from torch import nn

    parser, made = _parts(package, "network_def")
    made = made if made is not None or "network" not in parser else _parts(package, "network")[1]
    if not isinstance(made, nn.Module):
        raise Refused("{file}: {key} builds no network.", file=package.config, key="network_def")
    return made


def trusted_preprocessing(package: Package) -> Callable[[Any], Any]:
    """Build the preprocessing by MONAI's parser, without what reads and writes files.

    A failure of the bundle's code on an image comes as a RuntimeError.
    """
    from monai.transforms import Compose

    whole = _parts(package, "preprocessing")[1]
    steps = whole.flatten().transforms if isinstance(whole, Compose) else [whole]

    def chain(image: Any) -> Any:
        try:
            for step in steps:
                image = step({"image": image})["image"] if hasattr(step, "keys") else step(image)
        except Exception as error:  # the bundle's code may raise anything
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        return image

    return chain


def _parts(package: Package, key: str) -> tuple[dict[str, Any], Any]:
    """Return the configuration and the built part under `key`, None when there is none."""
    from monai.bundle import ConfigParser

    with _lock, _importable(package.root.resolve()), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI warns of its own defaults
        try:
            parser = ConfigParser()
            parser.read_config(str(package.config))
            parser["bundle_root"], parser["device"] = str(package.root), "cpu"
            config: dict[str, Any] = dict(parser.config) if isinstance(parser.config, dict) else {}
            _switch_off(config)
            return config, parser.get_parsed_content(key) if key in config else None
        except Exception as error:  # the bundle's code may raise anything
            cause = error.__cause__ or error
            raise Refused(
                "{file}: {key} cannot be built by the package's own code: {reason}.",
                file=package.config,
                key=key,
                reason=f"{type(cause).__name__}: {cause}"[:300],
            ) from error


def _switch_off(value: Any) -> None:
    """Disable what reads and writes files, wherever it stands: the product does that itself."""
    if isinstance(value, dict):
        if str(value.get("_target_", "")).rpartition(".")[2].startswith(_OURS):
            value["_disabled_"] = True
        for part in value.values():
            _switch_off(part)
    elif isinstance(value, list):
        for part in value:
            _switch_off(part)


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Let modules of the bundle be imported, and forget them afterwards."""
    before = list(sys.path)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path[:] = before
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
            if file and Path(file).is_relative_to(root):
                del sys.modules[name]
