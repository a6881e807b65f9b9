// the chat page: shows what the server tells, sends what the person does; all text goes in as text, never as markup

const $ = (id) => document.getElementById(id);
const chat = $("chat"), scroll = $("scroll"), text = $("text"), nameField = $("name");
const COMMANDS = ["/imagine", "/queue", "/cancel", "/show", "/vary", "/settings", "/words", "/help", "/forget me"];

const page = $("composer"); // has the words for what a button with a number does
const elements = new Map(); // message id → its element on the page
let remixOf = null; // message whose prompt is being edited
let unsent = null; // { text, key }: after a failure the same text goes with the same key, and is taken once
let source = null;

// Who I am: a window keeps its name over a reload; a new window begins with the last one used.
function myName() { return sessionStorage.getItem("name") ?? localStorage.getItem("name") ?? ""; }

function setName(name) {
  sessionStorage.setItem("name", name);
  localStorage.setItem("name", name);
  nameField.value = name;
  $("avatar").textContent = [...name.trim()][0]?.toUpperCase() ?? "☺";
}

const withName = (path) => `${path}?name=${encodeURIComponent(myName())}`;

// What the server tells

function connect() {
  source?.close();
  source = new EventSource(withName("/events"));
  source.addEventListener("open", () => setOnline(true));
  source.addEventListener("error", () => {
    setOnline(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
  source.addEventListener("transcript", (event) => showTranscript(JSON.parse(event.data)));
  source.addEventListener("message", (event) => show(JSON.parse(event.data)));
  source.addEventListener("gone", (event) => remove(JSON.parse(event.data)));
}

function setOnline(online) {
  $("state").textContent = online ? $("state").dataset.online : $("state").dataset.offline;
  $("state").classList.toggle("online", online);
}

function showTranscript(messages) {
  const atEnd = isAtEnd(), known = new Set(messages.map((message) => message.id));
  for (const id of [...elements.keys()]) if (!known.has(id)) remove(id);
  messages.forEach(show);
  $("empty").hidden = elements.size > 0;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 160;

function remove(id) {
  elements.get(id)?.remove();
  elements.delete(id);
  $("empty").hidden = elements.size > 0;
}

function show(message) {
  const atEnd = isAtEnd();
  let element = elements.get(message.id);
  if (!element) {
    element = $("message").content.firstElementChild.cloneNode(true);
    elements.set(message.id, element);
    const next = [...elements.keys()].filter((id) => id > message.id).sort((a, b) => a - b)[0];
    chat.insertBefore(element, elements.get(next) ?? null);
  }
  fill(element, message);
  $("empty").hidden = true;
  if (atEnd || message.mine) scroll.scrollTop = scroll.scrollHeight;
}

function fill(element, message) {
  const find = (selector) => element.querySelector(selector);
  const stage = message.stage ?? "note", busy = stage === "drawing" || stage === "waiting";
  element.className = `message ${message.mine ? "mine" : "bot"} ${stage}`;
  element.dataset.id = message.id;
  find(".text").textContent = message.text;
  find("time").dateTime = new Date(message.at).toISOString();
  find("time").textContent = new Date(message.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  find("progress").hidden = !busy;
  find("progress").value = message.percent ?? 0;
  fillPicture(find(".picture"), message, message.picture, busy);
  fillPicture(find(".gif"), message, message.gif, false);
  find(".pictures").classList.toggle("some", Boolean(busy || message.picture));
  find(".pictures").classList.toggle("hidden", Boolean(message.hidden)); // blurred until it is opened
  fillButtons(element, message);
}

/** The new picture is loaded before it takes the old one's place, so nothing flickers. */
function fillPicture(figure, message, picture, empty) {
  figure.classList.toggle("shown", Boolean(picture || empty));
  const image = figure.querySelector("img");
  if (!picture && empty) return; // between two previews the last one stays
  figure.querySelector("button").disabled = !picture;
  image.alt = picture?.alt ?? "";
  if (!picture) return image.removeAttribute("src");
  const url = withName(`/pictures/${message.id}/${encodeURIComponent(picture.name)}`);
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

function fillButtons(element, message) {
  const buttons = message.buttons ?? [], stage = message.stage;
  const row = element.querySelector(".buttons"), shown = JSON.stringify(buttons);
  if (row.dataset.shown !== shown) { // a preview must not take the button away from under a finger, or the keyboard
    row.dataset.shown = shown;
    row.replaceChildren(...buttons.map((button) => control(message, button)));
  }
  const reactions = element.querySelector(".reactions"), finished = stage === "final" || stage === "stopped";
  reactions.hidden = !finished;
  for (const choice of reactions.querySelectorAll(".picker button")) {
    choice.ariaLabel = choice.title = `${choice.textContent} ${choice.dataset.means}`;
    choice.onclick = () => { reactions.open = false; react(message, choice.textContent); };
  }
  element.querySelector(".given").replaceChildren(...(message.reactions ?? []).map((emoji) => {
    const given = Object.assign(document.createElement("button"), { type: "button", textContent: emoji, ariaPressed: "true" });
    given.onclick = () => react(message, emoji);
    return given;
  }));
  element.querySelector(".controls").classList.toggle("some", finished || buttons.length > 0);
}

function control(message, { action, label, picture }) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.dataset.action = action;
  if (picture && action !== "offer") { button.dataset.picture = picture; button.title = button.ariaLabel = `${page.dataset[action] ?? action} ${picture}`; }
  const pressed = { message: message.id, action, ...(picture ? { picture } : {}) };
  button.onclick = () => action === "remix" ? startRemix(message) : whileOff(button, () => post("/press", pressed));
  return button;
}

// What the person does

/** Send a form; says what was wrong with it. Returns whether it was taken. */
async function post(path, fields, key = newKey(), files = []) {
  $("trouble").textContent = "";
  try {
    const body = files.length ? new FormData() : new URLSearchParams();
    for (const [name, value] of Object.entries({ key, ...fields })) body.append(name, value);
    for (const file of files) body.append("picture", file);
    const response = await fetch(withName(path), { method: "POST", body });
    if (response.ok) return true;
    $("trouble").textContent = (await response.json()).error;
  } catch {
    $("trouble").textContent = $("state").dataset.offline;
  }
  return false;
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const react = (message, emoji) => post("/react", { message: message.id, emoji });

/** A second click while the first is on its way would ask twice. */
async function whileOff(button, action) {
  button.disabled = true;
  await action();
  button.disabled = false;
}

async function send() {
  const wish = text.value.trim();
  if (!wish || $("send").disabled) return;
  if (unsent?.text !== wish) unsent = { text: wish, key: newKey() };
  $("send").disabled = true;
  const fields = remixOf === null ? { text: wish } : { text: wish, remix: remixOf };
  const taken = await post("/say", fields, unsent.key, [...$("picture").files]);
  $("send").disabled = false;
  if (!taken) return;
  unsent = null;
  stopRemix();
  detach();
  write("");
}

function showAttached() {
  const names = [...$("picture").files].map((file) => file.name);
  $("attached").hidden = names.length === 0;
  $("attached").firstElementChild.textContent = names.join(", ");
}

function detach() {
  $("picture").value = "";
  showAttached();
}

function write(value) {
  text.value = value;
  text.dispatchEvent(new Event("input"));
}

function startRemix(message) {
  remixOf = message.id;
  $("remixing").hidden = false;
  write(message.prompt);
  text.focus();
}

function stopRemix() {
  remixOf = null;
  $("remixing").hidden = true;
}

function fitInput() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const begun = /^\/\w*$/.test(text.value);
  const offers = begun ? COMMANDS.filter((command) => command.startsWith(text.value) && command !== text.value) : [];
  $("commands").hidden = offers.length === 0;
  $("commands").replaceChildren(...offers.map((command) => {
    const offer = Object.assign(document.createElement("button"), { type: "button", textContent: command });
    offer.onclick = () => { write(`${command} `); text.focus(); };
    return offer;
  }));
}

function zoom(image) {
  const box = $("lightbox"), link = box.querySelector("a");
  Object.assign(box.querySelector("img"), { src: image.src, alt: image.alt });
  link.href = image.src;
  link.download = decodeURIComponent(new URL(image.src).pathname.split("/").pop());
  box.showModal();
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
text.addEventListener("input", fitInput);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  if (event.key === "Escape" && remixOf !== null) { stopRemix(); write(""); }
});
$("picture").addEventListener("change", () => { unsent = null; showAttached(); text.focus(); });
$("detach").addEventListener("click", () => { unsent = null; detach(); text.focus(); });
$("stop-remixing").addEventListener("click", () => { stopRemix(); write(""); text.focus(); });
$("examples").addEventListener("click", ({ target }) => { if (target.tagName === "BUTTON") { write(target.textContent); send(); } });
chat.addEventListener("click", ({ target }) => { const image = target.closest(".zoom")?.querySelector("img[src]"); if (image) zoom(image); });
$("lightbox").addEventListener("click", ({ target }) => { if (target.tagName !== "A" && target.tagName !== "IMG") $("lightbox").close(); });
document.addEventListener("click", ({ target }) => {
  for (const open of document.querySelectorAll(".reactions[open]")) if (!open.contains(target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const open of document.querySelectorAll(".reactions[open]")) { open.open = false; open.firstElementChild.focus(); }
});
nameField.addEventListener("change", () => {
  setName(nameField.value.trim());
  stopRemix();
  showTranscript([]);
  connect();
});
// A browser keeps only six streams to one server: a page that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => document.hidden ? source?.close() : connect());

const wish = new URLSearchParams(location.search).get("write"); // from the page of what can be drawn
if (wish) { history.replaceState(null, "", "/"); write(wish); text.focus(); }
setName(myName());
connect();
