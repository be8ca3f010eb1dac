// Copies from contracts/, whose files these are, what a contract needs that asks; `npm pack` calls it.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";

const here = path.join(import.meta.dirname, "..");
const contracts = path.join(here, "..", "..", "contracts");
const files = [
  "interfaces/IAIRiskOracle.sol",
  "interfaces/IAcceptedIssuers.sol",
  "interfaces/IAssessmentReceiver.sol",
  "interfaces/IIssuerRegistry.sol",
  "interfaces/IModelRegistry.sol",
  "lib/Applications.sol",
  "base/AssessmentReceiver.sol",
  "examples/CreditPool.sol",
  "examples/ToldLimits.sol",
  "mocks/MockAIRiskOracle.sol",
  "INTEGRATING.md",
];

for (const folder of new Set(files.map((file) => path.dirname(file)).filter((folder) => folder !== ".")))
  rmSync(path.join(here, folder), { recursive: true, force: true });
for (const file of files) {
  mkdirSync(path.join(here, path.dirname(file)), { recursive: true });
  cpSync(path.join(contracts, file), path.join(here, file));
}
