// Writes to the Python package what `risk-oracle contracts deploy` needs, so that it needs neither this checkout nor a
// compiler: oracle/chain/artifacts holds the contracts' creation codes, oracle/proving/verifiers the generated verifiers'
// code with holes for the key's numbers. `--check` only compares the files.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compileVerifier } from "./verifier.mjs";

const root = path.join(import.meta.dirname, "..", "..");
const build = path.join(root, "build", "contracts");
const contracts = {
  AccessManager: "@openzeppelin/contracts/access/manager/AccessManager.sol",
  ModelRegistry: "contracts/ModelRegistry.sol",
  AIRiskOracle: "contracts/AIRiskOracle.sol",
  IssuerRegistry: "contracts/issuers/IssuerRegistry.sol",
  AcceptedIssuers: "contracts/issuers/AcceptedIssuers.sol",
  ApprovalRegistry: "contracts/approval/ApprovalRegistry.sol",
  AcceptedApprovals: "contracts/approval/AcceptedApprovals.sol",
  SmartLending: "contracts/lending/SmartLending.sol",
  TokenLender: "contracts/lending/TokenLender.sol",
  PriceFeed: "contracts/devnet/PriceFeed.sol",
};
// The numbers of a key in a generated verifier; everything else follows from the circuit's shape.
const NUMBER =
  /(mstore\(0x[0-9a-f]{4}, )(0x[0-9a-f]{64})(\) \/\/ (?:vk_digest|neg_s_g2_\w+|(?:fixed|permutation)_comms\[\d+\]\.[xy])\n)/g;
// Points that no reference string changes (zero, the generator) are smaller than this, a key's numbers larger.
const LEAST_NUMBER = 1n << 200n;

function stop(message) {
  console.error(message);
  process.exit(2);
}

function artifact(name) {
  const file = path.join(build, contracts[name], `${name}.json`);
  if (!existsSync(file)) stop(`${path.relative(root, file)} is missing: build the contracts first (make contracts).`);
  const { abi, bytecode, linkReferences } = JSON.parse(readFileSync(file, "utf8"));
  if (Object.keys(linkReferences).length > 0) stop(`${name} needs libraries, which nothing here deploys.`);
  const constructor = abi.find(({ type }) => type === "constructor");
  const inputs = (constructor?.inputs ?? []).map(({ name, type, components }) => ({ name, type, components }));
  return { contract: name, inputs, bytecode };
}

/** Names a verifier's numbers by their first place, in the order of the source; a number that comes twice is one. */
function numbersOf(source) {
  const numbers = [];
  for (const [, , value] of source.matchAll(NUMBER)) {
    if (BigInt(value) >= LEAST_NUMBER && !numbers.includes(value)) numbers.push(value);
  }
  return numbers;
}

/** Puts something else in the place of each number, by its place in the list. */
function replaceNumbers(source, numbers, replacement) {
  return source.replace(NUMBER, (_, before, value, after) => {
    const index = numbers.indexOf(value);
    return before + (index < 0 ? value : replacement(index)) + after;
  });
}

/** Returns a verifier's code without its key's numbers: where they go, and what moves when one is short. */
function template(source) {
  const numbers = numbersOf(source);
  const shape = replaceNumbers(source, numbers, (index) => `#${index}`);
  // Stand-ins of full length, each another: the compiler must not find structure in them.
  const standIn = (index) => `0x1${createHash("sha256").update(`number ${index}`).digest("hex").slice(1)}`;
  const standIns = numbers.map((_, index) => BigInt(standIn(index)));
  const { bytecode, deployedBytecode, assembly } = compileVerifier(replaceNumbers(source, numbers, standIn));
  const { ".code": items, ".data": data, ".auxdata": trailer } = assembly[".data"]["0"];
  const runtime = deployedBytecode.slice(2);
  const code = { numbers: [], tags: [], data: [] };
  const names = Object.keys(data);
  let length = 0;
  for (const { name, value } of items) {
    if (name === "tag") continue;
    if (name === "PUSH") {
      const index = standIns.indexOf(BigInt(`0x${value}`));
      if (index >= 0) code.numbers.push([length, index]);
      length += value === "0" ? 1 : 1 + Math.ceil(value.length / 2);
    } else if (name === "PUSH [tag]" || name === "PUSH data") {
      const place =
        name === "PUSH data" ? [length, names.findIndex((one) => BigInt(`0x${one}`) === BigInt(`0x${value}`))] : length;
      (name === "PUSH data" ? code.data : code.tags).push(place);
      length += 3;
    } else length += 1;
  }
  const words = names.map((name) => {
    const index = standIns.indexOf(BigInt(`0x${data[name]}`));
    return index < 0 ? data[name] : index;
  });
  const size = length + 1 + 32 * names.length + trailer.length / 2;
  if (size !== runtime.length / 2 || !runtime.endsWith(trailer))
    stop("The compiler's assembly is not what it compiled.");
  return {
    source_sha256: createHash("sha256").update(shape).digest("hex"),
    numbers: numbers.length,
    creation: bytecode.slice(2, bytecode.length - runtime.length),
    // Up to the data; each place below is a byte in here.
    code: runtime.slice(0, 2 * (length + 1)),
    number_places: code.numbers,
    tag_places: code.tags,
    data_places: code.data,
    data: words,
    trailer,
  };
}

const texts = {};
for (const name of Object.keys(contracts)) {
  texts[path.join("oracle", "chain", "artifacts", `${name}.json`)] = JSON.stringify(artifact(name), null, 1) + "\n";
}
const shipped = path.join(root, "oracle", "models", "shipped");
const isModel = (folder) => existsSync(path.join(shipped, folder, "model.json"));
const circuits = readdirSync(shipped)
  .filter(isModel)
  .flatMap((model) => (isModel(`${model}/open`) ? [model, `${model}-open`] : [model]));
for (const model of circuits.sort()) {
  const source = path.join(root, "build", "keys", model, "Verifier.sol");
  if (!existsSync(source)) stop(`${path.relative(root, source)} is missing: run \`make keys\`.`);
  const { code, ...rest } = template(readFileSync(source, "utf8"));
  const text = JSON.stringify({ ...rest, code });
  texts[path.join("oracle", "proving", "verifiers", `${model}.json`)] = text.replace(/,"/g, ',\n"') + "\n";
}

const check = process.argv.includes("--check");
const stale = [];
for (const [name, text] of Object.entries(texts)) {
  const file = path.join(root, name);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (check) stale.push(name);
  else {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
for (const folder of new Set(Object.keys(texts).map((name) => path.dirname(name)))) {
  if (!existsSync(path.join(root, folder))) continue;
  for (const name of readdirSync(path.join(root, folder)).map((file) => path.join(folder, file))) {
    if (!name.endsWith(".json") || name in texts) continue;
    if (check) stale.push(name);
    else rmSync(path.join(root, name));
  }
}
if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(", ")}. Run \`make artifacts\` and commit the result.`);
  process.exit(1);
}
