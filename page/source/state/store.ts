/** A value that tells its readers when it changes. */

import { useEffect, useState } from "preact/hooks";

export class Store<T> {
  readonly #readers = new Set<() => void>();
  #value: T;

  constructor(first: T) {
    this.#value = first;
  }

  get value(): T {
    return this.#value;
  }

  set value(next: T) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const reader of [...this.#readers]) reader();
  }

  /** Changes some fields of an object. */
  change(fields: Partial<T>): void {
    this.value = { ...this.#value, ...fields };
  }

  /** Calls `reader` after every change, until the function that is returned is called. */
  watch(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }
}

/** The store's value in a component, which is drawn anew when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState({});
  const shown = store.value;
  useEffect(() => {
    if (!Object.is(shown, store.value)) redraw({});
    return store.watch(() => redraw({}));
  }, [store]);
  return shown;
}

/** A part of the store's value; the component is drawn anew only when that part changes. */
export function usePart<T, P>(store: Store<T>, part: (value: T) => P): P {
  const [, redraw] = useState({});
  const shown = part(store.value);
  useEffect(() => {
    let last = shown;
    const look = (): void => {
      const now = part(store.value);
      if (!Object.is(now, last)) redraw({});
      last = now;
    };
    look();
    return store.watch(look);
  }, [store]);
  return shown;
}
