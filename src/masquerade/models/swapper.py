"""Brought swappers, all of them: what differs from one to the next is data (``registry.toml``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.geometry.templates import TEMPLATES, align, warp_crop
from masquerade.models.batching import Batching
from masquerade.models.donor_code import DonorCode
from masquerade.models.normalisation import Normalisation
from masquerade.models.swapper_ports import SwapperPorts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.converter import Converter
    from masquerade.models.donor_code import Portraits
    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["Embeds", "Swapper"]

_FURTHEST = 0.35
"""Share of the target's embedding that an identity weight of 0 mixes in, and of 1 takes away.
Source: FaceFusion's scale, so that its users' values keep their meaning."""


class Embeds(Protocol):
    """What a swapper needs of an embedder: ``ArcFace`` and ``JointArcFace`` both fit."""

    def embed(
        self, pixels_bgr: NDArray[np.uint8], kps: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Embedding of one face, float32 (D,), not normalised."""
        ...

    def close(self) -> None:
        """Let the network go."""
        ...


class Swapper:
    """Draws a donor's face into aligned crops.

    Args:
        spec: of a swapper.
        network: its file, loaded.
        embedder: that ``spec`` names; needed by all but those whose source is a picture.
        converter: that ``spec`` names; needed where it names one.
        emap: float (D, D), taken out of the file; needed where the source is a ``latent``.
        batching: whether several faces are fed at a time, where the file takes several; one after
            the other by default. The result is the same.

    Attributes:
        size: side of its crops in pixels.
        template: of its crops.

    Raises:
        ModelError: the file's inputs or outputs are not those of the model, or a part is missing.
    """

    def __init__(
        self,
        spec: ModelSpec,
        network: Network,
        *,
        embedder: Embeds | None = None,
        converter: Converter | None = None,
        emap: NDArray[np.floating] | None = None,
        batching: Batching | None = None,
    ) -> None:
        if spec.source is None:
            raise ModelError(f"{spec.name} is no swapper. Choose one: `masquerade models list`.")
        self.spec = spec
        self.network = network
        self.template = spec.template
        self._source = spec.source
        self._ports = SwapperPorts.bind(spec, network)
        self.size = self._ports.size
        self._embedder = embedder
        self._converter = converter
        self._emap = None if emap is None else np.asarray(emap, np.float32)
        self._batching = batching or Batching("never")
        self._normalisation = Normalisation.of(spec)
        self._check_parts()

    @property
    def can_batch(self) -> bool:
        """Whether the file takes several faces at a time."""
        return self._ports.batch

    def batches(self, count: int) -> bool:
        """Whether it is worth while to bring ``count`` crops together, as far as is known."""
        return self.can_batch and self._batching.may_gain(count)

    def encode(self, portraits: Portraits) -> DonorCode:
        """What this swapper must know of a donor; once per donor.

        Args:
            portraits: of one donor, the best first. Embeddings are averaged over all of them; a
                swapper that looks at a picture sees the first.

        Raises:
            ModelError: there are none, or a network failed.
        """
        if not portraits:
            raise ModelError(
                f"{self.spec.name} needs a photo of the donor, and this identity has none. "
                "Make the identity anew from photos."
            )
        if self._source.kind == "image":
            return DonorCode(self.spec.name, self._picture(portraits))
        assert self._embedder is not None
        vectors = [self._embedder.embed(item.pixels, item.kps) for item in portraits]
        embedding = np.stack(vectors).mean(axis=0).astype(np.float32)
        return DonorCode(self.spec.name, self.source_of(embedding), embedding)

    def source_of(self, embedding: NDArray[np.float32]) -> NDArray[Any]:
        """What is fed for an embedding.

        Args:
            embedding: float32 (D,), as the embedder gave it.

        Returns:
            (1, D'), of the input's dtype: see ``SourceInput.kind``.
        """
        vector = embedding if self._converter is None else self._converter.convert(embedding)
        if self._source.kind == "latent":
            assert self._emap is not None
            # InsightFace's order; dividing by the embedding's length alone, as FaceFusion does,
            # leaves the direction the same and the length to the emap.
            vector = _unit(np.asarray(_unit(vector) @ self._emap))
        elif self._source.kind == "embedding_unit" and not self.spec.second_embedder:
            vector = _unit(vector)  # a sum of two unit embeddings is fed as it is
        return vector.reshape(1, -1).astype(self._ports.source.dtype, copy=False)

    def weighted(self, code: DonorCode, crop_bgr: NDArray[np.uint8], weight: float) -> DonorCode:
        """The code leaning to a target's identity, or away from it.

        Args:
            code: of the donor.
            crop_bgr: uint8 (P, P, 3), the target cut by ``template`` at any size.
            weight: see :meth:`swap`.

        Raises:
            ModelError: the embedder failed.
        """
        share = _FURTHEST * (1 - 2 * weight)
        if abs(share) < 1e-6 or code.embedding is None:
            return code
        assert self._embedder is not None
        target = self._embedder.embed(crop_bgr, TEMPLATES[self.template] * len(crop_bgr))
        # At the donor's length, so that a vague target weighs as much as a clear one.
        target = _unit(target) * np.float32(np.linalg.norm(code.embedding))
        mixed = code.embedding * np.float32(1 - share) + target * np.float32(share)
        return DonorCode(code.model, self.source_of(mixed), mixed)

    def swap(
        self, crops_bgr: NDArray[np.uint8], codes: Sequence[DonorCode], *, weight: float = 0.5
    ) -> NDArray[np.uint8]:
        """The crops with the donors' faces.

        Args:
            crops_bgr: uint8 (N, S, S, 3), cut by ``template``.
            codes: of the donors, one for each crop.
            weight: identity weight 0..1: 0.5 is the network's own, below it leaves some of the
                target's identity, above it takes away from it. Swappers that look at a picture
                take no notice of it.

        Returns:
            uint8 (N, S, S, 3) BGR.

        Raises:
            ModelError: shapes or codes do not fit, or the network failed.
        """
        return self.swap_with_masks(crops_bgr, codes, weight=weight)[0]

    def swap_with_masks(
        self, crops_bgr: NDArray[np.uint8], codes: Sequence[DonorCode], *, weight: float = 0.5
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """As :meth:`swap`, with the masks that some swappers give besides.

        Returns:
            The faces, and float32 (N, S, S) from 0 to 1 where 1 is the swapped face; None where
            the file gives no masks.
        """
        self._check(crops_bgr, codes)
        pairs = zip(crops_bgr, codes, strict=True)
        sources = [self.weighted(code, crop, weight).source for crop, code in pairs]
        if not sources:
            return np.empty((0, self.size, self.size, 3), np.uint8), None
        runs = self._batching.run(
            len(sources),
            lambda part: self._run(crops_bgr[part], sources[part]),
            able=self.can_batch,
        )
        faces = np.concatenate([face for face, _ in runs])
        masks = [mask for _, mask in runs if mask is not None]
        return faces, np.concatenate(masks) if masks else None

    def close(self) -> None:
        """Let the network go; embedder and converter are not this one's."""
        self.network.close()

    def _run(
        self, crops_bgr: NDArray[np.uint8], sources: Sequence[NDArray[Any]]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        ports = self._ports
        feeds = {
            ports.target.name: self._normalisation.encode(crops_bgr, ports.target.dtype),
            ports.source.name: np.concatenate(sources),
        }
        results = self.network.run(feeds)
        face, expected = results[ports.face], feeds[ports.target.name].shape
        if face.shape != expected:
            raise ModelError(
                f"{self.spec.name} returned {face.shape}, not {expected}. "
                f"Check the file: `masquerade models verify {self.spec.name}`."
            )
        faces = self._normalisation.decode(face)
        if ports.mask is None:
            return faces, None
        return faces, np.clip(results[ports.mask][:, 0].astype(np.float32), 0, 1)

    def _picture(self, portraits: Portraits) -> NDArray[Any]:
        portrait, source = portraits[0], self._source
        matrix = align(portrait.kps, source.template, source.size)
        crop = warp_crop(portrait.pixels, matrix, source.size)
        return Normalisation(mean=source.mean, std=source.std).encode(
            crop[None], self._ports.source.dtype
        )

    def _check(self, crops_bgr: NDArray[np.uint8], codes: Sequence[DonorCode]) -> None:
        expected = (len(codes), self.size, self.size, 3)
        if crops_bgr.shape != expected:
            raise ModelError(
                f"{self.spec.name} was given crops of shape {crops_bgr.shape}, not {expected}. "
                "Cut one square crop of its size for each donor code."
            )
        for code in codes:
            if code.model != self.spec.name:
                raise ModelError(
                    f"This donor was encoded for {code.model}, not for {self.spec.name}. "
                    "Encode the donor with the swapper that draws it."
                )

    def _check_parts(self) -> None:
        spec = self.spec
        missing = [
            name
            for name, lacks in (
                (spec.embedder, self._source.kind != "image" and self._embedder is None),
                (spec.converter, bool(spec.converter) and self._converter is None),
                ("emap", self._source.kind == "latent" and self._emap is None),
            )
            if lacks
        ]
        if missing:
            raise ModelError(
                f"{spec.name} does not work without {' and '.join(missing)}. "
                "Open it with `open_model`, which brings them."
            )


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
