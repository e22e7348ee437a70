// Imported first: libraries add <style> elements, which the page's policy allows with its nonce only.
export const root = document.querySelector("[data-policy-editor]");

const create = document.createElement;
document.createElement = function createElement(name, options) {
  const element = create.call(document, name, options);
  if (String(name).toLowerCase() === "style") element.nonce = root.nonce;
  return element;
};

// The same for style attributes: through the object model they are allowed.
const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function set(name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

// Only pages from https or this machine have it, and a lender's test system may be neither.
crypto.randomUUID ??= () =>
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));
