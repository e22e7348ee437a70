// Stands in for what the bundle leaves out, and answers as little as the library can live with:
// Monaco (functions and JSON schemas, which no policy may have), the engine as WebAssembly (it would
// want 'wasm-unsafe-eval'; the server checks tables), spreadsheets and the inspector of simulations.
import { word } from "./words.js";

function Absent() {
  return (
    <p className="absent">
      {word("Facts come with the software. What a table may use is listed below the editor.")}
    </p>
  );
}

export const Editor = Absent;
export const DiffEditor = Absent;
export const JSONTree = () => null;
export const MarkerSeverity = {};
export const loader = { config: () => undefined };
export const useMonaco = () => null;

export const isReady = () => false;
export const createVariableType = () => null;
export const getCompletions = () => [];
export const parseStandardExpression = () => null;
export const validateExpression = () => null;
export const validateUnaryExpression = () => null;
export class ExpressionBuilder {}
export class Variable {}
export class VariableType {}

// The default export of the engine starts it: here it never comes up.
export default () => new Promise(() => undefined);
