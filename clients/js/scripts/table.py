"""Writes src/passport/table.ts from the feature table that training uses; `--check` only compares."""

import json
import sys
from pathlib import Path

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES, SALT_ELEMENTS, Feature, Scale

TARGET = Path(__file__).parents[1] / "src" / "passport" / "table.ts"
HEAD = """\
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

"""


def line(feature: Feature) -> str:
    told = {
        "name": feature.name,
        "group": feature.group,
        "unit": feature.unit,
        "low": str(feature.low),
        "high": str(feature.high),
        "logUnit": str(feature.log_unit) if feature.scale is Scale.LOG else None,
    }
    return "  { " + ", ".join(f"{key}: {json.dumps(value)}" for key, value in told.items()) + " },"


def text() -> str:
    """Return the module; a feature that an absence encodes as anything but 0 would need more than this."""
    if any(feature.encode(None) for feature in PRIVATE_FEATURES):
        raise SystemExit("a private feature's absence is not 0: passport.ts must learn it")
    rows = "\n".join(map(line, PRIVATE_FEATURES))
    return (
        f"{HEAD}/** The encoded integer of the upper end of a range; the lower end is 0. */\n"
        f"export const ENCODED_ONE = {ENCODED_ONE};\n\n"
        f"/** The private tensor ends with as many unsigned 32-bit integers. */\n"
        f"export const SALT_ELEMENTS = {SALT_ELEMENTS};\n\n"
        f"export const TABLE: readonly Row[] = [\n{rows}\n];\n"
    )


if "--check" not in sys.argv:
    TARGET.write_text(text())
elif not TARGET.exists() or TARGET.read_text() != text():
    raise SystemExit(
        "src/passport/table.ts is out of date: run python clients/js/scripts/table.py and commit the result"
    )
