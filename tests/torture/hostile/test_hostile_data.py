"""Datasets made by somebody who means harm: they load, or say what is wrong; nothing outside of them is read."""

import io
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tarfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import httpx
import pytest
from PIL import Image

import toolkit as tk
from toolkit._dataset.images import BadImage, decoded, faults
from toolkit._http import ImageDownloads
from toolkit._providers._images import decode
from toolkit.errors import BadRequest, DatasetError

DEEP = "[" * 100_000


def png(number=0, size=(24, 12)):
    """A small image, another for each number."""
    out = io.BytesIO()
    Image.frombytes("L", size, random.Random(number).randbytes(size[0] * size[1])).save(out, "PNG")
    return out.getvalue()


def chunk(kind, data):
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, *more):
    """A PNG that says it has so many pixels, with further chunks before its data."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(min(10_000_000, (width + 1) * height)), 9))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def encoded(format, size=(24, 12)):
    """A small image in a format."""
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, format)
    return out.getvalue()


def hostile_images():
    """Bytes that look like images, by what they are."""
    bomb_text = b"Comment\x00\x00" + zlib.compress(bytes(200_000_000), 9)
    made = {
        "pixels without end": png_of(0x7FFFFFFF, 0x7FFFFFFF),
        "a little more than allowed": png_of(50_000, 50_000),
        "no width": png_of(0, 5),
        "text that unpacks to 200 MB": png_of(8, 8, chunk(b"zTXt", bomb_text)),
        "a profile that unpacks to 200 MB": png_of(8, 8, chunk(b"iCCP", bomb_text)),
        "a chunk longer than the file": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0x7FFFFFFF) + b"IHDR" + bytes(20),
        "an image and an archive": png() + b"PK\x03\x04" + bytes(200),
        "an image and a script": encoded("JPEG") + b"<script>alert(1)</script><?php system('id'); ?>",
        "a script in a GIF": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\nshowpage\n",
        "a PDF": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n",
        "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "a huge BMP": b"BM"
        + struct.pack("<IHHI", 100, 0, 0, 54)
        + struct.pack("<IiiHH", 40, 2**30, 2**30, 1, 24)
        + bytes(24),
        "a huge GIF": b"GIF89a\xff\xff\xff\xff"
        + bytes(3)
        + b"\x2c"
        + bytes(4)
        + b"\xff\xff\xff\xff\x00\x02\x02\x4c\x01\x00;",
        "a TIFF whose directory is itself": b"II*\x00\x08\x00\x00\x00\x01\x00" + bytes(12) + b"\x08\x00\x00\x00",
        "a link for a font": b"\x89PNG\r\n\x1a\n" + b"../../../../etc/passwd\x00",
        "nothing": b"",
    }
    for format in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        whole = encoded(format)
        for share in (0.1, 0.5, 0.9):
            made[f"{share:.0%} of a {format}"] = whole[: int(len(whole) * share)]
        noise = random.Random(format)
        for number in range(4):
            damaged = bytearray(whole)
            for _ in range(6):
                damaged[noise.randrange(len(damaged))] = noise.randrange(256)
            made[f"a damaged {format}, {number}"] = bytes(damaged)
    return made


def looked_at(image):
    """Complaints about what our own eyes make of an image: it is shown, or there is a reason."""
    found = []
    try:
        decode(image)
    except BadRequest:
        pass
    except Exception as error:  # noqa: BLE001 -- what the test is looking for
        found.append(f"for an engine: {type(error).__name__}: {error}")
    try:
        faults(image, ".png")
        decoded(image)
    except BadImage:
        pass
    except Exception as error:  # noqa: BLE001 -- as above
        found.append(f"for the validation: {type(error).__name__}: {error}")
    try:
        dataset = tk.Dataset.from_samples([tk.Sample.from_bytes(image, "A", id="a.png")])
        dataset.validate()
        dataset._repr_html_()
    except DatasetError:
        pass
    except Exception as error:  # noqa: BLE001 -- as above
        found.append(f"in a dataset: {type(error).__name__}: {error}")
    return found


@pytest.mark.promise(7, what="bombs, cut, damaged and polyglot images")
def test_a_hostile_image_is_shown_or_refused(tried):
    """In a process that may have 1.5 GB: what would unpack to more ends it."""
    script = (
        "import resource, json, sys; sys.path.insert(0, sys.argv[1]); import test_hostile_data as t;"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29));"
        "print(json.dumps({name: t.looked_at(image) for name, image in t.hostile_images().items()}))"
    )
    place = os.path.dirname(__file__)  # noqa: PTH120 -- a string for another process
    ended = subprocess.run(
        [sys.executable, "-c", script, place], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    for name, found in json.loads(ended.stdout.splitlines()[-1]).items():
        tried.case(found, name=name)
    tried.verdict()


# ── places outside of the dataset ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def secret(tmp_path):
    """A file that is none of the dataset's, though it is an image; and a folder for a dataset."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.png").write_bytes(png(99))
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


WAYS_OUT = (
    *(
        "../out/secret.png",
        "./../out/secret.png",
        "a/../../out/secret.png",
        "/etc/passwd",
        "//etc/passwd",
        "C:\\boot.ini",
    ),
    *(
        "..\\out\\secret.png",
        "file:///etc/passwd",
        "http://127.0.0.1/a.png",
        "linked.png",
        "linked/secret.png",
        "fifo.png",
    ),
    *("~/a.png", "a.png\x00.txt", "", ".", "a.png/", "con", "%2e%2e/out/secret.png", "\ud800.png", "x" * 5000 + ".png"),
)


@pytest.mark.promise(7, what="label files that point out of their dataset")
@pytest.mark.parametrize("format", ["metadata.csv", "metadata.jsonl", "gt.txt", "labels.txt", "parquet"])
def test_no_label_file_leads_out(secret, tried, format):
    """By steps up, absolute paths, links, pipes and odd names: refused by its line, and nothing is read."""
    (secret / "a.png").write_bytes(png(1))
    (secret / "linked.png").symlink_to("../out/secret.png")
    (secret / "linked").symlink_to("../out")
    os.mkfifo(secret / "fifo.png")
    for name in WAYS_OUT:
        found = []
        try:
            dataset = tk.load_dataset(label_file(secret, format, name), on_error="skip")
            found = [f"{s.id} was read" for s in dataset if s.image != png(1)]
        except DatasetError:
            pass
        except Exception as error:  # noqa: BLE001 -- what the test is looking for
            found = [f"{type(error).__name__}: {error}"]
        tried.case(found, name=f"{format}, {name[:40]!r}")
    tried.verdict()


def label_file(folder, format, name):
    """A label file of a good row and one that names something else."""
    path = folder / format
    if format == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        path = folder / "x.parquet"
        paths = ["a.png", name.encode(errors="replace").decode()]
        cells = [{"bytes": None, "path": path} for path in paths]
        parquet.write_table(pa.table({"image": cells, "text": ["A", "B"]}), path)
        return path
    rows = {
        "metadata.csv": f'file_name,text\na.png,A\n"{name}",B\n',
        "metadata.jsonl": "".join(
            json.dumps({"file_name": n, "text": t}) + "\n" for n, t in (("a.png", "A"), (name, "B"))
        ),
        "gt.txt": f'a.png, "A"\n{name}, "B"\n',
        "labels.txt": f"a.png A\n{name} B\n",
    }
    path.write_bytes(rows[format].encode(errors="surrogatepass"))
    return path


@pytest.mark.promise(7, what="folders, shards and databases that mean harm")
def test_no_archive_leads_out_or_ends_the_process(secret, tried):
    """Links in folders and shards, members of absurd names and sizes, deep JSON, cut and damaged databases."""
    for what, path in hostile_archives(secret).items():
        found = []
        try:
            dataset = tk.load_dataset(path, on_error="skip")
            found = [f"{s.id} was read" for s in dataset if s.image not in (png(1), png(2))]
        except DatasetError:
            pass
        except Exception as error:  # noqa: BLE001 -- what the test is looking for
            found = [f"{type(error).__name__}: {error}"]
        tried.case(found, name=what)
    tried.verdict()


def hostile_archives(folder):
    """Paths to load, by what is wrong there."""
    links = folder / "links"
    links.mkdir()
    (links / "good.png").write_bytes(png(1))
    (links / "passwd.png").symlink_to("/etc/passwd")
    (links / "secret.png").symlink_to("../../out/secret.png")
    (links / "loop.png").symlink_to("loop.png")
    made = {"a folder of links": links}
    for what, members in {
        "a shard of links": [
            ("a.png", tarfile.SYMTYPE, "../out/secret.png"),
            ("b.png", tarfile.LNKTYPE, "/etc/passwd"),
        ],
        "a shard of devices": [("a.png", tarfile.CHRTYPE, ""), ("b.png", tarfile.FIFOTYPE, "")],
        "a shard of ways out": [
            ("../../out/secret.png", tarfile.REGTYPE, png(1)),
            ("/etc/a.png", tarfile.REGTYPE, png(2)),
        ],
        "a shard of deep JSON": [("a.png", tarfile.REGTYPE, png(1)), ("a.json", tarfile.REGTYPE, DEEP.encode())],
    }.items():
        made[what] = shard(folder / f"{what}.tar", members)
    huge = tarfile.TarInfo("a.png")
    huge.size = 10**12
    made["a shard of a terabyte"] = folder / "huge.tar"
    made["a shard of a terabyte"].write_bytes(huge.tobuf() + bytes(512))
    lines = folder / "deep"
    lines.mkdir()
    (lines / "a.png").write_bytes(png(1))
    (lines / "metadata.jsonl").write_text(f'{{"file_name":"a.png","text":"A","x":{DEEP}\n', encoding="ascii")
    return {**made, "deep JSON lines": lines, **hostile_databases(folder), **hostile_tables(folder)}


def shard(path, members):
    """A tar archive of (name, type, content or link)."""
    with tarfile.open(path, "w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                archive.addfile(member)
            if name.endswith(".png"):
                label = tarfile.TarInfo(name[:-4] + ".txt")
                label.size = 1
                archive.addfile(label, io.BytesIO(b"A"))
    return path


def hostile_databases(folder):
    """LMDB: cut short (which the system answers with a bus error), damaged, and of absurd numbers."""
    lmdb = pytest.importorskip("lmdb")
    made = {}
    for what, count in {"cut": b"40", "damaged": b"40", "of 5,000 digits": b"9" * 5000, "of many": b"9" * 18}.items():
        path = folder / f"lmdb {what}"
        with lmdb.open(str(path), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
            for number in range(1, 41):
                transaction.put(b"image-%09d" % number, png(1, (100, 90)) if what == "damaged" else png(1))
                transaction.put(b"label-%09d" % number, b"A")
            transaction.put(b"num-samples", count)
        data = bytearray((path / "data.mdb").read_bytes())
        if what == "cut":
            del data[len(data) // 2 :]
        if what == "damaged":
            noise = random.Random(1)
            for _ in range(400):
                data[noise.randrange(8192, len(data))] = noise.randrange(256)
        (path / "data.mdb").write_bytes(data)
        made[f"a database {what}"] = path
    made.pop("a database damaged")  # its images are other images then, as those of any damaged file
    return made


def hostile_tables(folder):
    """Parquet: damaged pages, and sizes in the footer that are not so."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = folder / "sound.parquet"
    parquet.write_table(pa.table({"image": [png(1), png(2)], "text": ["A", "B"]}), path)
    sound = path.read_bytes()
    path.unlink()
    made = {}
    for number, (start, content) in enumerate({4: b"\xff" * 40, len(sound) - 12: b"\xff" * 4}.items()):
        made[f"a table damaged at {start}"] = folder / f"table{number}.parquet"
        made[f"a table damaged at {start}"].write_bytes(sound[:start] + content + sound[start + len(content) :])
    return made


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE = (
    *(
        "http://127.0.0.1/a",
        "http://127.1/a",
        "http://0/a",
        "http://0.0.0.0/a",
        "http://2130706433/a",
        "http://0x7f.1/a",
    ),
    *("http://[::1]/a", "http://[::ffff:127.0.0.1]/a", "http://[::]/a", "http://[fe80::1]/a", "http://[fc00::1]/a"),
    *("http://10.1.2.3/a", "http://172.16.0.1/a", "http://192.168.1.1/a", "http://169.254.169.254/latest/meta-data"),
    *("http://100.64.0.1/a", "http://localhost/a", "http://LOCALHOST./a", "http://user:pw@127.0.0.1/a"),
    *(
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "gopher://127.0.0.1/a",
        "data:image/png;base64,AAAA",
        "//127.0.0.1/a",
        "a.png",
    ),
    *(
        "http:///etc/passwd",
        "http://",
        "http://\x00/",
        "http://a b/",
        "http://[::1/a",
        "javascript:alert(1)",
        "http://[::ffff:a00:1]/",
    ),
)


@pytest.mark.promise(7, what="links to private addresses, to files, and to nothing")
@pytest.mark.parametrize("link", PRIVATE)
def test_a_link_to_what_is_not_public_is_refused(link, tried):
    """However the address is written; nobody is connected to."""
    with pytest.raises(DatasetError):
        tk.Sample.from_link(link, timeout_s=2.0)
    tried.case()


def test_what_was_looked_at_is_what_is_asked(monkeypatch):
    """A name whose address changes between the look and the connection: the address that was permitted is asked.

    A redirect is looked at anew, by its own name; the server hears the name, and TLS is told it.
    """
    public, asked = "93.184.215.14", []
    answers = {"images.example": iter([public, "127.0.0.1"]), "inside.example": iter(["10.0.0.7"])}

    def resolve(host, port, *_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers[host]), 443))]

    def answer(request):
        asked.append((request.url.host, request.headers["host"], request.extensions.get("sni_hostname")))
        return httpx.Response(302, headers={"Location": "https://inside.example/b"})

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with ImageDownloads(max_bytes=1000, timeout_s=5.0, allow_private=False) as downloads:
        monkeypatch.setattr(downloads, "_client", httpx.Client(transport=httpx.MockTransport(answer)))
        with pytest.raises(DatasetError, match=r"inside\.example is not a public address"):
            downloads.get("https://images.example/a")

    assert asked == [(public, "images.example", "images.example")]


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = {
    "long": "W" * 100_000,
    "a tag": "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "out of an attribute": "\"'><svg onload=alert(1)>",
    "another direction": "\u202e\u2066abc\u2069\u202c\u200f",
    "control characters": "a\x00b\x1b[31m\x07\x08\x7f\x9b",
    "a formula": "=cmd|'/c calc'!A1",
    "nothing to see": "\u200b\u200d\ufeff\u00ad",
    "combining": "Z" + "\u0300" * 500,
    "an entity": "&lt;script&gt;&#x3c;",
    "a template": "{{7*7}} ${7*7} %s %(x)s {0}",
}
UNSEEN = [chr(code) for code in (*range(9), *range(14, 32), 127, 0x9B, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.promise(7, what="labels, answers and names of hostile words in reprs, pages and exports")
@pytest.mark.parametrize("what", WORDS)
def test_hostile_words_stay_words(what, tried, scale, tmp_path):
    """No tag of theirs, nothing that turns a line around, and no page that they make endless."""
    word = WORDS[what]
    samples = [tk.Sample.from_bytes(png(n), f"{word}{n}", id=f"{word[:200]}{n}", font=word) for n in range(3)]
    dataset = tk.Dataset.from_samples(samples, name=word[:300])
    with ThreadPoolExecutor(1) as thread:
        run = tk.benchmark(dataset, Says(word=word), executor=thread, show=False)
    pages = {"dataset": dataset._repr_html_(), "run": run._repr_html_()}
    if scale(0, 1):  # drawing takes seconds; tests/report has one for every `make test`
        run.report(tmp_path / "report.html", dataset=dataset)
        pages["report"] = (tmp_path / "report.html").read_text(encoding="utf-8")
    for where, page in pages.items():
        found = [f"{sign!r} as it is" for sign in UNSEEN if sign in page]
        found += [f"{tag} as it is" for tag in ("<img src=x", "<svg onload", "<script>alert") if tag in page]
        found += [f"{len(page):,} characters"] if len(page) > 3_000_000 else []
        tried.case(found, name=f"{what}, {where}")
    shown = repr(dataset) + repr(run)
    tried.case([f"a repr of {len(shown)} characters"] if len(shown) > 2_000 else [], name=f"{what}, repr")
    run.export(tmp_path / "outcomes.csv", "outcomes")
    cells = (tmp_path / "outcomes.csv").read_text(encoding="utf-8").replace('"', "")
    tried.case(["a formula in a CSV file"] if ",=cmd" in cells else [], name=f"{what}, csv")
    tried.verdict()


@dataclass(frozen=True)
class Says(tk.LocalProvider):
    """An engine that reads the same into every image."""

    name: ClassVar[str] = "says"

    word: str = ""

    def read(self, image):
        return tk.Answer(self.word, 0.5)
