// Typing in a cell: names of facts and of the functions that a policy may call are offered, and codes in quotes.
import * as real from "@codemirror/autocomplete";
import { standardKeymap } from "@codemirror/commands";
import { syntaxTree } from "@codemirror/language";
import { EditorView, keymap } from "@codemirror/view";

const FUNCTIONS = ["abs", "ceil", "contains", "endsWith", "floor", "len", "max", "min", "round", "startsWith"];

let names = [];
let codes = [];

export function offer({ facts, codes: known }) {
  const calls = FUNCTIONS.map((label) => ({ label, type: "function" }));
  names = [...Object.entries(facts).map(([label, detail]) => ({ label, detail, type: "variable", boost: 1 })), ...calls];
  codes = known.map((label) => ({ label, type: "constant" }));
}

function offered(context) {
  const isText = syntaxTree(context.state).resolveInner(context.pos, -1).name.includes("String");
  const typed = context.matchBefore(isText ? /[\w.]+/ : /[A-Za-z_]\w*/);
  if (!typed && !context.explicit) return null;
  return { from: typed ? typed.from : context.pos, options: isText ? codes : names, validFor: /^[\w.]*$/ };
}

// Left to itself, Chromium keeps the colour of what was there by a style attribute, which the page's policy
// forbids. So each key is an edit of the document, and nothing is left to the browser.
const ownTyping = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.isComposing || event.data === null) return false;
    const { from, to } = view.state.selection.main;
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, event.data, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

export * from "@codemirror/autocomplete";
export const autocompletion = () => [
  real.autocompletion({ override: [offered] }),
  ownTyping,
  keymap.of(standardKeymap),
];
