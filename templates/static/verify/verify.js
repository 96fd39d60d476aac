// The page that checks cards: fetches keys and the list, then works without network. Both are kept for a page that
// is opened again without one; nothing scanned is kept or sent.
import { Clock, wrongClock } from "./clock.js";
import { choose } from "./ed25519.js";
import { keepAnswers, keepPage, keptAnswers } from "./offline.js";
import { fromCamera, fromFile, hasCamera } from "./scan.js";
import { readStatusList } from "./statuslist.js";
import { check, readKeys } from "./token.js";

const renewEvery = 60_000;   // while there is a network
const sayAgeEvery = 15_000;
const patience = 8_000;      // a network that answers no sooner counts as none

const keysPath = "/.well-known/volcard/keys", listPath = "/.well-known/volcard/status-list";

const $ = (id) => document.getElementById(id);
const words = $("words");
const editions = JSON.parse(words.dataset.editions);
const reasons = JSON.parse(words.dataset.reasons);

let keys = null;
let list = null;
let offline = false;
let crypto25519;

const clock = new Clock();

async function get(path) {
  const signal = AbortSignal.timeout?.(patience);
  const answer = await fetch(path, { cache: "no-cache", credentials: "omit", signal });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

let loading = null;

/** Takes answers with keys and list; returns when the list was issued. An older list never takes the place of a newer one. */
async function take([keysAnswer, listAnswer]) {
  const fresh = readKeys(await keysAnswer.json());
  const next = await readStatusList(new Uint8Array(await listAnswer.arrayBuffer()), fresh, crypto25519.verify);
  keys = fresh;
  if (!list || next.issued >= list.issued) list = next;
  return next.issued;
}

/** Fetches keys and list; without network it takes the kept ones. */
function load() {
  loading ??= (async () => {
    try {
      const answers = [await get(keysPath), await get(listPath)];
      const copies = { [keysPath]: answers[0].clone(), [listPath]: answers[1].clone() };
      clock.learn(await take(answers), answers[1].headers.get("Date"));
      offline = false;
      await keepAnswers(copies);
    } catch {
      offline = true;
      if (!list) {
        try {
          clock.atLeast(await take(await keptAnswers([keysPath, listPath])));
        } catch {
          // nothing kept: the page says that it has no list
        }
      }
    }
    loading = null;
    sayBasis();
  })();
  return loading;
}

function age(milliseconds) {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return "不到 1 分钟前";
  if (minutes < 60) return `${minutes} 分钟前`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} 小时前` : `${Math.floor(hours / 24)} 天前`;
}

const clockText = (at) => new Date(at).toLocaleString("zh-CN", {
  timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
});

const dayText = (at) => new Date(at).toLocaleDateString("zh-CN", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "long", day: "numeric",
});

/**
 * Says how old the list is, and what that means. The age changes each minute and stands outside
 * the line that is read aloud.
 */
function sayBasis() {
  const box = document.querySelector(".basis[data-state]");
  let state = "fresh", facts = "", sentence = "名单是最新的。";
  if (!list) {
    state = offline ? "missing" : "loading";
    sentence = offline ? "还没有取得公钥和吊销名单，暂时不能核验。请联网后更新。" : "正在下载公钥和吊销名单……";
  } else {
    facts = `名单签发于 ${clockText(list.issued)}（${age(clock.now() - list.issued)}），共 ${list.size} 条。`;
    if (clock.now() > list.next) {
      state = "stale";
      sentence = "名单已超过一天没有更新，结果可能不准，请联网后更新。";
    } else if (offline) {
      state = "offline";
      sentence = "现在没有网络，按这份名单核验。";
    }
    sentence += wrongClock(clock);
  }
  box.dataset.state = state;
  if ($("basis").textContent !== facts) $("basis").textContent = facts;
  if ($("basis-state").textContent !== sentence) $("basis-state").textContent = sentence;
}

/** Loads because somebody asked, who hears that it is done. */
function refresh() {
  if (list) $("basis-state").textContent = "正在更新名单……";
  return load();
}

let questions = 0;

/** Takes the verdict on the previous card away. Only the newest question is answered. */
function ask() {
  $("result").replaceChildren();
  return ++questions;
}

/** Shows the verdict on a text. Keys and list that are here already need no network. */
async function say(text, question = ask()) {
  const result = $("result");
  if (!keys && loading) await loading;
  const said = keys
    ? await check(text, { keys, list, verify: crypto25519.verify, now: clock.now() })
    : { status: "unlisted" };
  if (question !== questions) return said.status;
  const made = document.querySelector(`template[data-verdict="${said.status}"]`).content.cloneNode(true);
  const fill = (name, value) => { made.querySelector(`[data-fill="${name}"]`).textContent = value; };
  if (said.reason) fill("sentence", reasons[said.reason]);
  if (said.claims) {
    fill("name", said.claims.name);
    fill("edition", editions[said.claims.edition] ?? "");
    fill("year", said.claims.year);
    made.querySelector("dl").hidden = false;
  }
  const doubt = aboutTime(said.status);
  if (doubt) made.append(note(doubt));
  result.replaceChildren(made);
  result.scrollIntoView({ block: "nearest" });
  return said.status;
}

/** What has to be said of the time by which a verdict was given. */
function aboutTime(status) {
  if (!keys || status === "unknown") return "";
  if (!clock.trusted && (status === "expired" || status === "stale")) {
    return `这是按您设备的时间（${dayText(clock.now())}）判断的。如果设备时间不对，请校准或联网后再核验。`;
  }
  return wrongClock(clock);
}

function note(sentence) {
  const p = document.createElement("p");
  p.className = "note";
  p.textContent = sentence;
  return p;
}

function saySentence(sentence) {
  $("result").replaceChildren(note(sentence));
}

let camera = null; // aborted when the camera is closed, even before the person has allowed it

function closeCamera() {
  camera?.abort();
  camera = null;
  $("finder").hidden = true;
  $("camera").disabled = false;
}

async function openCamera() {
  closeCamera();
  const { signal } = camera = new AbortController();
  $("camera").disabled = true;
  $("finder").hidden = false;
  ask();
  try {
    await fromCamera($("video"), signal, (text) => {
      closeCamera();
      say(text);
    });
  } catch {
    if (signal.aborted) return;
    closeCamera();
    saySentence("没有打开摄像头。请在浏览器里允许使用摄像头，或改用图片、文字核验。");
  }
}

function listen() {
  $("camera").addEventListener("click", openCamera);
  $("stop").addEventListener("click", closeCamera);
  $("refresh").addEventListener("click", refresh);
  $("picture").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const question = ask();
    saySentence("正在识别图片……");
    const text = await fromFile(file);
    if (question !== questions) return;
    if (text === null) saySentence("图片里没有找到二维码。请选择清楚、完整的二维码图片。");
    else await say(text, question);
  });
  $("typed").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("text").value;
    if (text.trim() === "") return;
    const status = await say(text);
    if (status !== "unknown") $("text").value = "";
    else $("text").select();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) closeCamera();
    else load();
  });
  window.addEventListener("online", load);
  window.addEventListener("offline", () => {
    offline = true;
    sayBasis();
  });
  setInterval(() => { if (!document.hidden && navigator.onLine) load(); }, renewEvery);
  setInterval(sayBasis, sayAgeEvery);
}

/** Shows what the page can do here. Until then, and where this fails, its form asks the server. */
async function start() {
  document.documentElement.dataset.verify = "started";
  if (!globalThis.crypto?.subtle) throw new Error("no secure connection");
  crypto25519 = await choose();
  listen();
  for (const id of ["local", "basis-box", "camera", "pick", "refresh"]) $(id).hidden = false;
  if (!hasCamera()) {
    $("camera").hidden = true;
    $("no-camera").hidden = false;
    $("no-camera").textContent = "这个浏览器不能在网页里使用摄像头，请选择图片或粘贴内容。";
  }
  await load();
  keepPage();
}

start().catch(() => { $("plain").hidden = false; })
  .finally(() => { document.documentElement.dataset.verify = "ready"; });
