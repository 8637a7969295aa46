"""The demonstration: real films that ship with the product, a model on each, and the report or the refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.language import localized, tr
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import Action
from medassist.session.analysing import MOST_TARGETS, default_targets, explain_target
from medassist.session.state import Session

Step = Callable[..., Action | None]
"""`step(session, *, progress) -> Action | None`, run one after the other on the newest session."""

MODEL = "chest_xray_findings"


@dataclass(frozen=True)
class Demo:
    """What the demonstration does; `tell` gets one line for the terminal per result (from the worker's thread)."""

    folder: Path
    language: str
    tell: Callable[[str], None]

    def steps(self) -> Sequence[Step]:
        """Return the steps in order; the film that gets a report comes last, so that it stays on screen."""
        return (*self._look_at("RG3"), *self._look_at("RG1"), self._open_fetched)

    def _look_at(self, sample: str) -> Sequence[Step]:
        return (
            lambda _session, *, progress: self._open(sample, progress=progress),
            lambda session, *, progress: self._load(session, progress=progress),
            lambda session, *, progress: self._run(sample, session, progress=progress),
            *(partial(self._explain, rank) for rank in reversed(range(MOST_TARGETS))),
            lambda session, *, progress: self._report(sample, session, progress=progress),
        )

    def _open(self, sample: str, *, progress: Progress) -> Action:
        from medassist.storage.samples import get

        return jobs.open_path(get(sample, progress=progress), progress=progress)

    def _load(self, session: Session, *, progress: Progress) -> Action:
        newest = session.scans[-1].all_series()[0]
        return jobs.load_series(newest, progress=progress)

    def _run(self, sample: str, session: Session, *, progress: Progress) -> Action | None:
        from medassist.inference.catalogue import find

        if session.volume is None:
            return None
        study = session.study_of(session.current)
        try:
            return jobs.run_model(study, session.volume, find(MODEL), progress=progress)
        except Refused as refusal:
            self.tell(f"{sample}: {localized(refusal)}")
            return None

    def _explain(self, rank: int, session: Session, *, progress: Progress) -> Action | None:
        """Explain the target of one rank; the first rank comes last, so that its map is on screen."""
        from medassist.inference.catalogue import find

        targets = default_targets(session.prediction) if session.prediction is not None else ()
        if session.volume is None or rank >= len(targets):
            return None
        return explain_target(session.volume, find(MODEL), targets[rank], progress=progress)

    def _report(self, sample: str, session: Session, *, progress: Progress) -> Action | None:
        if session.prediction is None:
            return None
        folder = self.folder / sample
        written = jobs.write_report(session, folder, language=self.language, allow_unreviewed=True, progress=progress)
        names = ", ".join(path.name for path in written.files)
        self.tell(tr("{sample}: report in {folder}: {files}", sample=sample, folder=folder, files=names))
        return written

    def _open_fetched(self, _session: Session, *, progress: Progress) -> Action | None:
        """Open the chest CT too when it was fetched before; the demonstration itself needs no network."""
        from medassist.storage.samples import samples

        ready = next((one for one in samples() if one.name == "RIDER" and one.is_here()), None)
        return jobs.open_path(ready.path, progress=progress) if ready else None
