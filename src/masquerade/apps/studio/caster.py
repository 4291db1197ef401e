"""Who is drawn upon whom: what clients say of it, and what the engine is given."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from masquerade.apps.jobs.job import JobSpec, settings_of
from masquerade.apps.settings_file import checked_changes
from masquerade.apps.studio.ids import Id
from masquerade.apps.studio.setting_facts import SettingsMap
from masquerade.apps.studio.shelf import Shelf
from masquerade.apps.studio.uploads import Uploads
from masquerade.core.errors import NoFaceInTargetError, SettingsError
from masquerade.media.limits import MediaLimits
from masquerade.media.output_file import output_error
from masquerade.trust.consent import guardians_of
from masquerade.trust.minors import Guardian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.apps.jobs.faces import SeenFace
    from masquerade.apps.studio.uploads import Upload
    from masquerade.engine import Engine

__all__ = ["Caster", "FacePlace", "RolesIn"]

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_DAY_S = 86_400.0


class FacePlace(BaseModel):
    """A face of an upload, as `GET /uploads/{id}/faces` numbers them."""

    model_config = ConfigDict(extra="forbid")

    upload: Id
    face: int = Field(ge=0, le=999)
    at_s: float = Field(0.0, ge=0, le=_DAY_S, description="moment of a video that shows the face")


class RolesIn(BaseModel):
    """Donors, whom each replaces, and how."""

    model_config = ConfigDict(extra="forbid")

    donors: dict[PersonName, Id] = Field(
        min_length=1, max_length=16, description="identity of each person that is drawn"
    )
    map: dict[PersonName, FacePlace | None] = Field(
        default_factory=dict,
        max_length=16,
        description="whom a donor replaces; null or missing: whoever the settings choose",
    )
    settings: SettingsMap = Field(
        default_factory=dict, description="what differs from the defaults"
    )
    guardian: Annotated[
        Guardian | None,
        Field(
            description="of people of the target who look under 18: a parent or guardian has "
            "agreed, or each of them is an adult; those of donors are stated with the identity"
        ),
    ] = None


@dataclasses.dataclass(frozen=True, slots=True)
class Caster:
    """Turns what clients say into jobs and engines.

    Attributes:
        shelf: where identities are.
        uploads: where targets are.
        limits: the largest target that is decoded.
    """

    shelf: Shelf
    uploads: Uploads
    limits: MediaLimits

    def key(self, roles: RolesIn) -> Hashable:
        """Equal for roles that give equal engines.

        Raises:
            MissingInputError: an identity is not on the shelf.
        """
        files = [self.shelf.find(identity_id).file for identity_id in roles.donors.values()]
        return json.dumps(roles.model_dump(), sort_keys=True), *(
            file.stat().st_mtime_ns for file in files
        )

    def engine(self, roles: RolesIn) -> Engine:
        """An engine for single frames.

        Raises:
            MasqueradeError: an identity, an upload, a face or a setting is not there or wrong.
        """
        from masquerade.engine import Engine

        self._check_names(roles)
        settings = settings_of(roles.settings)
        kept = {name: self.shelf.find(i) for name, i in roles.donors.items()}
        donors = {name: identity.file for name, identity in kept.items()}
        consents = {name: self.shelf.said_of(identity) for name, identity in kept.items()}
        references = {name: self._face(place).cutting for name, place in roles.map.items() if place}
        # One thread leaves the others' networks, and the live streams' cores, alone.
        settings = settings if settings.threads else settings.replace(threads=1)
        guardian = guardians_of(consents, roles.guardian)
        return Engine(donors, settings, references=references or None, guardian=guardian)

    def spec(
        self, roles: RolesIn, upload: Upload, folder: Path, video: dict[str, object]
    ) -> JobSpec:
        """A job of one target, with everything of an upload that it needs in a folder of its own.

        Args:
            roles: who is drawn upon whom.
            upload: the target.
            folder: of the job; target, references and result are in it.
            video: options of :class:`VideoOptions`.

        Raises:
            MasqueradeError: an identity, an upload, a face or a setting is not there or wrong.
            OutputError: the folder cannot be written.
        """
        self._check_names(roles)
        kept = {name: self.shelf.find(i) for name, i in roles.donors.items()}
        for identity in kept.values():
            self.shelf.said_of(identity)
        suffix = _suffix(upload)
        spec = JobSpec(
            name=upload.name,
            target=folder / f"target{suffix}",
            output=folder / f"result{suffix}",
            donors={name: (identity.file,) for name, identity in kept.items()},
            references={
                name: folder / f"reference-{number}.png"
                for number, (name, place) in enumerate(roles.map.items())
                if place
            },
            consents={name: identity.consent for name, identity in kept.items()},
            statements={name: item.statement for name, item in kept.items() if item.statement},
            guardian=roles.guardian or "",
            settings=roles.settings,
            video=video,
        )
        spec.check()
        self._keep(spec, roles, upload)
        return spec

    def _keep(self, spec: JobSpec, roles: RolesIn, upload: Upload) -> None:
        """Put what a job needs of uploads into its folder."""
        for name, file in spec.references.items():
            place = roles.map[name]
            assert place is not None
            assert isinstance(file, Path)
            _write_png(file, self._face(place).cutting)
        _link(upload.path, spec.target)

    def faces(self, upload: Upload, at_s: float) -> tuple[NDArray[np.uint8], list[SeenFace]]:
        """The frame of a moment, uint8 (H, W, 3) BGR, and its faces from left to right.

        Raises:
            InputError: the upload cannot be decoded.
        """
        from masquerade.apps.jobs.faces import find_faces
        from masquerade.apps.jobs.frames import frame_at

        with upload.spoken_of():
            pixels = frame_at(upload.path, at_s, self.limits)
        return pixels, find_faces(pixels)

    def _face(self, place: FacePlace) -> SeenFace:
        upload = self.uploads.find(place.upload)
        _pixels, faces = self.faces(upload, place.at_s)
        if place.face >= len(faces):
            raise NoFaceInTargetError(
                f"{upload.name} shows {len(faces)} faces at {place.at_s:g} s, so there is no face "
                f"number {place.face}; choose one that is listed."
            )
        return faces[place.face]

    def _check_names(self, roles: RolesIn) -> None:
        checked_changes(roles.settings)
        strangers = sorted(set(roles.map) - set(roles.donors))
        if strangers:
            raise SettingsError(
                f"{strangers[0]!r} replaces somebody but has no identity; "
                f"there are {', '.join(roles.donors)}."
            )


def _suffix(upload: Upload) -> str:
    """The ending of the target's name, if its kind can be written under it."""
    from masquerade.core.errors import OutputError
    from masquerade.media.open import check_output, open_target

    kind = open_target(upload.path)
    suffix = Path(upload.name).suffix.lower()
    try:
        check_output(f"result{suffix}", kind)
    except OutputError:
        return ".png" if kind == "image" else ".mp4"
    return suffix


def _link(path: Path, target: Path) -> None:
    """Have the file of an upload under another name too, which stays when the upload goes."""
    try:
        try:
            os.link(path, target)
        except FileNotFoundError:
            raise
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, target)
    except OSError as error:
        raise output_error(error, target) from error


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    import cv2

    try:
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    except OSError as error:
        raise output_error(error, path) from error
