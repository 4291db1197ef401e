// Builds the page into the Python package: `npm run build`, or `npm run build -- FOLDER`.
//
// The same sources give the same bytes on every machine, which a test checks.

import { build } from "esbuild";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../src/masquerade/apps/studio/page"));

/** Names of the files of `folder`, in an order that does not depend on the machine. */
async function names(folder) {
  return (await readdir(folder)).sort();
}

/** Sentences as one line of JSON each language, keys sorted. */
async function copyLocales() {
  await mkdir(join(out, "locales"), { recursive: true });
  for (const name of await names(join(here, "locales"))) {
    const words = JSON.parse(await readFile(join(here, "locales", name), "utf8"));
    const sorted = Object.fromEntries(Object.entries(words).sort(([a], [b]) => (a < b ? -1 : 1)));
    await writeFile(join(out, "locales", name), `${JSON.stringify(sorted)}\n`);
  }
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: {
    app: "source/main.tsx",
    live: "source/link/worker.ts",
    sound: "source/link/sound_worklet.ts",
  },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
await build({
  absWorkingDir: here,
  entryPoints: { app: "styles/app.css" },
  outdir: out,
  bundle: true,
  minify: true,
  logLevel: "warning",
});
for (const name of await names(join(here, "static"))) {
  await copyFile(join(here, "static", name), join(out, name));
}
await copyLocales();
