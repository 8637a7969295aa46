"""The preprocessing of a bundle from MONAI's transforms on the allow-list, in their array form, for one image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.allowed import BOOKKEEPING, DICTIONARY_ONLY, MAX_REACH, OURS, PER_KEY, RAS_LABELS, TRANSFORMS
from medassist.inference.config import Component, Dtype

DEFAULT_KEY = "image"


@dataclass(frozen=True)
class Keys:
    """Which entry of the bundle's dictionary is the image, and which others it loads beside it."""

    image: str = DEFAULT_KEY
    loaded: tuple[str, ...] = (DEFAULT_KEY,)

    def position(self, part: Component) -> int | None:
        """Return where the image stands among the keys of a transform; None when it works on other entries alone.

        Refused for a key that was never loaded: what it would hold is not known.
        """
        named = keys_of(part)
        if named is None:
            return 0
        if not set(named) <= set(self.loaded):
            raise part.refuse(
                "{file}, line {line}: {key} ({target}) works on {keys}, and only {loaded} is loaded.",
                keys=", ".join(named),
                loaded=", ".join(self.loaded),
            )
        return named.index(self.image) if self.image in named else None


def keys_of(part: Component) -> tuple[str, ...] | None:
    """Return the keys of a dictionary transform, None for an array transform (Refused when they are no texts)."""
    if "keys" not in part.raw:
        return None
    value = part.argument("keys")
    named = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not named or not all(isinstance(one, str) for one in named):
        raise unknown_argument(part, "keys")
    return named


def build_steps(parts: Sequence[Component], dimensions: int) -> list[Callable[[Any], Any]]:
    """Return the steps that bring an image (C, X, Y[, Z]) to the network's grid and values.

    Refused, with the place, for a transform that is not on the list or works on more than the image.
    """
    keys = _loaded(parts)
    return [step for part in parts for step in _steps(part, keys, dimensions)]


def build_chain(
    parts: Sequence[Component], dimensions: int, before: Callable[[Any, Any], None]
) -> Callable[[Any], Any]:
    """Return the steps of `build_steps` as one (same errors); `before` hears of every step and its image."""
    steps = build_steps(parts, dimensions)

    def chain(image: Any) -> Any:
        for step in steps:
            before(step, image)
            image = step(image)
        return image

    return chain


def _loaded(parts: Iterable[Component]) -> Keys:
    """Tell the image from the keys that LoadImage reads (Refused when several images are wanted)."""
    loaders = [part for part in parts if base_name(part) == "LoadImage"]
    names = tuple(dict.fromkeys(name for part in loaders for name in keys_of(part) or ()))
    if not names:
        return Keys()
    image = DEFAULT_KEY if DEFAULT_KEY in names else names[0]
    if image != DEFAULT_KEY and len(names) > 1:
        raise loaders[0].refuse(
            "{file}, line {line}: {key} reads several images ({keys}), and MedAssist gives one series to a model.",
            keys=", ".join(names),
        )
    return Keys(image, names)


def _steps(part: Component, keys: Keys, dimensions: int) -> list[Callable[[Any], Any]]:
    """Return the array form of one transform in a list, empty for what the product does itself."""
    from monai import transforms

    name = base_name(part)
    if not is_from(part, "monai.transforms") or name not in TRANSFORMS | OURS | BOOKKEEPING | {"SqueezeDim"}:
        raise part.refuse(
            "{file}, line {line}: {key} asks for the transform {target}, which is not on the list of known transforms."
        )
    if name in BOOKKEEPING:
        return []
    at = keys.position(part)
    if at is None or _is_done_already(part, name, dimensions):
        return []
    if name in OURS:
        name, arguments = "CastToType", {"dtype": of_key(part, "dtype", at)}
    else:
        arguments = {option: of_key(part, option, at) for option in part.raw if option not in DICTIONARY_ONLY}
    _check_source(part, keys)
    _check_reach(part, arguments)
    _check_numbers(part, arguments)
    if name == "Orientation":
        arguments.setdefault("labels", RAS_LABELS)
    return [build(part, getattr(transforms, name), arguments)]


def _is_done_already(part: Component, name: str, dimensions: int) -> bool:
    """Tell whether a transform leaves our image as it is: a channel-first tensor, and a film without a third axis."""
    if name == "SqueezeDim":
        if dimensions != 2 or part.argument("dim", 0) not in (-1, 3):
            raise unknown_argument(part, "dim")
        return True
    return name in OURS and (name not in ("EnsureType", "ToTensor") or part.raw.get("dtype") in (None, "$None"))


def _check_source(part: Component, keys: Keys) -> None:
    if part.argument("source_key", keys.image) != keys.image:
        raise part.refuse('{file}, line {line}: {key} must work on the key "{image}" alone.', image=keys.image)


def _check_reach(part: Component, arguments: dict[str, Any]) -> None:
    """Refuse a filter that reaches so far that its kernel alone, laid round an image, fills the memory."""
    for option, most in MAX_REACH.items():
        told = arguments.get(option, 0)
        reaches = told if isinstance(told, list) else [told]
        if not all(isinstance(one, int | float) and 0 <= one <= most for one in reaches):
            raise Refused("{file}: {key} has no usable {name}.", file=part.file, key=part.key, name=option)


def _check_numbers(part: Component, arguments: dict[str, Any]) -> None:
    """Refuse what is no number: MONAI takes it, and answers an image of nothing, or the one that came."""
    for option, told in arguments.items():
        if any(isinstance(one, float) and math.isnan(one) for one in (told if isinstance(told, list) else [told])):
            raise Refused("{file}: {key} has no usable {name}.", file=part.file, key=part.key, name=option)


def of_key(part: Component, option: str, at: int) -> Any:
    """Return an argument for the key at position `at`, where it may be listed once per key."""
    value = part.argument(option)
    per_key = option in PER_KEY and isinstance(value, list) and len(value) == len(keys_of(part) or ())
    return value[at] if per_key else value


def is_from(part: Component, package: str) -> bool:
    """Tell whether the target names no module, or one in `package`; classes are looked up in `package` itself."""
    return not part.module or f"{part.module}.".startswith(f"{package}.")


def base_name(part: Component) -> str:
    """Return the array name of a transform: "Spacing" of Spacing, Spacingd, SpacingD and SpacingDict."""
    for suffix in ("Dict", "d", "D"):
        if "keys" in part.raw and part.name.endswith(suffix):
            return part.name.removesuffix(suffix)
    return part.name


_UNBUILDABLE = (
    *(TypeError, ValueError, AttributeError, AssertionError, LookupError, ArithmeticError),
    *(RuntimeError, ImportError, MemoryError),  # a NotImplementedError or RecursionError is a RuntimeError
)
"""What classes of MONAI and torch raise for arguments they cannot work with."""


def build(part: Component, make: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call an allowed class with plain arguments (Refused when it does not take them)."""
    plain = {name: _torch_value(value) for name, value in arguments.items()}
    try:
        return make(**plain)
    except _UNBUILDABLE as error:
        raise Refused(
            "{file}: {key} ({target}) cannot be built: {reason}.",
            file=part.file,
            key=part.key,
            target=part.target,
            reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
        ) from error


def unknown_argument(part: Component, name: str) -> Refused:
    """Return the error that a component has an argument nobody knows, or with a value nobody can use."""
    return part.refuse("{file}, line {line}: {key} ({target}) has the argument {name}, which is not known.", name=name)


def _torch_value(value: Any) -> Any:
    if isinstance(value, Dtype):
        import torch

        return getattr(torch, value.name)
    if isinstance(value, list):
        return [_torch_value(item) for item in value]
    return {name: _torch_value(item) for name, item in value.items()} if isinstance(value, dict) else value
