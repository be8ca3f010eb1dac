// Written by scripts/table.py from oracle/assessment/features.py; a test compares.

/** One element of the private tensor; `low`, `high` and `logUnit` are exact decimals in `unit`, a flag has no unit. */
export type Row = {
  name: string;
  group: "passport" | "card";
  unit: string;
  low: string;
  high: string;
  logUnit: string | null;
};

/** The encoded integer of the upper end of a range; the lower end is 0. */
export const ENCODED_ONE = 1024;

/** The private tensor ends with as many unsigned 32-bit integers. */
export const SALT_ELEMENTS = 5;

export const TABLE: readonly Row[] = [
  { name: "passport_present", group: "passport", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "employment_years", group: "passport", unit: "years", low: "0", high: "40", logUnit: null },
  { name: "oldest_account_years", group: "passport", unit: "years", low: "0", high: "40", logUnit: null },
  { name: "delinquent_accounts", group: "passport", unit: "count", low: "0", high: "10", logUnit: null },
  { name: "derogatory_reports", group: "passport", unit: "count", low: "0", high: "10", logUnit: null },
  { name: "recent_inquiries", group: "passport", unit: "count", low: "0", high: "16", logUnit: null },
  { name: "debt_to_income", group: "passport", unit: "ratio", low: "0", high: "1", logUnit: null },
  { name: "open_accounts", group: "passport", unit: "count", low: "0", high: "60", logUnit: null },
  { name: "credit_requested", group: "passport", unit: "USD", low: "0", high: "200000", logUnit: "1000" },
  { name: "mortgage_due", group: "passport", unit: "USD", low: "0", high: "1000000", logUnit: "1000" },
  { name: "property_value", group: "passport", unit: "USD", low: "0", high: "1000000", logUnit: "1000" },
  { name: "debt_to_income_stated", group: "passport", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "property_value_stated", group: "passport", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "derogatory_reports_stated", group: "passport", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "employment_stated", group: "passport", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "card_present", group: "card", unit: "flag", low: "0", high: "1", logUnit: null },
  { name: "card_months_behind", group: "card", unit: "months", low: "0", high: "8", logUnit: null },
  { name: "card_months_behind_before", group: "card", unit: "months", low: "0", high: "8", logUnit: null },
  { name: "card_late_months", group: "card", unit: "count", low: "0", high: "6", logUnit: null },
  { name: "card_longest_delay", group: "card", unit: "months", low: "0", high: "8", logUnit: null },
  { name: "card_full_payments", group: "card", unit: "count", low: "0", high: "6", logUnit: null },
  { name: "card_utilisation", group: "card", unit: "ratio", low: "0", high: "1.5", logUnit: null },
  { name: "card_payments", group: "card", unit: "ratio", low: "0", high: "6", logUnit: "0.01" },
  { name: "card_limit", group: "card", unit: "USD", low: "0", high: "100000", logUnit: "100" },
];
