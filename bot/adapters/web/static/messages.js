// the conversation on the page: each message an element, kept up to date; all text goes in as text, never as markup

import * as lightbox from "./lightbox.js";
import { pictureAddress } from "./me.js";
import { $, button, make, words } from "./dom.js";
import { toast } from "./toast.js";

const OWN_ACTION = 15_000; // milliseconds in which a new message is the answer to what I just did
const ENDED = ["final", "stopped", "failed"];
const LANGUAGE = document.documentElement.lang; // of the page; British and American people write the time otherwise
const LOCALE = navigator.languages.find((one) => one.startsWith(LANGUAGE)) ?? LANGUAGE;

const chat = $("chat"), scroll = $("scroll");
const elements = new Map(); // message id → its element on the page
const stages = new Map(); // message id → stage, to see what has just become ready
let actedAt = 0;
let unread = 0; // pictures that became ready while nobody looked
let actions; // { press, react, remix, steer, say, edit, takeOver }

export const start = (hooks) => { actions = hooks; };

/** What I did will be answered: the page goes where the answer appears. */
export const acted = () => { actedAt = Date.now(); };

const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 160;
const toEnd = () => { following = true; scroll.scrollTop = scroll.scrollHeight; };
const heights = () => `${scroll.scrollHeight} ${scroll.clientHeight}`;
let following = true; // the end of the conversation is on the screen, and stays there while messages grow
let known = ""; // heights that `growth` has seen: until it has, a scroll event may be the growth's and not a person's

scroll.addEventListener("scroll", () => { if (heights() === known) following = isAtEnd(); });
const growth = new ResizeObserver(() => { known = heights(); if (following) toEnd(); });
growth.observe(chat);
growth.observe(scroll);
const updateEmpty = () => { $("empty").hidden = chat.childElementCount > 0; };

export function showTranscript(messages) {
  const known = new Set(messages.map((message) => message.id)), first = stages.size === 0;
  for (const id of [...elements.keys()]) if (!known.has(id)) remove(id);
  messages.forEach((message) => put(message));
  updateEmpty();
  if (first) toEnd();
}

export function remove(id) {
  elements.get(id)?.remove();
  elements.delete(id);
  stages.delete(id);
  updateEmpty();
}

/** A message that is new or has changed. */
export function show(message) {
  const fresh = !elements.has(message.id), before = stages.get(message.id);
  const element = put(message);
  updateEmpty();
  if (message.stage === "final" && before && before !== "final") tellReady();
  if (!fresh || following) return;
  if (message.mine || Date.now() - actedAt < OWN_ACTION) toEnd();
  else toast(words.newMessage, [[words.goThere, () => element.scrollIntoView({ block: "center", behavior: "smooth" })]]);
}

/** A message that is not at the server yet; returns its element. */
export function showPending({ text, thumbs, unsent }) {
  const element = $("message").content.firstElementChild.cloneNode(true);
  element.className = `message mine pending ${unsent ? "unsent" : ""}`;
  element.querySelector(".text").textContent = text;
  element.querySelector(".thumbs").replaceChildren(...thumbs.map((src) => make("img", { src, alt: "" })));
  element.querySelector("article").append(make("p", { className: "sending", textContent: unsent ? words.notSent : words.sending }));
  chat.append(element);
  updateEmpty();
  toEnd();
  return element;
}

function put(message) {
  let element = elements.get(message.id);
  if (!element) {
    element = $("message").content.firstElementChild.cloneNode(true);
    elements.set(message.id, element);
    const next = [...elements.keys()].filter((id) => id > message.id).sort((a, b) => a - b)[0];
    chat.insertBefore(element, elements.get(next) ?? chat.querySelector(".pending"));
  }
  stages.set(message.id, message.stage ?? "note");
  fill(element, message);
  return element;
}

/** The tab's title says it to somebody who is elsewhere. */
function tellReady() {
  if (!document.hidden) return;
  unread += 1;
  document.title = `(${unread}) ${words.ready} – Imago`;
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) { unread = 0; document.title = "Imago"; } });

function fill(element, message) {
  const find = (selector) => element.querySelector(selector);
  const stage = message.stage ?? "note", busy = stage === "drawing" || stage === "waiting";
  element.className = `message ${message.mine ? "mine" : "bot"} ${stage}`;
  element.dataset.id = message.id;
  find(".text").textContent = message.text.replace(/ (?=[✓✗%×])|(?<=×) /g, "\u00a0"); // where no line breaks
  find("time").dateTime = new Date(message.at).toISOString();
  find("time").textContent = new Date(message.at).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit" });
  fillProgress(find("progress"), message, stage);
  find(".thumbs").replaceChildren(...(message.thumbs ?? []).map((src) => make("img", { src, alt: words.attached })));
  fillPicture(find(".picture"), message, message.picture, stage === "drawing");
  fillPicture(find(".gif"), message, message.gif, false);
  find(".pictures").classList.toggle("some", Boolean(stage === "drawing" || message.picture || message.gif));
  find(".pictures").classList.toggle("hidden", Boolean(message.hidden)); // blurred until it is opened
  fillSteer(find(".steer"), message);
  fillButtons(element, message);
  fillCorrection(find(".corrections"), message);
}

/** After a restart a drawing goes on from its last checkpoint; the bar waits there until it is past it. */
function fillProgress(bar, message, stage) {
  bar.hidden = stage !== "drawing";
  bar.value = stage === "drawing" ? Math.max(message.percent ?? 0, bar.value) : 0;
}

/** The new picture is loaded before it takes the old one's place, so nothing flickers. */
function fillPicture(figure, message, picture, empty) {
  figure.classList.toggle("shown", Boolean(picture || empty));
  const image = figure.querySelector("img");
  if (!picture && empty) return; // between two previews the last one stays
  figure.querySelector(".zoom").disabled = !picture;
  image.alt = picture?.alt ?? "";
  if (!picture) return image.removeAttribute("src");
  const url = pictureAddress(message.id, picture.name);
  if (figure.dataset.wanted === url) return;
  figure.dataset.wanted = url;
  const next = new Image();
  next.onload = () => {
    if (figure.dataset.wanted !== url) return;
    image.src = url;
    figure.style.aspectRatio = `${next.naturalWidth} / ${next.naturalHeight}`;
    figure.classList.toggle("wide", next.naturalWidth > 1.4 * next.naturalHeight);
  };
  next.onerror = () => { if (figure.dataset.wanted === url) delete figure.dataset.wanted; };
  next.src = url;
}

/** New words while it is drawn; what is being typed stays from one preview to the next. */
function fillSteer(form, message) {
  const input = form.querySelector("input"), focused = document.activeElement === input;
  form.hidden = !message.buttons?.some(({ action }) => action === "steer");
  if (form.hidden && input.value.trim()) { actions.takeOver(input.value, focused); input.value = ""; }
  form.onsubmit = (event) => {
    event.preventDefault();
    const wish = input.value.trim();
    if (!wish) return input.focus();
    input.value = "";
    actions.steer(message, wish);
  };
}

/** Quarters of a grid, numbered; each opens alone, with what can be done with it. */
function fillGrid(figure, message, buttons) {
  const count = Math.max(0, ...buttons.filter((one) => one.action !== "offer").map((one) => one.picture ?? 0));
  const old = figure.querySelector(".quarters");
  if (count < 2) return old?.remove();
  if (old?.childElementCount === count) return;
  old?.remove();
  const columns = 2, rows = Math.ceil(count / columns);
  const quarters = Array.from({ length: count }, (_, index) => button(`${index + 1}`, () => {
    const own = buttons.filter((one) => one.picture === index + 1).map((one) => control(message, { ...one, label: `${words[one.action]} ${index + 1}` }, lightbox.close));
    const part = message.picture.name.replace(/(?=\.png$)/, `.${index + 1}`);
    lightbox.open(figure.querySelector("img"), pictureAddress(message.id, part), own);
  }, { ariaLabel: `${words.picture} ${index + 1}` }));
  const grid = make("div", { className: "quarters" }, ...quarters);
  grid.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  figure.append(grid);
}

function fillButtons(element, message) {
  const all = (message.buttons ?? []).filter(({ action }) => action !== "steer"), stage = message.stage ?? "note";
  const several = message.picture && ENDED.includes(stage) && all.some((one) => one.action === "pick");
  const buttons = several ? all.filter((one) => one.action === "offer" || !one.picture) : all; // the others are behind the quarters
  const row = element.querySelector(".buttons"), shown = JSON.stringify(buttons);
  if (row.dataset.shown !== shown) { // a preview must not take the button away from under a finger, or the keyboard
    row.dataset.shown = shown;
    row.replaceChildren(...buttons.map((one) => control(message, one)));
  }
  if (several) fillGrid(element.querySelector(".picture"), message, all);
  const reactions = element.querySelector(".reactions"), finished = stage === "final" || stage === "stopped";
  reactions.hidden = !finished;
  for (const choice of reactions.querySelectorAll(".picker button")) {
    choice.ariaLabel = choice.title = `${choice.textContent} ${choice.dataset.means}`;
    choice.onclick = () => { reactions.open = false; react(message, choice.textContent, choice.dataset.means === words.delete); };
  }
  element.querySelector(".given").replaceChildren(...(message.reactions ?? []).map((emoji) =>
    button(emoji, () => actions.react(message, emoji), { ariaPressed: "true" })));
  element.querySelector(".controls").classList.toggle("some", finished || buttons.length > 0);
}

function control(message, { action, label, picture }, after = () => {}) {
  const made = button(label, () => act(), { data: { action } });
  if (picture && action !== "offer") { made.dataset.picture = picture; made.title = made.ariaLabel = `${words[action] ?? action} ${picture}`; }
  const pressed = { message: message.id, action, ...(picture ? { picture } : {}) };
  const press = async () => { made.disabled = true; after(); acted(); await actions.press(pressed); made.disabled = false; };
  const act = () => action === "remix" ? actions.remix(message) : action === "delete" ? askDelete(press) : press();
  return made;
}

const askDelete = (act) => toast(words.askDelete, [[words.delete, act], [words.keep, () => {}]], 15);

function react(message, emoji, deletes) {
  const act = () => { acted(); actions.react(message, emoji); };
  deletes ? askDelete(act) : act();
}

/** What was typed wrong, mended by one tap, or to be edited; and sentences that can be tapped. */
function fillCorrection(row, message) {
  const offers = (message.offers ?? []).map((text) => button(text, () => { acted(); actions.say(text); }));
  const edit = message.typed ? [button(`✎ ${words.edit}`, () => actions.edit(message))] : [];
  row.replaceChildren(...offers, ...edit);
}

chat.addEventListener("click", ({ target }) => {
  const image = target.closest(".zoom")?.querySelector("img[src]");
  if (image) lightbox.open(image);
});
document.addEventListener("click", ({ target }) => {
  for (const open of document.querySelectorAll(".reactions[open]")) if (!open.contains(target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const open of document.querySelectorAll(".reactions[open]")) { open.open = false; open.firstElementChild.focus(); }
});
