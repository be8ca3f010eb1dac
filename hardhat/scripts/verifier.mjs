// Compiles generated verifiers as Hardhat does: `verifier.mjs FILE...` prints a JSON list with the code of each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { generated } from "./compilers.mjs";

const solc = createRequire(import.meta.url)("solc");
const CONTRACT = "Halo2Verifier";

/** Returns a verifier's code, creation and runtime, and the compiler's assembly of it; throws what the compiler says. */
export function compileVerifier(source) {
  const outputs = ["evm.bytecode.object", "evm.deployedBytecode.object", "evm.legacyAssembly"];
  const input = {
    language: "Solidity",
    sources: { "Verifier.sol": { content: source } },
    settings: { ...generated, outputSelection: { "*": { [CONTRACT]: outputs } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const { evm } = output.contracts["Verifier.sol"][CONTRACT];
  return {
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    assembly: evm.legacyAssembly,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const compiled = process.argv.slice(2).map((file) => compileVerifier(readFileSync(file, "utf8")));
  console.log(JSON.stringify(compiled.map(({ bytecode, deployedBytecode }) => ({ bytecode, deployedBytecode }))));
}
