// How Solidity is compiled, in one place: for Hardhat, for the artifacts in the Python package, and for tests.

export const own = { optimizer: { enabled: true, runs: 2000 }, evmVersion: "cancun", viaIR: true };

// The generated verifiers do not fit the stack of the IR pipeline. Without the source's hash at its end the code is a
// function of the circuit's shape and the key's numbers alone: oracle/proving/verifier_code.py makes it without a compiler.
export const generated = {
  optimizer: { enabled: true, runs: 1 },
  evmVersion: "cancun",
  viaIR: false,
  metadata: { bytecodeHash: "none" },
};

/** The oracle's code must fit 24,576 bytes too, but its answers are many: as fast as it fits. */
export const oracle = ["contracts/AIRiskOracle.sol"];
export const answering = { ...own, optimizer: { enabled: true, runs: 1000 } };

/** A lender's calls move money and are rare: its code must fit 24,576 bytes before it need be fast. */
export const lenders = ["contracts/lending/SmartLending.sol", "contracts/lending/TokenLender.sol"];
// The compiler's own sequence of steps but for one, F: a copy of a function for each constant that it is called with.
const steps = "dhfoDgvulfnTUtnIf[xa[r]EscLMVcul[j]Trpeul]xa[r]cLgvifCTUca[r]LSsTOtfDnca[r]Iulc:fDnTOcmu";
const details = { yul: true, yulDetails: { optimizerSteps: steps } };
export const small = { ...own, optimizer: { enabled: true, runs: 200, details } };
