/** This browser's camera and microphone, and where their pictures go. */

import type { ToWorker } from "./messages";

export interface CameraWish {
  id: string | null;
  width: number;
  height: number;
  sound: boolean;
}

/** Chromium and Safari hand pictures over without a copy; others go by way of a video element. */
declare const MediaStreamTrackProcessor:
  | undefined
  | (new (of: { track: MediaStreamTrack }) => { readable: ReadableStream<VideoFrame> });

type Post = (message: ToWorker, transfer?: Transferable[]) => void;

const RATE = 48_000;

/** The page and its worker count from different beginnings; this is the same for both. */
const now = (): number => performance.timeOrigin + performance.now();

/** Why there are no pictures: the name of a sentence of the page. */
export function cameraProblem(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (!isSecureContext || !("mediaDevices" in navigator)) return "camera.insecure";
  if (name === "NotAllowedError" || name === "SecurityError") return "camera.refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "camera.missing";
  if (name === "NotReadableError" || name === "AbortError") return "camera.busy";
  return "camera.failed";
}

export async function openCamera(wish: CameraWish): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({
    video: {
      width: { ideal: wish.width },
      height: { ideal: wish.height },
      frameRate: { ideal: 30 },
      ...(wish.id ? { deviceId: { exact: wish.id } } : {}),
    },
    audio: wish.sound ? { channelCount: 1, echoCancellation: false } : false,
  });
}

/** Cameras of this browser; their names are known once one was allowed. */
export async function cameras(): Promise<{ id: string; name: string }[]> {
  if (!("mediaDevices" in navigator)) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput" && device.deviceId)
    .map((device) => ({ id: device.deviceId, name: device.label }));
}

/** Gives the pictures of `track` to the worker until the track ends or the result is called. */
export function feed(track: MediaStreamTrack, purpose: "send" | "show", post: Post): () => void {
  if (typeof MediaStreamTrackProcessor !== "undefined") {
    const own = track.clone();
    const { readable } = new MediaStreamTrackProcessor({ track: own });
    post({ do: "frames", frames: readable, purpose }, [readable]);
    return () => own.stop();
  }
  return feedByVideo(track, purpose, post);
}

function feedByVideo(track: MediaStreamTrack, purpose: "send" | "show", post: Post): () => void {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  let wanted = true;
  const next = async (): Promise<void> => {
    const sinceEpochMs = now();
    if (video.videoWidth) {
      const frame = await createImageBitmap(video);
      post({ do: "frame", frame, sinceEpochMs, purpose }, [frame]);
    }
    if (wanted) video.requestVideoFrameCallback(() => void next());
  };
  void video.play().then(() => video.requestVideoFrameCallback(() => void next()));
  return () => {
    wanted = false;
    video.srcObject = null;
  };
}

/** Gives the sound of `stream` to the worker. */
export async function feedSound(stream: MediaStream, post: Post): Promise<() => void> {
  const context = new AudioContext({ sampleRate: RATE });
  await context.audioWorklet.addModule("sound.js");
  const taker = new AudioWorkletNode(context, "sound-taker", { numberOfOutputs: 0 });
  context.createMediaStreamSource(stream).connect(taker);
  taker.port.onmessage = (event: MessageEvent<Int16Array<ArrayBuffer>>) => {
    const sinceEpochMs = now() - (1000 * event.data.length) / RATE;
    post({ do: "sound", samples: event.data, sinceEpochMs }, [event.data.buffer]);
  };
  return () => void context.close();
}
