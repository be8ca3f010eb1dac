// Writes src/abi.ts from the ABIs that the daemon speaks by; `--check` only compares. As a TypeScript constant, the ABI is
// what viem takes its types from.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const source = path.join(import.meta.dirname, "..", "..", "..", "oracle", "chain", "abi");
const target = path.join(import.meta.dirname, "..", "src", "abi.ts");

function constant(name, contract) {
  const abi = readFileSync(path.join(source, `${contract}.json`), "utf8").trim();
  return `/** The ABI of ${contract}. */\nexport const ${name} = ${abi} as const;\n`;
}

const text = [
  "// Written by `npm run abi` from oracle/chain/abi; a test compares.\n",
  constant("riskOracleAbi", "AIRiskOracle"),
  constant("modelRegistryAbi", "ModelRegistry"),
  constant("issuerRegistryAbi", "IssuerRegistry"),
  constant("approvalRegistryAbi", "ApprovalRegistry"),
].join("\n");

if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
  console.error("src/abi.ts is out of date: run npm run abi (in clients/js/) and commit the result.");
  process.exit(1);
}
