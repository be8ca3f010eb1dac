// Written by `npm run schema` from oracle/passports/schema/passport-1.json; a test compares.

/** The schema's hash, by which contracts and credentials name it. */
export const SCHEMA_HASH = "0xa37f39fc09207e9bb62058d72d0a43b19c1b4bfaec3ef97138c9b4dc8c66953a";

/** The passport's JSON Schema; its annotations say unit, meaning of unknown, and place in the private tensor. */
export const passportSchema = {
 "$schema": "https://json-schema.org/draft/2020-12/schema",
 "$id": "urn:risk-oracle:passport:1",
 "title": "Credit passport, version 1",
 "description": "What a borrower may state about themselves, in the two groups that the model was trained on. Null is unknown: of a field, or of a whole group. Each value is exact; a value outside its range is refused, never clipped.",
 "type": "object",
 "additionalProperties": false,
 "required": [
  "schema",
  "home",
  "card"
 ],
 "encoding": {
  "one": 1024,
  "length": 24,
  "formula": "round half to even of 1024 * spread(value) / spread(maximum); linear: spread(v) = v - minimum; log: spread(v) = log10(1 + (v - minimum) / log_unit); present_position and stated_position hold 1024 for yes and 0 for no; whatever is unknown is 0",
  "salt": {
   "elements": 5,
   "bits": 32
  }
 },
 "properties": {
  "schema": {
   "title": "Schema",
   "description": "Which version of this schema the passport follows.",
   "const": "urn:risk-oracle:passport:1"
  },
  "home": {
   "title": "Home owner",
   "description": "What a mortgage lender, an employer or a credit agency knows of a home owner.",
   "type": [
    "object",
    "null"
   ],
   "additionalProperties": false,
   "required": [
    "employment_years",
    "oldest_account_years",
    "delinquent_accounts",
    "derogatory_reports",
    "recent_inquiries",
    "debt_to_income",
    "open_accounts",
    "credit_requested",
    "mortgage_due",
    "property_value"
   ],
   "encoding": {
    "present_position": 0
   },
   "properties": {
    "employment_years": {
     "title": "Years in the present job",
     "description": "Whole and part years since the present employment began.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 40,
     "unit": "years",
     "unknown": "null: not stated, and the model is told so",
     "encoding": {
      "position": 1,
      "scale": "linear",
      "stated_position": 14
     }
    },
    "oldest_account_years": {
     "title": "Age of the oldest credit account",
     "description": "Years since the oldest credit account that is on file was opened.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 40,
     "unit": "years",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (no account)",
     "encoding": {
      "position": 2,
      "scale": "linear"
     }
    },
    "delinquent_accounts": {
     "title": "Delinquent accounts",
     "description": "Credit accounts that are, or once were, delinquent.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 10,
     "unit": "count",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 3,
      "scale": "linear"
     }
    },
    "derogatory_reports": {
     "title": "Major derogatory reports",
     "description": "Entries such as a charge-off, a foreclosure or a bankruptcy.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 10,
     "unit": "count",
     "unknown": "null: not stated, and the model is told so",
     "encoding": {
      "position": 4,
      "scale": "linear",
      "stated_position": 13
     }
    },
    "recent_inquiries": {
     "title": "Recent credit inquiries",
     "description": "Inquiries that lenders made of late because the holder asked for credit.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 16,
     "unit": "count",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 5,
      "scale": "linear"
     }
    },
    "debt_to_income": {
     "title": "Debt to income",
     "description": "Monthly debt service divided by monthly income before tax: 0.35 is 35 percent.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 1,
     "unit": "ratio",
     "unknown": "null: not stated, and the model is told so",
     "encoding": {
      "position": 6,
      "scale": "linear",
      "stated_position": 11
     }
    },
    "open_accounts": {
     "title": "Open credit accounts",
     "description": "Credit accounts that are open now.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 60,
     "unit": "count",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 7,
      "scale": "linear"
     }
    },
    "credit_requested": {
     "title": "Credit last asked for",
     "description": "Amount of the credit that was last asked for.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 200000,
     "unit": "USD",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 8,
      "scale": "log",
      "log_unit": "1000"
     }
    },
    "mortgage_due": {
     "title": "Mortgage due",
     "description": "What is still due on the present mortgage.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 1000000,
     "unit": "USD",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (no mortgage)",
     "encoding": {
      "position": 9,
      "scale": "log",
      "log_unit": "1000"
     }
    },
    "property_value": {
     "title": "Value of the property",
     "description": "Present value of the home.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 1000000,
     "unit": "USD",
     "unknown": "null: not stated, and the model is told so",
     "encoding": {
      "position": 10,
      "scale": "log",
      "log_unit": "1000",
      "stated_position": 12
     }
    }
   }
  },
  "card": {
   "title": "Card holder",
   "description": "What a card issuer knows of the last six months.",
   "type": [
    "object",
    "null"
   ],
   "additionalProperties": false,
   "required": [
    "card_months_behind",
    "card_months_behind_before",
    "card_late_months",
    "card_longest_delay",
    "card_full_payments",
    "card_utilisation",
    "card_payments",
    "card_limit"
   ],
   "encoding": {
    "present_position": 15
   },
   "properties": {
    "card_months_behind": {
     "title": "Months behind now",
     "description": "How many months late the card account is now; 0 when it is not late.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 8,
     "unit": "months",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (not late)",
     "encoding": {
      "position": 16,
      "scale": "linear"
     }
    },
    "card_months_behind_before": {
     "title": "Months behind a month ago",
     "description": "How many months late the card account was a month ago.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 8,
     "unit": "months",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (not late)",
     "encoding": {
      "position": 17,
      "scale": "linear"
     }
    },
    "card_late_months": {
     "title": "Late months",
     "description": "In how many of the last six months the account was late.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 6,
     "unit": "count",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 18,
      "scale": "linear"
     }
    },
    "card_longest_delay": {
     "title": "Longest delay",
     "description": "The longest delay within the last six months, in months.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 8,
     "unit": "months",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (never late)",
     "encoding": {
      "position": 19,
      "scale": "linear"
     }
    },
    "card_full_payments": {
     "title": "Full payments",
     "description": "In how many of the last six months the bill was paid in full.",
     "type": [
      "integer",
      "null"
     ],
     "minimum": 0,
     "maximum": 6,
     "unit": "count",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 20,
      "scale": "linear"
     }
    },
    "card_utilisation": {
     "title": "Utilisation",
     "description": "Present bill divided by the credit limit: 0.5 is half.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 1.5,
     "unit": "ratio",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (nothing drawn)",
     "encoding": {
      "position": 21,
      "scale": "linear"
     }
    },
    "card_payments": {
     "title": "Payments",
     "description": "Sum of the last six months' payments divided by the credit limit.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 6,
     "unit": "ratio",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (nothing paid)",
     "encoding": {
      "position": 22,
      "scale": "log",
      "log_unit": "0.01"
     }
    },
    "card_limit": {
     "title": "Credit limit",
     "description": "The card's credit limit.",
     "type": [
      "number",
      "null"
     ],
     "minimum": 0,
     "maximum": 100000,
     "unit": "USD",
     "unknown": "null: not stated; the model has no sign for it and reads 0 (none)",
     "encoding": {
      "position": 23,
      "scale": "log",
      "log_unit": "100"
     }
    }
   }
  }
 },
 "anyOf": [
  {
   "properties": {
    "home": {
     "type": "object"
    }
   }
  },
  {
   "properties": {
    "card": {
     "type": "object"
    }
   }
  }
 ]
} as const;
