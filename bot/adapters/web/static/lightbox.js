// a picture on its own: whole or a quarter of a grid, downloaded, shared, full screen, the next one by arrow keys

import { $, words } from "./dom.js";
import { toast } from "./toast.js";

const box = $("lightbox");
let shown = null; // { image, part }

/** Show a picture; `part`: { index, columns, rows } of a grid, or null. `actions` are buttons for it. */
export function open(image, part = null, actions = []) {
  shown = { image, part };
  const [picture, link] = [box.querySelector("img"), box.querySelector("a")];
  Object.assign(picture, { src: image.src, alt: image.alt });
  picture.style.objectViewBox = part ? quarter(part) : "";
  picture.style.aspectRatio = part ? `${image.naturalWidth / part.columns} / ${image.naturalHeight / part.rows}` : "";
  link.href = image.src;
  link.download = decodeURIComponent(new URL(image.src).pathname.split("/").pop());
  $("lightbox-actions").replaceChildren(...actions);
  if (!box.open) box.showModal();
}

function quarter({ index, columns, rows }) {
  const [x, y] = [index % columns, Math.floor(index / columns)];
  const percent = (from, of) => `${(100 * from) / of}%`;
  return `inset(${percent(y, rows)} ${percent(columns - 1 - x, columns)} ${percent(rows - 1 - y, rows)} ${percent(x, columns)})`;
}

export const close = () => box.close();

/** The next or the last picture of the conversation. */
function step(by) {
  const images = [...document.querySelectorAll("#chat .zoom img[src]")];
  const next = images[images.indexOf(shown?.image) + by];
  if (next) open(next);
}

async function copyLink() {
  await navigator.clipboard.writeText(box.querySelector("a").href);
  toast(words.copied);
}

box.addEventListener("click", ({ target }) => { if (!target.closest("a, img, button")) box.close(); });
box.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (by) { event.preventDefault(); step(by); }
});
$("copy-link").addEventListener("click", copyLink);
$("full-screen").addEventListener("click", () => document.fullscreenElement ? document.exitFullscreen() : box.requestFullscreen());
$("close-lightbox").addEventListener("click", close);
