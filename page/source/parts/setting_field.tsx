/** One setting of the engine, with the control that fits its kind. */

import type { JSX } from "preact";
import { models } from "../server/data";
import type { SettingField, SettingValue } from "../server/types";
import { useStore } from "../state/store";
import { known, say } from "../text/translate";
import { Choice, type Option, Several, Slider, Switch, Text } from "./inputs";

const MOST_STEPS = 400;
const ROUND_STEPS = [1, 2, 5, 10];
/** Settings that name models, and the role of those. */
const ROLE: Record<string, string> = {
  model: "swapper",
  enhancer: "enhancer",
  detector: "detector",
  landmarker: "landmarker",
  masker: "masker",
  enhance_frame: "upscaler",
};

export function settingName(field: SettingField): string {
  const key = `setting.${field.name}`;
  return known(key) ? say(key) : field.name.replaceAll("_", " ");
}

function helpOf(field: SettingField): string {
  const key = `setting.${field.name}.help`;
  return known(key) ? say(key) : field.help;
}

const choiceText = (name: string): string =>
  known(`choice.${name}`) ? say(`choice.${name}`) : name;

/** Choices of a setting that names models: those that are installed, and its default. */
function useModels(field: SettingField): Option[] | null {
  const role = ROLE[field.name];
  const found = (useStore(models) ?? []).filter((model) => model.role === role && model.installed);
  if (!role) return null;
  const usual = typeof field.default === "string" && field.default ? [field.default] : [];
  const names = new Set([...usual, ...found.map((model) => model.name)]);
  return [...names].map((value) => ({ value, text: choiceText(value) }));
}

interface SettingProps {
  field: SettingField;
  value: SettingValue;
  onChange: (value: SettingValue) => void;
  help?: boolean;
}

/** The control; where its help is not shown, it comes when the mouse rests on it. */
export function Setting(props: SettingProps): JSX.Element {
  return (
    <div title={props.help ? undefined : helpOf(props.field)}>
      <Control {...props} />
    </div>
  );
}

function Control({ field, value, onChange, help }: SettingProps): JSX.Element | null {
  const named = useModels(field);
  const words = { label: settingName(field), help: help ? helpOf(field) : undefined };
  const options =
    named ?? (field.choices ?? []).map((name) => ({ value: name, text: choiceText(name) }));
  if (field.kind === "switch") return <Switch {...words} value={value === true} onChange={onChange} />;
  if (field.kind === "list") {
    const chosen = Array.isArray(value) ? (value as string[]) : [];
    const all = chosen.filter((name) => !options.some((option) => option.value === name));
    const shown = [...options, ...all.map((name) => ({ value: name, text: name }))];
    if (!shown.length) return null;
    return <Several {...words} value={chosen} options={shown} onChange={onChange} />;
  }
  if (field.kind === "choice" || named) {
    return <Choice {...words} value={String(value)} options={options} onChange={onChange} />;
  }
  if (field.kind === "text") return <Text {...words} value={String(value)} onChange={onChange} />;
  return <NumberSetting words={words} field={field} value={Number(value)} onChange={onChange} />;
}

/** The step of a slider as people count: 1, 2 or 5, or a tenth or hundredth of those. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const far = (one: number): number => Math.abs(Math.log(one / (step / power)));
  const [nearest = 1] = [...ROUND_STEPS].sort((a, b) => far(a) - far(b));
  return Number((nearest * power).toPrecision(1));
}

interface NumberProps {
  words: { label: string; help: string | undefined };
  field: SettingField;
  value: number;
  onChange: (value: number) => void;
}

function NumberSetting({ words, field, value, onChange }: NumberProps): JSX.Element {
  const [low, high] = [field.low ?? 0, field.high ?? 1];
  const step = field.kind === "integer" ? 1 : roundStep(field.step ?? 0.01);
  if ((high - low) / step <= MOST_STEPS || field.kind === "number") {
    return <Slider {...words} value={value} low={low} high={high} step={step} onChange={onChange} />;
  }
  const take = (text: string): void => {
    const wished = Math.round(Number(text));
    if (Number.isFinite(wished)) onChange(Math.min(high, Math.max(low, wished)));
  };
  return <Text {...words} mode="numeric" value={String(value)} onChange={take} />;
}
