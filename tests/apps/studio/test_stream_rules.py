"""Which addresses clients may have the studio's machine open."""

from __future__ import annotations

import pytest

from masquerade.apps.studio.access.streams import StreamRules
from masquerade.core.errors import AddressError, SettingsError

NUMBERS = {
    "camera.example": ["192.0.2.10"],  # documentation's own network: not reachable from anywhere
    "public.example": ["8.8.8.8", "2001:4860:4860::8888"],
    "inside.example": ["192.168.1.20"],
    "both.example": ["8.8.8.8", "10.0.0.1"],
    "home.example": ["127.0.0.1"],
    "cloud.example": ["169.254.169.254"],
    "wrapped.example": ["::ffff:10.0.0.1"],
    "tunnel.example": ["2002:0a00:0001::"],
    "nowhere.example": [],
}


def resolve(name: str) -> list[str]:
    if name not in NUMBERS:
        raise OSError("unknown")
    return NUMBERS[name]


def rules(*patterns: str) -> StreamRules:
    return StreamRules(patterns, resolve)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("rtsp://camera.example/*", "rtsp://camera.example/one/two"),
        ("rtsp://camera.example/*", "RTSP://Camera.Example./one"),
        ("rtsp://camera.example/*", "rtsp://me:word@camera.example/one"),
        ("rtsp://camera.example", "rtsp://camera.example"),
        ("rtsp://*.example:*/*", "rtsp://camera.example:8554/x"),
        ("rtsp://10.0.0.*:554/*", "rtsp://10.0.0.7:554/x?y=1"),
        ("udp://[::1]:5000", "udp://[::1]:5000"),
    ],
)
def test_what_a_pattern_fits_may_be_opened(pattern, address):
    rules(pattern).check(address, remote=False)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://other.example/one",
        "http://camera.example/one",
        "rtsp://camera.example:8554/one",
        "rtsp://camera.example.evil.example/one",
        "rtsp://evil.example/camera.example/",
        "rtsp://evil.example#@camera.example/",
        "rtsp://evil.example/@camera.example/",
        "rtsp://camera.example@evil.example/",
        "rtsp://evil.example\\@camera.example/",
        "rtsp://evil.example?@camera.example/",
        "rtsp://a@b@camera.example/",
        "rtsp://camera.example/a/../../b",
        "rtsp://camera.example/%2e%2e/b",
        "rtsp://camera.example/a b",
        "rtsp://camera.example/a\nb",
        "rtsp://*/one",
        "file:///etc/passwd",
        "concat:rtsp://camera.example/",
        "rtsp:/camera.example/one",
        "rtsp://",
        "",
        "rtsp://" + "a" * 10_000,
    ],
)
def test_what_none_fits_may_not(address):
    with pytest.raises(AddressError):
        rules("rtsp://camera.example/*").check(address, remote=False)


def test_a_star_in_the_host_does_not_reach_into_the_path():
    with pytest.raises(AddressError):
        rules("rtsp://*.example/*").check("rtsp://evil.test/.example/", remote=False)


def test_without_patterns_nothing_may_be_opened():
    with pytest.raises(AddressError, match="--allow-stream"):
        rules().check("rtsp://camera.example/one", remote=False)


@pytest.mark.parametrize("host", ["public.example", "8.8.8.8", "[2001:4860:4860::8888]"])
def test_remote_clients_get_public_addresses(host):
    rules("rtsp://*/*").check(f"rtsp://{host}/one", remote=True)


@pytest.mark.parametrize(
    "host",
    ["inside.example", "both.example", "home.example", "cloud.example", "wrapped.example",
     "tunnel.example", "nowhere.example", "unknown.example", "192.168.1.20", "127.0.0.1", "[::1]",
     "[fe80::1]", "[fc00::1]", "169.254.169.254", "0.0.0.0", "224.0.0.1", "[::ffff:127.0.0.1]"],
)  # fmt: skip
def test_remote_clients_get_no_private_ones_although_a_pattern_fits(host):
    rules("rtsp://*/*").check(f"rtsp://{host}/one", remote=False)
    with pytest.raises(AddressError):
        rules("rtsp://*/*").check(f"rtsp://{host}/one", remote=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_numbers_written_oddly_are_names_and_are_looked_up(host):
    with pytest.raises(AddressError):
        rules("rtsp://*/*").check(f"rtsp://{host}/one", remote=True)


def test_an_error_repeats_no_password():
    with pytest.raises(AddressError) as raised:
        rules().check("rtsp://me:word@camera.example/key", remote=True)
    assert "word" not in str(raised.value)
    assert "key" not in str(raised.value)


@pytest.mark.parametrize("pattern", ["camera", "*", "rtsp://me@camera/*", "file:///x", ""])
def test_a_pattern_that_is_none(pattern):
    with pytest.raises(SettingsError, match="no pattern"):
        rules(pattern)
