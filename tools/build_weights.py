"""Rebuild every shipped weight from the ONNX files (work in progress)."""
from __future__ import annotations
import hashlib, shutil, sys
from pathlib import Path
import onnx
from masquerade.runtime.passes import drop_outputs, free_size, join_clip, rename_ports, split_prelu, store_half, take_bytes

S = Path(sys.argv[1]); O = Path("src/masquerade/models/weights")
def save(m, name):
    store_half(m)
    for p in [*m.graph.input, *m.graph.output]:
        p.type.tensor_type.shape.dim[0].dim_param or None
    m.doc_string = ""; m.producer_name = "masquerade"
    onnx.checker.check_model(m); onnx.save(m, O / name)
m = onnx.load(S/"face_landmarks_detector.onnx"); drop_outputs(m, ["Identity_2"]); split_prelu(m); take_bytes(m, scale=1/255, offset=0)
rename_ports(m, {"input_12":"crop","Identity":"points","Identity_1":"presence"}); save(m,"landmarks.onnx")
m = onnx.load(S/"face_detector_back.onnx"); take_bytes(m, scale=1/127.5, offset=127.5); free_size(m); rename_ports(m,{"input":"crop"}); save(m,"detector.onnx")
m = onnx.load(S/"face_blendshapes.onnx"); rename_ports(m,{"serving_default_input_points:0":"points","StatefulPartitionedCall:0":"weights"}); save(m,"blendshapes.onnx")
m = onnx.load(S/"faceres.onnx"); print(join_clip(m)); take_bytes(m, scale=1.0, offset=0); rename_ports(m,{"input_1:0":"crop","age_pred/Softmax:0":"age","gender_pred/Sigmoid:0":"male","global_pooling/Mean:0":"embedding"}); save(m,"attributes.onnx")
shutil.copy(S/"canonical_face_mesh.npz", O/"canonical.npz")
R = dict(landmarks="landmarks.onnx",detector="detector.onnx",blendshapes="blendshapes.onnx",attributes="attributes.onnx",canonical="canonical.npz")
t = ""
for r,f in R.items():
    b=(O/f).read_bytes(); t+=f'[{r}]\nfile = "{f}"\nsha256 = "{hashlib.sha256(b).hexdigest()}"\nsize_bytes = {len(b)}\nlicence = "Apache-2.0"\norigin = "MediaPipe"\n\n'
Path("src/masquerade/models/registry.toml").write_text(t)
