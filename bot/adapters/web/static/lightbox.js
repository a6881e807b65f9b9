// a picture on its own: whole or one of several, downloaded, shared, full screen, the next one by arrow keys

import { $, words } from "./dom.js";
import { toast } from "./toast.js";

const box = $("lightbox");
let shown = null; // the picture's image in the conversation

/** Show a picture of the conversation; `address`: of one of several that it shows, with `actions`, buttons for it. */
export function open(image, address = image.src, actions = []) {
  shown = image;
  const [picture, link] = [box.querySelector("img"), box.querySelector("a")];
  Object.assign(picture, { src: address, alt: image.alt });
  link.href = address;
  link.download = decodeURIComponent(new URL(link.href).pathname.split("/").pop());
  $("lightbox-actions").replaceChildren(...actions);
  if (!box.open) box.showModal();
}

export const close = () => box.close();

/** The next or the last picture of the conversation. */
function step(by) {
  const images = [...document.querySelectorAll("#chat .zoom img[src]")];
  const next = images[images.indexOf(shown) + by];
  if (next) open(next);
}

/** Without encryption, but for this machine's own address, a page may not write to the clipboard: it shows the link. */
async function copyLink() {
  const { href } = box.querySelector("a");
  try {
    await navigator.clipboard.writeText(href);
    toast(words.copied);
  } catch {
    toast(href, [], 60);
  }
}

box.addEventListener("click", ({ target }) => { if (!target.closest("a, img, button")) box.close(); });
box.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (by) { event.preventDefault(); step(by); }
});
$("copy-link").addEventListener("click", copyLink);
$("full-screen").hidden = !document.fullscreenEnabled; // as on an iPhone
$("full-screen").addEventListener("click", () => document.fullscreenElement ? document.exitFullscreen() : box.querySelector("img").requestFullscreen());
$("close-lightbox").addEventListener("click", close);
