// Writes to oracle/chain/abi, from the compiled artifacts, the ABIs that the daemon needs, and digests of the runtime
// codes that `risk-oracle contracts check` compares with a chain; `--check` only compares the files.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..", "..");
const artifacts = path.join(root, "build", "contracts", "contracts");
const target = path.join(root, "oracle", "chain", "abi");
const contracts = {
  AIRiskOracle: "AIRiskOracle.sol",
  ModelRegistry: "ModelRegistry.sol",
  SmartLending: "lending/SmartLending.sol",
  TokenLender: "lending/TokenLender.sol",
  IssuerRegistry: "issuers/IssuerRegistry.sol",
  AcceptedIssuers: "issuers/AcceptedIssuers.sol",
  ApprovalRegistry: "approval/ApprovalRegistry.sol",
  AcceptedApprovals: "approval/AcceptedApprovals.sol",
};
const spoken = [
  "AIRiskOracle",
  "ModelRegistry",
  "SmartLending",
  "IssuerRegistry",
  "AcceptedIssuers",
  "ApprovalRegistry",
  "AcceptedApprovals",
];

function artifact(name) {
  const file = path.join(artifacts, contracts[name], `${name}.json`);
  if (!existsSync(file)) {
    console.error(`${path.relative(root, file)} is missing: build the contracts first (npm run build in hardhat/).`);
    process.exit(2);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

/** In an artifact's code, immutable values are zeros: masked on the chain too, where an immutable's places must agree. */
function runtime(name) {
  const { deployedBytecode, immutableReferences = {} } = artifact(name);
  const code = Buffer.from(deployedBytecode.slice(2), "hex");
  const immutables = Object.values(immutableReferences).map((places) =>
    places.map(({ start, length }) => [start, length]).sort(([one], [other]) => one - other),
  );
  immutables.sort(([[one]], [[other]]) => one - other);
  return { bytes: code.length, sha256: createHash("sha256").update(code).digest("hex"), immutables };
}

const texts = Object.fromEntries(
  spoken.map((name) => [`${name}.json`, JSON.stringify(artifact(name).abi, null, 1) + "\n"]),
);
const codes = Object.fromEntries(Object.keys(contracts).map((name) => [name, runtime(name)]));
texts["runtime.json"] = JSON.stringify(codes, null, 1).replace(/\[\s+(\d+),\s+(\d+)\s+\]/g, "[$1, $2]") + "\n";

const check = process.argv.includes("--check");
const stale = [];
mkdirSync(target, { recursive: true });
for (const [name, text] of Object.entries(texts)) {
  const file = path.join(target, name);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (check) stale.push(path.relative(root, file));
  else writeFileSync(file, text);
}
if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(", ")}. Run: npm run abi (in hardhat/) and commit the result.`);
  process.exit(1);
}
