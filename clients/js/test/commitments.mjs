// Encodes passports and hashes private tensors that the Python side made (a JSON file), and says what it found.
import { readFileSync } from "node:fs";
import { commitmentOf, encodePassport, readPassport } from "@risk-oracle/client/passport";

const { passports, tensors } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const encoded = passports.map((text) => encodePassport(readPassport(text)));
const commitments = tensors.map((tensor) => commitmentOf(tensor.slice(0, 24), tensor.slice(24)));
console.log(JSON.stringify({ encoded, commitments }));
