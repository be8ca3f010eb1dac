import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { policy } from "./policy.js";
import RiskOracle from "./RiskOracle.js";

// A pool of an ERC-20 token with ether collateral, at the price of a Chainlink-style feed (ether in the token).
export default buildModule("TokenLender", (m) => {
  const { manager, oracle } = m.useModule(RiskOracle);
  const tokenLending = m.contract("TokenLender", [
    manager,
    oracle,
    // Of a dollar token of six decimals: others name their own.
    policy(m, 100_000_000n, 100_000_000_000n),
    m.getParameter<string>("asset"),
    m.getParameter<string>("priceFeed"),
    m.getParameter<number>("liquidationLtvBps", 8_000),
    m.getParameter<number>("maximumPriceAgeSeconds", 4_500),
  ]);
  return { tokenLending };
});
