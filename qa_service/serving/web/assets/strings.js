// The page's words in the reader's language, as the server put them into the page.

const strings = JSON.parse(document.getElementById("strings").textContent);

export const language = document.documentElement.lang;

// `t("section_of", { number: "1-3" })` fills "{number}".
export function t(name, values = {}) {
  const text = strings[name];
  if (text === undefined) throw new Error(`there are no words for ${name}`);
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

export const has = (name) => name in strings;
