"""The identity of an installation: made once, private, renewed; brought; on a locked folder."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from signed_files import make_file

from masquerade.core.errors import SigningError
from masquerade.trust import certificates
from masquerade.trust.inspection import inspect_file
from masquerade.trust.signing_identity import SigningStore

NOW = datetime.now(UTC)


def brought(now: datetime = NOW) -> tuple[bytes, bytes]:
    """A chain and a key of somebody's own authority."""
    authority, authority_key = certificates.make_authority(now)
    leaf, key = certificates.issue_leaf(authority, authority_key, now)
    return certificates.pem(leaf, authority), certificates.key_pem(key)


def test_it_is_made_once_and_lasts_ten_years(store):
    first, second = store.identity(), store.identity()
    assert first == second
    assert timedelta(days=3640) < first.ends - NOW < timedelta(days=3651)
    assert first.own
    assert SigningStore(store.folder.parent / "other").identity().fingerprint != first.fingerprint


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_nobody_else_can_read_the_key(store):
    store.identity()
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.own_path.stat().st_mode) == 0o600
    store.own_path.chmod(0o644)
    store.identity()
    assert stat.S_IMODE(store.own_path.stat().st_mode) == 0o600
    store.bring(*brought())
    assert stat.S_IMODE(store.brought_path.stat().st_mode) == 0o600


def test_the_key_is_not_shown(store):
    assert b"PRIVATE" not in repr(store.identity()).encode()


def test_of_many_first_uses_one_identity_stays(store):
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.identity().fingerprint), name=f"t{n}")
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 6
    assert len(set(found)) == 1
    assert {item.name for item in store.folder.iterdir()} == {"own.pem", "own.lock"}


def test_the_leaf_is_renewed_by_the_same_authority_before_its_end(store):
    old = store.identity(NOW - timedelta(days=10 * 365 - 30))
    assert old.ends - NOW < timedelta(days=31)
    new = store.identity(NOW)
    assert new.fingerprint == old.fingerprint
    assert new.ends - NOW > timedelta(days=3640)
    assert store.identity(NOW) == new


def test_the_authority_is_renewed_before_its_end(store):
    old = store.identity(NOW - timedelta(days=20 * 365 - 10))
    new = store.identity(NOW)
    assert new.fingerprint != old.fingerprint


def test_renewing_by_hand_makes_another_authority(store, sign, tmp_path):
    path = sign(make_file(tmp_path / "a.png"))
    old = store.identity()
    assert store.renew().fingerprint != old.fingerprint
    assert inspect_file(path, store=store).state == "unknown"


def test_a_brought_certificate_signs_and_goes_again(store, sign, tmp_path):
    own = store.identity()
    chain, key = brought()
    found = store.bring(chain, key)
    assert not found.own
    for kind in (".png", ".mkv"):
        path = sign(make_file(tmp_path / f"a{kind}"))
        assert inspect_file(path, store=store).state == "trusted"
    assert store.identity().fingerprint == found.fingerprint
    assert store.forget_brought()
    assert not store.forget_brought()
    assert store.identity() == own


def _wrong() -> dict[str, tuple[bytes, bytes]]:
    chain, key = brought()
    other_chain, other_key = brought()
    leaf, authority = certificates.parse_chain(chain)
    foreign = certificates.parse_chain(other_chain)[1]
    old_chain, old_key = brought(NOW - timedelta(days=11 * 365))
    return {
        "another key": (chain, other_key),
        "an authority first": (certificates.pem(authority, leaf), key),
        "another authority": (certificates.pem(leaf, foreign), key),
        "no certificate": (b"hello", key),
        "no key": (chain, b"hello"),
        "it has ended": (old_chain, old_key),
        "far too long": (chain * 10, key),
    }


@pytest.mark.parametrize("case", list(_wrong()))
def test_what_cannot_sign_is_refused_in_words(store, case):
    chain, key = _wrong()[case]
    with pytest.raises(SigningError) as caught:
        store.bring(chain, key)
    assert str(caught.value).rstrip().endswith(".")
    assert "PRIVATE" not in str(caught.value)
    assert not store.brought_path.exists()


def test_keys_of_other_kinds_are_refused(store):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    chain, _key = brought()
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"word")
    encoding = serialization.Encoding.PEM
    p256 = ec.generate_private_key(ec.SECP256R1())
    for key in (
        ec.generate_private_key(ec.SECP384R1()).private_bytes(encoding, pkcs8, plain),
        ed25519.Ed25519PrivateKey.generate().private_bytes(encoding, pkcs8, plain),
        p256.private_bytes(encoding, pkcs8, locked),
    ):
        with pytest.raises(SigningError):
            store.bring(chain, key)


def test_a_brought_certificate_that_ended_meanwhile_stops_and_says_so(store):
    store.bring(*brought())
    with pytest.raises(SigningError, match="ended on"):
        store.identity(NOW + timedelta(days=11 * 365))


def test_a_damaged_identity_is_left_as_it_is(store):
    store.identity()
    for damage in (b"", b"nonsense", b"x" * 200_000, store.own_path.read_bytes()[:400]):
        store.own_path.write_bytes(damage)
        with pytest.raises(SigningError, match="damaged"):
            store.identity()
        assert store.own_path.read_bytes() == damage


@pytest.fixture
def locked(store, monkeypatch):
    """A folder that cannot be written, whoever runs the tests: root ignores modes."""

    def lock() -> None:
        store.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid():
            store.folder.chmod(0o500)
            return

        def refuse(*_args: object, **_kwargs: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkstemp", refuse)

    yield lock
    store.folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_locked_folder_without_an_identity_is_told_at_once(store, locked):
    locked()
    with pytest.raises((SigningError, OSError), match="MASQUERADE_HOME"):
        store.identity()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_locked_folder_with_an_identity_is_enough(store, sign, tmp_path, locked):
    store.identity()
    locked()
    path = sign(make_file(tmp_path / "a.png"))
    assert inspect_file(path, store=store).state == "trusted"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_on_a_locked_folder_an_old_leaf_signs_until_its_end(store, locked):
    old = store.identity(NOW - timedelta(days=10 * 365 - 30))
    locked()
    assert store.identity(NOW) == old
    with pytest.raises(SigningError, match="MASQUERADE_HOME"):
        store.identity(NOW + timedelta(days=60))


# The timestamp of an authority: a real one, from OpenSSL, on the loopback


class _Authority(HTTPServer):
    folder: Path


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        folder = self.server.folder  # type: ignore[attr-defined]
        (folder / "query.tsq").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        words = "openssl ts -reply -config tsa.cnf -queryfile query.tsq -out reply.tsr"
        subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
        reply = (folder / "reply.tsr").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_args: object) -> None:
        """Silence."""


_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = A timestamp authority
O = Test
[ext]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(tmp_path):
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(_CONFIG)
    (folder / "serial").write_text("01\n")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for words in (
        f"openssl req -x509 {curve} -keyout ca.key -out ca.pem -days 30 -config tsa.cnf "
        "-extensions ca -subj /O=Test/CN=Root",
        f"openssl req {curve} -keyout tsa.key -out tsa.csr -config tsa.cnf",
        "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem "
        "-days 20 -extfile tsa.cnf -extensions ext",
    ):
        subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    server = _Authority(("127.0.0.1", 0), _Answer)
    server.folder = folder
    thread = threading.Thread(target=server.serve_forever, name="tsa", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is the authority")
def test_an_authority_dates_the_signature(store, sign, tmp_path, authority):
    store.bring(*brought(), authority)
    path = sign(make_file(tmp_path / "a.png"))
    found = inspect_file(path, store=store)
    assert found.state == "trusted"
    assert found.latest is not None
    assert found.latest.when[:10] == f"{datetime.now(UTC):%Y-%m-%d}"


def test_an_authority_that_does_not_answer_is_told(store, sign, tmp_path):
    store.bring(*brought(), "http://127.0.0.1:9/")
    with pytest.raises(SigningError):
        sign(make_file(tmp_path / "a.png"))


def test_an_authority_needs_an_address(store):
    for word in ("file:///etc/passwd", "here", "http://a b", "http://a\nKey: x"):
        with pytest.raises(SigningError, match="no address"):
            store.bring(*brought(), word)


def test_a_certificate_of_a_version_that_there_is_not_is_a_value_error() -> None:
    leaf = certificates.parse_chain(brought()[0])[0]
    der = leaf.public_bytes(serialization.Encoding.DER)
    version = bytes.fromhex("a003020102")
    assert der.count(version) == 1
    broken = der.replace(version, bytes.fromhex("a003020112"))
    text = base64.encodebytes(broken).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError, match="18"):
        certificates.parse_chain(pem.encode())
