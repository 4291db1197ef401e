/** The message that begins a stream, made of what was chosen. */

import { H264Encoder } from "../link/encoders";
import type { Output, Source, Start } from "../link/messages";
import type { CodecName } from "../link/wire";
import { system } from "../server/data";
import type { Guardian } from "../server/types";
import { look } from "./look";
import { wishes } from "./wishes";

export const size = (): [number, number] =>
  wishes.value.size === "1280x720" ? [1280, 720] : [640, 480];

/**
 * H.264 where this browser makes it and the server reads it: less work for both than JPEG, even on
 * one machine, and a fifth of the bytes.
 */
async function codecUp(): Promise<CodecName> {
  if (wishes.value.codec === "jpeg" || !system.value?.capabilities.h264) return "jpeg";
  return (await H264Encoder.works(...size())) ? "h264" : "jpeg";
}

async function codecDown(): Promise<CodecName> {
  if (!system.value?.remote || !system.value.capabilities.h264) return "jpeg";
  if (typeof VideoDecoder === "undefined") return "jpeg";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: "avc1.42e028" });
  return supported ? "h264" : "jpeg";
}

/** What is wished of the pictures that come down. Browser cameras' originals are here already. */
export async function output(comparing: boolean): Promise<Output> {
  const original = comparing && wishes.value.source !== "browser";
  return { codec: await codecDown(), quality: 85, width: null, original };
}

/** The chosen source, or the name of the sentence that says what is missing. */
async function source(): Promise<Source | string> {
  const chosen = wishes.value;
  const [width, height] = size();
  switch (chosen.source) {
    case "browser":
      return { kind: "browser", width, height, rate: 30, codec: await codecUp(), sound: chosen.sound };
    case "camera":
      return chosen.hostCamera ? { kind: "camera", id: chosen.hostCamera } : "live.choose_camera";
    case "upload":
      return chosen.upload ? { kind: "upload", id: chosen.upload.id, loop: true } : "live.choose_file";
    case "stream":
      return chosen.address ? { kind: "stream", address: chosen.address } : "live.choose_address";
    case "puppet":
      return { kind: "puppet" };
  }
}

export async function startMessage(
  comparing: boolean,
  guardian: Guardian | null,
): Promise<Start | string> {
  const { donor, settings, preset, mirror } = look.value;
  if (!donor) return "live.choose_donor";
  const from = await source();
  if (typeof from === "string") return from;
  const result = await output(comparing);
  return { type: "start", source: from, donor, settings, preset, mirror, guardian, output: result };
}
