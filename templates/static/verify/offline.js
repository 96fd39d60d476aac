// What lets the page be opened again without network: the worker keeps page and program; keys and status list,
// which are public and signed, are kept here. Nothing of a card is.

const store = "volcard-lists";

/** Starts the worker, where the browser has such. */
export function keepPage() {
  navigator.serviceWorker?.register("/verify-worker.js", { scope: "/verify" }).catch(() => { /* private window */ });
}

/** Keeps the answers to these paths, all of one moment. */
export async function keepAnswers(answers) {
  try {
    const cache = await caches.open(store);
    await Promise.all(Object.entries(answers).map(([path, answer]) => cache.put(path, answer)));
  } catch {
    // a private window, or no room: the page works all the same while it is open
  }
}

/** Returns the kept answers to these paths; throws where one is missing. */
export async function keptAnswers(paths) {
  const cache = await caches.open(store);
  return Promise.all(paths.map(async (path) => {
    const answer = await cache.match(path);
    if (!answer) throw new Error(`${path}: not kept`);
    return answer;
  }));
}
