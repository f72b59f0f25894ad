// The side panel of the offline viewer: which photos there are, and what is said about the one that is selected.
import { answer, type DetailActions } from "./details";
import { h } from "./dom";
import type { Headline } from "./headline";
import { PhotoList } from "./photolist";
import type { Cells, Scene } from "./scene";
import { ANSWER, CELLS, FOOT, KEYS, PHOTOS } from "./strings";
import { count, plural } from "./words";

export interface PanelActions extends DetailActions {
  select: (index: number) => void;
}

export class Panel {
  readonly element = h("aside", { class: "panel", "aria-label": PHOTOS.panel });
  readonly list: PhotoList;
  private readonly detail = h("section", { class: "detail", "aria-label": PHOTOS.selected });

  constructor(
    private readonly scene: Scene,
    private readonly headlines: Headline[],
    private readonly actions: PanelActions,
  ) {
    const { photos } = scene;
    this.list = new PhotoList((index) => this.actions.select(index));
    this.list.show(photos, headlines);
    this.element.append(h("header", { class: "head" }, h("h1", {}, scene.title), summary(scene) ?? ""));
    if (photos.length > 1) this.element.append(this.list.element);
    if (photos.length) this.element.append(this.detail);
    this.element.append(footer(keysFor(photos.length)));
  }

  select(index: number): void {
    const photo = this.scene.photos[index];
    if (!photo) return;
    this.list.select(index);
    const parts: Node[] = [];
    if (photo.thumbnail) parts.push(h("img", { class: "picture", src: photo.thumbnail, alt: ANSWER.photo(photo.name) }));
    if (photo.name !== this.scene.title) parts.push(h("p", { class: "file", title: photo.name }, photo.name));
    this.detail.replaceChildren(...parts, ...answer(photo, this.headlines[index]!, this.actions));
    this.detail.scrollTop = 0;
  }
}

function summary(scene: Scene): HTMLElement | null {
  const { photos, cells } = scene;
  if (photos.length > 1) {
    const failed = photos.filter((photo) => photo.error !== null || photo.estimate === null).length;
    // as in the report: a photo without an answer is infinitely far off, not left out
    const errors = photos.flatMap(({ errorKm, truth, estimate }) =>
      errorKm !== null ? [errorKm] : truth && !estimate ? [Infinity] : [],
    );
    const parts = [plural(photos.length, "photo")];
    if (failed) parts.push(PHOTOS.failed(failed));
    if (errors.length > 1) parts.push(PHOTOS.median(median(errors)));
    return h("p", { class: "summary" }, parts.join(" · "));
  }
  if (photos.length || !cells) return null;
  return partitionSummary(cells);
}

/** How many cells and photos there are, as terms and values. */
export function partitionSummary({ count: cells, photos, levels }: Cells): HTMLElement {
  if (!photos?.length) return h("p", { class: "summary" }, plural(cells, "cell"));
  let [total, fewest, most] = [0, Infinity, 0];
  for (const each of photos) [total, fewest, most] = [total + each, Math.min(fewest, each), Math.max(most, each)];
  const rows: [string, string][] = [
    [CELLS.cells, count(cells)],
    [CELLS.photos, count(total)],
    [CELLS.fewest, count(fewest)],
    [CELLS.median, count(median(photos))],
    [CELLS.most, count(most)],
  ];
  if (levels) {
    const [coarsest, finest] = levels.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [99, 0]);
    rows.splice(1, 0, [CELLS.levels, CELLS.range(coarsest, finest)]);
  }
  return facts(rows);
}

export function facts(rows: [string, string | Node][]): HTMLElement {
  return h("dl", { class: "facts" }, ...rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Keys = [string[], string][];

/** The keys that do something when there are so many photos. */
export function keysFor(photos: number): Keys {
  const keys: Keys = [
    [["\u2190", "\u2191", "\u2192", "\u2193"], KEYS.move],
    [["+", "\u2212"], KEYS.zoom],
    [["0"], KEYS.whole],
    [["G"], KEYS.mode],
  ];
  if (photos) keys.push([["F"], KEYS.fit]);
  if (photos > 1) keys.push([["J", "K"], KEYS.step], [["/"], KEYS.filter]);
  return keys;
}

export function footer(keys: Keys, ...more: Node[]): HTMLElement {
  return h(
    "footer",
    { class: "foot" },
    keys.length > 0 &&
      h(
      "details",
      {},
      h("summary", {}, KEYS.title),
      h(
        "dl",
        { class: "keys" },
        ...keys.flatMap(([names, what]) => [h("dt", {}, ...names.map((name) => h("kbd", {}, name))), h("dd", {}, what)]),
      ),
    ),
    ...more,
    h("p", {}, FOOT.made),
  );
}
