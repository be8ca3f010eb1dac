// Makes an opening, seals it, and takes files that are wrong: a JSON file says which; what came of it as one JSON object.
import { readFileSync } from "node:fs";
import { base64Url, commit, newSalt, openingJson, readOpening, readPassport, seal } from "@risk-oracle/client/passport";

const { passport, destination, key, files } = JSON.parse(readFileSync(process.argv[2], "utf8"));

const stated = readPassport(passport);
const opening = commit(stated, newSalt());
const file = openingJson(stated, opening);
const again = readOpening(file).opening;
const sealed = await seal(opening, { ...destination, requestId: BigInt(destination.requestId) }, key);
const wrongKey = await seal(opening, { ...destination, requestId: 1n }, "0x12").catch((error) => error.message);

const read = { passport: readPassport, opening: readOpening };
const faults = files.map(([kind, text]) => {
  try {
    read[kind](text);
    return null;
  } catch (error) {
    return { kind: error.constructor.name, message: error.message };
  }
});
const salts = new Set(Array.from({ length: 100 }, () => newSalt().join()));

console.log(JSON.stringify({ file, again, opening, sealed: base64Url(sealed), wrongKey, faults, salts: salts.size }));
