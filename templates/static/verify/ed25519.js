// Ed25519 by the browser (WebCrypto) or, where it does not know the curve yet, by noble-ed25519.
import * as noble from "../vendor/noble-ed25519/index.js";

/** Verifies with WebCrypto. */
export async function native(publicKey, signature, message) {
  const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

/** Verifies with JavaScript, by the strict rules of RFC 8032. */
export async function pure(publicKey, signature, message) {
  try {
    return await noble.verifyAsync(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // no point on the curve, or a scalar out of range
  }
}

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (b) => parseInt(b, 16));

// RFC 8032, section 7.1, test 2.
const known = {
  key: bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
  message: bytes("72"),
  signature: bytes("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
};

/** Chooses once: WebCrypto where it proves that it can, noble otherwise. */
export async function choose() {
  try {
    if (await native(known.key, known.signature, known.message)) return { name: "WebCrypto", verify: native };
  } catch {
    // an old browser: its WebCrypto refuses the name of the curve
  }
  return { name: "noble-ed25519", verify: pure };
}
