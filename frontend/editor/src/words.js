// What the editor says, in the reader's language. English is the library's own text and the key.
import chinese from "./words.zh-CN.json";

const isChinese = document.documentElement.lang.startsWith("zh");

export function word(text) {
  return (isChinese && chinese[text]) || text;
}
