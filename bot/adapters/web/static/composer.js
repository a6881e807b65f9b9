// what I write: the text, pictures that go along, a remix, what I sent before, and slash commands as they are typed

import { $, button, make, words } from "./dom.js";
import { acted } from "./messages.js";
import * as outbox from "./outbox.js";

const COMMANDS = words.commands.split(" | ");
const THUMB = 96, MOST_PICTURES = 4; // pixels a side
const MARK = /⟨(.+?)⟩/;

const text = $("text");
const history = []; // what I sent, oldest first
let at = 0; // where in it ArrowUp has come to
let attached = []; // { file, thumb }
let remixed = null; // message that is being remixed
let draft = ""; // half-typed words that a remix or ArrowUp put aside

export function write(value) {
  text.value = value;
  text.dispatchEvent(new Event("input"));
}

export function submit() {
  const wish = text.value.trim();
  if (!wish) return attached.length ? complain(words.addWords) : undefined;
  complain("");
  history.push(wish);
  at = history.length;
  const fields = remixed ? { remix: remixed.id } : {};
  outbox.send(wish, { fields, files: attached.map((one) => one.file), thumbs: attached.map((one) => one.thumb) });
  acted();
  const rest = remixed ? draft : "";
  draft = "";
  endRemix();
  detachAll();
  write(rest);
}

export const complain = (sentence) => { $("trouble").textContent = sentence; };

/** A message that was refused comes back for mending, unless something else is being written. */
export function giveBack(item, sentence) {
  complain(sentence);
  if (text.value) return history.includes(item.text) ? undefined : history.push(item.text);
  write(item.text);
  attach(item.files);
  text.focus();
}

/** A mistake in the language: what was typed is back, with the place marked. */
export function edit({ typed, text: answer }) {
  if (text.value && text.value !== typed) draft = text.value;
  write(typed);
  text.focus();
  const place = MARK.exec(answer)?.[1], start = place ? typed.indexOf(place) : -1;
  if (start >= 0) text.setSelectionRange(start, start + place.length);
}

// Pictures

export async function attach(files) {
  for (const file of files) {
    if (attached.length >= MOST_PICTURES || !file.type.startsWith("image/")) continue;
    attached.push({ file, thumb: await thumbnail(file) });
  }
  showAttached();
}

/** A small JPEG as a data address; empty for what this browser cannot read (the server says so, too). */
async function thumbnail(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = THUMB / Math.max(picture.width, picture.height);
    const canvas = make("canvas", { width: Math.max(1, picture.width * scale), height: Math.max(1, picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.7);
  } catch {
    return "";
  }
}

function showAttached() {
  $("attached").hidden = attached.length === 0;
  $("attached").replaceChildren(...attached.map((one) => make("span", { className: "one" },
    ...(one.thumb ? [make("img", { src: one.thumb, alt: "" })] : []),
    make("span", { textContent: one.file.name }),
    button("✕", () => { attached = attached.filter((other) => other !== one); showAttached(); text.focus(); }, { ariaLabel: `${words.detach} ${one.file.name}` }))));
}

function detachAll() {
  attached = [];
  $("picture").value = "";
  showAttached();
}

// Remix

export function remix(message) {
  if (remixed === null && text.value.trim()) draft = text.value;
  remixed = message;
  $("remixing").hidden = false;
  $("carried").textContent = (message.carries ?? []).join(" · ");
  write(message.prompt);
  text.focus();
}

function endRemix() {
  remixed = null;
  $("remixing").hidden = true;
}

export function dropRemix() {
  if (remixed === null) return;
  endRemix();
  write(draft);
  draft = "";
  text.focus();
}

// Slash commands and what was sent before

function fitInput() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const begun = /^\/\S*$/.test(text.value);
  const offers = begun ? COMMANDS.filter((command) => command.startsWith(text.value) && command !== text.value) : [];
  $("commands").hidden = offers.length === 0;
  $("commands").replaceChildren(...offers.map((command, index) => button(command, () => choose(command), { role: "option", ariaSelected: String(index === 0) })));
}

function choose(command) {
  write(`${command} `);
  text.focus();
}

const offered = () => [...$("commands").children];

/** Move among the commands that are offered; whether there were any. */
function moveOffer(by) {
  const offers = offered(), now = offers.findIndex((one) => one.ariaSelected === "true");
  offers.forEach((one, index) => { one.ariaSelected = String(index === (now + by + offers.length) % offers.length); });
  return offers.length > 0;
}

function recall(by) {
  if (by < 0 ? at === 0 : at >= history.length) return;
  if (at === history.length) draft = text.value;
  at += by;
  write(at === history.length ? draft : history[at]);
}

const isFirstLine = () => !text.value.slice(0, text.selectionStart).includes("\n");
const isLastLine = () => !text.value.slice(text.selectionEnd).includes("\n");

text.addEventListener("input", fitInput);
text.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key], offers = offered();
  if (event.isComposing) return;
  if (by && offers.length) { event.preventDefault(); moveOffer(by); }
  else if (event.key === "ArrowUp" && isFirstLine() && (!text.value || at < history.length)) { event.preventDefault(); recall(-1); }
  else if (event.key === "ArrowDown" && isLastLine() && at < history.length) { event.preventDefault(); recall(1); }
  else if (event.key === "Tab" && offers.length && !event.shiftKey) { event.preventDefault(); choose(offers.find((one) => one.ariaSelected === "true").textContent); }
  else if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
  else if (event.key === "Escape") dropRemix();
});
text.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) { event.preventDefault(); attach(files); }
});
$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("picture").addEventListener("change", async () => { await attach([...$("picture").files]); $("picture").value = ""; text.focus(); });
$("stop-remixing").addEventListener("click", dropRemix);
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  attach([...event.dataTransfer.files]);
  text.focus();
});
