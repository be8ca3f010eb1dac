import { isLosslessNumber, parse } from "lossless-json";
import { encode, inRange } from "./encoding.js";
import { InvalidPassport } from "./errors.js";
import { TABLE, type Row } from "./table.js";

/** The schema's name, in a passport's file. */
export const SCHEMA = "urn:risk-oracle:passport:1";

export type GroupName = "home" | "card";

/** What is stated, by field: an exact decimal (as text, or a number as it prints), null for unknown. */
export type Group = Readonly<Record<string, string | number | null>>;

/** Two groups of fields; null for a group that the borrower does not have. */
export type Passport = { readonly home: Group | null; readonly card: Group | null };

/** A field as a form asks for it. */
export type Field = { group: GroupName; name: string; unit: string; low: string; high: string };

const GROUPS = ["home", "card"] as const;
const TABLE_GROUP = { home: "passport", card: "card" } as const;
const STATED = "_stated";
// One flag is named by what it says, not by its field.
const STATED_BY: Readonly<Record<string, string>> = { employment_stated: "employment_years" };
// As JSON writes a number; a longer one than this says nothing more.
const DECIMAL = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const LONGEST_NUMBER = 60;

/** The fields of both groups, in the schema's order. */
export const FIELDS: readonly Field[] = GROUPS.flatMap((group) =>
  TABLE.filter((row) => row.group === TABLE_GROUP[group] && row.unit !== "flag").map((row) => {
    const { name, unit, low, high } = row;
    return { group, name, unit, low, high };
  }),
);

/** The private features of a passport as the circuit takes them: 24 integers; throws InvalidPassport. */
export function encodePassport(passport: Passport): number[] {
  const checked = checkPassport(passport);
  return TABLE.map((row) => element(row, checked));
}

/** The passport with every field as exact text; throws InvalidPassport with all that is wrong. */
export function checkPassport(passport: Passport): { home: Stated | null; card: Stated | null } {
  const wrong: Record<string, string> = {};
  const checked = { home: checkGroup("home", passport.home, wrong), card: checkGroup("card", passport.card, wrong) };
  if (checked.home === null && checked.card === null && Object.keys(wrong).length === 0)
    wrong["passport"] = "neither group is there: without private data, ask with the oracle's neutral commitment";
  if (Object.keys(wrong).length > 0) throw new InvalidPassport(wrong);
  return checked;
}

/** A passport from the text of its file, every number exact; throws InvalidPassport. */
export function readPassport(text: string): Passport {
  let found: unknown;
  try {
    found = parse(text);
  } catch {
    throw new InvalidPassport({ passport: "the file is no JSON" });
  }
  return passportIn(found);
}

/** A passport from what a file's JSON holds. */
export function passportIn(found: unknown): Passport {
  if (!isRecord(found)) throw new InvalidPassport({ passport: "expected an object with schema, home and card" });
  if (found["schema"] !== SCHEMA)
    throw new InvalidPassport({ schema: `expected ${SCHEMA}: the file is of another version, or no passport` });
  const unknown = Object.keys(found).filter((name) => !["schema", ...GROUPS].includes(name));
  if (unknown.length > 0) throw new InvalidPassport({ passport: `unknown: ${unknown.map(shown).join(", ")}` });
  for (const name of GROUPS) {
    const group = found[name];
    if (group !== null && !isRecord(group))
      throw new InvalidPassport({ [name]: `${name}: expected an object, or null for a group that you do not have` });
  }
  const passport = { home: plain(found["home"]), card: plain(found["card"]) };
  checkPassport(passport);
  return passport;
}

/** The text of a passport's file. */
export function passportJson(passport: Passport): string {
  const checked = checkPassport(passport);
  const group = (stated: Stated | null) =>
    stated && `{${Object.entries(stated).map(([name, value]) => `"${name}":${value}`).join(",")}}`;
  return `{"schema":"${SCHEMA}","home":${group(checked.home)},"card":${group(checked.card)}}`;
}

type Stated = Record<string, string | null>;

function checkGroup(group: GroupName, given: Group | null, wrong: Record<string, string>): Stated | null {
  if (given === null) return null;
  const fields = FIELDS.filter((field) => field.group === group);
  const stated: Stated = {};
  for (const field of fields) {
    const fault = (text: string) => void (wrong[`${group}.${field.name}`] = `${group}.${field.name}: ${text}`);
    const value = given[field.name];
    if (value === null) stated[field.name] = null;
    else if (value === undefined) fault("is missing: a number, or null for unknown");
    else {
      const text = String(value);
      const range = `expected ${field.low} to ${field.high} ${field.unit}`;
      if (!DECIMAL.test(text) || text.length > LONGEST_NUMBER) fault(`is not a number: ${range}`);
      else if (!inRange(field, text)) fault(`is out of range: ${range}`);
      else stated[field.name] = text;
    }
  }
  for (const name of Object.keys(given))
    if (!fields.some((field) => field.name === name)) wrong[`${group}.${shown(name)}`] = `${group}.${shown(name)}: no such field`;
  return stated;
}

function element(row: Row, passport: { home: Stated | null; card: Stated | null }): number {
  const stated = row.group === "card" ? passport.card : passport.home;
  if (stated === null) return 0;
  if (row.unit !== "flag") {
    const value = stated[row.name];
    return value === null || value === undefined ? 0 : encode(row, value);
  }
  if (!row.name.endsWith(STATED)) return encode(row, "1");
  const name = STATED_BY[row.name] ?? row.name.slice(0, -STATED.length);
  return encode(row, stated[name] === null ? "0" : "1");
}

function plain(group: unknown): Group | null {
  if (!isRecord(group)) return null;
  return Object.fromEntries(
    Object.entries(group).map(([name, value]) => {
      if (value === null) return [name, null];
      // Anything but a number becomes a text that no number is.
      return [name, isLosslessNumber(value) ? value.value : "no number"];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

// A name that somebody else chose is repeated up to a length, and as text alone.
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40)).slice(1, -1);
}
