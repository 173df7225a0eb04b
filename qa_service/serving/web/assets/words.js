// Where words stand in the document as it is shown: ranges of its text, whatever it is cut into.

// A flow is text that is read in one go; a reading above the line is one of its own.
const FLOW = "h1, h2, h3, h4, h5, h6, p, pre, figcaption, th, td, rt, .lifted";
const LEFT_OUT = "[hidden], a.mark";

// Each place of each of the words, in reading order, none inside another. Width of characters, case
// and kind of white space do not matter.
export function findWords(root, words) {
  const wanted = words.map((word) => folded(word).text.trim()).filter(Boolean).sort((a, b) => b.length - a.length);
  if (!wanted.length) return [];
  const pattern = new RegExp(wanted.map(asPattern).join("|"), "gu");
  return [...root.querySelectorAll(FLOW)].flatMap((flow) => findIn(flow, pattern));
}

function findIn(flow, pattern) {
  const nodes = textNodes(flow);
  const { text, places } = folded(nodes.map((node) => node.data).join(""));
  return [...text.matchAll(pattern)].map((match) => {
    const range = document.createRange();
    range.setStart(...place(nodes, places[match.index].start));
    range.setEnd(...place(nodes, places[match.index + match[0].length - 1].end, true));
    return range;
  });
}

function textNodes(flow) {
  const walker = document.createTreeWalker(flow, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest(FLOW) === flow && !parent.closest(LEFT_OUT)) nodes.push(walker.currentNode);
  }
  return nodes;
}

// The node that holds the character at `offset` of all their text; for an end, the one before it.
function place(nodes, offset, end = false) {
  for (const node of nodes) {
    if (offset < node.length || (end && offset === node.length)) return [node, offset];
    offset -= node.length;
  }
  throw new RangeError("there is no such place in the text");
}

// Ⅲ−２ -> iii-2, with the place of each character of it in the text.
function folded(text) {
  let result = "";
  const places = [];
  // White space, or a character with the marks that belong to it: ﾊﾞ is one.
  for (const { 0: part, index } of text.matchAll(/\s+|\S[\p{M}\uff9e\uff9f]*/gu)) {
    const same = /^\s/.test(part) ? " " : part.normalize("NFKC").toLowerCase().replace(/[\u2010-\u2015\u2212]/g, "-");
    result += same;
    for (let each = 0; each < same.length; each += 1) places.push({ start: index, end: index + part.length });
  }
  return { text: result, places };
}

// A Latin word from its beginning: "us" is not in "status".
function asPattern(word) {
  const literal = word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return /^\p{Script=Latin}/u.test(word) ? `(?<![\\p{Script=Latin}\\p{N}])${literal}` : literal;
}
