#!/usr/bin/env node
// The npm compiler behind the command lines that Slither expects, `--version` and FILE `--combined-json ...`, and that
// forge expects, `--standard-json` on the standard streams.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const solc = createRequire(import.meta.url)("solc");
const args = process.argv.slice(2);
if (args.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
  process.exit(0);
}
if (args.includes("--standard-json")) {
  const answer = solc.compile(readFileSync(0, "utf8"));
  await new Promise((written) => process.stdout.write(answer, written));
  process.exit(0);
}
const file = args.find((arg) => arg.endsWith(".sol"));
const modules = path.relative(process.cwd(), path.join(import.meta.dirname, "..", "node_modules"));
const read = (name) =>
  existsSync(name) ? { contents: readFileSync(name, "utf8") } : { error: `${name} is not there` };
const input = {
  language: "Solidity",
  sources: { [file]: { content: readFileSync(file, "utf8") } },
  settings: {
    // Slither looks for each source under its name.
    remappings: [`@openzeppelin/=${modules}/@openzeppelin/`],
    optimizer: { enabled: true, runs: 2000 },
    evmVersion: "cancun",
    viaIR: true,
    outputSelection: {
      "*": {
        "": ["ast"],
        "*": ["abi", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers"],
      },
    },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = {};
for (const [source, inside] of Object.entries(output.contracts)) {
  for (const [name, { abi, devdoc, userdoc, evm }] of Object.entries(inside)) {
    contracts[`${source}:${name}`] = {
      abi,
      devdoc,
      userdoc,
      bin: evm.bytecode.object,
      "bin-runtime": evm.deployedBytecode.object,
      srcmap: evm.bytecode.sourceMap,
      "srcmap-runtime": evm.deployedBytecode.sourceMap,
      hashes: evm.methodIdentifiers,
    };
  }
}
const sources = Object.fromEntries(Object.entries(output.sources).map(([name, { ast }]) => [name, { AST: ast }]));
process.stdout.write(JSON.stringify({ contracts, sources, sourceList: Object.keys(sources), version: solc.version() }));
