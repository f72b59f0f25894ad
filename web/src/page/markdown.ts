// Model cards as elements: the Markdown that graticule writes, built with text nodes only. What looks like HTML
// stays text, and links go to http and https alone.
import { h } from "../dom";

const HEADINGS = ["h2", "h3", "h4", "h5", "h6", "h6"] as const;
const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\((\S+?)\)/;

/** A first heading is an `h2`: the page around it has the `h1`. */
export function markdown(text: string): HTMLElement[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const parts: HTMLElement[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (!line.trim()) at++;
    else if (heading) {
      parts.push(h(HEADINGS[heading[1]!.length - 1]!, {}, ...inline(heading[2]!)));
      at++;
    } else if (line.startsWith("```")) {
      const end = lines.findIndex((each, index) => index > at && each.startsWith("```"));
      const stop = end < 0 ? lines.length : end;
      parts.push(h("pre", { tabindex: 0 }, h("code", {}, lines.slice(at + 1, stop).join("\n"))));
      at = stop + 1;
    } else {
      const block = blockAt(lines, at);
      parts.push(blockOf(block));
      at += block.length;
    }
  }
  return parts;
}

/** The lines that belong together: up to an empty line, a heading or a fence. */
function blockAt(lines: string[], at: number): string[] {
  const end = lines.findIndex((line, index) => index > at && (!line.trim() || /^(#{1,6}\s|```)/.test(line)));
  return lines.slice(at, end < 0 ? lines.length : end);
}

function blockOf(block: string[]): HTMLElement {
  if (block.length > 1 && block[0]!.includes("|") && /^\s*\|?[\s:|-]*-[\s:|-]*$/.test(block[1]!)) return table(block);
  const item = /^\s*(?:[-*+]|(\d+)[.)])\s+/;
  const first = item.exec(block[0]!);
  if (!first) return h("p", {}, ...inline(block.join(" ")));
  const items: string[] = [];
  for (const line of block) {
    if (item.test(line)) items.push(line.replace(item, ""));
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  return h(first[1] ? "ol" : "ul", {}, ...items.map((each) => h("li", {}, ...inline(each))));
}

function table(block: string[]): HTMLElement {
  const rows = block.filter((_, index) => index !== 1).map(cellsOf);
  const [head = [], ...body] = rows;
  const headed = head.some((each) => each.trim());
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": head.filter((each) => each).join(", ") || (body[0]?.[0] ?? "") },
    h(
      "table",
      {},
      headed && h("thead", {}, h("tr", {}, ...head.map((each) => (each ? h("th", { scope: "col" }, ...inline(each)) : h("td", {}))))),
      h(
        "tbody",
        {},
        ...body.map((row) =>
          h("tr", {}, ...row.map((each, index) => (index ? h("td", {}, ...inline(each)) : h("th", { scope: "row" }, ...inline(each))))),
        ),
      ),
    ),
  );
}

function cellsOf(row: string): string[] {
  const inner = row.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((each) => each.trim().replaceAll("\\|", "|"));
}

function inline(text: string): (Node | string)[] {
  const found = INLINE.exec(text);
  if (!found) return text ? [text] : [];
  const [whole, , code, bold, italic, label, target] = found;
  const before = text.slice(0, found.index);
  const after = inline(text.slice(found.index + whole.length));
  return [...(before ? [before] : []), element(code, bold, italic, label, target) ?? whole, ...after];
}

function element(code?: string, bold?: string, italic?: string, label?: string, target?: string): Node | string | null {
  if (code !== undefined) return h("code", {}, code);
  if (bold !== undefined) return h("strong", {}, ...inline(bold));
  if (italic !== undefined) return h("em", {}, ...inline(italic));
  if (!/^https?:\/\//i.test(target ?? "")) return label ?? null;
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, ...inline(label ?? ""));
}
