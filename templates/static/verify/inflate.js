// Unpacks a zlib stream (RFC 1950, 1951): by the browser where it has DecompressionStream, by the code
// below where it does not. Both refuse more than limit bytes and a stream that ends early.

/** Unpacks with the browser. */
export async function native(bytes, limit) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error("inflate: too long");
    }
    chunks.push(value);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577];
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const orderOfLengths = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The canonical Huffman code of these code lengths: how many of each length, and the symbols in order. */
function codeOf(lengths) {
  const counts = new Uint16Array(16), offsets = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  for (let i = 1; i < 15; i++) offsets[i + 1] = offsets[i] + counts[i];
  lengths.forEach((length, symbol) => { if (length) symbols[offsets[length]++] = symbol; });
  return { counts, symbols };
}

const fixedLiterals = codeOf([...Array(144).fill(8), ...Array(112).fill(9), ...Array(24).fill(7), ...Array(8).fill(8)]);
const fixedDistances = codeOf(Array(30).fill(5));

/** Unpacks with JavaScript. */
export async function pure(bytes, limit) {
  if (bytes.length < 6 || (bytes[0] & 15) !== 8 || (bytes[1] & 32) !== 0 || ((bytes[0] << 8) | bytes[1]) % 31 !== 0) {
    throw new Error("inflate: no zlib stream");
  }
  let at = 2, hold = 0, held = 0, size = 0;
  let out = new Uint8Array(Math.min(limit, 1 << 20));

  function bits(count) {
    while (held < count) {
      if (at >= bytes.length) throw new Error("inflate: ends early");
      hold |= bytes[at++] << held;
      held += 8;
    }
    const value = hold & ((1 << count) - 1);
    hold >>>= count;
    held -= count;
    return value;
  }

  function symbol({ counts, symbols }) {
    let code = 0, first = 0, index = 0;
    for (let length = 1; length < 16; length++) {
      code |= bits(1);
      const count = counts[length];
      if (code - count < first) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("inflate: no such code");
  }

  function room(more) {
    if (size + more > limit) throw new Error("inflate: too long");
    if (size + more <= out.length) return;
    const larger = new Uint8Array(Math.min(limit, Math.max(2 * out.length, size + more)));
    larger.set(out.subarray(0, size));
    out = larger;
  }

  function stored() {
    hold = held = 0;
    const length = bytes[at] | (bytes[at + 1] << 8), complement = bytes[at + 2] | (bytes[at + 3] << 8);
    at += 4;
    if (at + length > bytes.length || (length ^ 0xffff) !== complement) throw new Error("inflate: stored block");
    room(length);
    out.set(bytes.subarray(at, at + length), size);
    at += length;
    size += length;
  }

  function compressed(literals, distances) {
    for (;;) {
      const s = symbol(literals);
      if (s === 256) return;
      if (s < 256) {
        room(1);
        out[size++] = s;
        continue;
      }
      if (s > 285) throw new Error("inflate: length");
      const length = lengthBase[s - 257] + bits(lengthExtra[s - 257]);
      const d = symbol(distances);
      if (d > 29) throw new Error("inflate: distance");
      const distance = distanceBase[d] + bits(distanceExtra[d]);
      if (distance > size) throw new Error("inflate: distance");
      room(length);
      for (const end = size + length; size < end; size++) out[size] = out[size - distance];
    }
  }

  function dynamic() {
    const literals = bits(5) + 257, distances = bits(5) + 1, count = bits(4) + 4;
    const order = new Array(19).fill(0);
    for (let i = 0; i < count; i++) order[orderOfLengths[i]] = bits(3);
    const code = codeOf(order), lengths = [];
    while (lengths.length < literals + distances) {
      const s = symbol(code);
      if (s < 16) {
        lengths.push(s);
        continue;
      }
      const repeated = s === 16 ? lengths.at(-1) : 0;
      if (repeated === undefined) throw new Error("inflate: lengths");
      const times = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7);
      for (let i = 0; i < times; i++) lengths.push(repeated);
    }
    if (lengths.length > literals + distances) throw new Error("inflate: lengths");
    compressed(codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals)));
  }

  for (let last = 0; !last;) {
    last = bits(1);
    const type = bits(2);
    if (type === 0) stored();
    else if (type === 1) compressed(fixedLiterals, fixedDistances);
    else if (type === 2) dynamic();
    else throw new Error("inflate: block type");
  }
  let a = 1, b = 0;
  for (let i = 0; i < size;) {
    // 3800 sums of bytes stay below 2^32 (RFC 1950).
    for (const end = Math.min(i + 3800, size); i < end; i++) b += a += out[i];
    a %= 65521;
    b %= 65521;
  }
  const sum = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  if (at + 4 !== bytes.length || sum !== ((b << 16) | a) >>> 0) throw new Error("inflate: checksum");
  return out.slice(0, size);
}

/** Unpacks with what there is. */
export const inflate = globalThis.DecompressionStream ? native : pure;
