// The library draws buttons without text and cells without names. This names them, in the reader's
// language, as they appear.
import { word } from "./words.js";

// What a button with nothing but an icon does, by the icon's name.
const ICONS = {
  "arrow-down": "Add row below", "arrow-up": "Add row above", close: "Close", compress: "Compact view",
  delete: "Remove", edit: "Edit", holder: "Move", left: "Show the components", menu: "Move", more: "More",
  plus: "Add a column", right: "Hide the components", swap: "Reorder fields",
};

const FIELDS = [".grl-ce-highlighter", ".cm-content[contenteditable]", "textarea"]
  .flatMap((field) => [`.policy-editor ${field}`, `.ant-popover ${field}`])
  .join();

function headOf(cell) {
  const heads = cell.closest("table")?.querySelectorAll("thead tr:last-child th") ?? [];
  return heads[cell.cellIndex]?.innerText.split("\n")[0].trim() || word("Description");
}

function name(element, text) {
  if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
}

function nameField(field) {
  const cell = field.closest("td");
  if (!cell) return name(field, word("Formula"));
  const row = cell.closest("tr");
  const number = Number(row.dataset.virtualIndex ?? row.rowIndex - 1) + 1;
  name(field, word("Rule {n}: {column}").replace("{n}", number).replace("{column}", headOf(cell)));
}

function label() {
  for (const button of document.querySelectorAll(".policy-editor button, .ant-popover button")) {
    const icon = button.querySelector("[aria-label]")?.getAttribute("aria-label");
    const said = ICONS[icon] ?? button.getAttribute("aria-label");
    if (said && !button.innerText.trim()) name(button, word(said));
    if (button.title) button.title = word(button.title);
  }
  // A node holds buttons, so it cannot be one itself.
  for (const node of document.querySelectorAll(".react-flow__node")) {
    node.setAttribute("role", "group");
    name(node, node.querySelector(".grl-text-edit")?.innerText || node.dataset.id);
  }
  for (const edge of document.querySelectorAll('.react-flow__edge[aria-label^="Edge from"]')) {
    const [, source, target] = edge.getAttribute("aria-label").match(/^Edge from (.*) to (.*)$/);
    name(edge, word("From {source} to {target}").replace("{source}", source).replace("{target}", target));
  }
  for (const help of document.querySelectorAll('[id^="react-flow__node-desc"], [id^="react-flow__edge-desc"]')) {
    const said = word(help.textContent.trim().replace(/\s+/g, " "));
    if (help.textContent !== said) help.textContent = said;
  }
  for (const field of document.querySelectorAll(FIELDS)) {
    if (field.matches(".grl-ce-highlighter")) field.setAttribute("role", "textbox");
    nameField(field);
  }
}

export function keepLabelled() {
  let asked = 0;
  new MutationObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(label);
  }).observe(document.body, { childList: true, subtree: true });
  label();
}
