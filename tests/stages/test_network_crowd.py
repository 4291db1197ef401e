"""All faces of a frame through the networks at once: the same faces, in less time."""

from __future__ import annotations

import numpy as np
import pytest
from network_doubles import Brightener, Painter, scene

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.models.batching import Batching
from masquerade.models.catalogue import find_spec
from masquerade.models.donor_code import DonorCode
from masquerade.models.enhancer import Enhancer
from masquerade.runtime.network import Port
from masquerade.runtime.spread import SpreadNetwork
from masquerade.stages.face_maker import WantedFace
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.network_face import NetworkFace
from masquerade.testing.simulated_device import SimulatedDevice, SimulatedNetwork
from masquerade.testing.simulated_swapper import simulated_swapper

FLOAT = np.dtype(np.float32)
CODES = {
    name: DonorCode("inswapper_128", np.full((1, 512), value, np.float32))
    for name, value in (("a", 0.2), ("b", 0.8))
}


class Device:
    """A simulated one with a swapper on it, which takes 20 ms and 1 ms for each face; by its own
    clock, so that nobody waits.
    """

    def __init__(self, mode: str, batch: int | None = None) -> None:
        self.device = SimulatedDevice(lambda _: None)
        batching = Batching(mode, clock=lambda: self.device.busy_s)
        self.swapper = simulated_swapper([self.device], batching=batching, batch=batch)

    def face(self, settings: Settings | None = None, *enhancers) -> NetworkFace:
        return NetworkFace(self.swapper, enhancers, (), settings or Settings())

    def cost_ms(self, face: NetworkFace, crowd: list[WantedFace]) -> float:
        began_s = self.device.busy_s
        made = face.make_many(FRAME, crowd)
        assert all(isinstance(item, FinishedFace) for item in made)
        return 1000 * (self.device.busy_s - began_s)


FRAME, LANDMARKS, KPS = scene()


def crowd(count: int) -> list[WantedFace]:
    """People in a row; the same face of the frame with other points."""
    faces = []
    for n in range(count):
        shift = np.array([9 * n, -4 * n, 0], np.float32)
        code = CODES["ab"[n % 2]]
        faces.append(WantedFace(LANDMARKS + shift, KPS + shift[:2], code, n))
    return faces


def same(one: FinishedFace, other: FinishedFace) -> bool:
    names = ("pixels", "target", "mask", "matrix")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_four_faces_on_a_device_that_batches_take_at_most_one_and_a_half_times_one() -> None:
    device = Device("auto")
    face = device.face()
    one = device.cost_ms(face, crowd(1))
    costs = [device.cost_ms(face, crowd(4)) for _ in range(8)]
    assert one == pytest.approx(21)
    assert costs[:3] == pytest.approx([84] * 3), "tried one by one"
    assert costs[3:] == pytest.approx([24] * 5)
    assert costs[-1] <= 1.5 * one
    assert face.batches(4)


def test_where_it_never_batches_each_face_has_a_run() -> None:
    device = Device("never")
    assert device.cost_ms(device.face(), crowd(4)) == pytest.approx(84)
    fixed = Device("always", batch=1)
    assert fixed.cost_ms(fixed.face(), crowd(4)) == pytest.approx(84)
    assert not device.face().batches(4)
    assert not fixed.face().batches(4)


@pytest.mark.parametrize("size", [128, 256])
def test_together_in_any_order_they_are_the_faces_one_by_one(size: int) -> None:
    settings = Settings(swap_size=size, color="mean", mouth_mask=0.3)
    enhancer = Brightener(512)
    alone = Device("never").face(settings, enhancer)
    expected = [alone.make(FRAME, f.landmarks, f.kps, f.code, f.track_id) for f in crowd(4)]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        device = Device("always")
        faces = crowd(4)
        made = device.face(settings, enhancer).make_many(FRAME, [faces[n] for n in order])
        assert device.device.runs == 1
        assert all(same(found, expected[n]) for found, n in zip(made, order, strict=True))
    assert not same(expected[0], expected[1])


def test_a_face_that_fails_does_not_cost_the_others() -> None:
    face, faces = Device("always").face(), crowd(3)
    expected = face.make_many(FRAME, [faces[0], faces[2]])
    foreign = DonorCode("simswap_256", np.zeros((1, 512), np.float32))
    faces[1] = WantedFace(faces[1].landmarks, faces[1].kps, foreign, 1)
    first, failed, last = face.make_many(FRAME, faces)
    assert same(first, expected[0])
    assert same(last, expected[1])
    assert isinstance(failed, ModelError)
    with pytest.raises(ModelError, match="simswap_256"):
        face.make(FRAME, faces[1].landmarks, faces[1].kps, foreign)


def test_a_network_that_fails_fails_for_all() -> None:
    device = Device("always")
    device.swapper.network.close()
    made = device.face().make_many(FRAME, crowd(3))
    assert [type(item) for item in made] == [ModelError] * 3
    assert device.face().make_many(FRAME, []) == []


@pytest.mark.parametrize("batch", [None, 1])
def test_enhancers_take_all_faces_where_their_file_does(batch: int | None) -> None:
    ports = (Port("picture", (batch, 3, 512, 512), FLOAT),)
    network = SimulatedNetwork(
        ports, ports, 20, 1, device=SimulatedDevice(lambda _: None), compute=lambda f: [*f.values()]
    )
    enhancer = Enhancer(find_spec("gfpgan_1.4"), network, batching=Batching("always"))
    device = Device("always")
    made = device.face(None, enhancer).make_many(FRAME, crowd(4))
    assert network.device.runs == (1 if batch is None else 4)
    assert all(item.pixels.shape == (512, 512, 3) for item in made)
    assert device.face(None, enhancer).batches(4) == (batch is None)


def test_on_a_processor_enhancers_never_take_faces_together() -> None:
    ports = (Port("picture", (None, 3, 512, 512), FLOAT),)
    for provider, batches in (("cpu", False), ("openvino", False), ("cuda", True)):
        network = SimulatedNetwork(ports, ports, 20, 1, provider=provider)
        enhancer = Enhancer(find_spec("gfpgan_1.4"), network)
        assert enhancer.can_batch
        assert enhancer.batches(4) == batches


def test_it_tells_on_how_many_devices_it_runs() -> None:
    one, two = Device("never"), Device("never")
    assert one.face().parallel == 1
    one.swapper.network = SpreadNetwork([one.swapper.network, two.swapper.network])
    assert one.face().parallel == 2


def test_what_is_told_of_crowds_counts_the_parts_of_enlarged_faces() -> None:
    asked: list[int] = []
    swapper = Painter()
    swapper.batches = lambda count: bool(asked.append(count)) or True
    assert NetworkFace(swapper, (), (), Settings(swap_size=256)).batches(3)
    assert asked == [12]
