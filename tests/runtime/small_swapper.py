"""A swapper of few channels that has every kind of node the large ones have."""

import cv2
import numpy as np

from masquerade.testing.networks.draft import Draft

SIDE = 32


def draft_small_swapper(width=16, opset=11):
    draft = Draft("small swapper", opset=opset)
    x = draft.convolution("target", (3, width, 7), reflect=True, gain=2.5)
    x = draft.node("LeakyRelu", x, alpha=0.2)
    x = draft.convolution(x, (width, 2 * width, 3), stride=2, gain=1.4)
    x = draft.node("LeakyRelu", x, alpha=0.2)
    inner = draft.node("Relu", styled(draft, x, 2 * width))
    x = draft.node("Add", x, styled(draft, inner, 2 * width))
    x = draft.convolution(draft.resized(x, 2.0), (2 * width, width, 3), gain=1.4)
    x = draft.node("Relu", x)
    x = draft.convolution(x, (width, 3, 7), reflect=True, gain=0.3)
    x = draft.node("Div", draft.node("Add", draft.node("Tanh", x), one(draft)), one(draft, 2))
    draft.weight((512, 512), 0.1, name="emap")
    shape = (1, 3, SIDE, SIDE)
    return draft.model({"target": shape, "source": (1, 512)}, {"output": (x, shape)})


def one(draft, value=1.0):
    return draft.constant([value])


def styled(draft, x, width):
    x = draft.convolution(x, (width, width, 3), reflect=True)
    centred = draft.node("Sub", x, draft.node("ReduceMean", x, axes=[2, 3], keepdims=1))
    square = draft.node("Mul", centred, centred)
    variance = draft.node("ReduceMean", square, axes=[2, 3], keepdims=1)
    deviation = draft.node("Sqrt", draft.node("Add", variance, draft.constant([1e-8])))
    normal = draft.node("Mul", centred, draft.node("Div", one(draft), deviation))
    style = draft.dense("source", 512, 2 * width, gain=0.5 * np.sqrt(512))
    style = draft.node("Unsqueeze", draft.node("Unsqueeze", style, axes=[2]), axes=[3])
    scale, shift = draft.node("Split", style, outputs=2, axis=1, split=[width, width])
    scaled = draft.node("Mul", normal, draft.node("Add", scale, one(draft)))
    return draft.node("Add", scaled, shift)


def feeds(count, seed=0):
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        coarse = random.random((8, 8, 3)).astype(np.float32)
        picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        source = random.standard_normal((1, 512)).astype(np.float32)
        target = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
        made.append({"target": target, "source": source / np.linalg.norm(source)})
    return made
