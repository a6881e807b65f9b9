// who I am on this page: a profile that the server knows me by, and a name that only labels me

const keep = (key, value) => { sessionStorage.setItem(key, value); localStorage.setItem(key, value); };
const kept = (key) => sessionStorage.getItem(key) ?? localStorage.getItem(key);

/** The profile of this window; a new window begins with the last one used. Once the name was it. */
export const profile = () => kept("profile") ?? localStorage.getItem("name") ?? "";
export const label = () => kept("label") ?? localStorage.getItem("name") ?? "";

/** All profiles of this browser: [{ profile, label }]. */
export function people() {
  const found = JSON.parse(localStorage.getItem("people") ?? "[]");
  return found.some((one) => one.profile === profile()) ? found : [{ profile: profile(), label: label() }, ...found];
}

function remember() {
  const others = people().filter((one) => one.profile !== profile());
  localStorage.setItem("people", JSON.stringify([{ profile: profile(), label: label() }, ...others].slice(0, 20)));
}

export function setLabel(name) {
  keep("profile", profile());
  keep("label", name);
  remember();
}

export function become(someone) {
  remember();
  keep("profile", someone.profile);
  keep("label", someone.label);
  remember();
}

export const somebodyNew = () => ({ profile: newKey(), label: "" });

export const asMe = (path, who = profile()) => `${path}?who=${encodeURIComponent(who)}&name=${encodeURIComponent(label())}`;

/** Pictures keep their address when I change my name. */
export const pictureAddress = (message, name) => `/pictures/${message}/${encodeURIComponent(name)}?who=${encodeURIComponent(profile())}`;

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
