import type { IgnitionModuleBuilder } from "@nomicfoundation/hardhat-ignition/modules";

/**
 * The policy of a lender, from the module's parameters: basis points, seconds, and the lent token's smallest unit.
 * Plain terms are what the policy gives to the worst wallet that it approves, or less: its highest rate, for a fortnight,
 * at a loan to value near what the model gives for high risk.
 */
export function policy(m: IgnitionModuleBuilder, minimumPrincipal: bigint, borrowerLimit: bigint) {
  const day = 86_400;
  return {
    minimumScore: m.getParameter<number>("minimumScoreBps", 7_000),
    fraudLimit: m.getParameter<number>("fraudLimitBps", 2_000),
    minimumConfidence: m.getParameter<number>("minimumConfidenceBps", 4_000),
    maximumLtv: m.getParameter<number>("maximumLtvBps", 7_000),
    maximumInterestRate: m.getParameter<number>("maximumInterestRateBps", 3_000),
    plainInterestRate: m.getParameter<number>("plainInterestRateBps", 3_000),
    maximumDuration: m.getParameter<number>("maximumDurationSeconds", 180 * day),
    gracePeriod: m.getParameter<number>("gracePeriodSeconds", 7 * day),
    plainLtv: m.getParameter<number>("plainLtvBps", 1_000),
    plainDuration: m.getParameter<number>("plainDurationSeconds", 14 * day),
    minimumDuration: m.getParameter<number>("minimumDurationSeconds", day),
    minimumPrincipal: m.getParameter<bigint>("minimumPrincipal", minimumPrincipal),
    borrowerLimit: m.getParameter<bigint>("borrowerLimit", borrowerLimit),
    maximumUtilisation: m.getParameter<number>("maximumUtilisationBps", 9_000),
    lateInterestRate: m.getParameter<number>("lateInterestRateBps", 1_000),
    maximumAnswerAge: m.getParameter<number>("maximumAnswerAgeSeconds", 3_600),
    refusalCooldown: m.getParameter<number>("refusalCooldownSeconds", 30 * day),
    primaryOnly: m.getParameter<boolean>("primaryOnly", false),
    plainTermsForAll: m.getParameter<boolean>("plainTermsForAll", false),
  };
}
