"""The registry of public models is whole and says nothing twice in different ways."""

from __future__ import annotations

import collections
import re

import pytest

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.geometry.templates import TEMPLATES
from masquerade.models.catalogue import catalogue, find_spec, parse_catalogue
from masquerade.models.spec import ROLES, ModelSpec

SPECS = list(catalogue().values())
FILES = [(spec, file) for spec in SPECS for file in spec.files]


def ids(spec: ModelSpec) -> str:
    return spec.name


def test_every_role_is_there_and_in_the_order_of_roles():
    roles = [spec.role for spec in SPECS]
    assert list(dict.fromkeys(roles)) == list(ROLES)
    assert roles == sorted(roles, key=ROLES.index)


@pytest.mark.parametrize(
    "name",
    [
        *("inswapper_128", "inswapper_128_fp16", "blendswap_256", "uniface_256", "ghost_1_256"),
        *("ghost_2_256", "ghost_3_256", "simswap_256", "simswap_unofficial_512", "alphaface_256"),
        *("hififace_unofficial_256", "hyperswap_1a_256", "hyperswap_1b_256", "hyperswap_1c_256"),
        *("reswapper_128", "reswapper_256", "cscs_256", "instyleswapper_256_a"),
        *("gfpgan_1.2", "gfpgan_1.3", "gfpgan_1.4", "gfpgan_1024", "codeformer"),
        *("gpen_bfr_256", "gpen_bfr_512", "gpen_bfr_1024", "gpen_bfr_2048"),
        *("restoreformer_plus_plus", "retinaface_10g", "det_10g", "det_500m", "yoloface_8n"),
        *("yunet_2023_mar", "2dfan4", "peppa_wutz", "fan_68_5", "2d106det", "1k3d68"),
        *("w600k_r50", "w600k_mbf", "glintr100", "crossface_ghost", "crossface_simswap"),
        *("crossface_hififace", "xseg_1", "xseg_2", "xseg_3", "bisenet_resnet_18"),
        *("bisenet_resnet_34", "occluder"),
    ],
)
def test_the_public_models_are_there(name):
    assert find_spec(name).name == name


@pytest.mark.parametrize("spec", SPECS, ids=ids)
def test_an_entry_is_complete(spec):
    assert Settings(model=spec.name).model == spec.name
    assert spec.licence
    assert spec.licence_url.startswith("https://")
    assert spec.template == "" or spec.template in TEMPLATES
    assert all(value > 0 for value in spec.std)
    assert all(side % spec.size == 0 and side > spec.size for side in spec.boost_sizes)
    for name in spec.needs:
        assert name in catalogue()
    if spec.role in {"swapper", "enhancer"}:
        assert spec.template
        assert spec.size
    if spec.role == "swapper":
        assert spec.source is not None
        assert (spec.source.kind == "image") == (not spec.embedder)
        assert spec.source.template == "" or spec.source.template in TEMPLATES
    if spec.role == "landmarker":
        assert spec.points
        assert bool(spec.box_scale) == (spec.family != "fan_68_5")
    if spec.role == "detector":
        assert spec.decoding is not None
        assert spec.decoding.strides == (8, 16, 32)


@pytest.mark.parametrize("spec", SPECS, ids=ids)
def test_only_plain_permission_counts_as_commercial(spec):
    permissive = re.match(r"(Apache-2\.0|MIT|BSD-3-Clause)( \(|$)", spec.licence)
    assert spec.commercial == bool(permissive)


@pytest.mark.parametrize(("spec", "file"), FILES, ids=lambda x: getattr(x, "name", ""))
def test_a_file_is_complete(spec, file):
    assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.precision in {"fp32", "fp16", "int8"}
    assert file.mirrors
    for mirror in file.mirrors:
        assert mirror.startswith("https://")
        assert "{" not in mirror
        assert mirror.endswith(file.name)
    assert file.size_bytes is None or 100_000 < file.size_bytes < 2**31


def test_the_same_hash_means_the_same_length_and_the_same_model():
    by_hash = collections.defaultdict(list)
    for spec, file in FILES:
        if file.sha256:
            by_hash[file.sha256].append((spec.name, file.size_bytes, file.precision))
    assert len(by_hash) > 40
    for claims in by_hash.values():
        assert len(set(claims)) == 1, claims


def test_a_misspelt_name_is_answered_with_what_is_near():
    with pytest.raises(ModelError, match=r"'inswaper_128'.*Did you mean inswapper_128"):
        find_spec("inswaper_128")
    with pytest.raises(ModelError, match="masquerade models list"):
        find_spec("zzz")


ENTRY = """
[exporter.me]
mirrors = ["https://example.test/{tag}/{file}"]
[model.one]
title = "One"
role = "enhancer"
family = "gfpgan"
licence = "MIT"
commercial = true
licence_url = "https://example.test"
files = [{ name = "one.onnx", exporter = "me", tag = "v1" }]
"""


def test_mirrors_are_written_out():
    assert parse_catalogue(ENTRY)["one"].files[0].mirrors == ("https://example.test/v1/one.onnx",)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('licence = "MIT"\n', "", "licence"),
        ('licence = "MIT"', 'licence = ""', "needed"),
        ('"enhancer"', '"painter"', "no role painter"),
        ('"enhancer"', '"swapper"', "swappers have a source"),
        ('"enhancer"', '"detector"', "detectors have a decoding"),
        ('tag = "v1"', 'sha256 = "12"', "64 hexadecimal"),
        ('tag = "v1"', "verified = true", "verified and has no hash"),
        ('"https://example.test/', '"http://example.test/', "no https"),
        ('"one.onnx"', '"../one.onnx"', "leads elsewhere"),
        ("[model.one]", '[model."a/b"]', "cannot be typed"),
        ('family = "gfpgan"', 'family = "gfpgan"\nembedder = "two"', "needs two"),
        ('family = "gfpgan"', 'family = "gfpgan"\nsmell = "two"', "smell"),
        ('title = "One"', "title = ", "damaged"),
    ],
)
def test_an_incomplete_entry_is_refused(old, new, fault):
    assert old in ENTRY
    with pytest.raises(ModelError, match=fault):
        parse_catalogue(ENTRY.replace(old, new))
