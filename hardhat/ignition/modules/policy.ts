import type { IgnitionModuleBuilder } from "@nomicfoundation/hardhat-ignition/modules";

/** The policy of a lender: basis points and seconds, from the module's parameters. */
export function policy(m: IgnitionModuleBuilder) {
  return {
    minimumScore: m.getParameter<number>("minimumScoreBps", 7_000),
    fraudLimit: m.getParameter<number>("fraudLimitBps", 2_000),
    minimumConfidence: m.getParameter<number>("minimumConfidenceBps", 4_000),
    maximumLtv: m.getParameter<number>("maximumLtvBps", 7_000),
    maximumInterestRate: m.getParameter<number>("maximumInterestRateBps", 3_000),
    plainInterestRate: m.getParameter<number>("plainInterestRateBps", 1_000),
    maximumDuration: m.getParameter<number>("maximumDurationSeconds", 180 * 86_400),
    gracePeriod: m.getParameter<number>("gracePeriodSeconds", 7 * 86_400),
  };
}
