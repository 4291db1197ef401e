"""The studio as benchmarks/studio.py measures it: the product's server, with two more routes.

``/bench`` is a page that measures; ``/echo`` is the transport alone: pictures are decoded, blurred
and encoded by the product's own parts, and no engine works. It prints its link.

    python benchmarks/studio_server.py DONOR.jpg FOLDER
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
import threading
from fractions import Fraction
from pathlib import Path

import cv2
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from masquerade.apps.studio import launch
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.live.binary import unpack
from masquerade.apps.studio.live.outbox import Outbox
from masquerade.apps.studio.services import open_services
from masquerade.media.live.pushed import PushedSource
from masquerade.media.live_sinks.parcels import ParcelCoding, ParcelSink
from masquerade.stages.identity import Identity

HERE = Path(__file__).resolve().parent


async def echo(socket: WebSocket) -> None:
    """Transport alone: what comes is decoded, blurred and sent back."""
    await socket.accept("masquerade.v1")
    start = json.loads((await socket.receive())["text"])
    wish = start["source"]
    size = (wish["width"], wish["height"])
    source = PushedSource(size, Fraction(30), wish["codec"])

    def stamp(parcel: object) -> float:
        ticket = source.ticket(parcel.frame.seq)  # type: ignore[attr-defined]
        return ticket.stamp_ms if ticket else 0.0

    outbox = Outbox(asyncio.get_running_loop(), stamp, lambda: ())
    sink = ParcelSink(outbox, ParcelCoding(codec=start["output"]["codec"]), Fraction(30))

    def work() -> None:
        for frame in source:
            blurred = cv2.GaussianBlur(frame.pixels, (5, 5), 0)
            blurred[-16:] = frame.pixels[-16:]
            sink.write(dataclasses.replace(frame, pixels=blurred))

    async def send() -> None:
        while (found := await outbox.next()) is not None:
            if found[0] is not None:
                await socket.send_text(found[0])
            for message in found[1]:
                await socket.send_bytes(message)

    threading.Thread(target=work, daemon=True).start()
    sending = asyncio.create_task(send())
    outbox.say("started")
    with contextlib.suppress(WebSocketDisconnect, KeyError):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            if message.get("bytes"):
                media = unpack(message["bytes"])
                source.push(media.data, media.number, media.stamp_ms, key=media.key)
            else:
                outbox.saw(json.loads(message["text"])["seq"])
    source.close()
    outbox.close()
    sending.cancel()


def main() -> None:
    donor, folder = sys.argv[1:3]
    identity = Identity.from_photos(donor, "donor")
    config = StudioConfig(port=0, folder=Path(folder))
    services = dataclasses.replace(
        open_services(config), find_donor=lambda _id: (identity, "public-domain")
    )
    create = launch.create_app

    def create_with_bench(config: StudioConfig) -> object:
        app = create(config, services)
        page = '<!doctype html><title>bench</title><body><script src="/bench.js"></script>'
        extra = [
            Route("/bench", lambda _request: HTMLResponse(page)),
            Route("/bench.js", lambda _request: FileResponse(HERE / "studio_page.js")),
            WebSocketRoute("/echo", echo),
        ]
        app.router.routes[:0] = extra
        return app

    launch.create_app = create_with_bench  # type: ignore[assignment]
    studio = launch.Studio(config)
    studio.run(lambda: print(studio.links[0], flush=True))


if __name__ == "__main__":
    main()
