"""What a client changes while its session runs, over a real WebSocket."""

from __future__ import annotations

import httpx
import numpy as np
import onnxruntime
from live_client import BROWSER, DONORS, QUIET, connected, jpegs, pump
from studio_harness import BEARER

from masquerade import Engine, Settings


class TestChanges:
    def test_settings_hold_within_a_frame_and_the_answer_tells_them_all(self, studio, talk):
        pictures = talk[0]
        data = jpegs(pictures[:1])
        with connected(studio) as client:
            client.start(settings=QUIET)
            swapped = pump(client, data, 3)[-1].pixels().astype(int)
            client.say("settings", changes={"strength": 0, "shape": 0.0})
            changed = client.wait_for("changed")
            assert changed["settings"]["strength"] == 0
            assert changed["settings"]["label"] == "none"
            plain = pump(client, data, 1)[-1].pixels().astype(int)
            for wrong in ({"strength": 7}, {"strength": "much"}, {"nothing": 1}, {"mask": ["no"]}):
                client.say("settings", changes=wrong)
                problem = client.wait_for("problem")
                assert (problem["code"], problem["fatal"]) == ("settings", False)
            client.say("settings", changes={"mask": [3]})
            assert client.wait_for("problem")["code"] == "protocol"
        assert np.abs(plain - pictures[0]).mean() < 3
        assert np.abs(swapped - pictures[0]).mean() > 1.8 * np.abs(plain - pictures[0]).mean()

    def test_a_slider_that_is_dragged_becomes_one_change(self, studio, talk):
        with connected(studio) as client:
            client.say("start", source=BROWSER, donor=DONORS["mona_lisa"])
            for step in range(200):
                client.say("settings", changes={"strength": step / 200})
            client.wait_for("started")
            while client.wait_for("changed")["settings"]["strength"] != 199 / 200:
                pass
        changes = [item for item in client.said if item["type"] == "changed"]
        assert len(changes) < 100

    def test_after_the_answer_to_a_new_donor_the_old_one_is_never_seen(self, studio, talk, people):
        pictures = talk[0]
        data = jpegs(pictures[:1])
        drawn = {}
        for name, donor in DONORS.items():
            with Engine(people[donor], Settings(label="none")) as engine:
                drawn[name] = engine.swap_picture(pictures[0])[0].astype(int)

        def nearest(picture):
            pixels = picture.pixels().astype(int)
            return min(drawn, key=lambda name: np.abs(pixels - drawn[name]).mean())

        with connected(studio) as client:
            client.start(settings=QUIET)
            assert {nearest(picture) for picture in pump(client, data, 4)} == {"mona_lisa"}
            for turn in range(4):
                name = ("astronaut", "mona_lisa")[turn % 2]
                client.say("donor", donor=DONORS[name])
                for _ in range(3):  # pictures are under way while the donor is changed
                    client.push(data[0])
                changed = client.wait_for("changed")
                assert changed["donors"] == [DONORS[name]]
                assert {nearest(picture) for picture in pump(client, data, 3)} == {name}
            client.say("donor", donor="c" * 20)
            assert client.wait_for("problem")["code"] == "missing_input"
            assert nearest(pump(client, data, 1)[0]) == "mona_lisa"

    def test_a_face_is_given_a_donor_by_a_click(self, studio, talk):
        data = jpegs(talk[0])
        with connected(studio) as client:
            client.start(settings=QUIET)
            track = pump(client, data, 4)[-1].faces[0][0]
            client.say("map", faces={str(track): DONORS["astronaut"]})
            changed = client.wait_for("changed")
            assert changed["donors"] == [DONORS["mona_lisa"], DONORS["astronaut"]]
            assert changed["map"] == {str(track): DONORS["astronaut"]}
            assert pump(client, data, 2)[-1].faces[0][:3] == (track, 0, 1)
            client.say("map", faces={str(track): None})
            assert client.wait_for("changed")["map"] == {str(track): None}
            assert pump(client, data, 2)[-1].faces[0][:3] == (track, 1, 255)
            for own in (None, DONORS["astronaut"]):
                client.say("map", faces={str(track): own})
                client.wait_for("changed")
                pump(client, data, 1)
                client.say("map", faces={str(track): "others"})
                changed = client.wait_for("changed")
                assert (changed["map"], changed["donors"]) == ({}, [DONORS["mona_lisa"]])
                assert pump(client, data, 2)[-1].faces[0][:3] == (track, 0, 0)

    def test_mirror_preset_output_and_pause(self, studio, talk):
        data = jpegs(talk[0])
        with connected(studio) as client:
            client.start(settings=QUIET)
            right = pump(client, data, 2)[-1].pixels()
            client.say("mirror", on=True)
            assert client.wait_for("changed")["mirror"] is True
            left = pump(client, data, 1)[-1].pixels()
            edge = np.s_[:, :30]
            assert np.abs(left[:, ::-1][edge].astype(int) - right[edge]).mean() < 4
            client.say("preset", name="fast")
            assert client.wait_for("changed")["preset"] == "fast"
            client.say("output", codec="jpeg", width=64, quality=50, original=False)
            assert client.wait_for("changed")["output"]["width"] == 64
            assert pump(client, data, 2)[-1].size_wh == (64, 48)
            client.say("pause", on=True)
            assert client.wait_for("changed")["paused"] is True
            client.say("pause", on=False)
            assert client.wait_for("changed")["paused"] is False
            pump(client, data, 1)


def test_two_browsers_at_once_each_have_their_own_and_share_networks(studio, talk, monkeypatch):
    data = jpegs(talk[0])
    opened, open_network = [], onnxruntime.InferenceSession

    def counted(*facts, **options):
        opened.append(facts)
        return open_network(*facts, **options)

    with connected(studio) as one, connected(studio) as two:
        one.start(settings=QUIET)
        pump(one, data[:1], 3)
        monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
        two.start(settings={**QUIET, "strength": 0.0, "shape": 0.0}, donor=DONORS["astronaut"])
        assert httpx.get(f"{studio.root}/api/v1/system", headers=BEARER).json()["sessions"] == 2
        first, second = pump(one, data[:1], 3)[-1], pump(two, data[:1], 3)[-1]
        one.say("settings", changes={"strength": 0.5})
        assert one.wait_for("changed")["settings"]["strength"] == 0.5
        two.say("settings", changes={"wrinkles": 0.1})
        assert two.wait_for("changed")["settings"]["strength"] == 0.0
        assert two.said[-1]["donors"] == [DONORS["astronaut"]]
    assert not opened
    apart = np.abs(first.pixels().astype(int) - talk[0][0]).mean()
    assert apart > 1.8 * np.abs(second.pixels().astype(int) - talk[0][0]).mean()
