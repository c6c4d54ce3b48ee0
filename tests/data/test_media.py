"""What a row makes the program read: its own bytes and the files beside it, within limits; nothing else unasked."""

import io
import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from PIL import Image

from joulemark.core.errors import BadRowError
from joulemark.data import fetching
from joulemark.data.audio import clip
from joulemark.data.dataset import Dataset
from joulemark.data.images import encoded_image
from joulemark.data.media import Media, bytes_of
from joulemark.tasks.image_classification import ImageClassification


@pytest.fixture
def folder(tmp_path):
    """The folder of a data file, with a file within it, one outside it, links to both and what is no file at all."""
    inside = tmp_path / "data"
    inside.mkdir()
    (inside / "a.png").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (inside / "link").symlink_to(inside / "a.png")
    (inside / "out").symlink_to(tmp_path / "secret")
    (inside / "up").symlink_to(tmp_path)
    (inside / "empty").write_bytes(b"")
    os.mkfifo(inside / "pipe")
    return inside


@pytest.mark.parametrize("path", ["a.png", "./a.png", "link", "../data/a.png"])
def test_a_path_below_the_data_files_folder_is_read(folder, path):
    assert bytes_of(path, "image", folder=folder) == b"inside"
    assert bytes_of({"bytes": None, "path": str(folder / "a.png")}, "image", folder=folder) == b"inside"


@pytest.mark.parametrize(
    "path", ["../secret", "out", "up/secret", "/etc/hostname", "/proc/kmsg", "/dev/zero", "~/.netrc"]
)
def test_a_path_that_leads_out_of_it_is_refused_also_by_a_link(folder, path):
    with pytest.raises(BadRowError, match=r"leads out of the data file's folder; .* task\.media\.anywhere=true"):
        bytes_of(path, "image", folder=folder)


def test_who_trusts_the_rows_may_say_so_and_still_nothing_but_a_file_is_read(folder):
    trusted = Media(anywhere=True)
    assert bytes_of("../secret", "image", trusted, folder) == b"outside"
    for path in ("pipe", "/dev/zero", "/proc/kmsg", "empty", "."):
        with pytest.raises(BadRowError):
            bytes_of(path, "image", trusted, folder)


def test_a_row_that_comes_from_no_file_opens_none(folder):
    with pytest.raises(BadRowError, match="a row that comes from no file opens none here"):
        bytes_of({"bytes": None, "path": str(folder / "a.png")}, "image")


def test_more_bytes_than_the_limit_are_refused_wherever_they_are(folder):
    (folder / "big").write_bytes(b"x" * 2001)
    small = Media(max_mb=0.002)
    for value in (b"x" * 2001, {"bytes": b"x" * 2001}, "big"):
        with pytest.raises(BadRowError, match=r"more than 0\.002 MB; task\.media\.max_mb=… allows more"):
            bytes_of(value, "image", small, folder)


def png(width, height):
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_a_picture_of_more_pixels_than_the_limit_is_refused_before_it_is_decoded(monkeypatch):
    bomb = png(13_000, 13_000)
    assert len(bomb) < 100_000
    decoded = []
    monkeypatch.setattr("joulemark.data.images.in_rgb", lambda image: decoded.append(image) or image)
    with pytest.raises(BadRowError, match=r"169 megapixels, the most is 64; task\.media\.max_megapixels=… allows more"):
        encoded_image(bomb)
    assert not decoded
    encoded_image(bomb, media=Media(max_megapixels=200))
    assert decoded


def test_a_sound_longer_than_the_limit_is_refused():
    import numpy
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, numpy.zeros(32_000), 16_000, format="FLAC")
    with pytest.raises(BadRowError, match=r"longer than 1 s; task\.media\.max_s=… allows more"):
        clip(file.getvalue(), 16_000, Media(max_s=1))


class Site(BaseHTTPRequestHandler):
    """Redirects as its paths say, and gives a picture, an endless one, or nothing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", self.server.target)
            self.end_headers()
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(b"picture" if self.path != "/endless" else b"x" * 100_000)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = HTTPServer(("127.0.0.1", 0), Site)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


HERE = Media(fetch=True, hosts=("127.0.0.1",))


def address(site, path="/a.png"):
    return f"http://127.0.0.1:{site.server_port}{path}"


@pytest.mark.servers
def test_nothing_is_fetched_unless_asked_for_and_nothing_from_ones_own_network(site, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"image": address(site)}))
    data = Dataset("file", "x", {"image": "image"}, path=str(tmp_path / "a.jsonl"))
    with pytest.raises(Exception, match=r"nothing is fetched unless you type task\.media\.fetch=true"):
        ImageClassification(data, None, "", 1, 4).samples(1, 0)
    with pytest.raises(BadRowError, match=r"a private network.*task\.media\.hosts=\[127\.0\.0\.1\]"):
        bytes_of(address(site), "image", Media(fetch=True))
    assert site.asked == []
    assert bytes_of(address(site), "image", HERE) == b"picture"


@pytest.mark.servers
def test_every_redirect_is_judged_again_and_they_end(site):
    site.target = address(site)
    assert bytes_of(address(site, "/moved"), "image", HERE) == b"picture"
    for target, says in [
        (f"http://localhost:{site.server_port}/a.png", "localhost is an address of a private network"),
        ("file:///etc/passwd", "file:// is not fetched"),
        ("http://[::1]:9/", "::1 is an address of a private network"),
        ("http://169.254.169.254/", "a private network"),
        ("/moved", "more than 5 redirects"),
    ]:
        site.target = target
        with pytest.raises(BadRowError, match=says):
            bytes_of(address(site, "/moved"), "image", HERE)
    assert site.asked.count("/a.png") == 1


@pytest.mark.servers
def test_no_more_is_read_than_the_limit_and_an_address_that_leads_nowhere_is_unusable(site):
    with pytest.raises(BadRowError, match=r"more than 0\.001 MB"):
        bytes_of(address(site, "/endless"), "image", Media(fetch=True, hosts=("127.0.0.1",), max_mb=0.001))
    with pytest.raises(BadRowError, match="status 404"):
        bytes_of(address(site, "/none"), "image", HERE)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(BadRowError, match="cannot be fetched"):
            bytes_of(f"http://127.0.0.1:{unused.getsockname()[1]}/", "image", HERE)


@pytest.mark.parametrize(
    "found",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "fd00::1",
        "0.0.0.0",
        "::ffff:10.0.0.1",
    ],
)
def test_a_name_that_means_a_private_address_is_refused_and_nothing_is_connected_to(monkeypatch, found):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (found, 80))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(BadRowError, match="a private network"):
        fetching.fetched("http://images.example/a.png", 100)


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("8.8.8.8", 80)), (0, 0, 0, "", ("10.0.0.1", 80))]
    )
    with pytest.raises(BadRowError, match="a private network"):
        fetching.fetched("http://images.example/a.png", 100)
