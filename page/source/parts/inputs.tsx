/** The ways to change a value: slider, switch, choice, several choices, text. */

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { number } from "../text/numbers";

interface Named {
  label: string;
  help?: string | undefined;
}

function Help({ id, text }: { id: string; text: string | undefined }): JSX.Element | null {
  return text ? (
    <small id={id} class="help">
      {text}
    </small>
  ) : null;
}

interface SliderFields extends Named {
  value: number;
  low: number;
  high: number;
  step: number;
  onChange: (value: number) => void;
}

export function Slider({ label, help, value, low, high, step, onChange }: SliderFields): JSX.Element {
  const id = useId();
  const digits = step < 1 ? 2 : 0;
  return (
    <div class="field slider">
      <label for={id}>{label}</label>
      <output for={id}>{number(value, digits)}</output>
      <input
        id={id}
        type="range"
        min={low}
        max={high}
        step={step}
        value={value}
        aria-describedby={help ? `${id}-help` : undefined}
        style={{ "--share": `${(100 * (value - low)) / (high - low || 1)}%` }}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
      <Help id={`${id}-help`} text={help} />
    </div>
  );
}

interface SwitchFields extends Named {
  value: boolean;
  onChange: (value: boolean) => void;
}

export function Switch({ label, help, value, onChange }: SwitchFields): JSX.Element {
  const id = useId();
  return (
    <div class="field switch">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={value}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <Help id={`${id}-help`} text={help} />
    </div>
  );
}

export interface Option {
  value: string;
  text: string;
}

interface ChoiceFields extends Named {
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}

export function Choice({ label, help, value, options, onChange }: ChoiceFields): JSX.Element {
  const id = useId();
  const all = options.some((option) => option.value === value)
    ? options
    : [...options, { value, text: value }];
  return (
    <div class="field choice">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {all.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      <Help id={`${id}-help`} text={help} />
    </div>
  );
}

/** A few choices side by side, for those that are changed often. */
export function Segments({ label, value, options, onChange }: ChoiceFields): JSX.Element {
  const id = useId();
  return (
    <fieldset class="field segments">
      <legend>{label}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value} class={option.value === value ? "on" : ""}>
            <input
              type="radio"
              name={id}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface SeveralFields extends Named {
  value: readonly string[];
  options: readonly Option[];
  onChange: (value: string[]) => void;
}

export function Several({ label, help, value, options, onChange }: SeveralFields): JSX.Element {
  const id = useId();
  const turned = (name: string, on: boolean): string[] => {
    const others = value.filter((one) => one !== name);
    return on ? [...others, name] : others;
  };
  return (
    <fieldset class="field several" aria-describedby={help ? `${id}-help` : undefined}>
      <legend>{label}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="checkbox"
              checked={value.includes(option.value)}
              onChange={(event) => onChange(turned(option.value, event.currentTarget.checked))}
            />
            {option.text}
          </label>
        ))}
      </div>
      <Help id={`${id}-help`} text={help} />
    </fieldset>
  );
}

interface TextFields extends Named {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  /** Which keys a phone offers. */
  mode?: "text" | "url" | "numeric";
}

/** Words or a number; taken when the field is left or Enter is pressed. */
export function Text({ label, help, value, onChange, placeholder, mode }: TextFields): JSX.Element {
  const id = useId();
  return (
    <div class="field text">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode={mode ?? "text"}
        value={value}
        placeholder={placeholder ?? ""}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      <Help id={`${id}-help`} text={help} />
    </div>
  );
}
