/** What is being prepared on the files page; it outlives the page. */

import { get, remove, upload } from "../server/request";
import type { FoundFace, Guardian, Settings, Upload } from "../server/types";
import { kept } from "../state/kept";
import { complain } from "../state/notices";
import { Store } from "../state/store";

/** A face of the target that gets a donor of its own; `null` leaves it as it is. */
export interface Mapped {
  face: number;
  atS: number;
  thumbnail: string;
  donor: string | null;
}

export interface Target extends Upload {
  mapped: readonly Mapped[];
  /** What was said of people in it who look under 18. */
  guardian?: Guardian;
}

export interface Draft {
  targets: readonly Target[];
  selected: string | null;
  donor: string | null;
  settings: Settings;
}

export const draft = kept<Draft>("draft", { targets: [], selected: null, donor: null, settings: {} });

/** Files on their way to the server, by a number of the page's own. */
export const sending = new Store<readonly { key: number; name: string; share: number }[]>([]);
let nextKey = 1;

export async function addTargets(files: readonly File[]): Promise<void> {
  await Promise.all(files.map(addTarget));
}

async function addTarget(file: File): Promise<void> {
  const key = nextKey++;
  const tell = (share: number): void => {
    const others = sending.value.filter((one) => one.key !== key);
    sending.value = [...others, { key, name: file.name, share }];
  };
  tell(0);
  try {
    const found = await upload<Upload>(file, file.name, tell);
    const targets = [...draft.value.targets, { ...found, mapped: [] }];
    draft.change({ targets, selected: draft.value.selected ?? found.id });
  } catch (error) {
    complain(error);
  }
  sending.value = sending.value.filter((one) => one.key !== key);
}

export function forget(ids: readonly string[]): void {
  const targets = draft.value.targets.filter((target) => !ids.includes(target.id));
  const { selected } = draft.value;
  const still = targets.some((target) => target.id === selected);
  draft.change({ targets, selected: still ? selected : (targets[0]?.id ?? null) });
}

export async function discard(id: string): Promise<void> {
  forget([id]);
  await remove(`/uploads/${id}`).catch(complain);
}

export function changeTarget(id: string, fields: Partial<Target>): void {
  const targets = draft.value.targets.map((one) => (one.id === id ? { ...one, ...fields } : one));
  draft.change({ targets });
}

/** Gives a face that was found at a moment of a target its donor; `undefined` takes it back. */
export function mapFace(id: string, atS: number, face: FoundFace, donor: string | null | undefined): void {
  const target = draft.value.targets.find((one) => one.id === id);
  if (!target) return;
  const others = target.mapped.filter((one) => one.face !== face.index || one.atS !== atS);
  const { index, thumbnail } = face;
  const added = donor === undefined ? [] : [{ face: index, atS, thumbnail, donor }];
  changeTarget(id, { mapped: [...others, ...added] });
}

/** Drops targets that the server has deleted meanwhile. */
export async function checkTargets(): Promise<void> {
  const gone: string[] = [];
  for (const { id } of draft.value.targets) {
    await get(`/uploads/${id}`).catch((error: unknown) => {
      if ((error as { status?: number }).status === 404) gone.push(id);
    });
  }
  if (gone.length) forget(gone);
}
