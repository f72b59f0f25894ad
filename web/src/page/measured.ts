// What a report says of a model: the figures, reliability, errors by continent, what is taken for what.
import { h } from "../dom";
import { MODEL } from "../strings";
import { count, distance, percent } from "../words";
import type { ConfusionJson, ContinentJson, MetricsJson, ReportJson } from "./api";
import { reliabilityDiagram } from "./diagram";

const MOST_PAIRS = 12;
const CLAIMS: Record<string, string> = { cell: MODEL.claimCell, country: MODEL.claimCountry };

export function measured(report: ReportJson): Node[] {
  const parts: Node[] = [figuresTable(report.name, report)];
  const curves = Object.entries(report.calibration ?? {}).filter(([, of]) => of.bins.length);
  if (curves.length) {
    parts.push(h("h3", {}, MODEL.reliability), h("p", { class: "hint" }, MODEL.reliabilityMeans));
    parts.push(h("div", { class: "diagrams" }, ...curves.map(([what, of]) => reliabilityDiagram(CLAIMS[what] ?? what, of))));
  }
  if (report.by_continent?.length) parts.push(h("h3", {}, MODEL.byContinent), continents(report.by_continent));
  for (const [what, of] of Object.entries(report.confusion ?? {})) {
    if (of.pairs?.length) parts.push(h("h3", {}, MODEL.confusion(CLAIMS[what] ?? what)), pairs(what, of));
  }
  if (report.remarks?.length) parts.push(h("h3", {}, MODEL.remarks), h("ul", {}, ...report.remarks.map((text) => h("li", {}, text))));
  return parts;
}

/** Ours beside the best constant guess. */
export function figuresTable(name: string, of: MetricsJson): HTMLElement {
  const rows = figures(of);
  const compared = rows.some(([, , constant]) => constant);
  return table(
    name,
    [MODEL.figure, MODEL.ours, ...(compared ? [MODEL.theirs] : [])],
    rows.map((row) => (compared ? row : row.slice(0, 2))),
    `${name} · ${count(of.n!)} photos`,
  );
}

function figures(of: MetricsJson): [string, string, string][] {
  const { constant = {} } = of;
  const km = (value: number | null | undefined) => (typeof value === "number" ? distance(value) : "");
  const share = (value: number | null | undefined) => (typeof value === "number" ? percent(value) : "");
  const points = (value: number | null | undefined) => (typeof value === "number" ? count(value) : "");
  const rows: [string, string, string][] = [
    [MODEL.median, km(of.median_km), km(constant.median_km)],
    [MODEL.mean, km(of.mean_km), km(constant.mean_km)],
  ];
  for (const [within, value] of Object.entries(of.within_km ?? {})) {
    rows.push([MODEL.within(within), percent(value), share(constant.within_km?.[within])]);
  }
  rows.push([MODEL.geoscore, points(of.geoscore), points(constant.geoscore)]);
  for (const [k, value] of Object.entries(of.top_k ?? {})) {
    rows.push([k === "1" ? MODEL.top1 : MODEL.top(k), percent(value), share(constant.top_k?.[k])]);
  }
  rows.push([MODEL.country, share(of.country_accuracy), share(constant.country_accuracy)], [MODEL.ece, share(of.ece), ""]);
  for (const [name, value] of Object.entries(of)) {
    const promised = /^coverage_(\d+)$/.exec(name)?.[1];
    if (promised && typeof value === "number") rows.push([MODEL.coverage(promised), percent(value), ""]);
  }
  return rows.filter(([, ours]) => ours);
}

function continents(rows: ContinentJson[]): HTMLElement {
  const kept = Object.keys(rows[0]!.within_km);
  return table(
    MODEL.byContinent,
    [MODEL.continent, MODEL.photos, MODEL.median, ...kept.map(MODEL.within), MODEL.recall],
    rows.map((row) => [
      row.name,
      count(row.n),
      row.median_km === null ? MODEL.noAnswer : distance(row.median_km),
      ...kept.map((km) => percent(row.within_km[km]!)),
      row.recall === null ? "" : percent(row.recall),
    ]),
  );
}

function pairs(what: string, of: ConfusionJson): HTMLElement {
  return table(
    MODEL.confusion(CLAIMS[what] ?? what),
    [MODEL.truly, MODEL.answered, MODEL.photos, MODEL.shareOf, MODEL.apart],
    of.pairs!.slice(0, MOST_PAIRS).map((pair) => [
      pair.true,
      pair.answered,
      count(pair.n),
      pair.share === null ? "" : percent(pair.share),
      pair.apart_km === null ? "" : distance(pair.apart_km),
    ]),
  );
}

/** The first of each row names it. */
function table(label: string, head: string[], rows: string[][], caption?: string): HTMLElement {
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": label },
    h(
      "table",
      {},
      caption && h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
      h(
        "tbody",
        {},
        ...rows.map(([term, ...values]) => h("tr", {}, h("th", { scope: "row" }, term!), ...values.map((value) => h("td", {}, value)))),
      ),
    ),
  );
}
