// The visual editor of a policy's graph and tables. The form's hidden field holds the graph; what is
// drawn goes into it, and the form sends it to the same act that the page without scripts uses.
import { root } from "./nonce.js";
import "./editor.css";
import "@gorules/jdm-editor/dist/style.css";

import { DecisionGraph, JdmConfigProvider } from "@gorules/jdm-editor";
import { Button, ConfigProvider } from "antd";
import chinese from "antd/es/locale/zh_CN";
import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

import { keepLabelled } from "./labels.js";
import { offer } from "./typing.js";
import { word } from "./words.js";

// The library hands a change on after two waits of 100 ms each.
const SETTLED_MS = 300;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const PALETTE = {
  light: {
    colorPrimary: "#0e5a4b", colorLink: "#0e5a4b",
    colorText: "#14212b", colorTextSecondary: "#4a5964", colorTextDescription: "#4a5964",
    colorBorder: "#cdd5da", colorBgLayout: "#f3f6f7",
  },
  dark: {
    colorPrimary: "#4fb598", colorLink: "#6fd0b4",
    colorText: "#e9eff2", colorTextSecondary: "#a9b8c1", colorTextDescription: "#a9b8c1",
    colorBorder: "#324049", colorBgContainer: "#182228", colorBgElevated: "#1f2b32", colorBgLayout: "#121b20",
  },
};
const FONT = getComputedStyle(document.body).fontFamily;

const field = document.querySelector("[data-graph]");
const form = field.form;
const isLocal = { changed: false, leaving: false };

const NEW = {
  decisionTableNode: (id) => ({
    hitPolicy: "first", executionMode: "single", inputField: null, outputPath: null, passThrough: true,
    inputs: [{ id: `${id}_in`, name: "fact" }],
    outputs: [{ id: `${id}_out`, name: "result", field: "result" }],
    rules: [],
  }),
  expressionNode: () => ({ passThrough: true, inputField: null, outputPath: null, executionMode: "single", expressions: [] }),
};

function added(graph, type) {
  const stem = type === "expressionNode" ? "formulas" : "table";
  const taken = new Set(graph.nodes.flatMap((node) => [node.id, node.name]));
  let number = 1;
  while (taken.has(`${stem}_${number}`)) number += 1;
  const id = `${stem}_${number}`;
  const below = Math.max(...graph.nodes.map((node) => node.position.y), 0) + 160;
  return { id, type, name: id, position: { x: 400, y: below }, content: NEW[type](id) };
}

function PolicyEditor({ graph }) {
  const [mode, setMode] = useState(DARK.matches ? "dark" : "light");
  const drawn = useRef(null);

  useEffect(() => {
    const follow = () => setMode(DARK.matches ? "dark" : "light");
    DARK.addEventListener("change", follow);
    const tables = graph.nodes.filter((node) => node.type === "decisionTableNode");
    if (tables.length === 1) drawn.current.openTab(tables[0].id);
    const jump = (event) => {
      const target = event.target.closest('a[href^="#at-"]');
      const at = decodeURIComponent(target?.hash.slice("#at-".length) ?? "");
      if (!graph.nodes.some((node) => node.id === at)) return;
      event.preventDefault();
      drawn.current.openTab(at);
      root.scrollIntoView({ block: "nearest" });
    };
    document.addEventListener("click", jump);
    return () => {
      DARK.removeEventListener("change", follow);
      document.removeEventListener("click", jump);
    };
  }, []);

  const keep = (value) => {
    field.value = JSON.stringify(value);
    isLocal.changed = true;
  };
  const add = (type) => {
    const node = added(drawn.current.stateStore.getState().decisionGraph, type);
    drawn.current.addNodes([node]);
    drawn.current.openTab(node.id);
  };
  return (
    <ConfigProvider csp={{ nonce: root.nonce }} locale={word("Graph") === "Graph" ? undefined : chinese}>
      <JdmConfigProvider theme={{ mode, token: { ...PALETTE[mode], fontFamily: FONT, borderRadius: 4 } }}>
        <div className="policy-editor-tools">
          <Button size="small" onClick={() => add("decisionTableNode")}>{word("Add a table")}</Button>
          <Button size="small" onClick={() => add("expressionNode")}>{word("Add formulas")}</Button>
        </div>
        <DecisionGraph
          ref={drawn}
          defaultValue={graph}
          hideLeftToolbar
          onChange={keep}
          onReactFlowInit={(flow) => setTimeout(() => flow.fitView({ maxZoom: 1, padding: 0.1 }))}
          reactFlowProOptions={{ hideAttribution: true }}
        />
      </JdmConfigProvider>
    </ConfigProvider>
  );
}

form.addEventListener("submit", (event) => {
  if (isLocal.leaving) return;
  event.preventDefault();
  event.stopPropagation();
  setTimeout(() => {
    isLocal.leaving = true;
    form.requestSubmit(event.submitter);
  }, SETTLED_MS);
});
addEventListener("pageshow", () => { isLocal.leaving = false; });
addEventListener("beforeunload", (event) => {
  if (isLocal.changed && !isLocal.leaving) event.preventDefault();
});

offer(JSON.parse(root.dataset.offers));
createRoot(root).render(<PolicyEditor graph={JSON.parse(field.value)} />);
keepLabelled();
