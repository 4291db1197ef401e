/** Settings as a TOML file that the command line takes too, and as named presets. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { loadPresets, presets } from "../server/data";
import { post, postText, textFrom } from "../server/request";
import type { Settings } from "../server/types";
import { complain, tell } from "../state/notices";
import { useStore } from "../state/store";
import { known, say } from "../text/translate";
import { Button } from "./button";

/** Lets the browser keep `text` as a file. */
export function saveText(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export const presetName = (name: string): string =>
  known(`preset.${name}`) ? say(`preset.${name}`) : name;

interface FileFields {
  settings: Settings;
  /** Which of the built-in presets a live stream works by. */
  live?: string;
  onSettings: (settings: Settings, live?: string) => void;
}

export function SettingsFile({ settings, live, onSettings }: FileFields): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const found = useStore(presets);
  const [name, setName] = useState("");
  useEffect(() => void loadPresets(), []);
  const trying = (work: () => Promise<void>) => (): void => void work().catch(complain);
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const parsed = await postText<{ settings: Settings }>("/settings/parse", await file.text());
    onSettings(parsed.settings);
    tell(say("toml.read"));
  };
  const keep = trying(async () => {
    await post("/presets", { name, settings, live: live ?? "balanced" });
    setName("");
    await loadPresets();
    tell(say("presets.kept", { name }));
  });
  return (
    <details class="group">
      <summary>{say("toml.title")}</summary>
      <p class="help">{say("toml.help")}</p>
      <div class="row">
        <Button
          icon="download"
          onPress={trying(async () =>
            saveText(await textFrom("/settings/toml", { settings }), "masquerade.toml"),
          )}
        >
          {say("toml.save")}
        </Button>
        <Button icon="upload" onPress={() => input.current?.click()}>
          {say("toml.open")}
        </Button>
        <input
          ref={input}
          type="file"
          accept=".toml"
          hidden
          onChange={(event) => void read(event.currentTarget.files?.[0]).catch(complain)}
        />
      </div>
      <div class="row presets">
        {found.map((preset) => (
          <Button key={preset.name} kind="quiet" onPress={() => onSettings(preset.settings, preset.live)}>
            {presetName(preset.name)}
          </Button>
        ))}
      </div>
      <div class="row">
        <input
          type="text"
          maxLength={40}
          value={name}
          aria-label={say("presets.name")}
          placeholder={say("presets.name")}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <Button disabled={!name.trim()} onPress={keep}>
          {say("presets.keep")}
        </Button>
      </div>
    </details>
  );
}
