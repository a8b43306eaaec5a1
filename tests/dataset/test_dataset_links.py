"""Images behind links, from a real server on loopback."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from toolkit._dataset import Dataset
from toolkit.errors import DatasetError
from toolkit.types import Sample


class Handler(BaseHTTPRequestHandler):
    """Answers by the table of the server it belongs to, and counts what it was asked for."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages.get(path, (404, {}, b"gone"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in body if isinstance(body, list) else [body]:
                self.wfile.write(piece)
                if isinstance(body, list):
                    time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client had enough, as it should

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server whose `pages` are path → (status, headers, body), and the `url` it is at."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.pages, running.asked = {}, []
    running.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


PNG = {"Content-Type": "image/png"}


@pytest.fixture
def load(server, tmp_path):
    """`Dataset.from_links` with a cache of its own, allowed to ask loopback."""

    def load(paths, **arguments):
        links = [(server.url + path, path) for path in paths]
        return Dataset.from_links(links, **{"cache": tmp_path / "cache", "allow_private": True, **arguments})

    return load


def test_downloads_once(server, load, image):
    """The second call asks for nothing, and has the same samples."""
    server.pages = {f"/{i}.png": (200, PNG, image(i)) for i in range(20)}

    first = load(server.pages)
    asked = len(server.asked)
    second = load(server.pages)

    assert 20 == asked == len(server.asked)
    assert [image(i) for i in range(20)] == [s.image for s in first] == [s.image for s in second]
    assert list(server.pages) == [s.target for s in second]
    assert first.fingerprint == second.fingerprint
    assert list(first.validate()["problem"]) == []


def test_ids_hold_no_secret(server, tmp_path, image):
    """User, password and query stay out of ids; links that differ there only are numbered."""
    server.pages = {"/a": (200, PNG, image(1))}
    secret = server.url.replace("http://", "http://user:sesame@")

    dataset = Dataset.from_links(
        {f"{secret}/a?key=sesame": "A", f"{secret}/a?key=sesame2": "B"}, cache=tmp_path, allow_private=True
    )

    assert [s.id for s in dataset] == ["127.0.0.1/a", "127.0.0.1/a#2"]
    assert "sesame" not in repr(dataset) + dataset._repr_html_() + "".join(p.name for p in tmp_path.iterdir())
    with pytest.raises(DatasetError) as caught:
        Dataset.from_links({f"{secret}/b?key=sesame": "A"}, cache=tmp_path, allow_private=True)
    assert "sesame" not in str(caught.value)


def test_a_frame_of_links_has_tags(server, tmp_path, image):
    """Columns beside link and label become tags."""
    server.pages = {"/a": (200, {}, image(1)), "/b": (200, {"Content-Type": "application/octet-stream"}, image(2))}
    frame = pd.DataFrame({"url": [server.url + "/a", server.url + "/b"], "text": ["A", None], "level": [1, 2]})

    dataset = Dataset.from_links(frame, cache=tmp_path, allow_private=True)

    assert [(s.target, s.tags["level"]) for s in dataset] == [("A", 1), (None, 2)]


def test_redirects_are_followed_a_few_times(server, load, image):
    """A redirect is followed, an endless one is not."""
    server.pages = {
        "/old": (302, {"Location": "/new"}, b""),
        "/new": (200, PNG, image(1)),
        "/loop": (302, {"Location": "/loop"}, b""),
    }

    assert image(1) == load(["/old"])[0].image
    with pytest.raises(DatasetError, match=r"127.0.0.1/loop more than 5 redirects"):
        load(["/loop"])
    assert server.asked.count("/loop") == 6


FAILURES = {
    "missing": ((404, {}, b""), "answered HTTP 404"),
    "a page": (
        (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
        "answered text/html instead of an image",
    ),
    "no image": ((200, PNG, b"<html>"), "unreadable image: no PNG"),
    "declared too large": ((200, {**PNG, "Content-Length": "5000"}, b""), "has 5,000 bytes, more than max_bytes=2,000"),
    "too large": ((200, PNG, bytes(3000)), "has more than max_bytes=2,000 bytes"),
    "packed": ((200, {**PNG, "Content-Encoding": "gzip"}, b""), "answered with a packed body"),
    "dripping": ((200, PNG, [b"x"] * 40), "took longer than timeout_s=0.5"),
    "cut short": ((200, {**PNG, "Content-Length": "1000"}, b"x"), "RemoteProtocolError"),
    "to a file": ((302, {"Location": "file:///etc/passwd"}, b""), "not an http or https link"),
}


@pytest.mark.parametrize(("page", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_link_that_gives_no_image_says_why(server, load, page, reason):
    """Status, type, size, time and content are each a reason of its own."""
    server.pages = {"/bad": page}

    with pytest.raises(DatasetError, match=f"links: 1 of 1 links gave no image: 127.0.0.1/bad .*{reason}"):
        load(["/bad"], max_bytes=2000, timeout_s=0.5)


def test_failures_are_rows_when_asked_for(server, load, image, tmp_path):
    """The good links load; the bad are listed with number and reason; a later call asks for these alone."""
    server.pages = {"/a": (200, PNG, image(1)), "/c": (200, PNG, image(3))}

    dataset = load(["/a", "/b", "/c"], on_error="skip")

    assert [s.target for s in dataset] == ["/a", "/c"]
    assert list(dataset.skipped[["line", "problem"]].itertuples(index=False, name=None)) == [
        (2, "127.0.0.1/b answered HTTP 404")
    ]
    server.asked.clear()
    server.pages["/b"] = (200, PNG, image(2))
    assert [image(1), image(2), image(3)] == [s.image for s in load(["/a", "/b", "/c"])]
    assert server.asked == ["/b"]
    assert not list((tmp_path / "cache").glob(".part-*"))


def test_raising_still_keeps_what_came(server, load, image):
    """One bad link among many ends with all failures listed, and the good ones in the cache."""
    server.pages = {f"/{i}": (200, PNG, image(i)) for i in range(4)}

    with pytest.raises(
        DatasetError, match=r"7 of 11 links gave no image: .*/4 answered HTTP 404; .*; and 2 more. What"
    ):
        load([f"/{i}" for i in range(11)])

    server.asked.clear()
    assert len(load(list(server.pages))) == 4
    assert server.asked == []


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/a", "http://localhost:1/a", "http://[::1]:1/a", "http://10.0.0.1/a"]
)
def test_private_addresses_are_refused_unless_allowed(link, tmp_path):
    """A link from a stranger's file does not reach into one's own network."""
    with pytest.raises(DatasetError, match=r"is not a public address; pass allow_private=True if it is yours"):
        Dataset.from_links([(link, "A")], cache=tmp_path)


@pytest.mark.parametrize("link", ["file:///etc/passwd", "ftp://example.org/a.png", "a.png", "http://", ""])
def test_only_http_links(link, tmp_path):
    """Nothing but http and https is a link."""
    with pytest.raises(DatasetError, match=r"not an http or https link"):
        Dataset.from_links([(link, "A")], cache=tmp_path)


@pytest.mark.parametrize("link", ["http://a:port/x.png", "http://[bad:port/x.png"])
def test_a_link_that_cannot_be_parsed(tmp_path, link):
    """Garbage is a failed link, not a crash."""
    with pytest.raises(DatasetError, match=r"1 of 1 links gave no image: \S+ InvalidURL"):
        Dataset.from_links([(link, "A")], cache=tmp_path)


def test_a_server_that_is_not_there(tmp_path, server):
    """A refused connection is a reason like another."""
    with pytest.raises(DatasetError, match=r"ConnectError"):
        Dataset.from_links([("http://127.0.0.1:9/a", "A")], cache=tmp_path, allow_private=True)


def test_what_is_no_pair(tmp_path):
    """A bare link has no label, and is told so."""
    with pytest.raises(DatasetError, match=r"'http://a/b.png' is no pair of link and label; give \(link, text\)"):
        Dataset.from_links(["http://a/b.png"], cache=tmp_path)


def test_a_cache_that_cannot_be_made(tmp_path):
    """The folder is named with the system's reason."""
    (tmp_path / "file").touch()

    with pytest.raises(DatasetError, match=r"cannot be made .*; say cache=… with a folder of yours"):
        Dataset.from_links([("http://a/b.png", "A")], cache=tmp_path / "file" / "cache")


def test_one_link_is_one_sample(server, image):
    """Downloaded when it is made; label and tags are the caller's, and its id holds no secret."""
    server.pages = {"/a/b.png": (200, PNG, image(1))}
    link = server.url.replace("//", "//user:secret@") + "/a/b.png?token=secret#top"

    sample = Sample.from_link(link, "label", allow_private=True, font="serif")
    server.pages.clear()

    assert (sample.image, sample.target, sample.tags) == (image(1), "label", {"font": "serif"})
    assert sample.id == f"127.0.0.1:{server.server_port}/a/b.png"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("page", "arguments", "reason"),
    [
        ((404, {}, b"gone"), {}, "answered HTTP 404"),
        ((200, {"Content-Type": "text/html"}, b"<p>"), {}, "answered text/html instead of an image"),
        ((200, PNG, b"x" * 2000), {"max_bytes": 1000}, "more than max_bytes=1,000"),
        ((200, PNG, b"x"), {"allow_private": False}, "is not a public address; pass allow_private=True"),
    ],
)
def test_one_link_that_gives_no_image_says_why(server, page, arguments, reason):
    """With the link, as far as it is no secret, and the reason."""
    server.pages = {"/b.png": page}

    with pytest.raises(DatasetError, match=reason) as refused:
        Sample.from_link(f"{server.url}/b.png?token=secret", **{"allow_private": True, **arguments})

    assert str(refused.value).startswith(f"127.0.0.1:{server.server_port}/b.png: ")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("link", ["", "image.png", "file:///etc/passwd", "http://"])
def test_what_is_no_link_is_said(link):
    """Nothing on this machine is read by way of a link."""
    with pytest.raises(DatasetError, match="not an http or https link"):
        Sample.from_link(link)
