// The model's cells as a table that can be searched: what the map tells under the pointer, for everybody.
import { h } from "../dom";
import type { Cells } from "../scene";
import { CELLS, MODEL } from "../strings";
import { count } from "../words";

const MOST = 30;

export function cellTable(cells: Cells, fly: (cell: number) => void): HTMLElement {
  const field = h("input", { id: "cell-filter", type: "text", placeholder: MODEL.cellHint, autocomplete: "off", spellcheck: "false" });
  const body = h("tbody", {});
  const said = h("p", { class: "hint", role: "status" });
  const haystack = cells.labels.map((label, cell) => `${label} ${cells.tokens?.[cell] ?? ""} ${cell}`.toLowerCase());
  const fill = () => {
    const needle = field.value.trim().toLowerCase();
    const found: number[] = [];
    for (let cell = 0; cell < cells.count; cell++) if (haystack[cell]!.includes(needle)) found.push(cell);
    found.sort((a, b) => (cells.photos?.[b] ?? 0) - (cells.photos?.[a] ?? 0));
    said.textContent = MODEL.cellsFound(found.length, Math.min(MOST, found.length));
    body.replaceChildren(...found.slice(0, MOST).map((cell) => row(cells, cell, fly)));
  };
  field.addEventListener("input", fill);
  fill();
  const head = [MODEL.cellName, MODEL.cellNumber, MODEL.cellId, CELLS.photos, MODEL.cellLevel];
  return h(
    "details",
    { class: "cell-table" },
    h("summary", {}, MODEL.cellTable),
    h("label", { class: "unseen", for: "cell-filter" }, MODEL.cellHint),
    field,
    said,
    h(
      "div",
      { class: "table", tabindex: 0, role: "region", "aria-label": MODEL.cellTable },
      h("table", {}, h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))), body),
    ),
  );
}

function row(cells: Cells, cell: number, fly: (cell: number) => void): HTMLElement {
  const go = h("button", { type: "button", class: "cell-link", onclick: () => fly(cell) }, cells.labels[cell] || String(cell));
  const facts = [String(cell), cells.tokens?.[cell] ?? "", count(cells.photos?.[cell] ?? 0), String(cells.levels?.[cell] ?? "")];
  return h("tr", {}, h("th", { scope: "row" }, go), ...facts.map((text) => h("td", {}, text)));
}
