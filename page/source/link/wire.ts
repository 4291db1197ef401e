/** The head of binary messages: 24 bytes, little endian, then the faces, then the payload. */

export const HEAD_BYTES = 24;
const FACE_BYTES = 12;

export const KIND = { picture: 1, sound: 2, original: 3 } as const;
/** `none` comes with the faces of a picture that travels by WebRTC. */
export const CODEC = { none: 0, jpeg: 1, h264: 2, pcm: 3 } as const;
export type CodecName = "jpeg" | "h264";

const FACE_STATES = ["swapped", "passed", "concealed"] as const;
export type FaceState = (typeof FACE_STATES)[number];

/** A face in the picture; its box is x0, y0, x1, y1 in pixels. */
export interface LiveFace {
  track: number;
  state: FaceState;
  donor: number;
  box: [number, number, number, number];
}

export interface Head {
  kind: number;
  codec: number;
  key: boolean;
  seq: number;
  /** `performance.now()` of the sender when the picture was taken. */
  stampMs: number;
  width: number;
  height: number;
}

/** A message with room for `bytes` of payload, and where that begins. */
export function messageWithHead(head: Head, bytes: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(HEAD_BYTES + bytes);
  const view = new DataView(message.buffer);
  view.setUint8(0, head.kind);
  view.setUint8(1, head.codec);
  view.setUint8(2, head.key ? 1 : 0);
  view.setUint8(3, 0);
  view.setUint32(4, head.seq >>> 0, true);
  view.setFloat64(8, head.stampMs, true);
  view.setUint32(16, head.width, true);
  view.setUint32(20, head.height, true);
  return message;
}

export interface Received extends Head {
  faces: LiveFace[];
  payload: Uint8Array<ArrayBuffer>;
}

/** What a message says, or `null` where it is too short to be one. */
export function readMessage(buffer: ArrayBuffer): Received | null {
  if (buffer.byteLength < HEAD_BYTES) return null;
  const view = new DataView(buffer);
  const count = view.getUint8(3);
  const start = HEAD_BYTES + count * FACE_BYTES;
  if (buffer.byteLength < start) return null;
  return {
    kind: view.getUint8(0),
    codec: view.getUint8(1),
    key: (view.getUint8(2) & 1) === 1,
    seq: view.getUint32(4, true),
    stampMs: view.getFloat64(8, true),
    width: view.getUint32(16, true),
    height: view.getUint32(20, true),
    faces: Array.from({ length: count }, (_, index) => faceAt(view, HEAD_BYTES + index * FACE_BYTES)),
    payload: new Uint8Array(buffer, start),
  };
}

function faceAt(view: DataView, at: number): LiveFace {
  const edge = (index: number): number => view.getUint16(at + 4 + 2 * index, true);
  return {
    track: view.getUint16(at, true),
    state: FACE_STATES[view.getUint8(at + 2)] ?? "passed",
    donor: view.getUint8(at + 3),
    box: [edge(0), edge(1), edge(2), edge(3)],
  };
}
