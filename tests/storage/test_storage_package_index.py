"""The index reader: pip's own configuration, the simple API, and passwords that stay with their host."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from medassist.entities.errors import Refused, UnreadableInput
from medassist.progress import Progress
from medassist.storage import package_index
from medassist.storage.package_index import DEFAULT_INDEX, Places, fetch, pip_places, places_from


@pytest.fixture
def server():
    """An index on this machine; `seen` holds path and Authorization of every request."""
    seen: list[tuple[str, str | None]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            if self.path == "/simple/my-demo/":
                self.answer(b'<html><a href="../../files/my_demo-1.0.tar.gz#sha256=00">my_demo-1.0.tar.gz</a></html>')
            elif self.path == "/files/my_demo-1.0.tar.gz":
                self.answer(b"content")
            elif self.path == "/simple/broken/":
                self.answer(b'<a href="/files/broken.whl">broken.whl</a>')
            elif self.path == "/files/broken.whl":
                self.answer(b"con", announced=7)
            else:
                self.send_error(404)

        def answer(self, content, announced=None):
            self.send_response(200)
            self.send_header("Content-Length", str(announced or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http.server_address[1], seen
        http.shutdown()
        thread.join()


def test_environment_beats_download_section_beats_global():
    places = places_from(
        "global.index-url='https://a/simple'\nglobal.cert='/c.pem'\ndownload.index-url='https://b/simple'\n"
        "install.index-url='https://never/simple'\n:env:.extra-index-url='https://c/simple  file:///d/simple'\n"
        "global.find-links='/e\\n/f'\n"
    )
    assert places == Places(("/e", "/f"), ("https://b/simple", "https://c/simple", "file:///d/simple"), "/c.pem")


def test_nothing_configured_means_pypi_and_no_index_means_none():
    assert places_from("").indexes == (DEFAULT_INDEX,)
    assert places_from(":env:.no-index='1'\n:env:.find-links='/opt/wheels'") == Places(("/opt/wheels",), ())


def test_pip_itself_is_asked(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert pip_places().indexes[0] == "https://mirror.example/simple"


def test_file_is_found_by_name_and_fetched_with_the_login(server, tmp_path):
    port, seen = server
    places = Places(indexes=(f"http://me:s%40cret@127.0.0.1:{port}/simple/",))
    fetch("My.Demo", "my_demo-1.0.tar.gz", tmp_path / "f", places, progress=Progress())
    assert (tmp_path / "f").read_bytes() == b"content"
    assert seen[0] == ("/simple/my-demo/", "Basic " + base64.b64encode(b"me:s@cret").decode())


def test_local_places_come_first_and_need_no_network(server, tmp_path):
    port, seen = server
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "my_demo-1.0.tar.gz").write_bytes(b"local")
    places = Places((str(tmp_path / "links"),), (f"http://127.0.0.1:{port}/simple",))
    fetch("my-demo", "my_demo-1.0.tar.gz", tmp_path / "f", places, progress=Progress())
    assert (tmp_path / "f").read_bytes() == b"local"
    assert seen == []


def test_file_index_with_pages(tmp_path):
    root = tmp_path / "simple"
    (root / "demo").mkdir(parents=True)
    (root / "demo" / "index.html").write_text('<a href="../../demo-1.whl">demo-1.whl</a>')
    (tmp_path / "demo-1.whl").write_bytes(b"wheel")
    fetch("demo", "demo-1.whl", tmp_path / "f", Places(indexes=(root.as_uri(),)), progress=Progress())
    assert (tmp_path / "f").read_bytes() == b"wheel"


def test_unreachable_places_are_named_without_their_passwords(tmp_path):
    places = Places(("/nowhere/at/all",), ("http://me:secret@127.0.0.1:9/simple", "ftp://old.example/simple"))
    with pytest.raises(UnreadableInput) as caught:
        fetch("demo", "demo-1.whl", tmp_path / "f", places, progress=Progress())
    sentence = caught.value.sentence()
    assert "127.0.0.1" in sentence
    assert "old.example" in sentence
    assert "secret" not in sentence
    assert "pip config set" in sentence


def test_broken_connection_is_not_taken_for_the_file(server, tmp_path):
    port, _ = server
    places = Places(indexes=(f"http://127.0.0.1:{port}/simple",))
    with pytest.raises(UnreadableInput, match="3 of 7 bytes"):
        fetch("broken", "broken.whl", tmp_path / "f", places, progress=Progress())


def test_python_without_pip_is_told(monkeypatch):
    monkeypatch.setattr("medassist.storage.package_index.sys.executable", "/bin/false")
    with pytest.raises(UnreadableInput, match="ensurepip"):
        pip_places()
    assert not issubclass(UnreadableInput, Refused)


def test_the_installed_package_asks_no_pip(monkeypatch):
    """It has none, and its own program must not be started as if it were a Python."""
    monkeypatch.setattr(package_index.sys, "frozen", True, raising=False)
    monkeypatch.setattr(package_index.subprocess, "run", None)
    for name in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    assert package_index.pip_places() == Places()
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    assert package_index.pip_places() == Places(("/wheels", "/more"), ("https://mirror.invalid/simple",))
