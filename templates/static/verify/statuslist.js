// Reads the published status list (draft-ietf-oauth-status-list, CWT form), as internal/credential does:
// two bits a card at the index of its sequence, least significant bits first, compressed with zlib.
import { toBase32 } from "./base32.js";
import { decode, encodeArray, Tagged } from "./cbor.js";
import { inflate as available } from "./inflate.js";
import { Refused } from "./token.js";

const listType = "application/statuslist+cwt";
const maxBytes = 25_000_000; // the sequence of a card number has eight digits
const names = ["", "cancelled", "suspended", "replaced"];
const claim = { expires: 4, issued: 6, list: 65533 };

function map(bytes) {
  let value;
  try {
    value = decode(bytes);
  } catch {
    throw new Refused("malformed");
  }
  if (!(value instanceof Map)) throw new Refused("malformed");
  return value;
}

/** Takes the message apart and checks its signature; returns its claims. */
async function open(bytes, keys, verify) {
  let message;
  try {
    message = decode(bytes);
  } catch {
    throw new Refused("malformed");
  }
  const parts = message instanceof Tagged && message.tag === 18 ? message.value : null;
  if (!Array.isArray(parts) || parts.length !== 4) throw new Refused("malformed");
  const [header, , payload, signature] = parts;
  if (!(header instanceof Uint8Array) || !(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) {
    throw new Refused("malformed");
  }
  const entries = map(header), kid = entries.get(4);
  if (entries.get(1) !== -8 || entries.get(16) !== listType || !(kid instanceof Uint8Array)) throw new Refused("malformed");
  const key = keys.get(toBase32(kid));
  if (!key) throw new Refused("unknown-key");
  if (!(await verify(key, signature, encodeArray(["Signature1", header, new Uint8Array(0), payload])))) throw new Refused("altered");
  return map(payload);
}

/**
 * Checks the published list. Returns { issued, next } in milliseconds, size (cards not in force), and
 * status(sequence): a verdict, "" for a card in force, "unlisted" for a sequence that is not covered.
 */
export async function readStatusList(bytes, keys, verify, inflate = available) {
  const claims = await open(bytes, keys, verify);
  const issued = claims.get(claim.issued), next = claims.get(claim.expires), list = claims.get(claim.list);
  if (!Number.isInteger(issued) || !Number.isInteger(next) || !(list instanceof Map) || list.get("bits") !== 2 ||
    !(list.get("lst") instanceof Uint8Array)) {
    throw new Refused("malformed");
  }
  let packed;
  try {
    packed = await inflate(list.get("lst"), maxBytes);
  } catch {
    throw new Refused("malformed");
  }
  let size = 0;
  for (const four of packed) {
    if (four === 0) continue;
    for (let i = 0; i < 8; i += 2) if ((four >> i) & 3) size++;
  }
  return {
    issued: issued * 1000, next: next * 1000, size,
    status: (sequence) => sequence >= 0 && sequence < packed.length * 4 ?
      names[(packed[Math.floor(sequence / 4)] >> (2 * (sequence % 4))) & 3] : "unlisted",
  };
}
