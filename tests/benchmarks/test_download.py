"""Downloading, from a server on this machine that resumes, lies, or breaks off."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simulations.training.benchmarks.download import DownloadError, download
from simulations.training.benchmarks.remote import RemoteFile

CONTENT = bytes(range(256)) * 4000
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    content = CONTENT
    resumes = True
    breaks_after: int | None = None
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.asked.append(self.headers.get("Range"))
        if self.path == "/gone":
            self.send_error(404)
            return
        whole, start = self.server.content, 0
        asked = self.headers.get("Range")
        if asked and self.server.resumes:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(whole):
                self.send_error(416)
                return
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        end = len(whole) if self.server.breaks_after is None else start + self.server.breaks_after
        self.wfile.write(whole[start:end])

    def log_message(self, *args):
        """Tests read no log."""


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def remote(server, path="sub/x.bin", name="x", checksum=MD5, **more):
    return RemoteFile(
        f"http://127.0.0.1:{server.server_port}/{name}", path, checksum=checksum, **more
    )


def nothing(done, total):
    """No progress wanted."""


def test_a_file_arrives_and_is_not_fetched_twice(tmp_path, server):
    seen = []
    assert download(remote(server), tmp_path, lambda done, total: seen.append((done, total)))
    assert (tmp_path / "sub/x.bin").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert not download(remote(server), tmp_path, nothing)
    assert server.asked == [None]
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["x.bin"]


def test_a_broken_connection_is_taken_up_again(tmp_path, server):
    server.breaks_after = 300_000
    with pytest.raises(DownloadError, match="same command again"):
        download(remote(server), tmp_path, nothing)
    assert not (tmp_path / "sub/x.bin").exists()
    part = tmp_path / "sub/x.bin.part"
    assert part.read_bytes() == CONTENT[: part.stat().st_size]
    start = part.stat().st_size
    assert start > 0
    server.breaks_after = None
    assert download(remote(server), tmp_path, nothing)
    assert server.asked[-1] == f"bytes={start}-"
    assert (tmp_path / "sub/x.bin").read_bytes() == CONTENT


def test_a_server_that_does_not_resume_gives_the_whole_file(tmp_path, server):
    server.resumes = False
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/x.bin.part").write_bytes(CONTENT[:1000])
    assert download(remote(server), tmp_path, nothing)
    assert (tmp_path / "sub/x.bin").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_started_anew(tmp_path, server):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/x.bin.part").write_bytes(CONTENT + b"more")
    assert download(remote(server), tmp_path, nothing)
    assert (tmp_path / "sub/x.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "more", [{"checksum": "md5:" + "0" * 32}, {"size": len(CONTENT) - 1, "checksum": None}]
)
def test_another_file_than_published_never_gets_its_name(tmp_path, server, more):
    with pytest.raises(DownloadError, match=r"expected .* found .* deleted"):
        download(remote(server, **more), tmp_path, nothing)
    assert list((tmp_path / "sub").iterdir()) == []


def test_a_refusal_and_no_connection_are_one_line(tmp_path, server):
    with pytest.raises(DownloadError, match="404") as refused:
        download(remote(server, name="gone"), tmp_path, nothing)
    server.server_close()
    port = server.server_port
    with pytest.raises(DownloadError, match="can't reach") as cut_off:
        download(RemoteFile(f"http://127.0.0.1:{port}/x", "y"), tmp_path, nothing)
    for error in (refused, cut_off):
        assert "\n" not in str(error.value)


def test_a_root_that_cannot_be_written_is_said(tmp_path, server):
    (tmp_path / "sub").write_text("a file where a folder should be")
    with pytest.raises(DownloadError, match="can't write under the data root"):
        download(remote(server), tmp_path, nothing)


def archive(members):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def test_an_archive_becomes_a_folder_and_nothing_leaves_it(tmp_path, server):
    server.content = archive([
        ("top/wanted/a", b"1"), ("top/wanted/deep/b", b"2"), ("top/other/c", b"3"),
        ("top/wanted/../../../evil", b"4"), ("/wanted/evil", b"5"), ("top/wanted/link", None),
    ])  # fmt: skip
    root = tmp_path / "root"
    file = remote(server, "x.tar.gz", checksum=None, unpacks_to="data/here", member="wanted")
    assert download(file, root, nothing)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()} == {
        "root/data/here/a", "root/data/here/deep/b", "root/data/here/evil",
    }  # fmt: skip
    assert (root / "data/here/a").read_bytes() == b"1"
    assert not download(file, root, nothing)


def test_a_truncated_archive_leaves_nothing(tmp_path, server):
    server.content = archive([("top/a", CONTENT)])[:-200]
    file = remote(server, "x.tar.gz", checksum=None, unpacks_to="here")
    with pytest.raises(DownloadError, match="no complete"):
        download(file, tmp_path, nothing)
    assert list(tmp_path.iterdir()) == []
