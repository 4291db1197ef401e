/** Makes an identity of photos: sends them, then says whose face it is. */

import { loadIdentities } from "./data";
import { post, upload } from "./request";
import type { Basis, Identity, Upload } from "./types";

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

export async function enrol(name: string, uploads: string[], consent: Basis): Promise<Identity> {
  const made = await post<Identity>("/identities", { name, uploads, consent });
  await loadIdentities();
  return made;
}

/** What a photo's file name says about who it shows. */
export function nameOf(file: File): string {
  const words = file.name.replace(/\.\w+$/, "").replace(/[_-]+/g, " ").trim();
  return words.replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase()).slice(0, 60) || "?";
}
