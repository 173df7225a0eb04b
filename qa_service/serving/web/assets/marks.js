// Stretches of the source, marked in the document as it is shown.
//
// Each piece of text says with data-start where in the source it begins. Offsets count code points.

export function parsePlaces(text) {
  return (text ?? "")
    .split(",")
    .map((each) => /^(\d{1,9})-(\d{1,9})$/.exec(each))
    .filter(Boolean)
    .map(([, start, end]) => ({ start: Number(start), end: Number(end) }))
    .filter(({ start, end }) => start < end);
}

// Marks them and gives the marks in reading order. What is hidden is marked too: the marks' texts
// together are the words of the source.
export function mark(root, places) {
  const marks = [];
  for (const piece of root.querySelectorAll("[data-start]")) {
    const start = Number(piece.dataset.start);
    const text = piece.textContent;
    if (!places.some((place) => place.start < start + text.length && start < place.end)) continue;
    const characters = Array.from(text);
    const parts = [];
    let at = 0;
    for (const place of [...places].sort((a, b) => a.start - b.start)) {
      const from = Math.max(place.start - start, at);
      const to = Math.min(place.end - start, characters.length);
      if (from >= to) continue;
      const marked = document.createElement("mark");
      marked.textContent = characters.slice(from, to).join("");
      if (from > at) parts.push(characters.slice(at, from).join(""));
      parts.push(marked);
      marks.push(marked);
      at = to;
    }
    if (!at) continue;
    if (at < characters.length) parts.push(characters.slice(at).join(""));
    piece.replaceChildren(...parts);
    piece.closest("tbody tr")?.classList.add("cited");
  }
  return marks;
}

export function unmark(root) {
  for (const marked of root.querySelectorAll("mark")) {
    const piece = marked.parentNode;
    if (piece) piece.textContent = piece.textContent;
  }
  for (const row of root.querySelectorAll("tr.cited")) row.classList.remove("cited");
}
