"""Targets that are text: what users write, what programs pass on, what we keep ourselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fuzz_target import FuzzTarget, scratch, scratch_file

from masquerade.apps.commands import rerun
from masquerade.apps.donor_map import read_donor_map
from masquerade.apps.execution_arguments import execution_words
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.profile import Profile, read_profile, write_profile
from masquerade.apps.report_files import place_of
from masquerade.apps.settings_file import checked_changes, read_settings, write_settings
from masquerade.apps.studio.presets import Presets
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.models import catalogue
from masquerade.models.installed_files import read_files
from masquerade.models.licences import Licences
from masquerade.models.trusted_hashes import TrustedHashes
from masquerade.trust.consent import Consent
from masquerade.trust.register import ConsentRegister
from masquerade.trust.report import Errand, run_report
from masquerade.trust.report_reading import read_report

# The map of --map


def _map(data: bytes) -> None:
    scratch_file("anna.jpg", b"")
    read_donor_map(scratch_file("map.toml", data))


def _map_seeds() -> list[bytes]:
    return [
        b'[[person]]\ndonor = "anna.jpg"\nreference = "anna.jpg"\n',
        b'[[person]]\ndonor = ["anna.jpg", "anna.jpg"]\ntrack = 1\n[[person]]\ndonor = "b.mqid"\n',
    ]


# Settings, presets and the profile


def _settings(data: bytes) -> None:
    read_settings(data.decode("utf-8", "replace"))


def _settings_seeds() -> list[bytes]:
    return [
        write_settings({"shape": 0.5, "mask": ["box", "mesh"], "label": "none"}).encode(),
        b"detect_every = 20\nstrict = true\nhold_s = 0.5\n",
    ]


def _profile(data: bytes) -> None:
    read_profile(scratch_file("profile.toml", data))


def _profile_seeds() -> list[bytes]:
    path = scratch() / "profile.toml"
    write_profile(Profile(threads=2, preset="fast", notes=("a note",)), path)
    return [path.read_bytes()]


def _preset(data: bytes) -> None:
    folder = scratch() / "presets"
    folder.mkdir(exist_ok=True)
    (folder / "one.toml").write_bytes(data)
    Presets(folder).all()


def _preset_seeds() -> list[bytes]:
    return [b'name = "mine"\nlive = "fast"\n\n[settings]\nshape = 0.5\n']


# The registry of models, and what is kept of the installed ones


def _registry(data: bytes) -> None:
    catalogue.parse_catalogue(data.decode("utf-8", "replace"))


def _registry_seeds() -> list[bytes]:
    text = (Path(catalogue.__file__).parent / "registry.toml").read_text(encoding="utf-8")
    head, *models = text.split("\n[model.")
    exporters = head[head.index("[exporter") :] if "[exporter" in head else ""
    return [f"{exporters}\n[model.{model}".encode() for model in (models[0], models[-1])]


def _kept(data: bytes) -> None:
    folder = scratch() / "kept"
    folder.mkdir(exist_ok=True)
    for name in ("installed.json", "licences.json", "trusted_hashes.json", "consents.json"):
        (folder / name).write_bytes(data)
    spec = next(iter(catalogue.catalogue().values()))
    readers: tuple[Callable[[], object], ...] = (
        lambda: read_files(folder),
        lambda: Licences(folder).accepted(spec),
        lambda: TrustedHashes(folder).find(spec, spec.files[0]),
        lambda: ConsentRegister(folder).all(),
    )
    for read in readers:
        FuzzTarget("", lambda _, read=read: read(), list).attack(data)


def _kept_seeds() -> list[bytes]:
    register = ConsentRegister(scratch() / "register")
    register.record(Consent("a" * 64, "anna", "self", "2026-01-01T00:00:00+00:00"))
    return [
        register.path.read_bytes(),
        b'{"version": 1, "files": [{"name": "a.onnx", "sha256": "00", "trust": "user"}]}',
        b'{"version": 1, "accepted": {"inswapper_128": {"at": "2026", "terms": "x"}}}',
    ]


# Run reports and jobs


def _report(data: bytes) -> None:
    report = read_report(data, "The report")
    for file in (report.target, *(file for donor in report.donors for file in donor.files)):
        place_of(file, None)
    checked_changes(report.settings)
    execution_words(rerun._execution(report.execution))
    rerun._options(report.options)


def _report_seeds() -> list[bytes]:
    photo = scratch_file("anna.jpg", b"anna")
    errand = Errand(
        target=photo,
        donors={"anna": [photo]},
        references={"anna": photo},
        options={"video": {"quality": 80}, "source_face": 1},
    )
    facts = run_report(Settings(), Execution(), (), {"frames": 1}, errand, with_paths=True)
    return [json.dumps(facts).encode()]


def _job(data: bytes) -> None:
    JobSpec.from_json(data.decode("utf-8", "replace")).check()


def _job_seeds() -> list[bytes]:
    spec = JobSpec(
        name="film.mp4",
        target=Path("/in.mp4"),
        output=Path("/out.mp4"),
        donors={"anna": (Path("/anna.jpg"),)},
        references={"anna": 3},
        consents={"anna": "self"},
        settings={"shape": 0.5},
        video={"quality": 80},
    )
    return [spec.to_json().encode()]


DOCUMENTS = (
    FuzzTarget("map", _map, _map_seeds, 2048),
    FuzzTarget("settings", _settings, _settings_seeds, 2048),
    FuzzTarget("profile", _profile, _profile_seeds, 2048),
    FuzzTarget("preset", _preset, _preset_seeds, 2048),
    FuzzTarget("registry", _registry, _registry_seeds, 8192),
    FuzzTarget("kept", _kept, _kept_seeds, 2048),
    FuzzTarget("report", _report, _report_seeds, 16384),
    FuzzTarget("job", _job, _job_seeds, 4096),
)
