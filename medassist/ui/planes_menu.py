"""View > Slabs and turned planes: how thick the planes are, and the way back to planes along the volume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from medassist.entities.slab import Projection, Slab
from medassist.entities.turn import STRAIGHT
from medassist.imaging.oblique import normal_of
from medassist.imaging.slicing import Plane
from medassist.language import tr
from medassist.session.actions import Action
from medassist.session.reslicing import SetSlab, StraightenPlanes, TurnPlanes, can_be_resliced
from medassist.ui.store import Store
from medassist.ui.viewer.texts import plane_name

THICKNESSES_MM = (3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0)
USUAL_MM = 10.0
STEP_DEGREES = 5.0


class PlanesMenu(QMenu):
    """Show what is chosen for the series on screen and choose something else; grey where it would mean nothing."""

    def __init__(self, store: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._thickness_mm = store, USUAL_MM
        self.single = self._choice(lambda: SetSlab(None))
        self.projections = {one: self._choice(partial(self._slab, one)) for one in Projection}
        self._group(self.single, *self.projections.values())
        self.addSeparator()
        self.thicknesses = {mm: self._choice(partial(self._thick, mm)) for mm in THICKNESSES_MM}
        self._group(*self.thicknesses.values())
        self.addSeparator()
        turns = ((plane, sign) for plane in Plane for sign in (1, -1))
        self.turns = {each: self._action(partial(self._turn, *each)) for each in turns}
        self.straighten = self._action(StraightenPlanes)
        self.aboutToShow.connect(self._mind)

    def retranslate(self) -> None:
        """Say every entry again."""
        self.setTitle(tr("Slabs and turned planes"))
        self.single.setText(tr("Single slices"))
        told = {
            Projection.MAXIMUM: tr("Largest value (MIP)"),
            Projection.MINIMUM: tr("Smallest value (MinIP)"),
            Projection.MEAN: tr("Mean value"),
        }
        for projection, action in self.projections.items():
            action.setText(told[projection])
        for mm, action in self.thicknesses.items():
            action.setText(tr("{mm} mm thick", mm=f"{mm:g}"))
        for (plane, sign), action in self.turns.items():
            degrees = f"{sign * STEP_DEGREES:+g}".replace("-", "−")
            action.setText(tr("Turn about {plane}: {degrees}°", plane=plane_name(plane), degrees=degrees))
        self.straighten.setText(tr("Straighten the planes"))

    def _slab(self, projection: Projection) -> Action:
        return SetSlab(Slab(projection, self._thickness_mm))

    def _thick(self, millimetres: float) -> Action:
        self._thickness_mm = millimetres
        before = self._store.session.view.slab
        return SetSlab(Slab(Projection.MAXIMUM if before is None else before.projection, millimetres))

    def _turn(self, plane: Plane, sign: int) -> Action:
        """Turn the two other planes about the normal of one, by keys as the handles do by mouse."""
        session = self._store.session
        if session.geometry is None:
            return StraightenPlanes()
        x, y, z = normal_of(session.geometry, plane, session.view.turn)
        return TurnPlanes((float(x), float(y), float(z)), sign * STEP_DEGREES)

    def _choice(self, act: Callable[[], Action]) -> QAction:
        action = self._action(act)
        action.setCheckable(True)
        return action

    def _action(self, act: Callable[[], Action]) -> QAction:
        action = QAction(self)
        action.triggered.connect(lambda _on=False: self._store.dispatch(act()))
        self.addAction(action)
        return action

    def _group(self, *actions: QAction) -> None:
        group = QActionGroup(self)
        for action in actions:
            group.addAction(action)

    def _mind(self) -> None:
        """Mark what is on screen."""
        session = self._store.session
        slab, free = session.view.slab, can_be_resliced(session.volume)
        for action in self.actions():
            action.setEnabled(free)
        self.single.setChecked(slab is None)
        for projection, action in self.projections.items():
            action.setChecked(slab is not None and slab.projection is projection)
        self._thickness_mm = self._thickness_mm if slab is None else slab.thickness_mm
        for mm, action in self.thicknesses.items():
            action.setChecked(mm == self._thickness_mm)
        self.straighten.setEnabled(free and session.view.turn != STRAIGHT)
