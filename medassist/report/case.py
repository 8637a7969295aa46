"""Everything one report needs, in one frozen value; exporters read it and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from medassist.entities.draft import Draft
from medassist.entities.errors import Refused
from medassist.entities.finding import Finding, Judgement
from medassist.entities.heatmap import Heatmap
from medassist.entities.measurement import Measurement
from medassist.entities.prediction import Mask, ModelRef, Prediction
from medassist.entities.study import Series, Study
from medassist.entities.volume import Volume, Window
from medassist.storage.case_file import Work


def _new_uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid())


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False)
class Case:
    """One series, what models said about it and what the reader made of that.

    Attributes:
        predictions, heatmaps, findings: about `series` only, oldest first; the newest prediction leads the report.
        language: of the pages for people, a key of `medassist.language.LANGUAGES`.
        reader: who judged the findings, "" when nobody signed.
        created: local ISO time of the report.
        timings_s: seconds of stages no prediction knows, e.g. {"explain": 1.9}.
        uid: root of the identifiers of every object of this report, see `uid_of`.
        measurements: what readers drew on `series`, oldest first.
        draft: what the reader prepared for this report, None where nobody did.
        with_rejected: whether DICOM objects also hold what the reader rejected, marked as such.
        segmentation: how masks are written: "auto" (by the number of segments), "binary", "labelmap" or
            "fractional": as "auto", and the probabilities of the labels beside.
        window, inverted: the grey scale the reader used last, None for the starting one; whether black and white were
            swapped on top of what the series asks for.
        work: makes what the case file holds; None for a case that was made of no session.
    """

    study: Study
    series: Series
    volume: Volume
    predictions: tuple[Prediction, ...] = ()
    heatmaps: tuple[Heatmap, ...] = ()
    findings: tuple[Finding, ...] = ()
    language: str = "en"
    reader: str = ""
    created: str = field(default_factory=_now)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    uid: str = field(default_factory=_new_uid)
    measurements: tuple[Measurement, ...] = ()
    draft: Draft | None = None
    with_rejected: bool = False
    segmentation: str = "auto"
    window: Window | None = None
    inverted: bool = False
    work: Callable[[], Work] | None = None

    def __post_init__(self) -> None:
        """Refuse masks and maps on another grid than the series': a report must not shift an overlay."""
        grids = [mask.geometry for _, mask in self.masks] + [one.geometry for one in self.heatmaps]
        if not all(grid.same_grid(self.volume.geometry) for grid in grids):
            raise Refused(
                "A result lies on another grid than the series {series}, so no report can be written.",
                remedy="Run the model on this series again.",
                series=self.series.title,
            )

    @property
    def masks(self) -> tuple[tuple[Prediction, Mask], ...]:
        """The predictions that hold a mask, with it."""
        return tuple((one, one.mask) for one in self.predictions if one.mask is not None)

    @property
    def prediction(self) -> Prediction | None:
        """The newest prediction of a model that ran by itself; the newest region when there is none."""
        alone = [one for one in self.predictions if one.ran_alone]
        return next(reversed(alone or self.predictions), None)

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """Every model that spoke, once each, newest first."""
        spoken = [one.model for one in reversed(self.predictions) if not one.by_hand]
        spoken += [one.model for one in reversed(self.heatmaps)]
        claimed = [one.model for one in self.findings if one.model is not None]
        return tuple(dict.fromkeys((*spoken, *claimed)))

    @property
    def told_findings(self) -> tuple[Finding, ...]:
        """The findings that objects for other systems hold: without the rejected ones, unless these are asked for."""
        return tuple(one for one in self.findings if self.with_rejected or one.judgement is not Judgement.REJECTED)

    @property
    def is_judged(self) -> bool:
        """Whether the reader settled every finding; until then the report is preliminary."""
        open_ones = (Judgement.UNREVIEWED, Judgement.DEFERRED)
        return bool(self.findings) and all(one.judgement not in open_ones for one in self.findings)

    @property
    def is_verified(self) -> bool:
        """Whether a named reader settled every finding: DICOM asks who verified, so a nameless click is not enough."""
        return self.is_judged and bool(self.reader.strip())

    def uid_of(self, *parts: object) -> str:
        """Return the UID of one object or series of this report: the same parts give the same UID."""
        from pydicom.uid import generate_uid

        told = (str(one).encode(errors="backslashreplace").decode() for one in parts)  # of odd file names too
        return str(generate_uid(entropy_srcs=[self.uid, *told]))

    def segment_finding(self, prediction: Prediction, value: int) -> Finding | None:
        """Return the finding made from one segment of one prediction."""
        for one in self.findings:
            if one.model == prediction.claimed_by(value) and one.segment_value == value:
                return one
        return None


def numbered(name: str, index: int) -> str:
    """Return the file name of the object with `index` (0-based): mask.nii.gz, mask-2.nii.gz and so on."""
    stem, dot, ending = name.partition(".")
    return f"{stem}-{index + 1}{dot}{ending}" if index else name
