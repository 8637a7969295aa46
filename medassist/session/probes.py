"""Probes: a region is replaced and the model asked again; what came of it can be kept with the finding it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.entities.finding import Finding
from medassist.entities.prediction import Prediction
from medassist.entities.probe import Means, Probe, Spot
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress

if TYPE_CHECKING:
    from medassist.session.state import Session

MOST = 40
"""How many probes are remembered; kept ones stay with their findings."""


@dataclass(frozen=True, eq=False)
class AddProbe:
    """Remember a probe as the newest; an earlier one of the same question on the same region gives way."""

    probe: Probe

    def __call__(self, session: Session) -> Session:
        """Return the session with the probe."""
        others = tuple(one for one in session.probes if _question(one) != _question(self.probe))
        return replace(session, probes=(*others, self.probe)[-MOST:])


@dataclass(frozen=True, eq=False)
class KeepProbe:
    """Attach a probe to the findings of its label, model and series as counter-evidence of a reader."""

    probe: Probe
    by: str
    at: str

    def __call__(self, session: Session) -> Session:
        """Return the session with the probe kept; the same session where nothing claims what it speaks of."""
        if not any(speaks_of(self.probe, one) for one in session.findings):
            return session
        kept = replace(self.probe, kept_by=self.by, kept_at=self.at)

        def judged(one: Finding) -> Finding:
            if not speaks_of(kept, one):
                return one
            others = (old for old in one.counter_evidence if _question(old) != _question(kept))
            return replace(one, counter_evidence=(*others, kept))

        probes = tuple(kept if one is self.probe else one for one in session.probes)
        return replace(session, probes=probes, findings=tuple(judged(one) for one in session.findings))


@dataclass(frozen=True, eq=False)
class DropProbe:
    """Forget a probe, also where it was kept."""

    probe: Probe

    def __call__(self, session: Session) -> Session:
        """Return the session without it."""
        findings = tuple(
            replace(one, counter_evidence=tuple(old for old in one.counter_evidence if old is not self.probe))
            if self.probe in one.counter_evidence
            else one
            for one in session.findings
        )
        return replace(session, probes=tuple(one for one in session.probes if one is not self.probe), findings=findings)


def _question(probe: Probe) -> tuple[str, ...]:
    return probe.series_key, probe.model.sha256, probe.target, probe.how.value, probe.area.sha256


def speaks_of(probe: Probe, finding: Finding) -> bool:
    """Tell whether a finding claims what a probe asked about."""
    return (probe.series_key, probe.target, probe.model) == (finding.series_key, finding.target, finding.model)


def with_evidence(session: Session, finding: Finding) -> Finding:
    """Return a new finding with what readers kept against the same claim of the same weights before."""
    before = (one for one in session.findings if one.counter_evidence)
    same = (one for one in before if all(speaks_of(probe, finding) for probe in one.counter_evidence))
    kept = next(same, None)
    return finding if kept is None else replace(finding, counter_evidence=kept.counter_evidence)


def probe_region(
    volume: Volume,
    prediction: Prediction,
    target: str,
    spot: Spot,
    how: Means,
    *,
    model: str = "",
    window: Window | None = None,
    progress: Progress,
) -> AddProbe:
    """Replace a region and ask the model of a result again, as it was asked then, beside the same change elsewhere.

    `model` is the folder of a package that stands in no catalogue, `window` the grey scale of the pictures. Refused
    when the weights are others by now, and as in `explain.probing.probe.probe`.
    """
    from medassist.explain.probing.probe import probe
    from medassist.inference.catalogue import find

    package = find(model or prediction.model.name)
    if package.sha256 != prediction.model.sha256:
        raise Refused(
            "The model {model} was replaced after it gave this result, so it cannot be asked again.",
            remedy="Run the model again.",
            model=package.name,
        )
    found = probe(
        package,
        volume,
        target,
        spot,
        how,
        window=window,
        tta=bool(prediction.manifest.flips),
        device=prediction.device,
        progress=progress,
    )
    return AddProbe(replace(found, model=prediction.model))
