// Dark or light, Japanese or English: the browser's wish until the reader chooses. What was chosen
// before is in force since early.js.

const THEME = "qa_service.theme";
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

function apply(theme) {
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
}

window.addEventListener("storage", (event) => event.key === THEME && apply(event.newValue));

document.getElementById("theme").addEventListener("click", () => {
  const now = root.dataset.theme ?? (DARK.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  apply(next);
  try {
    localStorage.setItem(THEME, next);
  } catch {
    // Barred: it lasts as long as the page.
  }
});

document.getElementById("language").addEventListener("click", (event) => {
  document.cookie = `qa_language=${event.target.lang}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
});
