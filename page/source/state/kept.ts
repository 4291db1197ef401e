/** Values that this browser remembers between visits. */

import { Store } from "./store";

const PREFIX = "masquerade.";

function read<T extends object>(name: string, first: T): T {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
    return found && typeof found === "object" ? { ...first, ...found } : first;
  } catch {
    return first; // storage is forbidden, or what is there was damaged
  }
}

/** A store whose value outlives the page. Fields that are new since then have their first value. */
export function kept<T extends object>(name: string, first: T): Store<T> {
  const store = new Store(read(name, first));
  store.watch(() => {
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify(store.value));
    } catch {
      // Forbidden or full: the page works on and forgets at its end.
    }
  });
  return store;
}
