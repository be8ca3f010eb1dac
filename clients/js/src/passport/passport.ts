import { isLosslessNumber, parse } from "lossless-json";
import { encode, inRange, isCarried, isWhole } from "./encoding.js";
import { InvalidPassport } from "./errors.js";
import {
  ENCODED_LENGTH,
  ENCODED_ONE,
  expected,
  FIELDS,
  GROUPS,
  presentPosition,
  SCHEMA,
  type Field,
  type GroupName,
} from "./fields.js";

/** What is stated, by field: a number (as text, or as it prints), null for unknown. */
export type Group = Readonly<Record<string, string | number | null>>;

/** Two groups of fields; null for a group that is unknown. */
export type Passport = { readonly home: Group | null; readonly card: Group | null };

type Stated = Record<string, string | null>;
type Checked = Record<GroupName, Stated | null>;
type Faults = Record<string, string>;

// As JSON writes a number.
const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const LONGEST_NUMBER = 40;
const LONGEST_FILE = 65_536;
const LONGEST_NAME = 40;

/** The private features of a passport as the circuit takes them: 24 integers; throws InvalidPassport. */
export function encodePassport(passport: Passport): number[] {
  const checked = checkPassport(passport);
  const encoded = Array.from({ length: ENCODED_LENGTH }, () => 0);
  for (const group of GROUPS) if (checked[group] !== null) encoded[presentPosition(group)] = ENCODED_ONE;
  for (const field of FIELDS) {
    const value = checked[field.group]?.[field.name];
    if (value === null || value === undefined) continue;
    encoded[field.position] = encode(field, value);
    if (field.statedPosition !== null) encoded[field.statedPosition] = ENCODED_ONE;
  }
  return encoded;
}

/** The passport with every number as exact text; throws InvalidPassport with all that is wrong. */
export function checkPassport(passport: Passport): Checked {
  const wrong: Faults = {};
  const checked: Checked = {
    home: passport.home && checkGroup("home", passport.home, wrong),
    card: passport.card && checkGroup("card", passport.card, wrong),
  };
  if (checked.home === null && checked.card === null)
    wrong["passport"] =
      "the passport states nothing: give home, card or both (a request without private data needs no passport)";
  if (Object.keys(wrong).length > 0) throw new InvalidPassport(wrong);
  return checked;
}

/** A passport from the text of its file, every number exact; throws InvalidPassport. */
export function readPassport(text: string): Passport {
  return passportIn(readJson(text, (fault) => new InvalidPassport({ passport: fault })));
}

/** The values of a JSON text with exact numbers; throws what `fault` makes of a sentence. */
export function readJson(text: string, fault: (text: string) => Error): unknown {
  if (text.length > LONGEST_FILE) throw fault(`the file is larger than ${LONGEST_FILE} bytes: it is no passport and no opening`);
  try {
    return parse(text, null, { onDuplicateKey: refuse });
  } catch {
    throw fault("the file is no JSON, or gives a name twice");
  }
}

/** A passport from what a file's JSON holds; throws InvalidPassport. */
export function passportIn(found: unknown): Passport {
  if (!isRecord(found)) throw new InvalidPassport({ passport: "a passport is a JSON object with schema, home and card" });
  if (found["schema"] !== SCHEMA)
    throw new InvalidPassport({ schema: `the file follows another schema, or none: this release reads ${SCHEMA}` });
  const unknown = Object.keys(found).find((name) => !["schema", ...GROUPS].includes(name));
  if (unknown !== undefined)
    throw new InvalidPassport({ passport: `${shown(unknown)} is no part of a passport: it has schema, home and card` });
  const passport = { home: groupIn("home", found), card: groupIn("card", found) };
  checkPassport(passport);
  return passport;
}

/** The text of a passport's file. */
export function passportJson(passport: Passport): string {
  const checked = checkPassport(passport);
  const told = GROUPS.map((name) => {
    const group = checked[name];
    const inside = group && Object.entries(group).map(([field, value]) => `"${field}": ${value}`);
    return `"${name}": ${inside && `{ ${inside.join(", ")} }`}`;
  });
  return `{ "schema": "${SCHEMA}", ${told.join(", ")} }`;
}

function checkGroup(group: GroupName, given: Group, wrong: Faults): Stated {
  const stated: Stated = {};
  const fields = FIELDS.filter((field) => field.group === group);
  for (const field of fields) {
    const value = given[field.name];
    const fault = value === undefined ? "is missing" : value === null ? null : faultOf(field, String(value));
    if (fault !== null) wrong[`${group}.${field.name}`] = `${group}.${field.name} ${fault}: expected ${expected(field)}, or null for unknown`;
    stated[field.name] = value === undefined || value === null ? null : String(value);
  }
  for (const name of Object.keys(given))
    if (!fields.some((field) => field.name === name)) {
      const path = `${group}.${shown(name)}`;
      wrong[path] = `${path} is no field of ${SCHEMA}`;
    }
  return stated;
}

function faultOf(field: Field, value: string): string | null {
  if (!NUMBER.test(value) || value.length > LONGEST_NUMBER) return "is not of its kind";
  if (!inRange(field, value)) return "is outside its range";
  if (field.whole && !isWhole(value)) return "is not of its kind";
  return isCarried(value) ? null : "has more digits than a number carries (about 15): round it";
}

function groupIn(name: GroupName, found: Record<string, unknown>): Group | null {
  const group = found[name];
  if (group === null) return null;
  if (!isRecord(group))
    throw new InvalidPassport({ [name]: `${name} must be an object with its fields, or null for a group that is unknown` });
  // What is no number becomes a text that is none: it is refused by its name, and not repeated.
  const exact = (value: unknown) => (value === null ? null : isLosslessNumber(value) ? value.value : "no number");
  return Object.fromEntries(Object.entries(group).map(([field, value]) => [field, exact(value)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

function refuse(): never {
  throw new SyntaxError("a name is given twice");
}

function shown(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}…`;
}
