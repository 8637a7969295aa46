"""Every DICOM object of a report, stored in an Orthanc on loopback and fetched back: nothing lost, nothing changed.

Orthanc is its own program (`apt-get install orthanc orthanc-dicomweb`); where it is absent the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import phantoms
import pydicom
import pytest
from drawn_cases import drawn_case

from medassist.entities.prediction import Mask, Segment
from medassist.progress import Progress
from medassist.report.export import EXPORTERS, export
from medassist.report.findings import findings_from

pynetdicom = pytest.importorskip("pynetdicom", reason="pynetdicom is not installed (test extra)")
dicomweb = pytest.importorskip("dicomweb_client", reason="dicomweb-client is not installed (test extra)")

PROGRAM = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/sbin")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")

pytestmark = pytest.mark.skipif(
    not PROGRAM or not PLUGIN.exists(), reason="Orthanc with its DICOMweb plugin is not installed (apt-get install)"
)

FORMATS = ("seg", "pm", "sr", "gsps", "kos", "sc", "epdf")
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"
TITLE = "MEDASSIST"


@dataclass(frozen=True)
class Server:
    """Where a running Orthanc listens, and the port on which it knows us."""

    dicom: int
    http: int
    ours: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/system", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    dicom, http, ours = free_ports(3)
    us = {"AET": TITLE, "Host": "127.0.0.1", "Port": ours}
    allowed = {f"Allow{verb}": True for verb in ("Store", "Find", "Get", "Move")}
    settings = {
        "Name": "MEDASSIST_TEST",
        "StorageDirectory": "db",
        "IndexDirectory": "db",
        "Plugins": [str(PLUGIN)],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "HttpPort": http,
        "DicomAet": "ORTHANC",
        "DicomPort": dicom,
        "DicomCheckCalledAet": False,
        "DicomModalities": {"medassist": us | allowed},
        "DicomCheckModalityHost": True,
        "DicomAlwaysAllowStore": False,
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": False,
        "StableAge": 1,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Host": "127.0.0.1", "Ssl": False},
    }
    folder = tmp_path / "orthanc"
    (folder / "db").mkdir(parents=True)
    (folder / "orthanc.json").write_text(json.dumps(settings))
    found = Server(dicom, http, ours)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([PROGRAM, str(folder / "orthanc.json")], cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if answers(found.url) or process.poll() is not None:
                break
            time.sleep(0.1)
        assert process.poll() is None, (folder / "log").read_text()
        assert answers(found.url), (folder / "log").read_text()
        yield found
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder, slices=6),
    "mr": lambda folder: phantoms.write_mr_series(folder, slices=6),
    "dx": lambda folder: phantoms.write_film(folder),
}


@pytest.fixture(params=SOURCES)
def objects(request, tmp_path) -> dict[str, Path]:
    """Return SOP instance UID -> file of a source series and everything a report writes of it."""
    SOURCES[request.param](tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    many = case.predictions[0].mask is not None
    written = list(export(case, tmp_path / "out", FORMATS, progress=Progress()))
    if many:
        written += export(with_twelve_segments(case), tmp_path / "more", ("seg",), progress=Progress())
    files = [*(tmp_path / "in").iterdir(), *(path for path in written if path.suffix == ".dcm")]
    found = {str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID): path for path in files}
    assert len(found) == len(files)
    kinds = {pydicom.dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID for path in written if path in files}
    assert len(kinds) >= (8 if many else 6)
    assert not many or LABELMAP in kinds
    return found


def with_twelve_segments(case):
    labels = np.zeros(case.volume.geometry.shape_zyx, np.uint8)
    labels[:, 10:22, 10:50] = np.arange(1, 13)[None, :, None]
    mask = Mask(labels, case.volume.geometry, tuple(Segment(number, f"part {number}") for number in range(1, 13)))
    prediction = replace(case.predictions[0], mask=mask)
    found = findings_from(prediction, case.volume)
    return replace(case, predictions=(prediction,), findings=found, heatmaps=(), uid=f"{case.uid}.1")


def contexts(files: dict[str, Path]) -> set[tuple[str, str]]:
    read = [pydicom.dcmread(path, stop_before_pixels=True) for path in files.values()]
    return {(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in read}


def assert_same(received: dict[str, pydicom.Dataset], files: dict[str, Path]) -> None:
    """Compare every element, pixels and documents among them, and the transfer syntax."""
    assert set(received) == set(files)
    for uid, path in files.items():
        sent = pydicom.dcmread(path)
        got = received[uid]
        assert got.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID, path.name
        assert {one.tag for one in got} == {one.tag for one in sent}, path.name
        assert not [one.tag for one in sent if got[one.tag] != one], path.name


def store(server: Server, files: dict[str, Path]) -> None:
    entity = pynetdicom.AE(ae_title=TITLE)
    for sop_class, syntax in sorted(contexts(files)):
        entity.add_requested_context(sop_class, syntax)
    link = entity.associate("127.0.0.1", server.dicom, ae_title="ORTHANC")
    assert link.is_established
    try:
        statuses = {path.name: link.send_c_store(path).Status for path in files.values()}
    finally:
        link.release()
    assert set(statuses.values()) == {0x0000}, statuses


def fetch_by_move(server: Server, files: dict[str, Path], study: str) -> dict[str, pydicom.Dataset]:
    from pynetdicom import evt
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

    received: dict[str, pydicom.Dataset] = {}

    def keep(event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        received[str(dataset.SOPInstanceUID)] = dataset
        return 0x0000

    ours, asking = pynetdicom.AE(ae_title=TITLE), pynetdicom.AE(ae_title=TITLE)
    for sop_class, syntax in sorted(contexts(files)):
        ours.add_supported_context(sop_class, syntax)
    asking.add_requested_context(Move)
    listening = ours.start_server(("127.0.0.1", server.ours), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    try:
        link = asking.associate("127.0.0.1", server.dicom, ae_title="ORTHANC")
        assert link.is_established
        wanted = pydicom.Dataset()
        wanted.QueryRetrieveLevel, wanted.StudyInstanceUID = "STUDY", study
        last = [status.Status for status, _ in link.send_c_move(wanted, TITLE, Move)][-1]
        link.release()
    finally:
        listening.shutdown()
    assert last == 0x0000
    return received


def web(server: Server):
    import requests

    direct = requests.Session()
    direct.trust_env = False  # no proxy between this machine and itself
    return dicomweb.DICOMwebClient(f"{server.url}/dicom-web", session=direct)


def test_c_store_and_c_move_bring_every_object_back_as_it_was(server, objects):
    study = str(pydicom.dcmread(next(iter(objects.values()))).StudyInstanceUID)
    store(server, objects)
    assert_same(fetch_by_move(server, objects, study), objects)


def test_stow_and_wado_bring_every_object_back_as_it_was(server, objects):
    client = web(server)
    sent = [pydicom.dcmread(path) for path in objects.values()]
    study = str(sent[0].StudyInstanceUID)
    answer = client.store_instances(sent)
    assert len(answer.ReferencedSOPSequence) == len(sent)
    assert not answer.get("FailedSOPSequence")
    fetched = client.retrieve_study(study, media_types=(("application/dicom", "*"),))
    assert_same({str(one.SOPInstanceUID): one for one in fetched}, objects)
    assert len(client.search_for_series(study)) == len({one.SeriesInstanceUID for one in sent})


def test_every_dicom_format_takes_part():
    from medassist.report.export import Readers

    assert set(FORMATS) == {name for name, one in EXPORTERS.items() if one.readers is Readers.PACS}
