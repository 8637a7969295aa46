from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtCore import QObject

from medassist.ui.collector import Collector
from medassist.ui.reader import reader_name


class Node(QObject):
    """A QObject in a cycle that tells where it died."""


def make_cycle(died):
    one = Node()
    one.itself = one
    weakref.finalize(one, lambda: died.append(threading.current_thread()))


def test_only_the_gui_thread_collects(application):
    collector, died = Collector(), []
    collector.start()
    try:
        make_cycle(died)
        worker = threading.Thread(target=lambda: [[[number]] for number in range(200_000)])
        worker.start()
        worker.join()
        assert died == []
        collector._rounds = 19
        collector.collect()
        assert died == [threading.main_thread()]
    finally:
        collector.stop()
        collector.deleteLater()
    assert gc.isenabled()


def test_a_process_without_a_login_name_has_an_unnamed_reader(monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert reader_name() == ""
