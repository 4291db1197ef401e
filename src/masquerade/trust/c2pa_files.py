"""Content credentials within files, through the C2PA library, which is opened when needed.

The library may ask the network for manifests that a file names and for revoked certificates:
both are switched off, so that looking at a file tells nobody. Thumbnails are off, as they would
cost more than all else.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import SigningError

if TYPE_CHECKING:
    from masquerade.trust.signing_identity import SigningIdentity

__all__ = ["INGREDIENT", "Ingredient", "Manifests", "read_manifests", "sign_file"]

INGREDIENT = "target"
"""How actions refer to the file that was edited."""
_SMALL_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Ingredient:
    """The file that was edited.

    Attributes:
        path: where it is.
        media_type: as C2PA calls it; None for one that C2PA does not know.
    """

    path: Path
    media_type: str | None


@dataclass(frozen=True, slots=True)
class Manifests:
    """What a file says of itself.

    Attributes:
        state: "Trusted", "Valid" or "Invalid".
        document: the library's account: ``active_manifest``, ``manifests``,
            ``validation_results``.
    """

    state: str
    document: Mapping[str, Any]


def sign_file(
    finished: Path,
    signed: Path,
    media_type: str,
    manifest: Mapping[str, Any],
    ingredient: Ingredient | None,
    identity: SigningIdentity,
) -> None:
    """Write the signed copy of a file.

    Args:
        finished: the file.
        signed: where the copy goes.
        media_type: of the file.
        manifest: the definition, of which actions may name the ingredient :data:`INGREDIENT`.
        ingredient: what was edited; the credentials that it carries are kept.
        identity: who signs.

    Raises:
        SigningError: the library refuses.
        OSError: as reading and writing files does.
    """
    import c2pa

    info = c2pa.C2paSignerInfo(
        alg=c2pa.C2paSigningAlg.ES256,
        sign_cert=identity.chain_pem,
        private_key=identity.key_pem,
        ta_url=identity.timestamp_url,
    )
    try:
        with ExitStack() as held:
            signer = held.enter_context(c2pa.Signer.from_info(info))
            context = held.enter_context(_context(identity.anchor_pem))
            builder = _builder(held, manifest, ingredient, context)
            _sign(builder, signer, media_type, finished, signed)
    except c2pa.C2paError as error:
        raise SigningError(
            f"The content credentials could not be made ({_reason(error)}), so the output was not "
            "written; see `masquerade signing show`."
        ) from error


def _sign(builder: Any, signer: Any, media_type: str, finished: Path, signed: Path) -> None:
    """Small files within memory, which takes half the time."""
    with finished.open("rb") as source:
        if finished.stat().st_size > _SMALL_BYTES:
            with signed.open("w+b") as target:
                builder.sign(signer, media_type, source, target)
            return
        made = io.BytesIO()
        builder.sign(signer, media_type, io.BytesIO(source.read()), made)
    signed.write_bytes(made.getbuffer())


def read_manifests(path: Path, media_type: str, anchors: bytes) -> Manifests | None:
    """What a file carries; None where it carries nothing.

    Args:
        path: the file.
        media_type: of it.
        anchors: authorities whose signatures are trusted, PEM.

    Raises:
        ValueError: what it carries cannot be read.
        OSError: the file cannot be read.
    """
    import c2pa

    try:
        with (
            _context(anchors) as context,
            path.open("rb") as file,
            c2pa.Reader(media_type, file, context=context) as reader,
        ):
            document = json.loads(reader.json())
            return Manifests(str(reader.get_validation_state()), document)
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        raise ValueError(_reason(error)) from error


def _context(anchors: bytes) -> Any:
    import c2pa

    settings: dict[str, Any] = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    if anchors:
        settings["trust"] = {"trust_anchors": anchors.decode()}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _builder(
    held: ExitStack, manifest: Mapping[str, Any], ingredient: Ingredient | None, context: Any
) -> Any:
    """The manifest with its ingredient. One whose own credentials are beyond reading is named
    without them: that of a stranger must not keep a file from being signed.
    """
    import c2pa

    if ingredient is None:
        return held.enter_context(c2pa.Builder(dict(manifest), context))
    facts = {"title": INGREDIENT, "relationship": "parentOf", "label": INGREDIENT}
    if ingredient.media_type is not None:
        builder = held.enter_context(c2pa.Builder(dict(manifest), context))
        try:
            with ingredient.path.open("rb") as file:
                builder.add_ingredient(facts, ingredient.media_type, file)
        except (c2pa.C2paError, OSError):
            pass
        else:
            return builder
    media_type = ingredient.media_type or "application/octet-stream"
    known: Sequence[Any] = [{**facts, "format": media_type}]
    return held.enter_context(c2pa.Builder({**manifest, "ingredients": known}, context))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
