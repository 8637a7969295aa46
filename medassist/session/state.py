"""Everything the application knows, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from medassist.entities.arriving import Arriving
from medassist.entities.comparison import Comparison
from medassist.entities.document import Document
from medassist.entities.draft import Draft
from medassist.entities.editing import Editing
from medassist.entities.element import ElementList
from medassist.entities.finding import Finding
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.impression import Impression, Withheld
from medassist.entities.label_figures import MaskFigures
from medassist.entities.look import CornerText, LabelLook
from medassist.entities.measurement import Measurement
from medassist.entities.model_change import ModelChange
from medassist.entities.overlay import Overlay
from medassist.entities.parts import find
from medassist.entities.prediction import Mask, Prediction
from medassist.entities.probe import Probe
from medassist.entities.region import Region
from medassist.entities.saved_work import Offer, Restored
from medassist.entities.slab import Slab
from medassist.entities.study import Scan, Series, Study
from medassist.entities.turn import STRAIGHT, Turn
from medassist.entities.value_statistics import Inspected
from medassist.entities.volume import Volume, Window
from medassist.session.arrangement import Arrangement
from medassist.session.steps import History
from medassist.session.thresholds import Key, ThresholdChange

if TYPE_CHECKING:
    from medassist.inference.devices import Device
    from medassist.session.checking.line import Line
    from medassist.session.means import Outlook
    from medassist.session.queued import QueuedRun

Point = tuple[float, float, float]
Looks = tuple[tuple[str, LabelLook], ...]


@dataclass(frozen=True)
class Layers:
    """What lies over the picture and how strongly; opacities and `heatmap_threshold` are shares in 0..1.

    `heatmap_threshold` hides what is below that share of the map's maximum. Overlays hidden as a whole
    (`visible` False) stay hidden until the reader shows them again; `files_visible` does the same for
    overlays of files. `looks` are labels drawn in another way than the others, by `session.looks.look_name`;
    `corner_text` tells how much is written on the picture.
    """

    visible: bool = True
    mask_visible: bool = True
    fill_opacity: float = 0.3
    outline_opacity: float = 1.0
    heatmap_visible: bool = True
    heatmap_opacity: float = 0.5
    heatmap_threshold: float = 0.2
    heatmap_native_cells: bool = False
    files_visible: bool = True
    looks: Looks = ()
    corner_text: CornerText = CornerText.FULL


@dataclass(frozen=True)
class View:
    """Where the reader looks in the current series.

    Attributes:
        cursor_lps: the point all planes pass through (mm, LPS).
        time: index of the time point.
        window: grey-scale window in use; None before a series is shown.
        inverted: whether the reader swapped black and white (on top of MONOCHROME1).
        slab: how thick the planes are and what is shown of what lies in them; None for single slices.
        turn: how far the three planes are turned in the patient.
        turning: whether the reader turns them at this moment.
    """

    cursor_lps: Point = (0.0, 0.0, 0.0)
    time: int = 0
    window: Window | None = None
    inverted: bool = False
    slab: Slab | None = None
    turn: Turn = STRAIGHT
    turning: bool = False


@dataclass(frozen=True, eq=False)
class Loading:
    """A series that is on screen while it loads.

    Attributes:
        arriving: what is there of it.
        before: key of the series that was on screen and comes back when the loading ends without a volume.
        guessed: the view that its first slice gave it; None when the reader had seen the series before.
    """

    arriving: Arriving
    before: str = ""
    guessed: View | None = None


@dataclass(frozen=True, eq=False)
class Session:
    """The whole state; compared by identity, changed only by actions (see `session.actions`).

    Attributes:
        scans: what was opened, oldest first.
        volumes: loaded series by `Series.key`, the one seen last at the end (see `session.memory`).
        current: key of the series on screen, "" when there is none.
        views: last view of each series by key, so that coming back finds the same slice and window.
        predictions, heatmaps: results, oldest first; the newest of a series is the one on screen.
        findings: claims of models and of the reader.
        reports: files written, newest last.
        overlays: masks and maps of files, laid over series, oldest first; never results of a model run here.
        documents: reports, key objects, presentation states and PDF read from files, newest last.
        awaited: keys of objects the reader asked for that wait for their images.
        region: what the reader is drawing and has not kept yet.
        model_changes: what was done to the installed models, oldest first.
        loading: the series on screen as far as it is read; None when it is whole.
        thresholds: what the reader set instead of the package's, by SHA-256 of the weights and label.
        threshold_changes: how they came to be, oldest first.
        prevalences: how common a finding is among the reader's patients, by model name and label.
        devices: what a model can run on here, and what cannot be used; empty until somebody looked.
        system: what the doctor found of this machine, as far as it looked.
        outlook: the newest forecast of the memory a run will need.
        queue: runs on several series, in order, with how each ended.
        layer_names: layers of a model that write a map, by SHA-256 of its weights, where somebody looked for them.
        probes: regions that were replaced to see what the model says then, oldest first.
        chosen: keys of the series marked in the tree to run a model on; empty when only one is.
        comparison: the two maps put side by side last; `compared` tells whether they are on screen.
        measurements: what readers drew to measure, oldest first.
        selected_measurement: UID of the one whose points can be dragged, "" for none.
        impressions: what readers thought of series before they saw results, oldest first.
        reader_first: whether results stay hidden until there is such an impression (see `session.seeing`).
        withheld: results that a face does not get to see; empty in the session that holds them all.
        focus: tracking UID of the finding whose evidence is shown alone (see `session.focusing`), "" for all.
        drafts: what the reader prepared for reports, by `Series.key`.
        editing: the mask being changed by hand, and with what.
        history: steps of the work that can be undone and done again (see `session.history`).
        offers: saved work on open studies that waits for the reader to take or leave it.
        restored: what was restored, oldest first.
        arrangement: how the middle of the window is divided, and what is shown beside the series on screen.
        inspected: what the values of a slice or a drawing are like, while somebody looks at them.
        label_figures: what lies under the labels of masks, as far as somebody asked.
        element_lists: DICOM elements of the files somebody looks into, one or two to compare.
    """

    scans: tuple[Scan, ...] = ()
    volumes: Mapping[str, Volume] = field(default_factory=lambda: MappingProxyType({}))
    current: str = ""
    views: Mapping[str, View] = field(default_factory=lambda: MappingProxyType({}))
    predictions: tuple[Prediction, ...] = ()
    heatmaps: tuple[Heatmap, ...] = ()
    findings: tuple[Finding, ...] = ()
    layers: Layers = field(default_factory=Layers)
    reports: tuple[Path, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    documents: tuple[Document, ...] = ()
    awaited: tuple[str, ...] = ()
    region: Region | None = None
    model_changes: tuple[ModelChange, ...] = ()
    loading: Loading | None = None
    thresholds: Mapping[Key, float] = field(default_factory=lambda: MappingProxyType({}))
    threshold_changes: tuple[ThresholdChange, ...] = ()
    prevalences: Mapping[Key, float] = field(default_factory=lambda: MappingProxyType({}))
    devices: tuple[Device, ...] = ()
    system: tuple[Line, ...] = ()
    outlook: Outlook | None = None
    queue: tuple[QueuedRun, ...] = ()
    chosen: tuple[str, ...] = ()
    layer_names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    probes: tuple[Probe, ...] = ()
    comparison: Comparison | None = None
    measurements: tuple[Measurement, ...] = ()
    selected_measurement: str = ""
    focus: str = ""
    impressions: tuple[Impression, ...] = ()
    reader_first: bool = False
    withheld: tuple[Withheld, ...] = ()
    drafts: Mapping[str, Draft] = field(default_factory=lambda: MappingProxyType({}))
    editing: Editing | None = None
    history: History = field(default_factory=History)
    offers: tuple[Offer, ...] = ()
    restored: tuple[Restored, ...] = ()
    arrangement: Arrangement = field(default_factory=Arrangement)
    label_figures: tuple[MaskFigures, ...] = ()
    inspected: Inspected | None = None
    element_lists: tuple[ElementList, ...] = ()

    @property
    def volume(self) -> Volume | None:
        """The volume on screen; None while it loads, so that nothing is computed from a part of it."""
        return self.volumes.get(self.current) if self.loading is None else None

    @property
    def arriving(self) -> Arriving | None:
        """What is there of the series on screen while it loads."""
        return None if self.loading is None else self.loading.arriving

    @property
    def pictured(self) -> Volume | None:
        """What is on screen, to look at: the volume, or while it loads the slice that came first."""
        return self.volume if self.arriving is None else self.arriving.sample

    @property
    def geometry(self) -> Geometry | None:
        """The grid the reader moves in, also while it loads."""
        if self.arriving is not None:
            return self.arriving.geometry
        return None if self.volume is None else self.volume.geometry

    @property
    def view(self) -> View:
        """The view of the series on screen."""
        return self.views.get(self.current, View())

    @property
    def prediction(self) -> Prediction | None:
        """The newest prediction of a model that ran by itself on the series on screen."""
        return next((one for one in reversed(self._predictions_here()) if one.ran_alone), None)

    @property
    def mask(self) -> Mask | None:
        """The newest mask of a model that ran by itself on the series on screen."""
        here = self._predictions_here()
        return next((one.mask for one in reversed(here) if one.mask is not None and one.ran_alone), None)

    @property
    def regions(self) -> tuple[Mask, ...]:
        """The regions readers drew and kept, or masks of their own, on the series on screen, oldest first."""
        return tuple(one.mask for one in self._predictions_here() if one.mask is not None and not one.ran_alone)

    @property
    def edited_masks(self) -> tuple[Mask, ...]:
        """The masks readers changed that newer results of other models lie before: no work goes out of sight."""
        front = self.mask
        here = (one for one in self._predictions_here() if one.ran_alone and one.edit is not None)
        return tuple(one.mask for one in here if one.mask is not None and one.mask is not front)

    @property
    def edited(self) -> Prediction | None:
        """The result whose mask is being changed by hand, as it is now; None when there is none on screen."""
        editing = self.editing
        if editing is None or editing.series_key != self.current or self.volume is None:
            return None
        here = self._predictions_here()
        return next((one for one in here if one.model_mask is editing.original), editing.fresh)

    @property
    def drawing(self) -> Region | None:
        """The region being drawn on the series on screen."""
        here = self.region is not None and self.region.series_key == self.current
        return self.region if here else None

    def _predictions_here(self) -> tuple[Prediction, ...]:
        return tuple(one for one in self.predictions if one.series_key == self.current)

    @property
    def heatmap(self) -> Heatmap | None:
        """The newest heatmap on the series on screen."""
        return next((one for one in reversed(self.heatmaps) if one.series_key == self.current), None)

    @property
    def measurements_here(self) -> tuple[Measurement, ...]:
        """The measurements on the series on screen, oldest first."""
        return tuple(one for one in self.measurements if one.series_key == self.current)

    @property
    def compared(self) -> Comparison | None:
        """The two maps side by side on screen, with the stamps they have by now.

        None unless both are still kept and lie on the grid of the series on screen.
        """
        told = self.comparison
        if told is None or self.volume is None or told.first.series_key != self.current:
            return None
        first, second = (self._as_kept(one) for one in (told.first, told.second))
        if first is None or second is None or not first.geometry.same_grid(self.volume.geometry):
            return None
        same = first is told.first and second is told.second
        return told if same else replace(told, first=first, second=second)

    def _as_kept(self, heatmap: Heatmap) -> Heatmap | None:
        """Return the kept map with the same values: one that was stamped meanwhile is still the same map."""
        return next((one for one in self.heatmaps if one.values_zyx is heatmap.values_zyx), None)

    @property
    def overlays_here(self) -> tuple[Overlay, ...]:
        """The overlays of files on the series on screen, oldest first."""
        return tuple(one for one in self.overlays if one.series_key == self.current)

    @property
    def file_map(self) -> Heatmap | None:
        """The newest map of a file on the series on screen; None while a map of a model is shown.

        Only one map is drawn at a time: the colours of two could not be told apart.
        """
        layers = self.layers
        model_map = self.heatmap is not None and layers.visible
        if model_map or not (layers.files_visible and layers.heatmap_visible):
            return None
        return next((one for overlay in reversed(self.overlays_here) for one in reversed(overlay.maps)), None)

    @property
    def presented(self) -> Document | None:
        """The presentation state the series on screen is shown by: the newest one read for it."""
        here = (one for one in reversed(self.documents) if one.series_key == self.current and self.current)
        return next((one for one in here if one.presentation is not None), None)

    def all_series(self) -> tuple[Series, ...]:
        """Return the series of everything opened."""
        return tuple(series for scan in self.scans for series in scan.all_series())

    def series(self, key: str) -> Series:
        """Return the series, or the part of one, with `key` (KeyError when it is not open)."""
        found = find(self.all_series(), key)
        if found is None:
            raise KeyError(key)
        return found

    def holds(self, key: str) -> bool:
        """Tell whether the series, or the part of one, with `key` is open."""
        return find(self.all_series(), key) is not None

    def study_of(self, key: str) -> Study:
        """Return the study that holds the series, or the part of one, with `key` (KeyError when it is not open)."""
        for scan in self.scans:
            for study in scan.studies:
                if find(study.series, key) is not None:
                    return study
        raise KeyError(key)

    def findings_of(self, key: str) -> tuple[Finding, ...]:
        """Return the findings about one series."""
        return tuple(one for one in self.findings if one.series_key == key)
