"""Who signs, through the real command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from masquerade.trust import certificates


def test_signing_is_shown_brought_and_given_back(run, swap, astronaut):
    own = run("signing", "show", "--json").json
    assert (own["own"], len(own["fingerprint"])) == (True, 64)
    authority, authority_key = certificates.make_authority(datetime.now(UTC))
    leaf, key = certificates.issue_leaf(authority, authority_key, datetime.now(UTC))
    Path("chain.pem").write_bytes(certificates.pem(leaf, authority))
    Path("key.pem").write_bytes(certificates.key_pem(key))
    brought = run("signing", "bring", "chain.pem", "key.pem", "--json")
    assert (brought.code, brought.json["own"]) == (0, False)
    swap(astronaut, "out.png")
    assert run("inspect", "out.png").code == 0
    assert run("signing", "own", "--json").json["fingerprint"] == own["fingerprint"]
    assert run("inspect", "out.png").code == 20
    renewed = run("signing", "renew", "--json").json
    assert renewed["fingerprint"] != own["fingerprint"]
    for words in (("key.pem", "chain.pem"), ("missing.pem", "key.pem"), (".", "key.pem")):
        done = run("signing", "bring", *words)
        assert done.code in (3, 6)
        assert "PRIVATE" not in done.err + done.out
