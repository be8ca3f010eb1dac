// Writes src/passport/schema.ts from the passport's schema that the daemon reads; `--check` only compares.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..", "..", "..");
const source = path.join(root, "oracle", "passports", "schema", "passport-1.json");
const target = path.join(import.meta.dirname, "..", "src", "passport", "schema.ts");
const schema = JSON.parse(readFileSync(source, "utf8"));

/** JSON with names in order, without spaces, in ASCII: what the schema's hash is of. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object")
    return JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  const entries = Object.keys(value)
    .sort()
    .map((name) => `${canonical(name)}:${canonical(value[name])}`);
  return `{${entries.join(",")}}`;
}

const hash = createHash("sha256").update(canonical(schema)).digest("hex");
const text = `// Written by \`npm run schema\` from oracle/passports/schema/passport-1.json; a test compares.

/** The schema's hash, by which contracts and credentials name it. */
export const SCHEMA_HASH = "0x${hash}";

/** The passport's JSON Schema; its annotations say unit, meaning of unknown, and place in the private tensor. */
export const passportSchema = ${JSON.stringify(schema, null, 1)} as const;
`;

if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
  console.error("src/passport/schema.ts is out of date: run npm run schema (in clients/js/) and commit the result.");
  process.exit(1);
}
