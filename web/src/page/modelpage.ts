// What the model is and what it was measured to be, from its bundle's card.
import { h } from "../dom";
import { facts, partitionSummary } from "../panel";
import { CELLS, MODEL } from "../strings";
import { count } from "../words";
import type { MetricsJson, ReportJson } from "./api";
import { cellTable } from "./celltable";
import { markdown } from "./markdown";
import { figuresTable, measured } from "./measured";
import type { Model } from "./models";

/** `fly`: shows a cell on the map. */
export function modelPage(model: Model, fly: (cell: number) => void): Node[] {
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
    ...(model.cells ? [partitionSummary(model.cells), cellTable(model.cells, fly)] : []),
    h("h2", {}, MODEL.results),
    ...results(card.metrics ?? {}, model.info.reports),
    h("h2", {}, MODEL.card),
    h("article", { class: "card" }, ...markdown(withoutTitle(text))),
  ];
}

function methodOf({ method, parameters }: Model["info"]["partition"]): string {
  const shown = Object.entries(parameters).filter(([, value]) => typeof value === "number" || typeof value === "string");
  return [method, ...shown.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)].join(" · ");
}

/** The figures of every set of photos that the card names, and of every report. */
function results(metrics: Record<string, MetricsJson>, reports: ReportJson[]): Node[] {
  const sets = Object.entries(metrics).filter(([, of]) => of.n !== undefined);
  if (!sets.length && !reports.length) return [h("p", {}, MODEL.noFigures)];
  const parts: Node[] = [...reports.flatMap(measured), ...sets.map(([name, of]) => figuresTable(name, of))];
  if (!reports.length) parts.push(h("p", { class: "hint" }, MODEL.noReport));
  return parts;
}

/** The page has said the name already. */
const withoutTitle = (text: string): string => text.replace(/^\s*# .*\n/, "");
