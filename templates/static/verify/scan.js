// Finds a QR code in a picture or in the camera's image: with the browser's BarcodeDetector where
// there is one, with the vendored decoder otherwise. Nothing leaves the device.
import { decodeQR } from "../vendor/qr/decode.js";

const frameSize = 800;    // pixels of a camera frame that are looked at; a card fills most of it
const pictureSize = 2000; // of a photo

async function makeDetector() {
  try {
    if ((await globalThis.BarcodeDetector?.getSupportedFormats())?.includes("qr_code")) {
      return new BarcodeDetector({ formats: ["qr_code"] });
    }
  } catch {
    // announced, but not working on this system
  }
  return null;
}

let detector;

/** Draws a source into a canvas no larger than size. */
function draw(canvas, source, width, height, size) {
  const scale = Math.min(1, size / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function find(canvas, image, options) {
  detector ??= makeDetector();
  const native = await detector;
  if (native) {
    try {
      const [code] = await native.detect(canvas);
      if (code?.rawValue) return code.rawValue;
    } catch {
      // the decoder below tries as well
    }
  }
  try {
    return decodeQR(image, options);
  } catch {
    return null; // none found
  }
}

/** The text of the QR code in an image file; null where none is found. */
export async function fromFile(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    const data = draw(canvas, image, image.naturalWidth, image.naturalHeight, pictureSize);
    return await find(canvas, data, { effort: Infinity, timeLimit: 3000 });
  } catch {
    return null; // no picture at all
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Tells whether the browser lets a page ask for the camera. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/**
 * Shows the camera in a video element until the signal is aborted; onCode gets the text of a code.
 * A refusal of the camera rejects.
 */
export async function fromCamera(video, signal, onCode) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" } }, audio: false });
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    if (video.srcObject === stream) video.srcObject = null;
  };
  if (signal.aborted) {
    stop();
    return;
  }
  signal.addEventListener("abort", stop);
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement("canvas");
  const look = async () => {
    if (signal.aborted) return;
    if (video.videoWidth > 0) {
      const image = draw(canvas, video, video.videoWidth, video.videoHeight, frameSize);
      const text = await find(canvas, image, {});
      if (signal.aborted) return;
      if (text) {
        onCode(text);
        return;
      }
    }
    requestAnimationFrame(look);
  };
  look();
}
