/** Where pictures come from and how they travel. Not part of the look: undo leaves it alone. */

import { kept } from "../state/kept";

export type SourceKind = "browser" | "camera" | "upload" | "stream" | "puppet";
export type Transport = "auto" | "websocket" | "webrtc";
export type UpCodec = "auto" | "jpeg" | "h264";

export interface Wishes {
  source: SourceKind;
  browserCamera: string | null;
  hostCamera: string | null;
  upload: { id: string; name: string } | null;
  address: string;
  size: "640x480" | "1280x720";
  sound: boolean;
  transport: Transport;
  codec: UpCodec;
  rtmp: string;
}

export const wishes = kept<Wishes>("wishes", {
  source: "browser",
  browserCamera: null,
  hostCamera: null,
  upload: null,
  address: "",
  size: "640x480",
  sound: false,
  transport: "auto",
  codec: "auto",
  rtmp: "",
});
