// Finds what may be tokens in a text that was scanned or pasted: the same rules as Candidates in
// internal/credential/scan.go, held together by shared vectors.
import { itemLength } from "./cbor.js";
import { fromBase32, toBase32 } from "./base32.js";

const maxScan = 16384, maxStarts = 8, maxToken = 480;

// Tag, outer array and the unvarying part of the protected header: how every token begins.
const head = Uint8Array.of(0xd2, 0x84, 0x4a, 0xa2, 0x01, 0x27, 0x04, 0x45);
const tokenStart = toBase32(head).slice(0, Math.floor(head.length * 8 / 5));

const inAlphabet = (c) => (c >= "A" && c <= "Z") || (c >= "2" && c <= "7");

/** The characters of the alphabet, "." for all others; spaced marks those behind white space. */
function fold(text) {
  const out = [], spaced = [];
  let gap = false, characters = 0;
  for (let c of text) {
    if (++characters > maxScan) return null;
    if (/\p{White_Space}/u.test(c)) {
      gap = true;
      continue;
    }
    if (/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(c)) continue;
    if (c >= "！" && c <= "～" && c.length === 1) c = String.fromCharCode(c.charCodeAt(0) - 0xfee0);
    if (c >= "a" && c <= "z") c = c.toUpperCase();
    out.push(inAlphabet(c) ? c : ".");
    spaced.push(gap);
    gap = false;
  }
  return { s: out.join(""), spaced };
}

/** The run up to where the message in it ends; "" where it is not complete. */
function cutMessage(run) {
  const padded = run + "A".repeat((8 - run.length % 8) % 8);
  let length;
  try {
    length = Math.ceil(itemLength(fromBase32(padded)) * 8 / 5);
  } catch {
    return "";
  }
  return length <= run.length ? run.slice(0, length) : "";
}

/** What may be tokens in a text; the first one that redeems counts. */
export function candidates(text) {
  const folded = fold(text);
  const found = [];
  if (!folded) return found;
  const { s, spaced } = folded;
  const add = (token) => {
    if (token !== "" && token.length <= maxToken && !found.includes(token)) found.push(token);
  };
  let from = Infinity;
  for (let starts = 0; starts < maxStarts && from >= 0; starts++) {
    const at = s.lastIndexOf(tokenStart, from);
    if (at < 0) break;
    from = at - 1;
    let end = at;
    while (end < s.length && inAlphabet(s[end]) && (end === at || !spaced[end])) end++;
    add(s.slice(at, end));
    while (end < s.length && inAlphabet(s[end])) end++;
    add(cutMessage(s.slice(at, Math.min(end, at + maxToken))));
  }
  return found;
}
