"""Use a studio from a program: send a donor, swap a live puppet, change it, keep a picture.

masquerade studio                                        # prints its link
python examples/studio_client.py LINK me.jpg swapped.jpg

Needs httpx and websockets. Under a certificate that the studio made itself, give its file too:
SSL_CERT_FILE=certificate.pem python examples/studio_client.py ...
"""

from __future__ import annotations

import json
import os
import ssl
import struct
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from websockets.sync.client import connect

HEAD = struct.Struct("<BBBBIdII")  # kind, codec, flags, faces, number, stamp in ms, width, height
FACE_BYTES = 12
PICTURES = 30

link, donor, output = sys.argv[1:4]
parts = urlsplit(link)
root = f"{parts.scheme}://{parts.netloc}/api/v1"
headers = {"Authorization": f"Bearer {parse_qs(parts.query)['token'][0]}"}
trust = None
if parts.scheme == "https":
    trust = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))

# Everything that is not live goes over HTTP. An error is a sentence in `detail`.
with httpx.Client(base_url=root, headers=headers, verify=trust or True, timeout=60) as client:

    def ask(method: str, path: str, **what: object) -> dict:
        answer = client.request(method, path, **what)
        if answer.is_error:
            sys.exit(answer.json()["detail"])
        return answer.json()

    photo = ask("POST", "/uploads", files={"file": (Path(donor).name, Path(donor).read_bytes())})
    wanted = {"name": "me", "uploads": [photo["id"]], "consent": "self"}
    identity = ask("POST", "/identities", json=wanted)
    print(f"{identity['name']}: quality {identity['quality']:.2f}", *identity["advice"])

# Live: words are JSON, pictures are binary with a head of 24 bytes and a record for each face.
start = {
    "type": "start",
    "source": {"kind": "puppet"},
    "donor": identity["id"],
    "settings": {"strength": 1.0},
    "output": {"codec": "jpeg", "quality": 90},
}
address = f"{root.replace('http', 'ws', 1)}/live"
with connect(
    address, subprotocols=["masquerade.v1"], additional_headers=headers, ssl=trust, max_size=2**23
) as line:
    line.send(json.dumps(start))
    shown = 0
    while shown < PICTURES:
        message = line.recv(timeout=60)
        if isinstance(message, str):
            said = json.loads(message)
            if said["type"] == "problem":
                print(said["detail"])
                if said["fatal"]:
                    sys.exit(1)
            elif said["type"] == "state":
                print(f"{said['fps']:.0f} fps, latency {said['latency_ms']['p50']:.0f} ms")
            continue
        kind, codec, flags, faces, number, stamp_ms, width, height = HEAD.unpack_from(message)
        jpeg = message[HEAD.size + faces * FACE_BYTES :]
        shown += 1
        # The studio sends no more than two pictures ahead of this answer.
        line.send(json.dumps({"type": "got", "seq": number, "shown_ms": 1000 * time.monotonic()}))
        if shown == PICTURES // 2:
            line.send(json.dumps({"type": "settings", "changes": {"shape": 0.3}}))
    line.send(json.dumps({"type": "stop"}))
Path(output).write_bytes(jpeg)
print(f"Wrote {output}: {width}x{height}, {faces} face(s).")
