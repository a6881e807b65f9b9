// messages on their way: one after the other, shown at once, tried again when the connection is back or the page reloaded

import { newKey, profile } from "./me.js";
import { Refused, post } from "./server.js";

const PAUSE = 3000; // milliseconds before a message that did not arrive is tried again

const KEPT = "outbox"; // in the browser's storage of this window

const waiting = []; // { text, key, who, fields, files, thumbs, remix, element }
let running = false;
let page; // { show(item) → element, giveBack(item, sentence), sent(), lost() }

/** Go on with what the page had not sent when it was closed; files it cannot keep. */
export function start(hooks) {
  page = hooks;
  waiting.push(...JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
  showMine();
  run();
}

/** Put a message into the queue; `fields` go with it, such as `remix`. */
export function send(text, { fields = {}, files = [], thumbs = [], remix = null } = {}) {
  const item = { text, key: newKey(), who: profile(), fields, files, thumbs, remix };
  item.element = page.show(item);
  waiting.push(item);
  keep();
  run();
}

/** Show what I have on its way, and nobody else's. */
export function showMine() {
  for (const item of waiting) {
    item.element?.remove();
    if (item.who === profile() && !item.arrived) item.element = page.show(item);
  }
}

function keep() {
  const kept = waiting.filter((item) => !item.files.length).map(({ element, ...item }) => item);
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

function done(item) {
  item.element?.remove();
  waiting.splice(waiting.indexOf(item), 1);
  keep();
}

/** The server shows the message itself now. */
export function arrived(key) {
  const item = waiting.find((one) => one.key === key);
  if (!item) return;
  item.arrived = true;
  item.element?.remove();
}

export async function run() {
  if (running) return;
  running = true;
  while (waiting.length && await deliver(waiting[0]));
  running = false;
  if (waiting.length) setTimeout(run, PAUSE);
}

/** Whether the message is done with: taken, or refused for good. */
async function deliver(item) {
  try {
    const fields = { text: item.text, thumbs: JSON.stringify(item.thumbs), ...item.fields };
    await post("/say", fields, { key: item.key, files: item.files, who: item.who });
    done(item);
    page.sent();
    return true;
  } catch (error) {
    if (error instanceof Refused) {
      done(item);
      page.giveBack(item, error.message);
      return true;
    }
    if (!item.unsent) { item.unsent = true; showMine(); }
    page.lost();
    return false;
  }
}
