"""What the pixels that a machine makes depend on: its software and its networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from masquerade.apps.jobs.job import JobSpec, settings_of
from masquerade.engine.asked import asked_models
from masquerade.models.library import Library
from masquerade.models.store import registry
from masquerade.trust.report import software_facts

__all__ = ["NodeFacts"]

_MISSING = "missing"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The facts of one machine.

    Attributes:
        software: versions by name.
        models: SHA-256 by name of the model, of those that jobs need.
    """

    software: Mapping[str, str]
    models: Mapping[str, str]

    @classmethod
    def here(cls, models: Iterable[str]) -> NodeFacts:
        """Those of this machine.

        Args:
            models: names of the brought ones that are needed; the built-in ones always are.
        """
        library = Library()
        hashes = {role: spec.sha256 for role, spec in registry().items()}
        for name in models:
            found = library.find(name)
            hashes[name] = found.main.sha256 if found else _MISSING
        return cls(dict(software_facts()), hashes)

    @staticmethod
    def needed_by(specs: Iterable[JobSpec]) -> tuple[str, ...]:
        """Names of the brought models that jobs cannot do without."""
        names = (name for spec in specs for name in asked_models(settings_of(spec.settings)))
        return tuple(dict.fromkeys(names))

    def difference(self, other: NodeFacts) -> str:
        """In what ``other`` differs first, in words; empty where it does not.

        >>> ours = NodeFacts({"av": "18.0"}, {"swapper": "ab" * 32})
        >>> ours.difference(NodeFacts({"av": "19.0"}, ours.models))
        'version of av (18.0 and 19.0)'
        """
        for name in sorted({*self.software, *other.software}):
            one, two = self.software.get(name, "none"), other.software.get(name, "none")
            if one != two:
                return f"version of {name} ({one} and {two})"
        for name in sorted({*self.models, *other.models}):
            one, two = self.models.get(name, _MISSING), other.models.get(name, _MISSING)
            if one != two:
                return f"file of the model {name} ({one[:12]} and {two[:12]})"
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, for :meth:`of_dict`."""
        return asdict(self)

    @classmethod
    def of_dict(cls, plain: Mapping[str, Any]) -> NodeFacts:
        """What :meth:`as_dict` made."""
        return cls(plain["software"], plain["models"])
