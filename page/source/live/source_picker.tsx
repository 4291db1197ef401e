/** Where the pictures come from. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { cameras } from "../link/camera";
import { Drop } from "../parts/drop";
import { Icon } from "../parts/icon";
import { Choice, type Option, Switch, Text } from "../parts/inputs";
import { devices, loadDevices, system } from "../server/data";
import { upload } from "../server/request";
import type { Upload } from "../server/types";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { number, percent } from "../text/numbers";
import { say } from "../text/translate";
import { status } from "./status";
import { type SourceKind, type Transport, type UpCodec, wishes } from "./wishes";

const SIZES = ["640x480", "1280x720"] as const;

function useKinds(): Option[] {
  const host = useStore(devices);
  const able = useStore(system)?.capabilities;
  const kinds: SourceKind[] = ["browser"];
  if (able?.host_cameras && host?.cameras.length) kinds.push("camera");
  kinds.push("upload");
  if (able?.streams) kinds.push("stream");
  kinds.push("puppet");
  return kinds.map((value) => ({ value, text: say(value === "camera" ? "source.host_camera" : `source.${value}`) }));
}

export function SourcePicker(): JSX.Element {
  const chosen = useStore(wishes);
  const { phase } = useStore(status);
  const kinds = useKinds();
  useEffect(() => void loadDevices(), []);
  return (
    <section class="card source" aria-labelledby="source-title">
      <h2 id="source-title">{say("source.title")}</h2>
      <fieldset class="plain" disabled={phase !== "idle"}>
        <Choice
          label={say("source.kind")}
          value={chosen.source}
          options={kinds}
          onChange={(value) => wishes.change({ source: value as SourceKind })}
        />
        {chosen.source === "browser" && <BrowserCamera />}
        {chosen.source === "camera" && <HostCamera />}
        {chosen.source === "upload" && <FileSource />}
        {chosen.source === "stream" && (
          <Text
            label={say("source.address")}
            help={say("source.address_help")}
            mode="url"
            placeholder="rtsp://"
            value={chosen.address}
            onChange={(address) => wishes.change({ address })}
          />
        )}
        <Transports />
      </fieldset>
    </section>
  );
}

function BrowserCamera(): JSX.Element {
  const chosen = useStore(wishes);
  const { phase } = useStore(status);
  const [found, setFound] = useState<Option[]>([]);
  useEffect(() => {
    const look = async (): Promise<void> => {
      const named = (await cameras()).map(({ id, name }, index) => ({
        value: id,
        text: name || say("source.camera_number", { number: number(index + 1) }),
      }));
      setFound([{ value: "", text: say("source.any_camera") }, ...named]);
    };
    void look();
    navigator.mediaDevices?.addEventListener("devicechange", look);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
  }, [phase]);
  return (
    <>
      {found.length > 2 && (
        <Choice
          label={say("source.camera")}
          value={chosen.browserCamera ?? ""}
          options={found}
          onChange={(id) => wishes.change({ browserCamera: id || null })}
        />
      )}
      <Choice
        label={say("source.size")}
        value={chosen.size}
        options={SIZES.map((value) => ({ value, text: value.replace("x", " × ") }))}
        onChange={(size) => wishes.change({ size: size as (typeof SIZES)[number] })}
      />
      <Switch
        label={say("source.sound")}
        value={chosen.sound}
        onChange={(sound) => wishes.change({ sound })}
      />
    </>
  );
}

function HostCamera(): JSX.Element {
  const chosen = useStore(wishes);
  const found = useStore(devices)?.cameras ?? [];
  const first = found[0]?.id;
  useEffect(() => {
    if (first && !found.some((one) => one.id === chosen.hostCamera)) wishes.change({ hostCamera: first });
  }, [first]);
  return (
    <Choice
      label={say("source.camera")}
      value={chosen.hostCamera ?? ""}
      options={found.map(({ id, name }) => ({ value: id, text: name }))}
      onChange={(hostCamera) => wishes.change({ hostCamera })}
    />
  );
}

function FileSource(): JSX.Element {
  const { upload: file } = useStore(wishes);
  const [share, setShare] = useState<number | null>(null);
  const send = async (files: File[]): Promise<void> => {
    const one = files[0] as File;
    try {
      setShare(0);
      const { id, name } = await upload<Upload>(one, one.name, setShare);
      wishes.change({ upload: { id, name } });
    } catch (error) {
      complain(error);
    }
    setShare(null);
  };
  return (
    <Drop accept="video/*,image/*" onFiles={(files) => void send(files)} class="line">
      <Icon name="upload" />
      <span>{share === null ? (file?.name ?? say("source.pick_file")) : percent(share)}</span>
    </Drop>
  );
}

function Transports(): JSX.Element {
  const chosen = useStore(wishes);
  const able = useStore(system)?.capabilities;
  const kinds: Transport[] = able?.webrtc ? ["auto", "websocket", "webrtc"] : ["auto", "websocket"];
  return (
    <details class="group">
      <summary>{say("source.way")}</summary>
      <Choice
        label={say("transport.title")}
        help={say("transport.help")}
        value={chosen.transport}
        options={kinds.map((value) => ({ value, text: say(`transport.${value}`) }))}
        onChange={(value) => wishes.change({ transport: value as Transport })}
      />
      {chosen.source === "browser" && able?.h264 && (
        <Choice
          label={say("codec.title")}
          value={chosen.codec}
          options={(["auto", "jpeg", "h264"] as const).map((value) => ({
            value,
            text: say(`codec.${value}`),
          }))}
          onChange={(value) => wishes.change({ codec: value as UpCodec })}
        />
      )}
    </details>
  );
}
