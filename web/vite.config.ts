// Builds two things from one set of sources. The viewer: ONE classic script and ONE style sheet, both to be put
// inside an offline page. With `--mode page`, the page of the server: index.html, page.js and page.css. With each,
// the licences of everything that went into it.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type BuildEnvironmentOptions, type Plugin } from "vite";

const assets = resolve(import.meta.dirname, "dist");
const atlas = resolve(import.meta.dirname, "node_modules/world-atlas");

/** `virtual:outlines-50m`: the fine outlines, gzipped, as base64; unpacked by the browser when first needed. */
function fineOutlines(): Plugin {
  const name = "virtual:outlines-50m";
  return {
    name: "graticule:outlines",
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load(id) {
      if (id !== `\0${name}`) return undefined;
      const packed = gzipSync(readFileSync(join(atlas, "countries-50m.json")), { level: 9 });
      return `export default ${JSON.stringify(packed.toString("base64"))};`;
    },
  };
}

/** Writes LICENSES.txt: the notice of every package that has a module in the bundle. */
function licences(): Plugin {
  return {
    name: "graticule:licences",
    generateBundle(_options, bundle) {
      const folders = new Set([atlas]);
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        for (const id of output.moduleIds) {
          const folder = packageFolder(id.replace(/^\0/, "").replace(/\?.*$/, ""));
          if (folder) folders.add(folder);
        }
      }
      const notices = [...folders].sort().map(notice);
      this.emitFile({ type: "asset", fileName: "LICENSES.txt", source: notices.join("\n") });
    },
  };
}

function packageFolder(file: string): string | undefined {
  if (!file.includes("node_modules")) return undefined;
  let folder = dirname(file);
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file; do not bundle it.`);
  const text = readFileSync(join(folder, file), "utf8").trim();
  const origin = name === "world-atlas" ? "\nMade from Natural Earth, which is in the public domain.\n" : "";
  return `${name} ${version} (${license})\n${"=".repeat(72)}\n${origin}\n${text}\n\n`;
}

const common: BuildEnvironmentOptions = {
  target: "es2022",
  emptyOutDir: true,
  copyPublicDir: false,
  reportCompressedSize: false,
  chunkSizeWarningLimit: 2000,
};

const viewer: BuildEnvironmentOptions = {
  ...common,
  outDir: resolve(assets, "viewer"),
  lib: {
    entry: "src/main.ts",
    formats: ["iife"],
    name: "graticuleViewer",
    fileName: () => "viewer.js",
    cssFileName: "viewer",
  },
};

// names without fingerprints: the server has browsers ask whether a file is still the same
const page: BuildEnvironmentOptions = {
  ...common,
  outDir: resolve(assets, "page"),
  modulePreload: { polyfill: false },
  rolldownOptions: { output: { entryFileNames: "page.js", assetFileNames: "page.[ext]" } },
};

export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [fineOutlines(), licences()],
  publicDir: false,
  logLevel: "warn",
  build: mode === "page" ? page : viewer,
}));
