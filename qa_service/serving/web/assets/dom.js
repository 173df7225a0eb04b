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

// A button that opens a short list of others.
export function menu(label, items) {
  const list = el("div", { class: "menu-items", role: "group", "aria-label": label, hidden: true });
  const button = el("button", { type: "button", class: "quiet", "aria-expanded": "false" }, label);
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) keepInView(list);
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

// Above its button where there is no room below, and not over the side.
function keepInView(list) {
  list.classList.remove("above");
  list.style.translate = "";
  const { left, right, bottom } = list.getBoundingClientRect();
  list.classList.toggle("above", bottom > window.innerHeight);
  const over = Math.max(right - document.documentElement.clientWidth + 8, 0) || Math.min(left - 8, 0);
  if (over) list.style.translate = `${-over}px`;
}

// Code points `start` to `end` of a text: the unit of every offset that the service gives.
export function slice(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}
