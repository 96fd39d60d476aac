// Reads and checks the tokens of cards that internal/credential signs; statuslist.js reads the list.
// The same rules as there; vectors made by the Go side are the test.
import { fromBase32, toBase32 } from "./base32.js";
import { candidates } from "./candidates.js";
import { decode, encodeArray, Tagged } from "./cbor.js";

/** A text that is no token: reason is malformed, unknown-key or altered. */
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const minToken = 140, maxToken = 480;
const aadToken = new TextEncoder().encode("volcard token 1");
const editions = [undefined, "general", "regular"];
const maxName = 130, maxDay = 100000;

const equal = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);
const header = Uint8Array.of(0xa2, 0x01, 0x27, 0x04, 0x45);

/** Takes a COSE_Sign1 message apart; only the form that the Go side writes passes. */
function split(bytes) {
  let message;
  try {
    message = decode(bytes);
  } catch {
    throw new Refused("malformed");
  }
  const parts = message instanceof Tagged && message.tag === 18 ? message.value : null;
  if (!Array.isArray(parts) || parts.length !== 4) throw new Refused("malformed");
  const [protectedHeader, unprotected, payload, signature] = parts;
  if (!(protectedHeader instanceof Uint8Array) || !(unprotected instanceof Map) || unprotected.size !== 0 ||
    !(payload instanceof Uint8Array) || !(signature instanceof Uint8Array) || signature.length !== 64 ||
    protectedHeader.length !== 10 || !equal(protectedHeader.subarray(0, 5), header)) {
    throw new Refused("malformed");
  }
  return { protectedHeader, payload, signature, kid: toBase32(protectedHeader.subarray(5)) };
}

async function open(bytes, aad, keys, verify) {
  const message = split(bytes);
  const key = keys.get(message.kid);
  if (!key) throw new Refused("unknown-key");
  const signed = encodeArray(["Signature1", message.protectedHeader, aad, message.payload]);
  if (!(await verify(key, message.signature, signed))) throw new Refused("altered");
  return message;
}

const isDay = (n) => Number.isInteger(n) && n > 0 && n <= maxDay;

function claimsOf(payload) {
  let map;
  try {
    map = decode(payload);
  } catch {
    throw new Refused("malformed");
  }
  if (!(map instanceof Map)) throw new Refused("malformed");
  const number = map.get(1), edition = editions[map.get(2)], issuedOn = map.get(3), expiresOn = map.get(4), name = map.get(5);
  if (typeof number !== "number" && typeof number !== "bigint") throw new Refused("malformed");
  if (!/^[1-9][0-9]{5,17}$/.test(String(number)) || !edition || !isDay(issuedOn) || !isDay(expiresOn) || issuedOn > expiresOn ||
    typeof name !== "string" || name === "" || /\p{Cc}/u.test(name) || new TextEncoder().encode(name).length > maxName) {
    throw new Refused("malformed");
  }
  return { sequence: sequenceOf(String(number)), edition, issuedOn, expiresOn, name, year: new Date(issuedOn * 86400000).getUTCFullYear() };
}

/** The index of a card number in the status list; -1 for a number of another form. */
const sequenceOf = (number) => /^42[0-9]{12}$/.test(number) ? Number(number.slice(4, 12)) : -1;

/** The day in Shanghai, counted from 1970-01-01. */
export const dayOf = (milliseconds) => Math.floor((milliseconds + 8 * 3600000) / 86400000);

/** The keys that the server publishes, by their id. */
export function readKeys(document) {
  const keys = new Map();
  for (const key of document.keys) {
    const text = key.x.replace(/-/g, "+").replace(/_/g, "/");
    keys.set(key.kid, Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
  }
  return keys;
}

/** Reads the claims of one token. Throws Refused. */
async function redeem(token, keys, verify) {
  let bytes;
  try {
    if (token.length < minToken || token.length > maxToken) throw new Error("length");
    bytes = fromBase32(token);
  } catch {
    throw new Refused("malformed");
  }
  return claimsOf((await open(bytes, aadToken, keys, verify)).payload);
}

/**
 * Says what a scanned text is worth at a time, without network. The first candidate that redeems
 * counts; where none does, the reason is that of the first.
 * Returns { status, reason?, claims? }; status is one of the verdicts of api/public.
 */
export async function check(text, { keys, list, verify, now }) {
  let claims = null, reason = null;
  for (const candidate of candidates(text)) {
    try {
      claims = await redeem(candidate, keys, verify);
      break;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      reason ??= error.reason;
    }
  }
  if (!claims) return { status: "unknown", reason: reason ?? "malformed" };
  const listed = list ? list.status(claims.sequence) : "unlisted";
  if (listed && listed !== "unlisted") return { status: listed, claims };
  if (dayOf(now) > claims.expiresOn) return { status: "expired", claims };
  if (listed) return { status: listed, claims };
  return { status: now > list.next ? "stale" : "valid", claims };
}
