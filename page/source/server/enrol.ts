/** Makes an identity of photos: sends them, then says whose face it is. */

import { loadIdentities } from "./data";
import { post, upload } from "./request";
import { Problem } from "./problem";
import type { Basis, Guardian, Identity, Upload } from "./types";

export const PHOTOS = "image/jpeg,image/png,image/webp,image/bmp,image/tiff,image/avif";

/** Uploads photos at once, while the person is still being asked about them. */
export function sendPhotos(files: readonly File[], progress: (share: number) => void): Promise<string[]> {
  const shares = files.map(() => 0);
  const sent = files.map(async (file, index) => {
    const one = await upload<Upload>(file, file.name, (share) => {
      shares[index] = share;
      progress(shares.reduce((sum, part) => sum + part, 0) / files.length);
    });
    return one.id;
  });
  return Promise.all(sent);
}

interface Enrolled {
  name: string;
  uploads: string[];
  consent: Basis;
}

/** Makes an identity. Of somebody who looks under 18 `ask` is asked; `null` where that stays open. */
export async function enrol(who: Enrolled, ask: () => Promise<Guardian | null>): Promise<Identity | null> {
  let made: Identity;
  try {
    made = await post<Identity>("/identities", who);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "guardian") throw error;
    const guardian = await ask();
    if (!guardian) return null;
    made = await post<Identity>("/identities", { ...who, guardian });
  }
  await loadIdentities();
  return made;
}

/** What a photo's file name says about who it shows. */
export function nameOf(file: File): string {
  const words = file.name.replace(/\.\w+$/, "").replace(/[_-]+/g, " ").trim();
  return words.replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase()).slice(0, 60) || "?";
}
