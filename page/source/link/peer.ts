/** Pictures by WebRTC, for networks that lose packets: one track up, one track down. */

import type { ToServer } from "./messages";

export class Peer {
  readonly #connection = new RTCPeerConnection();

  /**
   * @param camera what goes up; `null` where the pictures come from the server's side.
   * @param send takes messages for the server.
   * @param show is given the track that comes down.
   * @param lost is called when the connection has failed.
   */
  constructor(
    camera: MediaStream | null,
    readonly send: (message: ToServer) => void,
    show: (track: MediaStreamTrack) => void,
    lost: () => void,
  ) {
    const track = camera?.getVideoTracks()[0]; // sound stays with the WebSocket
    if (camera && track) this.#connection.addTrack(track, camera);
    else this.#connection.addTransceiver("video", { direction: "recvonly" });
    this.#connection.ontrack = (event) => {
      if (event.track.kind === "video") show(event.track);
    };
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState === "failed") lost();
    };
  }

  /** Offers, with all candidates in it, so that one message each way is enough. */
  async offer(): Promise<void> {
    await this.#connection.setLocalDescription();
    await this.#gathered();
    this.send({ type: "offer", sdp: this.#connection.localDescription?.sdp ?? "" });
  }

  async answer(sdp: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** How long pictures wait on their way: there and back, and before they are shown. */
  async delayMs(): Promise<number | null> {
    let roundTrip: number | null = null;
    let buffered = 0;
    for (const report of (await this.#connection.getStats()).values()) {
      if (report.type === "candidate-pair" && report.nominated) {
        roundTrip = Number(report.currentRoundTripTime ?? 0) * 1000;
      }
      if (report.type === "inbound-rtp" && report.kind === "video" && report.jitterBufferEmittedCount) {
        buffered = (1000 * report.jitterBufferDelay) / report.jitterBufferEmittedCount;
      }
    }
    return roundTrip === null ? null : roundTrip + buffered;
  }

  close(): void {
    this.#connection.close();
  }

  #gathered(): Promise<void> {
    const connection = this.#connection;
    return new Promise((resolve) => {
      const look = (): void => {
        if (connection.iceGatheringState === "complete") resolve();
      };
      connection.addEventListener("icegatheringstatechange", look);
      setTimeout(resolve, 2000);
      look();
    });
  }
}
