// What the model is and what it was measured to be, from its bundle's card.
import { h } from "../dom";
import { facts, partitionSummary } from "../panel";
import { CELLS, MODEL } from "../strings";
import { count, distance, percent } from "../words";
import type { MetricsJson } from "./api";
import { markdown } from "./markdown";
import type { Model } from "./models";

export function modelPage(model: Model): Node[] {
  const { card, partition, model_card: text } = model.info;
  const rows: [string, string][] = [
    [MODEL.revision, card.revision],
    [MODEL.network, card.architecture],
    [MODEL.head, card.head],
    [MODEL.cutBy, methodOf(partition)],
    [MODEL.licence, card.licence],
  ];
  const trained = card.training_data?.photos;
  if (trained !== undefined) rows.splice(4, 0, [MODEL.trained, count(trained)]);
  return [
    h("p", { class: "place" }, model.label),
    h("p", { class: "hint" }, MODEL.hover),
    h("section", { "aria-label": MODEL.facts }, facts(rows.filter(([, value]) => value))),
    h("h2", {}, CELLS.cells),
    ...(model.cells ? [partitionSummary(model.cells)] : []),
    h("h2", {}, MODEL.results),
    ...results(card.metrics ?? {}),
    h("h2", {}, MODEL.card),
    h("article", { class: "card" }, ...markdown(withoutTitle(text))),
  ];
}

function methodOf({ method, parameters }: Model["info"]["partition"]): string {
  const shown = Object.entries(parameters).filter(([, value]) => typeof value === "number" || typeof value === "string");
  return [method, ...shown.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)].join(" · ");
}

/** The figures of every set of photos: ours beside the best constant guess. */
function results(metrics: Record<string, MetricsJson>): HTMLElement[] {
  const sets = Object.entries(metrics).filter(([, of]) => of.n !== undefined);
  if (!sets.length) return [h("p", {}, MODEL.noFigures)];
  return sets.map(([name, of]) => {
    const rows = figures(of);
    const compared = rows.some(([, , constant]) => constant);
    return h(
      "div",
      { class: "table", tabindex: 0, role: "region", "aria-label": name },
      h(
        "table",
        {},
        h("caption", {}, `${name} · ${count(of.n!)} photos`),
        h(
          "thead",
          {},
          h("tr", {}, h("th", { scope: "col" }, MODEL.figure), h("th", { scope: "col" }, MODEL.ours), compared && h("th", { scope: "col" }, MODEL.theirs)),
        ),
        h(
          "tbody",
          {},
          ...rows.map(([term, ours, constant]) => h("tr", {}, h("th", { scope: "row" }, term), h("td", {}, ours), compared && h("td", {}, constant))),
        ),
      ),
    );
  });
}

function figures(of: MetricsJson): [string, string, string][] {
  const { constant = {} } = of;
  const km = (value: number | null | undefined) => (typeof value === "number" ? distance(value) : "");
  const share = (value: number | undefined) => (value === undefined ? "" : percent(value));
  const points = (value: number | undefined) => (value === undefined ? "" : count(value));
  const rows: [string, string, string][] = [[MODEL.median, km(of.median_km), km(constant.median_km)]];
  for (const [within, value] of Object.entries(of.within_km ?? {})) {
    rows.push([MODEL.within(within), percent(value), share(constant.within_km?.[within])]);
  }
  rows.push([MODEL.geoscore, points(of.geoscore), points(constant.geoscore)]);
  for (const [k, value] of Object.entries(of.top_k ?? {})) rows.push([k === "1" ? MODEL.top1 : MODEL.top(k), percent(value), ""]);
  rows.push([MODEL.country, share(of.country_accuracy), ""], [MODEL.ece, share(of.ece), ""]);
  for (const [name, value] of Object.entries(of)) {
    const promised = /^coverage_(\d+)$/.exec(name)?.[1];
    if (promised && typeof value === "number") rows.push([MODEL.coverage(promised), percent(value), ""]);
  }
  return rows.filter(([, ours]) => ours);
}

/** The page has said the name already. */
const withoutTitle = (text: string): string => text.replace(/^\s*# .*\n/, "");
