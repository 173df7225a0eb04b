// Before the first paint: the theme that the reader chose (see theme.js).
try {
  const theme = localStorage.getItem("qa_service.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Barred: the browser's wish stands.
}
