import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { overrideTask, type HardhatUserConfig } from "hardhat/config";
import { answering, generated, lenders, oracle, own, small } from "./scripts/compilers.mjs";

const here = import.meta.dirname;
const build = path.join(here, "..", "build");

// The npm package carries the compiler, so that a build downloads nothing.
const compiler = { version: "0.8.30", path: path.join(here, "node_modules", "solc", "soljson.js") };

/** `verifiers` leads to build/keys, which `risk-oracle setup` fills: absent before it ran. */
function generatedVerifiers(): string[] {
  const keys = path.join(here, "verifiers");
  if (!existsSync(keys)) return [];
  return readdirSync(keys)
    .sort()
    .map((model) => path.posix.join("verifiers", model, "Verifier.sol"))
    .filter((file) => existsSync(path.join(here, file)));
}

const verifiers = generatedVerifiers();
if (verifiers.length === 0) {
  console.warn(
    "No generated verifier under build/keys: contracts are built without one (`risk-oracle setup` makes it).",
  );
}

// The tests' proofs fit the keys that the verifier was made with: made anew whenever the keys were.
const proveFirst = overrideTask(["test", "solidity"])
  .setInlineAction(async (args, _hre, runSuper) => {
    const script = path.join(here, "scripts", "fixtures.py");
    const python = path.join(here, "..", ".venv", "bin", "python");
    if (existsSync(script)) execFileSync(python, [script], { stdio: "inherit" });
    return runSuper(args);
  })
  .build();

const profile = {
  isolated: false,
  compilers: [{ ...compiler, settings: own }],
  overrides: Object.fromEntries([
    ...verifiers.map((file) => [file, { ...compiler, settings: generated }]),
    ...oracle.map((file) => [file, { ...compiler, settings: answering }]),
    ...lenders.map((file) => [file, { ...compiler, settings: small }]),
  ]),
};

// `make test-long` searches deeper, and LONG_CAMPAIGN=n n times as far as that.
const campaign = Number(process.env.LONG_CAMPAIGN ?? "0");
if (!Number.isInteger(campaign) || campaign < 0)
  throw new Error(`LONG_CAMPAIGN is ${process.env.LONG_CAMPAIGN}: give a whole number, 0 for none`);

const config: HardhatUserConfig = {
  tasks: [proveFirst],
  // `contracts` is a link to ../contracts: Hardhat takes only sources that lie inside its own folder.
  paths: {
    sources: { solidity: verifiers.length === 0 ? ["contracts"] : ["contracts", "verifiers"] },
    tests: { solidity: "tests" },
    artifacts: path.join(build, "contracts"),
    cache: path.join(build, "hardhat-cache"),
  },
  solidity: {
    // One build for tests and for deployments: what is deployed is what was tested, to the byte (tests/support/Built.sol).
    profiles: { default: profile, production: profile },
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
  },
  test: {
    solidity: {
      fsPermissions: { readDirectory: [build] },
      fuzz: { runs: 100_000 * campaign || 256, seed: "0x7269736b" },
      invariant: { runs: 1_024 * campaign || 64, depth: campaign > 0 ? 512 : 64 },
    },
  },
};

export default config;
