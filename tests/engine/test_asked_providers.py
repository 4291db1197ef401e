"""A provider that was asked for is there and starts, also where only built-in networks work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from masquerade import Engine, Execution, Settings
from masquerade.core.errors import ProviderError, SettingsError
from masquerade.engine import asked_providers
from masquerade.engine.asked_providers import check_providers, prove_active
from masquerade.runtime import loader
from masquerade.runtime.providers import Installed

MONA_LISA = Path(__file__).parents[1] / "media" / "mona_lisa.jpg"
GRAPHICS = Execution(providers=("openvino",), options={"openvino": {"device_type": "GPU"}})
"""OpenVINO is installed where the tests run, and there is no graphics device."""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))


@pytest.mark.parametrize("providers", [("auto",), ("cpu",), ("cpu", "auto")])
def test_where_nothing_was_asked_for_nothing_is_started(providers, monkeypatch):
    monkeypatch.setattr(asked_providers, "load_network", None)
    monkeypatch.setattr(asked_providers, "resolve", None)
    check_providers(Execution(providers=providers))
    assert prove_active(Execution(providers=providers)) == ()


@pytest.mark.parametrize("providers", [("cuda",), ("cuda", "cpu"), ("cpu", "coreml")])
def test_one_that_is_not_installed_is_an_error_before_any_work(providers):
    with pytest.raises(ProviderError, match="pip install"):
        check_providers(Execution(providers=providers))
    with pytest.raises(ProviderError, match="--allow-fallback"):
        Engine(MONA_LISA, Settings(model="mesh"), execution=Execution(providers=providers))


def test_another_one_is_used_where_that_is_allowed_and_it_is_said():
    execution = Execution(providers=("cuda",), allow_fallback=True)
    check_providers(execution)
    with Engine(MONA_LISA, execution=execution) as engine:
        engine.load()
        assert engine.notices[0] == "The provider 'cuda' is not installed here, so another is used."
        assert not any("'cuda' works here" in text for text in engine.notices)


def test_one_that_is_installed_and_does_not_start_is_an_error_too():
    check_providers(GRAPHICS)
    with (
        Engine(MONA_LISA, execution=GRAPHICS) as engine,
        pytest.raises(ProviderError, match="finds no device 'GPU"),
    ):
        engine.load()
    told = prove_active(replace(GRAPHICS, allow_fallback=True))
    assert "finds no device 'GPU" in told[0]
    assert told[0].endswith("Another is used.")


def test_one_that_starts_is_told_apart_from_one_that_works():
    (told,) = prove_active(Execution(providers=("openvino",), precision="int8", max_memory_bytes=1))
    assert told.startswith("The provider 'openvino' works here, but the built-in networks run on")


def test_one_that_is_listed_and_whose_library_is_missing_is_an_error(monkeypatch):
    """ONNX Runtime's CUDA build without a driver lists the provider and cannot start it."""
    both = Installed(frozenset({"CPUExecutionProvider", "CUDAExecutionProvider"}))
    monkeypatch.setattr(loader, "installed_providers", lambda: both)
    monkeypatch.setattr(loader, "resolve", lambda _: (("cuda",), ()))
    with pytest.raises(ProviderError, match="cuda"):
        prove_active(Execution(providers=("cuda",)))


def test_an_option_that_the_provider_lacks_is_an_error():
    wrong = Execution(providers=("openvino",), options={"openvino": {"devicetype": "CPU"}})
    with pytest.raises(SettingsError, match="Did you mean device_type"):
        prove_active(wrong)
