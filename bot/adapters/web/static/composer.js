// what I write: the text, pictures that go along, a remix, what I sent before, and slash commands as they are typed

import { $, button, make, words } from "./dom.js";
import { profile } from "./me.js";
import { acted } from "./messages.js";
import * as outbox from "./outbox.js";

const COMMANDS = words.commands.split(" | ");
const THUMB = 96, MOST_PICTURES = 4; // pixels a side
const MOST_BYTES = 20_000_000; // of all pictures of a message
const MARK = /⟨(.+?)⟩/;

const text = $("text");
const returned = []; // what was refused while something else was being written
let back = 0; // how many messages ArrowUp has gone back
let unsent = ""; // what was in the field before ArrowUp
let attached = []; // { file, thumb }
let remix = null; // { id, prompt, carries: [{ name, label }], without: [name] } of the message that is being remixed
const aside = []; // half-typed words, put aside while something else is edited

export function write(value) {
  text.value = value;
  text.dispatchEvent(new Event("input"));
}

export function submit() {
  const wish = text.value.trim();
  if (!wish) return attached.length ? complain(words.addWords) : undefined;
  complain("");
  const fields = remix ? { remix: remix.id, without: remix.without.join() } : {};
  outbox.send(wish, { fields, files: attached.map((one) => one.file), thumbs: attached.map((one) => one.thumb), remix });
  acted();
  detachAll();
  endRemix();
  takeUp();
}

export const complain = (sentence) => { $("trouble").textContent = sentence; };

/** A message that was refused comes back for mending, unless something else is being written. */
export function giveBack(item, sentence) {
  complain(sentence);
  const steer = document.querySelector(`[data-id="${item.fields.steer}"] .steer:not([hidden]) input`);
  if (item.who !== profile() || (steer ?? text).value) return returned.push(item.text);
  if (steer) { steer.value = item.text; return steer.focus(); }
  if (document.querySelector(`[data-id="${item.remix?.id}"]`)) resume(item.remix);
  write(item.text);
  attach(item.files);
  text.focus();
}

/** A mistake in the language: what was typed is back, with the place marked. */
export function edit({ typed, text: answer }) {
  putAside(typed);
  write(typed);
  text.focus();
  const place = MARK.exec(answer)?.[1], start = place ? typed.indexOf(place) : -1;
  if (start >= 0) text.setSelectionRange(start, start + place.length);
}

/** Half-typed words wait while something else is edited, and come back after it. */
function putAside(instead) {
  const now = text.value;
  if (now.trim() && ![instead, remix?.prompt, ...sent()].includes(now)) aside.push(now);
}

function takeUp() {
  back = 0;
  write(aside.pop() ?? "");
}

// Pictures

export async function attach(files) {
  for (const file of files) {
    if (attached.length >= MOST_PICTURES) { complain(words.mostPictures); break; }
    if (attached.reduce((sum, one) => sum + one.file.size, file.size) > MOST_BYTES) { complain(words.mostBytes); continue; }
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

export function begin(message) {
  putAside(message.prompt);
  resume({ id: message.id, prompt: message.prompt, carries: message.carries ?? [], without: [] });
  write(message.prompt);
  text.focus();
}

function resume(begun) {
  remix = begun;
  $("remixing").hidden = false;
  showCarried();
}

/** What the remix takes over beside the words; each can be left out. */
function showCarried() {
  const kept = remix.carries.filter((one) => !remix.without.includes(one.name));
  $("carried").replaceChildren(...kept.map(({ name, label }) => button(`${label} ✕`, () => {
    remix.without.push(name);
    showCarried();
    text.focus();
  }, { ariaLabel: `${words.leaveOut} ${label}`, title: `${words.leaveOut} ${label}` })));
}

function endRemix() {
  remix = null;
  $("remixing").hidden = true;
}

/** A message is gone: what was to be a remix of it is a new picture. */
export const forget = (id) => { if (remix?.id === id) endRemix(); };

/** Words for a drawing that ended before they were sent. */
export function takeOver(words, focused) {
  if (text.value) return returned.push(words);
  write(words);
  if (focused) text.focus();
}

export function dropRemix() {
  if (!remix) return;
  endRemix();
  takeUp();
  text.focus();
}

// Slash commands and what was sent before

function fitInput() {
  if (!text.value) back = 0;
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

/** What I sent, newest first: as it stands in the conversation, and what came back. */
const sent = () => [...[...document.querySelectorAll("#chat .mine .text")].map((one) => one.textContent.replaceAll(" 📎", "")), ...returned].reverse();

function recall(by) {
  const all = sent(), next = back + by;
  if (next < 0 || next > all.length) return;
  if (back === 0) unsent = text.value;
  back = next;
  write(back === 0 ? unsent : all[back - 1]);
}

const isFirstLine = () => !text.value.slice(0, text.selectionStart).includes("\n");
const isLastLine = () => !text.value.slice(text.selectionEnd).includes("\n");

text.addEventListener("input", fitInput);
text.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key], offers = offered();
  if (event.isComposing) return;
  if (by && offers.length) { event.preventDefault(); moveOffer(by); }
  else if (event.key === "ArrowUp" && isFirstLine() && (!text.value || back > 0)) { event.preventDefault(); recall(1); }
  else if (event.key === "ArrowDown" && isLastLine() && back > 0) { event.preventDefault(); recall(-1); }
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
const bringsFiles = (event) => event.dataTransfer.types.includes("Files"); // text is the browser's to drop
document.addEventListener("dragover", (event) => { if (bringsFiles(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("dropping");
  attach([...event.dataTransfer.files]);
  text.focus();
});
