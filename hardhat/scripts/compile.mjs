// Compiles one Solidity file that imports nothing: `compile.mjs FILE CONTRACT` prints its ABI and code as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [file, contract] = process.argv.slice(2);
const solc = createRequire(import.meta.url)("solc");
const input = {
  language: "Solidity",
  sources: { [file]: { content: readFileSync(file, "utf8") } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "cancun",
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const { abi, evm } = output.contracts[file][contract];
console.log(
  JSON.stringify({
    contractName: contract,
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
  }),
);
