/** Whether pictures travel by WebSocket or by WebRTC, and when the one follows the other. */

import { feed } from "../link/camera";
import { Peer } from "../link/peer";
import type { CodecName } from "../link/wire";
import { system } from "../server/data";
import type { Session } from "./session";
import { status } from "./status";
import { wishes } from "./wishes";

const LATE_MS = 400;
const UNEVEN = 4;
const LOOKS = 6;

export class Transports {
  readonly #session: Session;
  #peer: Peer | null = null;
  #stopShowing: (() => void) | null = null;
  #bad = 0;
  #codec: CodecName = "jpeg";

  constructor(session: Session) {
    this.#session = session;
  }

  /** The stream has begun by WebSocket: change where WebRTC was asked for. */
  begin(codec: CodecName): void {
    this.#codec = codec;
    if (wishes.value.transport === "webrtc") this.#byPeer();
  }

  /** Twice a second: a network that loses packets shows in a few pictures that are very late. */
  look(): void {
    const { p50, p95 } = status.value.latency ?? { p50: null, p95: null };
    const bad = p50 !== null && p95 !== null && p95 > LATE_MS && p95 > UNEVEN * p50;
    this.#bad = bad ? this.#bad + 1 : 0;
    if (this.#bad > LOOKS && wishes.value.transport === "auto" && system.value?.remote) {
      this.#byPeer();
    }
    void this.#measure();
  }

  answer(sdp: string): void {
    this.#peer?.answer(sdp).catch(() => this.back());
  }

  end(): void {
    this.#peer?.close();
    this.#peer = null;
    this.#stopShowing?.();
    this.#stopShowing = null;
    this.#bad = 0;
  }

  #byPeer(): void {
    if (this.#peer || !system.value?.capabilities.webrtc || !("RTCPeerConnection" in window)) return;
    const { camera, post, send } = this.#session;
    const peer = new Peer(camera, send, (track) => this.#show(track), () => this.back());
    this.#peer = peer;
    peer.offer().then(
      () => post({ do: "upward", codec: this.#codec, paused: true }),
      () => this.back(),
    );
  }

  #show(track: MediaStreamTrack): void {
    this.#stopShowing?.();
    this.#stopShowing = feed(track, "show", this.#session.post);
    this.#session.meter.clear();
    status.change({ transport: "webrtc" });
  }

  /** Pictures travel by the WebSocket again. */
  back(): void {
    if (!this.#peer) return;
    this.end();
    this.#session.send({ type: "hang_up" });
    this.#session.post({ do: "upward", codec: this.#codec, paused: false });
    this.#session.meter.clear();
    status.change({ transport: "websocket" });
  }

  async #measure(): Promise<void> {
    const delay = await this.#peer?.delayMs();
    const made = status.value.figures?.latency_ms.p50;
    if (delay != null && made != null) this.#session.meter.add(delay + made);
  }
}
