"""The words on the picture: corners, scale, and what lies under the cursor. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medassist.entities.arriving import Arriving
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.look import CornerText
from medassist.entities.prediction import Mask
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane, has_orientation
from medassist.language import localized, tr
from medassist.session.looks import dressed
from medassist.session.state import Session
from medassist.ui.viewer import slices
from medassist.ui.viewer.corner_marks import must_know, side_text_of
from medassist.ui.viewer.hand_texts import hand_lines, map_of_another_mask
from medassist.ui.viewer.resliced_texts import resliced_lines, seen_text
from medassist.ui.viewer.slices import Shown
from medassist.ui.wording import age_text, date_text, file_title, irregularity_text, local_title


@dataclass(frozen=True)
class Corners:
    """Lines of the four corners; `stamp` names the model whose results are drawn."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    stamp: tuple[str, ...] = ()


def plane_name(plane: Plane) -> str:
    """Name an anatomical plane."""
    return {
        Plane.AXIAL: tr("Axial"),
        Plane.CORONAL: tr("Coronal"),
        Plane.SAGITTAL: tr("Sagittal"),
    }[plane]


def corners(session: Session, shown: Shown, zoom: float, *, leading: bool) -> Corners:
    """Return the corner texts; only the leading plane carries patient, series and model.

    `zoom` is screen pixels per picture pixel (per mm where the pixels are not square).
    """
    kind, much = shown.volume.series.kind, _HOW_MUCH[session.layers.corner_text]
    name = () if kind is SeriesKind.FILM or not has_orientation(shown.volume) else (plane_name(shown.plane),)
    place = _place_lines(session, shown, zoom)
    resliced = resliced_lines(shown)
    if not leading:
        return Corners(top_left=name[: much.place], bottom_left=(*place[: min(2, much.place)], *resliced))
    whole = shown.arriving is None
    series, side = _series_lines(shown), side_text_of(shown.volume.series, shown.index)
    return Corners(
        top_left=_who_lines(session)[: much.who],
        top_right=(*(series if much.series else (side,)), *(file_lines(session) if whole else ())),
        bottom_left=(*name[: much.place], *place[: much.place], *resliced, *must_know(session, shown, zoom)),
        stamp=stamp_lines(session) if whole else (),
    )


@dataclass(frozen=True)
class _Much:
    """How many lines tell who and where, and whether the series is told; 99 is all of them."""

    who: int = 99
    place: int = 99
    series: bool = True


_HOW_MUCH = {CornerText.FULL: _Much(), CornerText.SHORT: _Much(2, 1), CornerText.OFF: _Much(2, 0, False)}


def loading_text(arriving: Arriving) -> str:
    """Say how far the series on screen is read."""
    return tr("Loading: {count} of {total} slices", count=arriving.read, total=arriving.total)


def absence_lines(shown: Shown) -> tuple[str, ...]:
    """Say why a plane is empty while the series loads; nothing when its slice is there."""
    if shown.is_there:
        return ()
    if shown.layout.through_axis != 2:
        return (tr("Shown when all slices are loaded"),)
    return (tr("Slice {number} is not loaded yet", number=shown.index + 1),)


def _who_lines(session: Session) -> tuple[str, ...]:
    study = session.study_of(session.current)
    patient = study.patient
    name = patient.name.replace("^", " ").strip() or tr("name unknown")
    identity = (patient.patient_id or tr("ID unknown"), patient.sex, age_text(patient.age))
    date = date_text(study.date) or tr("date unknown")
    return (name, " · ".join(text for text in identity if text), " ".join((date, study.description)).strip())


def _series_lines(shown: Shown) -> tuple[str, ...]:
    series = shown.volume.series
    details = (series.modality or tr(series.format), series.body_part, series.view_position,
               side_text_of(series, shown.index))  # fmt: skip
    return (series.title, " · ".join(text for text in details if text))


def stamp_lines(session: Session) -> tuple[str, ...]:
    """Say which models spoke, newest first, and when: a mask or a map may be of another model than the newest result.

    A map comes without a time of its own; it is computed from a result that has one. A mask that a reader changed is
    no longer what the model said, and one a reader drew never was.
    """
    key = session.current
    owners = [one for one in reversed(session.predictions) if one.series_key == key]
    newest = owners[:1]
    masked = [one for one in owners if one.mask is session.mask is not None]
    masked += [one for one in owners if one.prompt is not None][:1] + [one for one in owners if one.by_hand][:1]
    lines = []
    for one in dict.fromkeys([*newest, *masked]):
        if not one.by_hand:
            when = one.started[:16].replace("T", " ")
            lines += [tr("AI result of {name} {version}", name=one.model.name, version=one.model.version), when]
        lines += hand_lines(one)
    heatmap = session.heatmap
    foreign = heatmap is not None and heatmap.model not in [one.model for one in (*newest, *masked)]
    if heatmap is not None and foreign and heatmap.kind is not MapKind.DIFFERENCE:  # that is of two models
        lines.append(tr("Map of {name} {version}", name=heatmap.model.name, version=heatmap.model.version))
    return tuple(lines)


def file_lines(session: Session) -> tuple[str, ...]:
    """Name the overlays of files that are drawn: they are no results of a model run here."""
    if not session.layers.files_visible:
        return ()
    drawn = (one for one in session.overlays_here if one.masks or session.file_map in one.maps)
    told = tuple(tr("From a file: {title}", title=file_title(one)) for one in drawn)
    state = session.presented
    if state is None or state.presentation is None or not (state.presentation.graphics or state.presentation.shutter):
        return told
    return (*told, tr("From a file: {title}", title=f"{tr(state.kind)}, {state.title}"))


def _place_lines(session: Session, shown: Shown, zoom: float) -> tuple[str, ...]:
    lines = []
    if shown.layout.count > 1 and shown.oblique is None:
        number = tr("Slice {number} of {count}", number=shown.index + 1, count=shown.layout.count)
        times = shown.volume.series.frame_times_ms
        lines.append(f"{number} · {times[shown.index]:.0f} ms" if len(times) == shown.layout.count else number)
        if shown.volume.geometry.calibrated:
            lines.append(_through_text(shown))
    if len(shown.volume.array_tzyx) > 1:
        lines.append(_time_text(shown))
    window = session.view.window
    if window is not None and not shown.volume.is_color:
        lines.append(window_title(window))
    lines.append(tr("Zoom {percent} %", percent=round(100 * zoom)))
    return tuple(lines)


def _time_text(shown: Shown) -> str:
    """Number the time point, and say what it is where the header tells."""
    count, labels = len(shown.volume.array_tzyx), shown.volume.series.time_labels
    number = tr("Time {number} of {count}", number=shown.time + 1, count=count)
    return f"{number} · {localized(labels[shown.time])}" if len(labels) == count else number


def window_title(window: Window) -> str:
    """Name a grey scale: width, centre, its function where that is not the linear one, and its name."""
    if window.lut is not None:
        return tr(window.name)
    function = "" if window.function == "LINEAR" else tr(window.function)
    parts = (f"W {number_text(window.width)}", f"L {number_text(window.center)}", function, tr(window.name))
    return "  ".join(part for part in parts if part)


def number_text(value: float) -> str:
    """Write a grey value: whole numbers from 100 on, three digits below."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _through_text(shown: Shown) -> str:
    """Say where the slice lies along the axis it is nearest to, by its centre: "L 12.5 mm"."""
    rows, columns = shown.layout.shape
    center = shown.position_lps((rows - 1) / 2, (columns - 1) / 2)
    axis = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}[shown.plane]
    return side_text(axis, float(center[axis])) + " mm"


def side_text(axis: int, millimetres: float) -> str:
    """Write an LPS coordinate with the side it lies on: (0, -12.5) is "R 12.5"."""
    return f"{('RL', 'AP', 'FH')[axis][millimetres >= 0]} {abs(millimetres):.1f}"


def under_cursor(session: Session, shown: Shown, row: float, column: float, hidden: bool = False) -> tuple[str, ...]:
    """Say what lies under a display position: place, value with unit, label, share of the map's maximum.

    Model results that are not drawn are not told either: who hides them wants to see for himself.
    """
    voxel = shown.voxel(row, column)
    if voxel is None or not shown.is_there:
        return ()
    lines = [_position_text(shown, row, column), _value_text(shown, voxel, (row, column))]
    layers, geometry = session.layers, shown.volume.geometry
    hidden = hidden or shown.arriving is not None
    drawn = layers.visible and not hidden
    mask = session.mask if drawn and layers.mask_visible else None
    heatmap = slices.map_drawn(session, shown.volume) if not hidden else None
    if mask is not None and mask.geometry.same_grid(geometry):
        lines.append(_label_text(dressed(session, mask), voxel))
    kept = (*session.edited_masks, *session.regions) if drawn and layers.mask_visible else ()
    lines += [_label_text(dressed(session, one), voxel) for one in kept if one.geometry.same_grid(geometry)]
    if heatmap is not None:
        lines.append(_heat_text(shown, heatmap, voxel, session.layers.heatmap_native_cells))
    if session.layers.files_visible and not hidden:
        lines += _file_texts(session, geometry, voxel)
    return tuple(line for line in lines if line)


def _file_texts(session: Session, geometry: Geometry, voxel: tuple[int, int, int]) -> list[str]:
    """Say what overlays of files hold at a voxel; a map is told in its own unit."""
    lines = []
    for overlay in session.overlays_here:
        labels = [
            _label_text(dressed(session, mask), voxel) for mask in overlay.masks if mask.geometry.same_grid(geometry)
        ]
        maps = [one for one in overlay.maps if one is session.file_map and one.geometry.same_grid(geometry)]
        values = [f"{one.values_zyx[voxel]:.4g} {one.parameters.get('unit', '')}".strip() for one in maps]
        lines += [tr("{text} (file)", text=text) for text in (*labels, *values) if text]
    return lines


def _position_text(shown: Shown, row: float, column: float) -> str:
    if not shown.volume.geometry.calibrated or not has_orientation(shown.volume):
        return f"x {round(column)}, y {round(row)} px"
    position = shown.position_lps(row, column)
    return ", ".join(side_text(axis, float(position[axis])) for axis in range(3)) + " mm"


def _value_text(shown: Shown, voxel: tuple[int, int, int], pixel: tuple[float, float]) -> str:
    value = shown.value(voxel) if shown.is_plain else shown.seen_value(*pixel)
    if shown.volume.is_color:
        return "RGB " + " ".join(str(int(part)) for part in np.atleast_1d(value))
    plain = f"{float(value):.6g} {shown.volume.unit}".strip()
    factor = shown.volume.suv_factor
    return seen_text(shown, plain if factor is None else f"{plain} · SUV {number_text(float(value) * factor)}")


def _label_text(mask: Mask, voxel: tuple[int, int, int]) -> str:
    """Name the labels at a voxel that are drawn; one that is hidden is not told either."""
    named = " + ".join(local_title(one.label, one.title_zh) for one in mask.at(int(mask.labels_zyx[voxel])))
    number = 0 if mask.instances is None else int(mask.instances.labels_zyx[voxel])
    if mask.instances is None or not number or not named:
        return named
    pixels = int(mask.instances.sizes[number - 1])
    return tr("{name} no. {number}, {pixels} pixels", name=named, number=number, pixels=pixels)


def _heat_text(shown: Shown, heatmap: Heatmap, voxel: tuple[int, int, int], native_cells: bool) -> str:
    raw = float(heatmap.values_zyx[voxel])
    if native_cells:
        world = shown.volume.geometry.to_world(voxel[::-1])
        cell = np.rint(heatmap.native_geometry.to_index(world)).astype(int)
        k, j, i = np.clip(cell[::-1], 0, np.array(heatmap.native_zyx.shape) - 1)
        raw = float(heatmap.native_zyx[k, j, i])
    if heatmap.kind is MapKind.UNCERTAINTY:
        return tr("uncertainty {value}", value=f"{raw:.2f}")
    if heatmap.kind is MapKind.SPREAD:
        return tr("spread over views {value}", value=f"{raw:.2f}")
    if heatmap.kind is MapKind.DIFFERENCE:
        return tr("A minus B {percent} %", percent=f"{100 * raw:+.0f}".replace("-", "−"))
    share = tr("map {percent} % of maximum", percent=round(100 * raw / heatmap.full_scale))
    return f"{share} ({raw:.3g})"


def banner_lines(session: Session) -> tuple[str, ...]:
    """Return what must be read before the picture: irregular or corrected slices, no SUV, overlays not drawn."""
    volume = session.volume
    if volume is None:
        return ()
    lines = []
    if volume.series.irregularity:
        lines.append(
            tr(
                "These slices form no regular grid: {reason} They are shown singly; nothing is measured across them.",
                reason=irregularity_text(volume.series),
            )
        )
    elif volume.series.raw is not None:
        lines.append(localized(volume.series.warnings[0]))
    if volume.suv_missing is not None:
        lines.append(tr("There is no SUV: {reason}.", reason=localized(volume.suv_missing)))
    return (*lines, *map_of_another_mask(session), *slices.overlay_problems(session))
