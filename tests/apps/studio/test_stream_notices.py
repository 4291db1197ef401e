"""Every sentence that an engine may tell a live stream is known by a code, with what it names."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from masquerade.apps.studio.live.notices import Notice
from masquerade.core.errors import GuardianError
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.engine.asked import idle
from masquerade.engine.face_rules import _locked_error as locked_error
from masquerade.engine.lowering import lowerings
from masquerade.engine.staging import Staging
from masquerade.engine.target_check import CHECK_IS_OFF
from masquerade.models.catalogue import find_spec
from masquerade.runtime.candidates import candidate_groups
from masquerade.runtime.loader import _chosen as chosen_sentence
from masquerade.runtime.measured_choice import Choice
from masquerade.runtime.providers import Installed, resolve
from masquerade.trust.deny_list import LockedFace
from masquerade.trust.minors import require_guardian


class Shelf:
    """A machine on which everything can be lowered."""

    def sizes(self, name):
        return {"fp32": 400, "fp16": 200, "int8": 100}

    def side(self, name):
        return {"gpen_bfr_512": 512}.get(name, 128)

    def scale(self, name):
        return 1

    def leaner(self, execution):
        return execution

    def smaller(self, name):
        return "gpen_bfr_256" if name == "gpen_bfr_512" else None


def codes(sentences):
    found = [Notice.of(text) for text in sentences]
    assert found
    return [notice.code for notice in found]


def test_what_is_given_up_for_memory():
    wish = Settings(model="inswapper_128", enhancer=("gpen_bfr_512",), swap_size=512)
    *_, last = lowerings(wish, Execution(precision="fp32"), Shelf())
    assert codes(last.sentences) == [
        "memory.library", "memory.precision", "memory.precision", "memory.swap_size",
        "memory.enhancer", "memory.left_out",
    ]  # fmt: skip
    found = [Notice.of(text).places for text in last.sentences]
    assert found[1] == {"precision": "fp16"}
    assert found[3] == {"size": "128", "asked": "512"}
    assert found[4] == {"model": "gpen_bfr_256", "asked": "gpen_bfr_512"}
    assert found[5] == {"model": "gpen_bfr_256"}


def test_what_is_named_in_vain():
    library = SimpleNamespace(spec=find_spec)
    by_mesh = Settings(masker=("xseg_1",), landmarker="2dfan4")
    assert codes(idle(by_mesh, library)) == ["unused.masker", "unused.landmarker"]
    drawn = Settings(model="inswapper_128", masker=("xseg_1",), mask=("box",))
    (text,) = idle(drawn, library)
    assert Notice.of(text).places == {"model": "xseg_1", "mask": "occlusion"}
    staging = Staging(Execution())
    staging._without_upscaler(Settings(enhance_frame="real_esrgan_x2"))
    assert codes(staging.notices) == ["not_live"]
    staging.close()


def test_how_networks_run():
    """As the loader says it: by the name of the network, then its sentence."""
    asked, installed = Execution(providers=("cuda", "auto")), Installed(frozenset())
    said = {
        chosen_sentence(SimpleNamespace(provider="openvino")): "network.provider",
        Choice(SimpleNamespace(name="cpu fp32"), {"cpu fp32": 1.0, "o": 2.0}, True).notice: (
            "network.measured"
        ),
        resolve(asked, installed)[1][0]: "network.other_provider",
        "It cannot be started on cuda. Another is used.": "network.other_provider",
        "In int8 on cpu it gave an empty picture, so fp32 is used.": "network.unsound",
        "In fp16 on cuda it gave an empty picture again and again, so fp32 is used from now "
        "on.": "network.unsound",
    }
    for text, code in said.items():
        notice = Notice.of(f"inswapper_128: {text}")
        assert (notice.code, notice.places["model"]) == (code, "inswapper_128"), text


def test_a_network_that_only_fits_in_int8():
    files = {name: SimpleNamespace(path=name, winograd_bytes=0) for name in ("fp32", "int8")}
    groups = candidate_groups("cpu", files, Execution(), openvino=False)
    assert codes(f"gfpgan_1.4: {group.notice}" for group in groups if group.notice) == [
        "network.int8"
    ]


def test_who_is_refused_and_what_is_off():
    locked = LockedFace(**{field.name: "Ada" for field in dataclasses.fields(LockedFace)})
    with pytest.raises(GuardianError) as young:
        require_guardian("A face of the target", 12.0, None)
    said = [CHECK_IS_OFF, str(young.value), str(locked_error("A face of the target", locked))]
    assert codes(said) == ["content_check_off", "guardian", "locked_face"]


def test_what_nobody_foresaw_keeps_its_words():
    assert Notice.of("Something else.").as_dict() == {
        "code": "other", "text": "Something else.", "places": {},
    }  # fmt: skip
