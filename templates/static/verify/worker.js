// Keeps the page that checks cards for when there is no network: /verify and its static files, nothing else. It is
// started by /verify-worker.js, which names the files and their version (api/public/verify_worker.go).
"use strict";

const { version, page, files } = self.volcardVerify;
const prefix = "volcard-verify-", name = prefix + version;
const patience = 5000; // milliseconds; a network that answers no later counts as none

const keptClients = new Set(); // pages that were answered from the cache: their files are of the same version

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(name);
  // Without cookies: what is kept is nobody's page.
  await cache.addAll([page, ...files].map((path) => new Request(path, { cache: "no-cache", credentials: "omit" })));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const other of await caches.keys()) {
    if (other.startsWith(prefix) && other !== name) await caches.delete(other);
  }
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === page) event.respondWith(openPage(event));
  } else if (files.includes(url.pathname)) {
    event.respondWith(openFile(event));
  }
});

const kept = async (path) => (await caches.open(name)).match(path);

/** The page of the network; the kept one where there is none, or where the server fails. */
async function openPage(event) {
  let answer;
  try {
    answer = await inTime(fetch(event.request));
  } catch {
    answer = Response.error();
  }
  if (answer.type !== "error" && answer.status < 500) return answer;
  const old = await kept(page);
  if (!old) return answer;
  keptClients.add(event.resultingClientId);
  return old;
}

async function openFile(event) {
  const path = new URL(event.request.url).pathname;
  if (keptClients.has(event.clientId)) {
    const old = await kept(path);
    if (old) return old;
  }
  try {
    return await inTime(fetch(event.request));
  } catch {
    return (await kept(path)) ?? Response.error();
  }
}

function inTime(promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), patience))]);
}
