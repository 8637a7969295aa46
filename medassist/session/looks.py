"""How single labels are drawn: shown or hidden, in which colour, how strongly. The masks stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from medassist.entities.look import LabelLook
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Mask, Prediction
from medassist.session.state import Looks, Session

PLAIN = LabelLook()
SAFE_COLORS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (255, 255, 255),
)  # fmt: skip
"""Colours told apart with any colour vision (Okabe and Ito 2008), white in the place of black."""


@dataclass(frozen=True, eq=False)
class OnScreen:
    """A mask on screen, and the result or the file it is of; `key` stays the same when the mask is edited."""

    key: str
    mask: Mask
    owner: Prediction | Overlay


@dataclass(frozen=True)
class SetLook:
    """Draw one label in another way; `PLAIN` as all others again."""

    key: str
    value: int
    look: LabelLook

    def __call__(self, session: Session) -> Session:
        """Return the session with it."""
        name = look_name(self.key, self.value)
        others = tuple(one for one in session.layers.looks if one[0] != name)
        looks = others if self.look == PLAIN else (*others, (name, self.look))
        return replace(session, layers=replace(session.layers, looks=looks))


@dataclass(frozen=True)
class SetLooks:
    """Draw several labels in another way at once."""

    changes: tuple[SetLook, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with them."""
        for one in self.changes:
            session = one(session)
        return session


@dataclass(frozen=True, eq=False)
class DressedMask(Mask):
    """A mask as it is drawn: without hidden labels, in chosen colours.

    `fills` and `outlines` are shares in 0..1 of what the sliders give, by label; 1 for those that are not named.
    """

    fills: Mapping[int, float] = field(default_factory=dict)
    outlines: Mapping[int, float] = field(default_factory=dict)


def look_name(key: str, value: int) -> str:
    """Name a label of an overlay."""
    return f"{key}#{value}"


def key_of(prediction: Prediction) -> str:
    """Return what a result is known by, whatever is done to its mask."""
    return f"{prediction.series_key} {prediction.model.name} {prediction.model.version} {prediction.started}"


def masks_on_screen(session: Session) -> tuple[OnScreen, ...]:
    """Return the masks that are drawn over the series on screen: those of results first, then those of files."""
    drawn = (session.mask, *session.edited_masks, *session.regions)
    owners = {id(one.mask): one for one in session.predictions if one.series_key == session.current}
    found = [
        OnScreen(key_of(owners[id(mask)]), mask, owners[id(mask)])
        for mask in drawn
        if mask is not None and id(mask) in owners
    ]
    for overlay in session.overlays_here:
        found += [OnScreen(f"{overlay.key}/{number}", mask, overlay) for number, mask in enumerate(overlay.masks)]
    return tuple(found)


def look_of(session: Session, key: str, value: int) -> LabelLook:
    """Return how a label is drawn."""
    return _known(session.layers.looks).get(look_name(key, value), PLAIN)


def hidden_labels(session: Session) -> int:
    """Count the labels on screen that a reader hid one by one; of a mask that is edited all are drawn."""
    if not session.layers.looks:
        return 0
    edited = None if session.edited is None else session.edited.mask
    return sum(
        not look_of(session, one.key, segment.value).visible
        for one in masks_on_screen(session)
        for segment in one.mask.segments
        if one.mask is not edited
    )


def dressed(session: Session, mask: Mask) -> Mask:
    """Return a mask as it is drawn: the very same where nobody chose anything, so that nothing is drawn again."""
    looks = session.layers.looks
    if not looks:
        return mask
    kept = _dressed.get(mask)
    if kept is None or kept[0] is not looks:
        key = next((one.key for one in masks_on_screen(session) if one.mask is mask), None)
        kept = looks, None if key is None else _dress(mask, key, looks)
        _dressed[mask] = kept
    return mask if kept[1] is None else kept[1]


_dressed: WeakKeyDictionary[Mask, tuple[Looks, Mask | None]] = WeakKeyDictionary()


@lru_cache(maxsize=4)
def _known(looks: Looks) -> Mapping[str, LabelLook]:
    return dict(looks)


def _dress(mask: Mask, key: str, looks: Looks) -> Mask | None:
    known = _known(looks)
    chosen = {one.value: known.get(look_name(key, one.value), PLAIN) for one in mask.segments}
    if all(look == PLAIN for look in chosen.values()):
        return None  # a kept mask would keep itself
    shown = tuple(
        replace(one, color=chosen[one.value].color or one.color) for one in mask.segments if chosen[one.value].visible
    )
    return DressedMask(
        mask.labels_zyx,
        mask.geometry,
        shown,
        mask.overlapping,
        mask.instances,
        {value: look.fill for value, look in chosen.items() if look.fill != 1.0},
        {value: look.outline for value, look in chosen.items() if look.outline != 1.0},
    )
