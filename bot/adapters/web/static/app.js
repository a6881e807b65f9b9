// the chat page: shows what the server tells, sends what the person does

import * as composer from "./composer.js";
import { become, label, people, setLabel, somebodyNew, profile } from "./me.js";
import * as messages from "./messages.js";
import * as outbox from "./outbox.js";
import { connect, disconnect, post } from "./server.js";
import { $, button, words } from "./dom.js";

const listen = () => connect({
  online: setOnline,
  transcript: messages.showTranscript,
  message: (message) => { if (message.key) outbox.arrived(message.key); messages.show(message); },
  gone: (id) => { messages.remove(id); composer.forget(id); },
});

function setOnline(online) {
  $("state").textContent = online ? words.online : words.offline;
  $("state").classList.toggle("online", online);
  if (online && $("trouble").textContent === words.notDone) composer.complain("");
  if (online) outbox.run();
}

/** A press or a reaction; what is wrong is said. */
async function tell(path, fields) {
  try {
    await post(path, fields);
    composer.complain("");
  } catch (error) {
    composer.complain(error instanceof TypeError ? words.notDone : error.message);
  }
}

function sent() {
  composer.complain("");
  if (!$("state").classList.contains("online")) setOnline(true);
}

messages.start({
  press: (fields) => tell("/press", fields),
  react: (message, emoji) => tell("/react", { message: message.id, emoji }),
  remix: composer.begin,
  steer: (message, text) => { messages.acted(); outbox.send(text, { fields: { steer: message.id } }); },
  say: (text) => outbox.send(text),
  edit: composer.edit,
  takeOver: composer.takeOver,
});
outbox.start({ show: messages.showPending, giveBack: composer.giveBack, sent, lost: () => setOnline(false) });

function showMe() {
  $("name").value = label();
  $("avatar").textContent = [...label().trim()][0]?.toUpperCase() ?? "☺";
}

/** Another person: another conversation. */
function switchTo(someone) {
  $("people").close();
  become(someone);
  showMe();
  composer.dropRemix();
  messages.showTranscript([]);
  outbox.showMine();
  listen();
}

function showPeople() {
  const known = people().map((one) => button(one.label || words.unnamed, () => switchTo(one), { ariaCurrent: String(one.profile === profile()) }));
  $("people-list").replaceChildren(...known, button(`+ ${words.somebodyElse}`, () => switchTo(somebodyNew())));
  $("people").showModal();
}

$("name").addEventListener("change", () => { setLabel($("name").value.trim()); showMe(); });
$("switch").addEventListener("click", showPeople);
$("people").addEventListener("click", ({ target }) => { if (target === $("people")) $("people").close(); });
$("examples").addEventListener("click", ({ target }) => { if (target.tagName === "BUTTON") { messages.acted(); outbox.send(target.textContent); } });
// A browser keeps only six streams to one server: a page that nobody looks at for a while gives its own back.
document.addEventListener("visibilitychange", () => { if (!document.hidden) listen(); });
window.addEventListener("online", listen);
window.addEventListener("offline", () => setOnline(false));
window.addEventListener("pagehide", disconnect);

const wish = new URLSearchParams(location.search).get("write"); // from the page of what can be drawn
if (wish) { history.replaceState(null, "", "/"); composer.write(wish); $("text").focus(); }
showMe();
listen();
