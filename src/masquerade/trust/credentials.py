"""The content credentials of an output: what was done to what, with what, signed.

A picture or a video in a format that C2PA knows carries a manifest within itself; the others
(Matroska, WebM) get a signed sidecar that says the same. There is no switch: whoever states an
origin (:func:`masquerade.engine.origin.state_origin`) signs it.

The statements, each an assertion ``masquerade.NAME`` of the manifest, are plain JSON objects by
name; other parts of the program add theirs (``label``, ``watermark``, ``consent``, ``content``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from masquerade._version import __version__
from masquerade.core.errors import SigningError
from masquerade.trust.deed import SWAPPED, Deed
from masquerade.trust.file_kinds import credentials_type, head_of
from masquerade.trust.signing_identity import SigningIdentity, SigningStore

__all__ = ["STATEMENT_PREFIX", "Credentials", "Statements"]

Statements = Mapping[str, Mapping[str, Any]]
"""Plain JSON objects by name; a name is one word of small letters."""

STATEMENT_PREFIX = "masquerade."
"""What the labels of our assertions begin with."""

_AGENT = {"name": "Masquerade", "version": __version__}


class Credentials:
    """Signs an output: the seal of a :class:`~masquerade.core.disclosure.Disclosure`.

    The identity is opened at once, so that one that cannot be used is told before the work; what
    is stated is asked for when the file is finished, since only then all of it is known.

    Args:
        target: the file that was edited; None for what no file was the source of, as live.
        statements: asked for once, when the file is signed.
        deed: what was done to the file.
        store: the installation's identities.

    Raises:
        SigningError: there is no identity that could sign.
    """

    def __init__(
        self,
        target: Path | None,
        statements: Callable[[], Statements],
        *,
        deed: Deed = SWAPPED,
        store: SigningStore | None = None,
    ) -> None:
        self._target, self._statements, self._deed = target, statements, deed
        self._store = store or SigningStore()
        self.identity: SigningIdentity = self._store.identity()

    def __call__(self, finished: Path, signed: Path, parts: Sequence[Path] = ()) -> bytes | None:
        """Sign a finished file; see :class:`masquerade.core.disclosure.Seal`.

        Raises:
            SigningError: it cannot be signed.
            OSError: as reading and writing files does.
        """
        media_type = credentials_type(head_of(finished))
        statements = self._checked()
        if media_type is None:
            return self._beside(finished, parts, statements)
        self._within(finished, signed, media_type, statements)
        return None

    def _checked(self) -> Statements:
        """What is stated."""
        statements = dict(self._statements())
        try:
            json.dumps(statements, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SigningError(
                f"What the credentials are to say is no plain data ({error}); please report this."
            ) from error
        return statements

    def _within(
        self, finished: Path, signed: Path, media_type: str, statements: Statements
    ) -> None:
        from masquerade.trust.c2pa_files import Ingredient, sign_file

        ingredient = None
        if self._target is not None:
            ingredient = Ingredient(self._target, credentials_type(head_of(self._target)))
            if ingredient.media_type is None and (edits := self._history()):
                statements = {**statements, "history": {"edits": edits}}
        manifest = _manifest(statements, self._actions())
        sign_file(finished, signed, media_type, manifest, ingredient, self.identity)

    def _actions(self) -> list[dict[str, Any]]:
        """What was done. C2PA wants the first action to be one that opens or creates."""
        from masquerade.trust.c2pa_files import INGREDIENT

        deed = self._deed
        done: dict[str, Any] = {"softwareAgent": _AGENT, "description": deed.description}
        if deed.source_type:
            done["digitalSourceType"] = deed.source_type
        if self._target is None:
            return [{"action": "c2pa.created", **done}]
        first = {"action": "c2pa.opened", "parameters": {"ingredientIds": [INGREDIENT]}}
        return [first, {"action": deed.action, **done}]

    def _history(self) -> list[dict[str, Any]]:
        from masquerade.trust.history import history_of

        return [] if self._target is None else history_of(self._target, self._store)

    def _beside(self, finished: Path, parts: Sequence[Path], statements: Statements) -> bytes:
        from masquerade.trust.sidecar import write_sidecar

        document = {
            "version": 1,
            "signed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "software": _AGENT,
            "actions": self._actions(),
            "statements": dict(statements),
            "history": self._history(),
        }
        return write_sidecar(finished, document, self.identity, parts)


def _manifest(statements: Statements, deeds: list[dict[str, Any]]) -> dict[str, Any]:
    actions = {"label": "c2pa.actions.v2", "data": {"actions": deeds}}
    own = [
        {"label": f"{STATEMENT_PREFIX}{name}", "data": _without_bytes(data), "kind": "Json"}
        for name, data in statements.items()
    ]
    return {"claim_generator_info": [_AGENT], "assertions": [actions, *own]}


def _without_bytes(value: Any) -> Any:
    """The same with whole numbers in lists as text: C2PA takes such a list for bytes.

    >>> _without_bytes({"devices": [0, 1], "names": ["a"]})
    {'devices': ['0', '1'], 'names': ['a']}
    """
    if isinstance(value, Mapping):
        return {key: _without_bytes(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [str(item) if type(item) is int else _without_bytes(item) for item in value]
    return value
