// Elements made of values. Text goes in as text, never as markup.

export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Says something to a screen reader, once.
export function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  requestAnimationFrame(() => {
    announcer.textContent = text;
  });
}

export function icon(path, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return label ? [svg, el("span", { class: "unseen" }, label)] : [svg];
}

// A button that opens a short list of others.
export function menu(label, items) {
  const list = el("div", { class: "menu-items", role: "group", "aria-label": label, hidden: true });
  const button = el("button", { type: "button", class: "quiet", "aria-expanded": "false" }, label);
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  for (const [name, act] of items) {
    const choose = async () => {
      show(false);
      button.focus();
      await act();
    };
    list.append(el("button", { type: "button", onclick: choose }, name));
  }
  button.addEventListener("click", () => show(list.hidden));
  const whole = el("span", { class: "menu" }, button, list);
  whole.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      show(false);
      button.focus();
      event.stopPropagation();
    }
  });
  whole.addEventListener("focusout", (event) => {
    if (!whole.contains(event.relatedTarget)) show(false);
  });
  return whole;
}

// Code points `start` to `end` of a text: the unit of every offset that the service gives.
export function slice(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}
