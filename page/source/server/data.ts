/** What several pages show of the server, fetched once and kept up to date. */

import { complain } from "../state/notices";
import { Store } from "../state/store";
import { get } from "./request";
import type { Devices, Identity, Model, Preset, SettingField, Settings, System } from "./types";

export const system = new Store<System | null>(null);
export const fields = new Store<readonly SettingField[]>([]);
export const identities = new Store<readonly Identity[] | null>(null);
export const devices = new Store<Devices | null>(null);
export const models = new Store<readonly Model[] | null>(null);
export const presets = new Store<readonly Preset[]>([]);

async function into<T>(store: Store<T>, path: string): Promise<void> {
  try {
    store.value = await get<NonNullable<T>>(path);
  } catch (error) {
    complain(error);
  }
}

export const loadIdentities = (): Promise<void> => into(identities, "/identities");
export const loadDevices = (): Promise<void> => into(devices, "/devices");
export const loadModels = (): Promise<void> => into(models, "/models");
export const loadPresets = (): Promise<void> => into(presets, "/presets");

/** What the first page needs. */
export async function loadFirst(): Promise<void> {
  await Promise.all([into(system, "/system"), into(fields, "/settings"), loadIdentities()]);
}

/** Every setting at its default. */
export function defaults(): Settings {
  return Object.fromEntries(fields.value.map((field) => [field.name, field.default]));
}

export function identity(id: string | null): Identity | undefined {
  return identities.value?.find((one) => one.id === id);
}
