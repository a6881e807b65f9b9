// the way to the server: a stream of what changes, and posts

import { asMe, newKey, profile } from "./me.js";

export class Refused extends Error {} // the server says no, with a sentence; sending it again is no use

let source = null;

/** Listen to the conversation; `handlers`: transcript, message, gone, online (with true or false). */
export function connect(handlers) {
  source?.close();
  source = new EventSource(asMe("/events"));
  source.addEventListener("open", () => handlers.online(true));
  source.addEventListener("error", () => {
    handlers.online(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(handlers), 3000);
  });
  for (const kind of ["transcript", "message", "gone"])
    source.addEventListener(kind, (event) => handlers[kind](JSON.parse(event.data)));
}

export const disconnect = () => source?.close();

/** Send a form as `who`. Throws Refused with the server's sentence, or TypeError where there is no connection. */
export async function post(path, fields, { key = newKey(), files = [], who = profile() } = {}) {
  const body = files.length ? new FormData() : new URLSearchParams();
  for (const [name, value] of Object.entries({ key, ...fields })) body.append(name, value);
  for (const file of files) body.append("picture", file);
  const response = await fetch(asMe(path, who), { method: "POST", body });
  if (response.ok) return;
  const told = await response.json().catch(() => null);
  if (response.status >= 500 || !told) throw new TypeError(told?.error ?? response.statusText);
  throw new Refused(told.error);
}
