// Bundles the script of the borrower's page to oracle/web/static/borrow.js; `--check` only compares. The types are
// checked first: the bundler does not look at them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "..");
const target = path.join(root, "..", "..", "oracle", "web", "static", "borrow.js");

execFileSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", path.join(root, "page")], {
  stdio: "inherit",
});
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["page/main.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "eof",
  banner: { js: "// Written by `npm run page` in clients/js from its folder page/; a test compares." },
  write: false,
});
const [{ text }] = outputFiles;

if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
  console.error("oracle/web/static/borrow.js is out of date: run npm run page (in clients/js/) and commit the result.");
  process.exit(1);
}
