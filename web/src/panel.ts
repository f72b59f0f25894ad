// The side panel: which photos there are, and what is said about the one that is selected.
import { h, icon } from "./dom";
import type { Headline } from "./headline";
import type { Candidate, Cells, LonLat, Photo, Scene } from "./scene";
import { confidence, coordinates, count, distance, percent, plural } from "./words";

export interface PanelActions {
  select: (index: number) => void;
  fly: (candidate: Candidate) => void;
  fit: () => void;
}

const OSM = "https://www.openstreetmap.org/";

export class Panel {
  readonly element = h("aside", { class: "panel", "aria-label": "Photos and answers" });
  private readonly items: HTMLButtonElement[] = [];
  private readonly detail = h("section", { class: "detail", "aria-label": "Selected photo" });
  private readonly position = h("span", { class: "position" });
  private readonly none = h("p", { class: "none", hidden: true }, "No photo matches.");
  readonly filter = h("input", {
    class: "filter",
    type: "search",
    placeholder: "Name or place",
    "aria-label": "Filter photos by name or place",
    autocomplete: "off",
    spellcheck: "false",
  });
  private readonly haystacks: string[];
  private selected = -1;

  constructor(
    private readonly scene: Scene,
    private readonly headlines: Headline[],
    private readonly actions: PanelActions,
  ) {
    this.haystacks = scene.photos.map((photo, index) => `${photo.name} ${headlines[index]!.place}`.toLowerCase());
    this.element.append(h("header", { class: "head" }, h("h1", {}, scene.title), summary(scene)));
    if (scene.photos.length > 1) this.element.append(this.list());
    if (scene.photos.length) this.element.append(this.detail);
    this.element.append(footer(scene));
  }

  select(index: number): void {
    const photo = this.scene.photos[index];
    if (!photo) return;
    this.items[this.selected]?.setAttribute("aria-current", "false");
    this.selected = index;
    const item = this.items[index];
    item?.setAttribute("aria-current", "true");
    item?.scrollIntoView({ block: "nearest" });
    this.position.textContent = `${count(index + 1)} of ${count(this.scene.photos.length)}`;
    this.detail.replaceChildren(...this.details(photo, this.headlines[index]!));
    this.detail.scrollTop = 0;
  }

  /** The photo so many steps on among those that the filter lets through. */
  step(by: number): void {
    const shown = this.items.flatMap((item, index) => (item.parentElement!.hidden ? [] : [index]));
    if (!shown.length) return;
    const here = shown.indexOf(this.selected);
    const next = here === -1 ? 0 : Math.min(shown.length - 1, Math.max(0, here + by));
    this.actions.select(shown[next]!);
  }

  private list(): HTMLElement {
    const { photos } = this.scene;
    const pictures = photos.some((photo) => photo.thumbnail);
    const list = h("ol", { class: pictures ? "photos" : "photos without-pictures" });
    photos.forEach((photo, index) => {
      const item = h(
        "button",
        { type: "button", class: "photo", "aria-current": "false", onclick: () => this.actions.select(index) },
        pictures ? thumbnail(photo, "thumb") : null,
        h("span", { class: "photo-name" }, photo.name),
        h("span", { class: photo.estimate ? "photo-place" : "photo-place failed" }, this.headlines[index]!.place),
        h("span", { class: "photo-sure" }, photo.confidence === null ? "" : percent(photo.confidence)),
      );
      this.items.push(item);
      list.append(h("li", {}, item));
    });
    this.filter.addEventListener("input", () => this.applyFilter());
    list.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.step(by);
      this.items[this.selected]?.focus();
    });
    const step = (by: number, label: string, path: string) =>
      h("button", { type: "button", class: "step", "aria-label": label, title: label, onclick: () => this.step(by) }, icon(path));
    return h(
      "section",
      { class: "chooser", "aria-label": "Photos" },
      h(
        "div",
        { class: "chooser-bar" },
        this.filter,
        this.position,
        step(-1, "Previous photo (K)", "M5 12.5l5-5 5 5"),
        step(1, "Next photo (J)", "M5 7.5l5 5 5-5"),
      ),
      list,
      this.none,
    );
  }

  private applyFilter(): void {
    const wanted = this.filter.value.trim().toLowerCase();
    let shown = 0;
    this.items.forEach((item, index) => {
      const fits = this.haystacks[index]!.includes(wanted);
      item.parentElement!.hidden = !fits;
      if (fits) shown++;
    });
    this.none.hidden = shown > 0;
  }

  private details(photo: Photo, headline: Headline): Node[] {
    const parts: Node[] = [];
    if (photo.thumbnail) parts.push(h("img", { class: "picture", src: photo.thumbnail, alt: `Photo ${photo.name}` }));
    if (photo.name !== this.scene.title) parts.push(h("p", { class: "file", title: photo.name }, photo.name));
    if (photo.error !== null || photo.estimate === null) {
      parts.push(
        h("p", { class: "place" }, headline.place),
        h("p", { class: "refused" }, photo.error ?? "The model gave no position for this photo."),
      );
      return parts;
    }
    parts.push(h("p", { class: "place" }, headline.place), this.where(photo.estimate));
    if (photo.confidence !== null) parts.push(sureness(photo.confidence, headline, photo.candidates[0]));
    if (photo.truth) parts.push(truth(photo, photo.truth));
    if (photo.candidates.length) parts.push(this.candidates(photo.candidates));
    return parts;
  }

  private where(place: LonLat): HTMLElement {
    return h(
      "p",
      { class: "where" },
      h("button", { type: "button", class: "coordinates", title: "Show on the map", onclick: () => this.actions.fit() }, coordinates(place)),
      osmLink(place, "open in OpenStreetMap"),
    );
  }

  private candidates(candidates: Candidate[]): HTMLElement {
    const most = Math.max(...candidates.map((candidate) => candidate.probability), 1e-12);
    const list = h("ol", { class: "candidates" });
    for (const candidate of candidates) {
      const bar = h("span", { class: "bar" });
      bar.style.setProperty("--share", String(candidate.probability / most));
      list.append(
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "candidate", title: "Fly there", onclick: () => this.actions.fly(candidate) },
            h("span", { class: "candidate-name" }, candidate.name),
            h("span", { class: "candidate-share" }, percent(candidate.probability)),
            bar,
            h("span", { class: "candidate-where" }, coordinates(candidate.place, 2)),
          ),
        ),
      );
    }
    return h("section", { class: "ranking" }, h("h2", {}, "Candidates"), list);
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
    if (failed) parts.push(`${count(failed)} without an answer`);
    if (errors.length > 1) {
      const middle = median(errors);
      parts.push(`median error ${Number.isFinite(middle) ? distance(middle) : "infinite"}`);
    }
    return h("p", { class: "summary" }, parts.join(" · "));
  }
  if (photos.length || !cells) return null;
  return partitionSummary(cells);
}

function partitionSummary({ count: cells, photos, levels }: Cells): HTMLElement {
  if (!photos?.length) return h("p", { class: "summary" }, plural(cells, "cell"));
  let [total, fewest, most] = [0, Infinity, 0];
  for (const each of photos) [total, fewest, most] = [total + each, Math.min(fewest, each), Math.max(most, each)];
  const rows: [string, string][] = [
    ["Cells", count(cells)],
    ["Photos", count(total)],
    ["Fewest in a cell", count(fewest)],
    ["Median", count(median(photos))],
    ["Most", count(most)],
  ];
  if (levels) {
    const [coarsest, finest] = levels.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [99, 0]);
    rows.splice(1, 0, ["Levels", coarsest === finest ? String(finest) : `${coarsest} to ${finest}`]);
  }
  return h("dl", { class: "facts" }, ...rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function sureness(share: number, headline: Headline, first: Candidate | undefined): HTMLElement {
  const bar = h("span", { class: "bar" });
  bar.style.setProperty("--share", String(share));
  const chance = headline.likeliest
    ? `${percent(share)} chance that this cell is right`
    : `${percent(share)} for the likeliest cell${first ? `, ${first.name}` : ""}; the pin lies elsewhere`;
  return h(
    "div",
    { class: "sure" },
    h("p", {}, h("strong", {}, confidence(share)), ` · ${chance}`),
    bar,
  );
}

function truth(photo: Photo, place: LonLat): HTMLElement {
  const far = photo.errorKm === null ? "" : ` · ${distance(photo.errorKm)} from the estimate`;
  return h("p", { class: "true-place" }, h("span", { class: "key truth-key" }), `True place ${coordinates(place)}${far}`);
}

function osmLink([longitude, latitude]: LonLat, text: string): HTMLAnchorElement {
  const [lat, lon] = [latitude.toFixed(5), longitude.toFixed(5)];
  return h(
    "a",
    { href: `${OSM}?mlat=${lat}&mlon=${lon}#map=12/${lat}/${lon}`, target: "_blank", rel: "noopener noreferrer" },
    text,
  );
}

function thumbnail(photo: Photo, name: string): HTMLElement {
  if (!photo.thumbnail) return h("span", { class: `${name} empty` });
  return h("img", { class: name, src: photo.thumbnail, alt: "", loading: "lazy", decoding: "async" });
}

function footer(scene: Scene): HTMLElement {
  const keys: [string[], string][] = [
    [["\u2190", "\u2191", "\u2192", "\u2193"], "move (with Shift: a little)"],
    [["+", "\u2212"], "zoom"],
    [["0"], "whole Earth"],
    [["G"], "globe or flat map"],
  ];
  if (scene.photos.length) keys.push([["F"], "show the answer"]);
  if (scene.photos.length > 1) keys.push([["J", "K"], "next, previous photo"], [["/"], "filter"]);
  return h(
    "footer",
    { class: "foot" },
    h(
      "details",
      {},
      h("summary", {}, "Keyboard"),
      h(
        "dl",
        { class: "keys" },
        ...keys.flatMap(([names, what]) => [h("dt", {}, ...names.map((name) => h("kbd", {}, name))), h("dd", {}, what)]),
      ),
    ),
    h("p", {}, "Made with graticule. Outlines: Natural Earth."),
  );
}
