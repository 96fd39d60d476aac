// The part of CBOR (RFC 8949) that our messages use, in its one deterministic form: integers,
// byte strings, texts, arrays, maps and tags, all of definite length and shortest head. Anything
// else is refused: a verifier has no use for tolerance.

export class Tagged {
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const maxDepth = 6;

/** Decodes exactly one item that fills all bytes. Throws on anything else. */
export function decode(bytes) {
  const { value, length } = decodeFirst(bytes);
  if (length !== bytes.length) throw new Error("cbor: more than one item");
  return value;
}

/** The number of bytes of the first item. Throws where it is not whole. */
export const itemLength = (bytes) => decodeFirst(bytes).length;

function decodeFirst(bytes) {
  let at = 0;

  function head() {
    if (at >= bytes.length) throw new Error("cbor: ends early");
    const first = bytes[at++];
    const major = first >> 5, info = first & 31;
    if (info < 24) return [major, info];
    if (info > 27) throw new Error("cbor: indefinite or reserved length");
    const size = 1 << (info - 24);
    if (at + size > bytes.length) throw new Error("cbor: ends early");
    let value = 0n;
    for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[at++]);
    const least = size === 1 ? 24n : 1n << BigInt(4 * size);
    if (value < least) throw new Error("cbor: not the shortest form");
    return [major, value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value];
  }

  function take(length) {
    if (typeof length !== "number" || length > bytes.length - at) throw new Error("cbor: ends early");
    at += length;
    return bytes.subarray(at - length, at);
  }

  function item(depth) {
    if (depth > maxDepth) throw new Error("cbor: too deep");
    const [major, value] = head();
    switch (major) {
      case 0: return value;
      case 1: return typeof value === "number" ? -1 - value : -1n - value;
      case 2: return take(value);
      case 3: return text.decode(take(value));
      case 4: {
        if (value > bytes.length - at) throw new Error("cbor: ends early");
        const list = [];
        for (let i = 0; i < value; i++) list.push(item(depth + 1));
        return list;
      }
      case 5: {
        if (value > bytes.length - at) throw new Error("cbor: ends early");
        const map = new Map();
        for (let i = 0; i < value; i++) {
          const key = item(depth + 1);
          if (typeof key === "object" || map.has(key)) throw new Error("cbor: key");
          map.set(key, item(depth + 1));
        }
        return map;
      }
      case 6: return new Tagged(value, item(depth + 1));
    }
    throw new Error("cbor: simple values and floats have no place here");
  }

  const value = item(0);
  return { value, length: at };
}

/** Encodes an array of byte strings and texts: what COSE signs. */
export function encodeArray(parts) {
  const chunks = [head(4, parts.length)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
    chunks.push(head(typeof part === "string" ? 3 : 2, bytes.length), bytes);
  }
  const out = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const c of chunks) {
    out.set(c, at);
    at += c.length;
  }
  return out;
}

function head(major, n) {
  if (n < 24) return Uint8Array.of((major << 5) | n);
  if (n < 0x100) return Uint8Array.of((major << 5) | 24, n);
  if (n < 0x10000) return Uint8Array.of((major << 5) | 25, n >> 8, n & 255);
  return Uint8Array.of((major << 5) | 26, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255);
}
