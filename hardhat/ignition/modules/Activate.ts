import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import RiskOracle from "./RiskOracle.js";

// After the registry's timelock: the proposed model becomes the one that answers.
export default buildModule("Activate", (m) => {
  const { registry } = m.useModule(RiskOracle);
  m.call(registry, "activate", [m.getParameter<string>("modelId")]);
  return { registry };
});
