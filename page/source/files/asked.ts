/** What the server is asked for: who replaces whom in a target, and how. */

import type { Guardian, Settings } from "../server/types";
import type { Draft, Target } from "./draft";

export interface Asked {
  donors: Record<string, string>;
  map: Record<string, { upload: string; face: number; at_s: number } | null>;
  settings: Settings;
  guardian: Guardian | null;
}

/** The request's common part, or `null` where nobody has been chosen. */
export function asked(draft: Draft, target: Target | undefined): Asked | null {
  const donors: Record<string, string> = {};
  const map: Asked["map"] = {};
  for (const [index, { face, atS, donor }] of (target?.mapped ?? []).entries()) {
    if (!donor || !target) continue;
    donors[`person-${index + 1}`] = donor;
    map[`person-${index + 1}`] = { upload: target.id, face, at_s: atS };
  }
  if (!Object.keys(donors).length) {
    if (!draft.donor) return null;
    donors["everyone"] = draft.donor;
    map["everyone"] = null;
  }
  return { donors, map, settings: draft.settings, guardian: target?.guardian ?? null };
}
