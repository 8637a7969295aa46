"""Where a model runs and by what: every device and backend is listed, those that cannot be used with the reason."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QBrush, QColor, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from medassist.inference.backends.openvino_backend import availability
from medassist.inference.backends.protocol import BACKENDS
from medassist.inference.devices import Device, usable_cores
from medassist.language import tr
from medassist.session.means import find_devices
from medassist.session.state import Session
from medassist.storage import settings
from medassist.ui import theme
from medassist.ui.runner import Runner
from medassist.ui.store import Store

LANE = "devices"


class ChoiceMenu(QComboBox):
    """Named choices, some of which cannot be taken; narrow itself, as wide as its texts when open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(9)
        self.setItemDelegate(QStyledItemDelegate(self))  # the one of the menu itself draws every row alike

    def name(self) -> str:
        """Return the chosen name."""
        return str(self.currentData())

    def offer(self, choices: dict[str, tuple[str, str]]) -> None:
        """List names with their title and the reason why they cannot be taken ("" when they can).

        The chosen one stays chosen as long as it can be taken; otherwise it is the first again, and everybody hears.
        """
        before = self.name()
        with QSignalBlocker(self):
            self.clear()
            for name, (title, reason) in choices.items():
                self._add(name, title, reason)
            usable = before in choices and not choices[before][1]
            self.setCurrentIndex(list(choices).index(before) if usable else 0)
        if not usable:
            self.currentIndexChanged.emit(0)
        if self.view().isVisible():  # an open list keeps the size it was opened with
            self.hidePopup()
            self._open()

    def showPopup(self) -> None:  # noqa: N802
        """Open, wide enough for the reasons."""
        self._open()

    def _add(self, name: str, title: str, reason: str) -> None:
        text = tr("{name}: {reason}", name=title, reason=reason) if reason else title
        self.addItem(text, name)
        self.setItemData(self.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        model = self.model()
        if reason and isinstance(model, QStandardItemModel):
            model.item(self.count() - 1).setEnabled(False)
            model.item(self.count() - 1).setForeground(QBrush(QColor(theme.DIM)))

    def _open(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 24)
        super().showPopup()


class DeviceMenu(ChoiceMenu):
    """What torch can run on. It is asked when the menu opens, by a job: torch takes seconds to come."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        store.changed.connect(self._changed)
        self.prefer(settings.read().text("device"))

    def prefer(self, name: str) -> None:
        """Choose the device of the settings; one that is not here is refused when a model is to run, not replaced."""
        self._preferred = "cuda:0" if name == "cuda" else name
        self.retranslate()
        self.setCurrentIndex(self.findData(self._preferred))

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Device"))
        self.setToolTip(tr("Device"))
        found = {one.name: (_title(one), tr(one.reason) if one.reason else "") for one in self._store.session.devices}
        cpu = {"cpu": found.pop("cpu", (tr("CPU"), ""))}
        asked = {} if self._preferred in ("auto", *cpu, *found) else {self._preferred: (self._preferred, "")}
        self.offer({"auto": (tr("Device: automatic"), ""), **cpu, **found, **asked})

    def showPopup(self) -> None:  # noqa: N802
        """Open with what is known, and look again: free memory changes."""
        if not self._runner.running(LANE):
            self._runner.start(LANE, find_devices)
        super().showPopup()

    def _changed(self, old: Session, new: Session) -> None:
        if old.devices != new.devices:
            self.retranslate()


class BackendMenu(ChoiceMenu):
    """What computes the network: OpenVINO where it is here and the device is the CPU, else torch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device = "auto"
        self.retranslate()

    def fit(self, device: str) -> None:
        """Offer what can run on a device ("auto" or a torch name)."""
        self._device = device
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Backend"))
        self.setToolTip(tr("What computes the network: OpenVINO is faster on a CPU, torch is the reference"))
        titles = {"auto": tr("Backend: automatic"), "torch": "torch", "openvino": "OpenVINO"}
        self.offer({name: (titles[name], self._reason(name)) for name in BACKENDS})

    def _reason(self, name: str) -> str:
        if name != "openvino":
            return ""
        if not availability().ok:
            return tr(availability().reason)
        on_cpu = self._device in ("auto", "cpu")
        return "" if on_cpu else tr("it runs on the CPU only")


def _title(device: Device) -> str:
    title = tr("CPU, {count} cores", count=usable_cores()) if device.name == "cpu" else tr(device.title)
    if device.free_bytes is None:
        return title
    return tr("{device}, {size} GB free", device=title, size=f"{device.free_bytes / 1e9:.1f}")
