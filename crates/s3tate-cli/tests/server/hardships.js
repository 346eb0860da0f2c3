// What is wrong with a page for those who see little, or not at all: a list of texts.
(() => {
  const found = [];
  const channels = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { light: [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)), a };
  };
  const luminance = ({ light: [r, g, b] }) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const ground = (element) => {
    const own = channels(getComputedStyle(element).backgroundColor);
    return own.a > 0 || !element.parentElement ? own : ground(element.parentElement);
  };
  const contrast = (element) => {
    const [a, b] = [channels(getComputedStyle(element).color), ground(element)].map(luminance).sort((x, y) => x - y);
    return (b + 0.05) / (a + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const element = texts.currentNode.parentElement;
    if (text && element.checkVisibility() && contrast(element) < 4.5) {
      found.push(`contrast ${contrast(element).toFixed(1)}: ${text}`);
    }
  }
  for (const field of document.querySelectorAll("input:not([type=hidden])")) {
    if (!field.labels.length) found.push(`no label: ${field.outerHTML}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) found.push(`id twice: ${id}`);
  for (const tag of ["h1", "main"]) {
    const number = document.querySelectorAll(tag).length;
    if (number !== 1) found.push(`${number} times ${tag}`);
  }
  for (const cell of document.querySelectorAll("th:not([scope])")) found.push(`no scope: ${cell.outerHTML}`);
  return found;
})()
