"""Grayscale presentation states (PS3.3 A.33.1): the window and polarity they ask for, and what else they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom import Dataset

from medassist.entities.document import Item, Presentation
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume, Window
from medassist.imaging import tags
from medassist.imaging.objects.graphics import graphics_of, has_other_shutter, shutter_of

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def read_presentation(ds: Dataset, volume: Volume | None) -> tuple[Presentation, tuple[Item, ...], tuple[Warned, ...]]:
    """Return how a presentation state shows the images of `volume`, its content as lines, and what is not applied."""
    windows = tuple(dict.fromkeys(_windows(ds, volume)))
    white_is_low = tags.text((ds,), "PresentationLUTShape") == "INVERSE"
    lines = [Item(f"Window {window.name}".strip(), f"W {window.width:g}  L {window.center:g}") for window in windows]
    lines.append(Item("Low values are shown", "white" if white_is_low else "black"))
    lines += _annotations(ds)
    if volume is None or volume.series.raw is not None:
        # Slices that were moved onto another grid are not the pictures the state speaks about.
        left_out = tags.value_of((ds,), "GraphicAnnotationSequence") is not None, _has_shutter(ds)
        return Presentation(windows, white_is_low), tuple(lines), tuple(_not_applied(ds, windows, *left_out))
    graphics, missing = graphics_of(ds, volume)
    presentation = Presentation(windows, white_is_low, graphics, shutter_of(ds, volume))
    left_out = missing > 0, _has_shutter(ds) and (presentation.shutter is None or has_other_shutter(ds))
    return presentation, tuple(lines), tuple(_not_applied(ds, windows, *left_out))


def _has_shutter(ds: Dataset) -> bool:
    return tags.value_of((ds,), "ShutterShape") is not None


def _windows(ds: Dataset, volume: Volume | None) -> Iterator[Window]:
    """Yield the windows that hold for the series: items that name images hold for those only."""
    here = set() if volume is None else {frame.sop_instance_uid for frame in volume.series.frames}
    label = tags.text((ds,), "ContentLabel") or tags.text((ds,), "ContentDescription")
    for item in tags.value_of((ds,), "SoftcopyVOILUTSequence") or []:
        images = tags.value_of((item,), "ReferencedImageSequence") or []
        named = {tags.text((one,), "ReferencedSOPInstanceUID") for one in images}
        if named and here and not named & here:
            continue
        yield from _windows_of(item, label)


def _windows_of(item: Dataset, label: str) -> Iterator[Window]:
    centers, widths = tags.numbers((item,), "WindowCenter") or (), tags.numbers((item,), "WindowWidth") or ()
    names = (*tags.texts((item,), "WindowCenterWidthExplanation"), *("",) * len(centers))
    function = tags.text((item,), "VOILUTFunction")
    for center, width, name in zip(centers, widths, names, strict=False):
        if width > 0:
            yield Window(center, width, name or label, function if function in _FUNCTIONS else "LINEAR")


def _annotations(ds: Dataset) -> Iterator[Item]:
    for item in tags.value_of((ds,), "GraphicAnnotationSequence") or []:
        texts = [
            tags.text((one,), "UnformattedTextValue") for one in tags.value_of((item,), "TextObjectSequence") or []
        ]
        graphics = [tags.text((one,), "GraphicType") for one in tags.value_of((item,), "GraphicObjectSequence") or []]
        layer = tags.text((item,), "GraphicLayer")
        yield Item(f"Annotation {layer}".strip(), "; ".join(text for text in (*texts, *graphics) if text))


def _not_applied(ds: Dataset, windows: Sequence[Window], annotations: bool, shutter: bool) -> Iterator[Warned]:
    """Name what this version lists or leaves out, so that nobody takes the picture for the whole state."""
    parts: dict[str, str | tuple[int, int]] = {
        "overlays": (0x6000, 0x1001),
        "rotation or flip": "ImageRotation",
        "displayed area": "DisplayedAreaSelectionSequence",
        "presentation LUT": "PresentationLUTSequence",
        "modality LUT": "ModalityLUTSequence",
    }
    found = [name for name, left_out in (("annotations", annotations), ("shutter", shutter)) if left_out]
    found += [name for name, keyword in parts.items() if _asks(ds, keyword)]
    items = tags.value_of((ds,), "SoftcopyVOILUTSequence") or []
    if any(tags.value_of((item,), "VOILUTSequence") for item in items):
        found.append("VOI LUT")
    if found:
        yield warned("Parts of the presentation state are not applied to the picture: {parts}.", parts=", ".join(found))
    if len(windows) > 1:
        yield warned("It holds several windows; the first is applied.")


def _asks(ds: Dataset, keyword: str | tuple[int, int]) -> bool:
    if keyword == "ImageRotation":
        return bool(tags.whole((ds,), "ImageRotation")) or tags.text((ds,), "ImageHorizontalFlip") == "Y"
    if keyword == "DisplayedAreaSelectionSequence":
        items = tags.value_of((ds,), keyword) or []
        return any(tags.text((item,), "PresentationSizeMode") not in ("", "SCALE TO FIT") for item in items)
    return tags.value_of((ds,), keyword) is not None
