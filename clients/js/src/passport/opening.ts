import type { Hex } from "viem";
import { InvalidOpening } from "./errors.js";
import { ENCODED_LENGTH, ENCODED_ONE, SALT_ELEMENTS, SCHEMA } from "./fields.js";
import { encodePassport, passportIn, passportJson, readJson, type Passport } from "./passport.js";
import { poseidonHash } from "./poseidon.js";

/** What a commitment hides: whoever holds it can answer the request, and read the passport. */
export type Opening = {
  /** The private features as the circuit takes them: 24 integers. */
  readonly encoded: readonly number[];
  /** Five unsigned 32-bit integers. */
  readonly salt: readonly number[];
  /** The commitment: a field element as 32 bytes. */
  readonly commitment: Hex;
};

const LARGEST_SALT = 2 ** 32 - 1;
const NAMES = "commitment,passport,salt,schema";
const SALT = /^0x[0-9a-fA-F]{40}$/;

/** 160 random bits of the platform's generator. Take a new one for each request: a commitment that is used again links them. */
export function newSalt(): number[] {
  return [...crypto.getRandomValues(new Uint32Array(SALT_ELEMENTS))];
}

/** Commit to a passport as the circuit does; throws InvalidPassport, and InvalidOpening for a salt that is none. */
export function commit(passport: Passport, salt: readonly number[] = newSalt()): Opening {
  return commitEncoded(encodePassport(passport), salt);
}

/** Commit to private features that are encoded already: 24 integers from 0 to 1024; throws InvalidOpening. */
export function commitEncoded(encoded: readonly number[], salt: readonly number[]): Opening {
  check("encoded", encoded, ENCODED_LENGTH, ENCODED_ONE);
  check("salt", salt, SALT_ELEMENTS, LARGEST_SALT);
  // A drawn one has two zeros once in 2^60; a short one that was filled up has them always.
  if (salt.filter((part) => part === 0).length > 1)
    throw new InvalidOpening("salt: too short: fewer than 128 of its 160 bits are drawn; take a new one");
  return { encoded: [...encoded], salt: [...salt], commitment: commitmentOf(encoded, salt) };
}

/** The bare hash of a private tensor, as 32 bytes. */
export function commitmentOf(encoded: readonly number[], salt: readonly number[]): Hex {
  const hash = poseidonHash([...encoded, ...salt].map(BigInt));
  return `0x${hash.toString(16).padStart(64, "0")}`;
}

/** The text of an opening's file, which `risk-oracle passport` reads: keep it as secret as the passport. */
export function openingJson(passport: Passport, opening: Opening): string {
  const salt = opening.salt.map((part) => part.toString(16).padStart(8, "0")).join("");
  const hidden = `"salt": "0x${salt}", "commitment": "${opening.commitment}"`;
  return `{ "schema": "${SCHEMA}", "passport": ${passportJson(passport)}, ${hidden} }\n`;
}

/** Passport and opening from the text of an opening's file; throws InvalidPassport, InvalidOpening. */
export function readOpening(text: string): { passport: Passport; opening: Opening } {
  const found = readJson(text, (fault) => new InvalidOpening(fault));
  if (typeof found !== "object" || found === null || Object.keys(found).sort().join() !== NAMES)
    throw new InvalidOpening("the file is no opening: expected schema, passport, salt and commitment");
  const { schema, passport: inside, salt, commitment } = found as Record<string, unknown>;
  if (schema !== SCHEMA) throw new InvalidOpening(`the file follows another schema, or none: this release reads ${SCHEMA}`);
  if (typeof salt !== "string" || !SALT.test(salt))
    throw new InvalidOpening("salt: expected 0x and 40 hex digits (160 bits): the file is cut off, or no opening");
  const passport = passportIn(inside);
  const parts = [...salt.slice(2).matchAll(/.{8}/g)].map(([part]) => Number.parseInt(part, 16));
  const opening = commit(passport, parts);
  if (typeof commitment !== "string" || commitment.toLowerCase() !== opening.commitment)
    throw new InvalidOpening("commitment: it is not that of this passport and salt: the file was changed");
  return { passport, opening };
}

function check(what: string, values: readonly number[], count: number, largest: number): void {
  if (values.length !== count) throw new InvalidOpening(`${what}: ${values.length} elements, expected ${count}`);
  for (const [index, value] of values.entries())
    if (!Number.isInteger(value) || value < 0 || value > largest)
      throw new InvalidOpening(`${what}: element ${index} is out of range: expected an integer from 0 to ${largest}`);
}
