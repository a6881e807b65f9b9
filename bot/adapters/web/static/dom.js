// the words of the page in the reader's language, which the server wrote into it

export const words = document.getElementById("words").dataset;
export const $ = (id) => document.getElementById(id);

/** An element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const { data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

export const button = (label, onclick, properties = {}) => make("button", { type: "button", textContent: label, onclick, ...properties });
