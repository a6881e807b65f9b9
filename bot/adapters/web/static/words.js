// what can be drawn by name: groups, a search that also knows other words (a corgi is a dog), and small pictures

const TILE = 96, ROW = 20; // pixels of a tile, tiles a row
const search = document.getElementById("search"), groups = document.getElementById("groups"), none = document.getElementById("none");
const pictures = new Image();
let asked = 0, last = null;

pictures.onload = () => last && show(last); // without pictures there are names
pictures.src = "/words.webp";

async function look() {
  const number = ++asked;
  const response = await fetch(`/words.json?search=${encodeURIComponent(search.value.trim())}`);
  if (response.ok && number === asked) show(await response.json());
}

function show(found) {
  last = found;
  groups.replaceChildren(...found.groups.map(({ title, names }) => {
    const section = document.createElement("section"), heading = document.createElement("h2"), list = document.createElement("ul");
    heading.textContent = title;
    list.append(...names.map(entry));
    section.append(heading, list);
    return section;
  }));
  none.hidden = found.groups.length > 0;
  none.textContent = found.any ? none.dataset.any : none.dataset.none;
}

/** A link that writes the name into the chat's field. */
function entry({ name, tile }) {
  const item = document.createElement("li"), link = document.createElement("a");
  link.href = `/?write=${encodeURIComponent(name)}`;
  if (tile !== null && pictures.naturalWidth) {
    const picture = document.createElement("span");
    picture.className = "tile";
    picture.style.backgroundImage = `url(${pictures.src})`;
    picture.style.backgroundPosition = `${-TILE * (tile % ROW)}px ${-TILE * Math.floor(tile / ROW)}px`;
    link.append(picture);
  }
  link.append(name);
  item.append(link);
  return item;
}

let waiting;
search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 200); });
look();
