"""Help > System check: filled by a worker, worst first, in the language of the window."""

from __future__ import annotations

import json

from PySide6.QtGui import QGuiApplication
from ui_cases import pump

from medassist.entities.study import warned
from medassist.language import set_language
from medassist.session.checking.line import MISSING, NOTE, OK, Line, named, plain
from medassist.session.doctor import KnowSystem
from medassist.ui.doctor_page import LANE, DoctorPage, summary

FINE = Line(named("device", "cpu"), OK, plain("2 cores"))
NOTED = Line(warned("training"), NOTE, plain("needs more"), warned("For quicker runs without a GPU"))
BROKEN = Line(named("model", "tiny"), MISSING, plain("damaged"), warned("Install the package again."))


def check(*, progress) -> KnowSystem:
    progress.offer(KnowSystem((FINE,)))
    return KnowSystem((FINE, NOTED, BROKEN))


def texts(page: DoctorPage) -> list[list[str]]:
    table = page.table
    return [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())]


def test_what_is_missing_comes_first_with_what_to_do(store, runner, keep) -> None:
    page = keep(DoctorPage(store, runner, job=check))
    page.look()
    assert not page.again.isEnabled()
    pump(lambda: not runner.running(LANE))
    assert texts(page) == [
        ["model tiny", "missing", "damaged", "Install the package again."],
        ["training", "note", "needs more", "For quicker runs without a GPU"],
        ["device cpu", "ok", "2 cores", ""],
    ]
    assert page.summary.text() == "Something needed is missing: 1. What to do stands beside it."
    assert page.again.isEnabled()
    page.copy.click()
    assert json.loads(QGuiApplication.clipboard().text())["verdict"] == "missing"


def test_the_page_speaks_chinese(store, runner, keep) -> None:
    set_language("zh_CN")
    store.dispatch(KnowSystem((FINE, NOTED, BROKEN)))
    page = keep(DoctorPage(store, runner, job=check))
    assert page.windowTitle() == "系统检查"
    assert texts(page)[0][:2] == ["模型 tiny", "缺失"]


def test_the_summary_says_whether_there_is_something_to_do() -> None:
    assert summary(()) == ""
    assert summary((FINE,)) == "Everything needed works."
    assert summary((FINE, NOTED)) == "Everything needed works. Worth knowing: 1."


def test_the_menu_opens_it_and_closing_it_stops_the_work(window, runner, monkeypatch) -> None:
    stopped = []

    def endless(*, progress) -> None:
        try:
            while True:
                progress.step("Checking this machine")
        finally:
            stopped.append(True)

    monkeypatch.setattr(DoctorPage.__init__, "__kwdefaults__", {"job": endless})
    window.menus.system.trigger()
    (page,) = window.findChildren(DoctorPage)
    assert runner.running(LANE)
    page.reject()
    pump(lambda: bool(stopped) and not runner.running(LANE))
