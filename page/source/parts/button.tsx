/** A button: words, a drawing, or both. */

import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icon";

interface ButtonFields {
  onPress: () => void;
  children?: ComponentChildren;
  icon?: IconName;
  solid?: boolean;
  /** Name for those who do not see a button without words. */
  label?: string;
  /** Whether it stays pressed; leave it out for buttons that only act. */
  pressed?: boolean;
  kind?: "main" | "danger" | "quiet";
  disabled?: boolean;
  hotkey?: string;
  class?: string;
}

export function Button(fields: ButtonFields): JSX.Element {
  const { children, icon, kind, label, pressed, hotkey } = fields;
  const classes = ["button", kind, children ? "" : "round", fields.class].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      class={classes}
      onClick={fields.onPress}
      disabled={fields.disabled ?? false}
      aria-label={label}
      title={label && hotkey ? `${label} (${hotkey.toUpperCase()})` : label}
      aria-keyshortcuts={hotkey}
      aria-pressed={pressed}
    >
      {icon && <Icon name={icon} solid={fields.solid ?? false} />}
      {children && <span>{children}</span>}
    </button>
  );
}
