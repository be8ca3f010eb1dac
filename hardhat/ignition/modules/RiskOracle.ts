import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { policy } from "./policy.js";

// One module for every chain: what differs stands in ignition/parameters/, the model's facts are added by
// scripts/deploy.py. TokenLender.ts adds a pool of a token. Run again, it does what is still missing.
const verifierName = `verifiers/${process.env.RISK_ORACLE_MODEL ?? "credit-v1"}/Verifier.sol:Halo2Verifier`;

const ETHER = 10n ** 18n;

export default buildModule("RiskOracle", (m) => {
  const deployer = m.getAccount(0);
  // The deployer governs until it grants the manager's admin role to a multisig or a DAO and renounces its own.
  const manager = m.contract("AccessManager", [deployer]);
  const registry = m.contract("ModelRegistry", [manager, m.getParameter<number>("activationDelaySeconds")]);
  const verifier = m.contract(verifierName, [], { id: "Halo2Verifier" });
  const oracle = m.contract("AIRiskOracle", [
    manager,
    registry,
    m.getParameter<string[]>("signers"),
    m.getParameter<number>("threshold"),
    m.getParameter<bigint>("feeWei"),
    m.getParameter<number>("requestLifetimeSeconds"),
    m.getParameter<number>("assessmentLifetimeSeconds"),
    m.getParameter<string>("payee"),
    m.getParameter<boolean>("checkBlockHash"),
  ]);
  const lending = m.contract("SmartLending", [manager, oracle, policy(m, ETHER / 20n, 50n * ETHER)]);
  // Between them the fee follows the base fee: an answer costs about 720,000 gas.
  m.call(oracle, "setFeeBounds", [
    m.getParameter<bigint>("minimumFeeWei", ETHER / 2_000n),
    m.getParameter<bigint>("maximumFeeWei", ETHER / 20n),
  ]);
  const modelId = m.getParameter<string>("modelId");
  m.call(registry, "propose", [
    modelId,
    {
      verifier,
      verifierCodeHash: m.getParameter<string>("verifierCodeHash"),
      featureSpecHash: m.getParameter<string>("featureSpecHash"),
      neutralCommitment: m.getParameter<bigint>("neutralCommitment"),
      outputScales: m.getParameter<string>("outputScales"),
      batchSize: m.getParameter<number>("batchSize", 1),
    },
  ]);
  return { manager, registry, verifier, oracle, lending };
});
