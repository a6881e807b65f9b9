// messages on their way: one after the other, shown at once, tried again when the connection is back, never lost

import { newKey } from "./me.js";
import { Refused, post } from "./server.js";
import { words } from "./dom.js";

const PAUSE = 3000; // milliseconds before a message that did not arrive is tried again

const waiting = []; // { text, key, fields, files, thumbs, element }
let running = false;
let page; // { show(item) → element, giveBack(item, sentence), sent(), lost() }

export const start = (hooks) => { page = hooks; };

/** Put a message into the queue; `fields` go with it, such as `remix`. */
export function send(text, { fields = {}, files = [], thumbs = [] } = {}) {
  const item = { text, key: newKey(), fields, files, thumbs };
  item.element = page.show(item);
  waiting.push(item);
  run();
}

/** The server shows the message itself now. */
export function arrived(key) {
  const item = waiting.find((one) => one.key === key);
  if (item) item.element.remove();
}

export async function run() {
  if (running) return;
  running = true;
  while (waiting.length && await deliver(waiting[0])) waiting.shift();
  running = false;
  if (waiting.length) setTimeout(run, PAUSE);
}

/** Whether the message is done with: taken, or refused for good. */
async function deliver(item) {
  try {
    await post("/say", { text: item.text, thumbs: JSON.stringify(item.thumbs), ...item.fields }, item.key, item.files);
    item.element.remove();
    page.sent();
    return true;
  } catch (error) {
    if (error instanceof Refused) {
      item.element.remove();
      page.giveBack(item, error.message);
      return true;
    }
    item.element.querySelector(".sending").textContent = words.notSent;
    item.element.classList.add("unsent");
    page.lost();
    return false;
  }
}
