"""What the cues are called where people read of them."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.study import Warned, warned

TITLES: Mapping[str, Warned] = {
    "file_size": warned("file size"),
    "width": warned("picture width"),
    "height": warned("picture height"),
    "aspect": warned("aspect ratio"),
    "slices": warned("number of slices"),
    "pixel_spacing": warned("pixel spacing"),
    "slice_spacing": warned("slice spacing"),
    "mode": warned("bit depth and colour mode"),
    "format": warned("file format"),
    "mean": warned("mean grey level"),
    "contrast": warned("standard deviation of grey levels"),
    "black": warned("share of black"),
    "white": warned("share of white"),
    "border": warned("mean grey level of the border"),
    "gradient": warned("mean gradient"),
    "gradient_centre": warned("mean gradient of the centre"),
    "fine_energy": warned("spectral energy of fine detail"),
    "levels": warned("number of grey levels"),
    "age": warned("age of the patient"),
    "sex": warned("sex of the patient"),
    "view": warned("view"),
    "patient_number": warned("patient number"),
    "frame": warned("outer frame"),
    "blanked": warned("picture with the organ blanked"),
    "visible": warned("all visible trivial things together"),
    "few": warned("number of people"),
}


def title_of(name: str) -> Warned:
    """Return what a cue is called; a column of index.csv by its own name."""
    if name in TITLES:
        return TITLES[name]
    if name.startswith("has_"):
        return warned("presence of {column}", column=name.removeprefix("has_"))
    return warned("column {column}", column=name)
