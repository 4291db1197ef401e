"""Real files for the command line: public-domain portraits and a real clip."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import skimage.data
import skvideo
from PIL import Image

from masquerade import Identity
from masquerade.apps.cli import main
from masquerade.stages.enroll import Enroller

MEDIA = Path(__file__).parents[1] / "media"
CLIP = Path(skvideo.__file__).parent / "datasets/data/carphone_pristine.mp4"


@dataclass(frozen=True)
class Outcome:
    """What a command returned and said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in and a home of its own, with no terminal."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    return folder


_enroll = Enroller.enroll
_enrolled: dict[object, Identity] = {}


def _enroll_once(self: Enroller, photos: Any, *args: Any, **options: Any) -> Identity:
    if not isinstance(photos, list) or not all(isinstance(one, np.ndarray) for one in photos):
        return _enroll(self, photos, *args, **options)
    seen = [(photo.shape, hash(photo.tobytes())) for photo in photos]
    key = repr((seen, args, options))
    if key not in _enrolled:
        _enrolled[key] = _enroll(self, photos, *args, **options)
    return _enrolled[key]


@pytest.fixture(autouse=True)
def _donors_are_enrolled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of commands have the same donors; how those are enrolled is tested in stages."""
    monkeypatch.setattr(Enroller, "enroll", _enroll_once)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def command(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return command


@pytest.fixture(scope="session")
def mona() -> Path:
    """A donor."""
    return MEDIA / "mona_lisa.jpg"


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target, 512 x 512, lossless."""
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture without a face."""
    path = tmp_path_factory.mktemp("photos") / "coffee.png"
    Image.fromarray(skimage.data.coffee()).save(path)
    return path


@pytest.fixture(scope="session")
def two_people(tmp_path_factory: pytest.TempPathFactory, mona: Path) -> Path:
    """The astronaut on the left, the Mona Lisa, larger, on the right."""
    path = tmp_path_factory.mktemp("photos") / "two.png"
    right = Image.open(mona).convert("RGB")
    right = right.resize((round(right.width * 900 / right.height), 900))
    picture = Image.new("RGB", (512 + right.width, 900))
    picture.paste(Image.fromarray(skimage.data.astronaut()), (0, 100))
    picture.paste(right, (512, 0))
    picture.save(path)
    return path


@pytest.fixture(scope="session")
def clip() -> Path:
    """A real talking head, 176 x 144, 120 frames, no sound."""
    return CLIP


@pytest.fixture
def short(clip, workplace) -> Path:
    """Half a second of the clip."""
    with av.open(str(clip)) as source, av.open("short.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25)
        frames = [frame for _, frame in zip(range(8), source.decode(video=0), strict=False)]
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        for frame in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24")))
            )
        container.mux(stream.encode())
    return Path("short.mp4")


@pytest.fixture
def swap(run, mona):
    def command(target: object, output: str, *words: str, code: int = 0):
        given = ("swap", "-s", mona, "-t", target, "-o", output, "--consent", "public-domain")
        done = run(*given, "--json", *words)
        assert done.code == code, done.err
        return done

    return command
