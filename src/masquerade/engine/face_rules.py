"""Whose faces may be used: not those that are locked, and those of children with an answer only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from masquerade.core.errors import ConsentError, GuardianError, LockedFaceError
from masquerade.engine.locked_faces import LockedFaces
from masquerade.trust.minors import Guardian, guardian_of, looks_minor, require_guardian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.stages.identity import Identity
    from masquerade.trust.deny_list import LockedFace

__all__ = ["FaceRules"]


class FaceRules:
    """Judges donors and the faces of targets for one engine.

    Args:
        guardian: what was stated of people who look under 18: for everybody, or by donor's name.
        locked: compares with the locked faces; those of this installation by default.

    Attributes:
        on_minor: called with every face that looks under 18 and that nobody says is an adult's.

    Raises:
        ConsentError: the list of locked faces is damaged.
    """

    def __init__(
        self,
        guardian: Guardian | Mapping[str, Guardian] | None = None,
        locked: LockedFaces | None = None,
    ) -> None:
        self.guardian = guardian
        self._locked = LockedFaces() if locked is None else locked
        self.on_minor: Callable[[], None] = lambda: None

    def check_donors(self, identities: Mapping[str, Identity]) -> None:
        """Refuse donors whose faces must not be used.

        Raises:
            LockedFaceError: somebody has locked one of them.
            GuardianError: one looks under 18 and nobody answers for it.
        """
        for name, identity in identities.items():
            locked = self._locked.like_identity(identity)
            if locked is not None:
                raise _locked_error(f"The donor {name}", locked)
            statement = guardian_of(self.guardian, name)
            require_guardian(f"The donor {name}", identity.attributes.age, statement)

    def have_minor(self, identities: Mapping[str, Identity]) -> bool:
        """Whether a donor looks under 18 and nobody says that it is an adult."""
        return any(
            looks_minor(identity.attributes.age) and guardian_of(self.guardian, name) != "adult"
            for name, identity in identities.items()
        )

    def refusal(self, pixels_bgr: NDArray[np.uint8], face: Face) -> ConsentError | None:
        """Why a face of the target must not be swapped; None where it may.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            face: with attributes and landmarks.

        Raises:
            ModelError: the recogniser failed.
        """
        locked = self._locked.like_face(pixels_bgr, face)
        if locked is not None:
            return _locked_error("A face of the target", locked)
        if face.attributes is None or not looks_minor(face.attributes.age):
            return None
        statement = guardian_of(self.guardian, "")
        if statement != "adult":
            self.on_minor()
        try:
            require_guardian("A face of the target", face.attributes.age, statement)
        except GuardianError as error:
            return error
        return None


def _locked_error(whose: str, locked: LockedFace) -> LockedFaceError:
    return LockedFaceError(
        f"{whose} looks like {locked.name}, whose face is locked on this installation, so it is "
        "not used; choose another one, or see `masquerade lock list`."
    )
