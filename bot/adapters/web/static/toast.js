// one line at the bottom for a few seconds, with something that can be done about it

import { $, button, make } from "./dom.js";

let timer = null;

/** `choices`: [label, function] pairs; the toast goes when one is taken. */
export function toast(sentence, choices = [], seconds = 8) {
  const box = $("toast");
  clearTimeout(timer);
  (document.querySelector("dialog[open]") ?? document.querySelector("footer")).prepend(box); // what lies under a dialog is not seen
  box.replaceChildren(make("span", { textContent: sentence }), ...choices.map(([label, act]) => button(label, () => { hide(); act(); })));
  box.hidden = false;
  timer = setTimeout(hide, seconds * 1000);
}

export function hide() {
  clearTimeout(timer);
  $("toast").hidden = true;
}
