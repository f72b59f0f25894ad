// The map as a person handles it: globe or flat, cells, markers, legend, controls. The offline viewer has one,
// the page of the server one per model; both tell it which cells and photos there are.
import { geoDistance } from "d3-geo";
import { CellShapes } from "./cells";
import { h, icon } from "./dom";
import { listen } from "./gestures";
import type { Headline } from "./headline";
import { Legend, ScaleBar } from "./legend";
import { Markers } from "./markers";
import { Motion } from "./motion";
import { Painter } from "./painter";
import type { LonLat } from "./lonlat";
import type { Cells, Photo } from "./scene";
import { byPhotos, byProbability, type Scale, type Shading } from "./shading";
import { MAP } from "./strings";
import { readTheme, type Theme } from "./theme";
import { RADIANS, View, wrapped, type Mode } from "./view";
import { coordinates, percent, plural } from "./words";

const CLOSEST_FIT = 8 * RADIANS; // an answer is shown with this much around it, so that one sees where it is
const WIDEST_FIT = 70 * RADIANS; // further apart than this, places stand at the globe's edge or behind it

export interface EarthActions {
  /** somebody clicked another photo's dot */
  select: (index: number) => void;
  /** the view is another one than at the last call */
  moved?: () => void;
  /** the scale of the shading was chosen */
  scaled?: (scale: Scale) => void;
}

export class EarthMap {
  readonly view = new View();
  readonly canvas = h("canvas", { class: "earth", "aria-hidden": "true" });
  readonly stage = h("div", { class: "stage", tabindex: 0, role: "application", "aria-label": MAP.label });
  readonly element: HTMLElement;
  readonly markers: Markers;
  shapes: CellShapes | null = null;
  private cells: Cells | null = null;
  private photos: Photo[] = [];
  private headlines: Headline[] = [];
  private selected = -1;
  private readonly tooltip = h("div", { class: "tooltip", role: "tooltip", hidden: true });
  private readonly painter: Painter;
  private readonly motion: Motion;
  private readonly legend: Legend;
  private readonly scaleBar = new ScaleBar();
  private readonly modes: Record<Mode, HTMLButtonElement>;
  private readonly fitButton: HTMLButtonElement;
  private theme: Theme | null = null;
  private scale: Scale = "root";
  private shading: Shading | null = null;
  private hovered = -1;
  private picker: ((place: LonLat) => void) | null = null;
  /** where the view was put by `fit`: as long as it is there, it is fitted again when the projection changes */
  private fitted = "";
  private lastSeen = "";

  constructor(
    private readonly earthRadiusKm: number,
    private readonly actions: EarthActions,
  ) {
    this.motion = new Motion(this.view, () => this.paint());
    this.painter = new Painter(this.canvas, this.view, null, () => this.motion.refresh());
    this.markers = new Markers(this.view);
    this.legend = new Legend((scale) => {
      this.setScale(scale);
      this.actions.scaled?.(scale);
    });
    this.modes = { globe: this.modeButton("globe", MAP.globe), flat: this.modeButton("flat", MAP.flat) };
    this.fitButton = this.button(MAP.fit, "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4M10 9.2v1.6M9.2 10h1.6", () => this.fit());
    this.stage.append(this.canvas, this.markers.element);
    this.element = h(
      "div",
      { class: "map" },
      this.stage,
      this.controls(),
      h("div", { class: "feet" }, this.legend.element, this.scaleBar.element),
      this.tooltip,
    );
    listen(this.stage, this.view, this.motion, {
      hover: (x, y) => this.hover(x, y),
      leave: () => this.unhover(),
      click: (x, y, touch) => this.click(x, y, touch),
    });
    new ResizeObserver(() => this.resize()).observe(this.stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
  }

  setCells(cells: Cells | null, shapes: CellShapes | null = cells && new CellShapes(cells)): void {
    this.cells = cells;
    this.shapes = shapes;
    this.painter.shapes = shapes;
    this.unhover();
    this.shade();
  }

  /** The photos that the map knows; `selected` is the one whose answer it shows, -1 for none. */
  setPhotos(photos: Photo[], headlines: Headline[], selected: number): void {
    this.photos = photos;
    this.headlines = headlines;
    this.selected = selected;
    this.fitButton.hidden = !photos.length;
    this.markers.show(this.photo);
    this.unhover();
    this.shade();
  }

  setScale(scale: Scale): void {
    this.scale = scale;
    this.shade();
  }

  /** Whatever place is clicked next goes to `picker`; null ends that. */
  pick(picker: ((place: LonLat) => void) | null): void {
    this.picker = picker;
    this.stage.classList.toggle("picking", picker !== null);
  }

  /** Looks at the Earth as another map does. */
  adopt(view: View): void {
    if (view.mode !== this.view.mode) this.setMode(view.mode, false);
    const before = this.seen();
    this.view.setCentre(view.lon, view.lat);
    this.view.setZoom(view.zoom);
    this.lastSeen = this.seen();
    if (this.lastSeen !== before) this.motion.stir();
  }

  /** Turns the side of the Earth to the viewer that most photos come from. */
  showPartition(): void {
    let most = 0;
    for (let lon = -180; this.shapes && lon < 180; lon += 15) {
      for (const lat of [-20, 0, 20, 35]) {
        const held = this.shapes.weightAround([lon, lat], this.cells!.photos);
        if (held > most) {
          most = held;
          this.view.setCentre(lon, lat);
        }
      }
    }
    this.view.setZoom(1);
    this.shade();
  }

  toggleMode(): void {
    this.setMode(this.view.mode === "globe" ? "flat" : "globe");
  }

  unhover(): void {
    this.tooltip.hidden = true;
    this.scaleBar.point("");
    this.stage.classList.remove("pointing");
    if (this.hovered !== -1) this.motion.refresh();
    this.hovered = -1;
  }

  /** Shows estimate, truth and the bulk of the probability. */
  fit(fly = true): void {
    const photo = this.photo;
    if (!photo) return;
    const own = [photo.estimate, photo.truth].flatMap((place): Around[] => (place ? [{ place, radius: 0 }] : []));
    const views = [[...own, ...this.bulk(photo)], own, own.slice(0, 1)].filter((view) => view.length).map(around);
    const view = views.find(({ radius }) => radius < WIDEST_FIT) ?? views.at(-1);
    if (!view) return;
    // an answer scattered over the Earth is shown on the whole Earth
    const close = view === views[0] ? this.view.zoomFor(1.15 * view.radius) : 1;
    const zoom = this.view.zoomHolding(view.places, view.middle, close);
    this.fitted = this.whereabouts(view.middle, zoom);
    this.go(view.middle, zoom, fly);
  }

  flyToCell(place: LonLat): void {
    const cell = this.shapes?.at(place) ?? -1;
    this.hovered = cell;
    const radius = cell >= 0 ? 2.2 * this.shapes!.radius(cell) : 3 * RADIANS;
    this.go(place, this.view.zoomFor(Math.max(radius, 0.4 * RADIANS)), true);
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return;
    this.theme ??= readTheme(this.stage);
    this.view.resize(clientWidth, clientHeight);
    this.painter.resize();
    this.shade();
    this.paint();
  }

  /** Colours are read anew: the scheme changed, or the picture is to be a light one. */
  recolour(): void {
    this.theme = readTheme(this.stage);
    this.shade();
  }

  private get photo(): Photo | null {
    return this.photos[this.selected] ?? null;
  }

  private modeButton(mode: Mode, text: string): HTMLButtonElement {
    const pressed = this.view.mode === mode;
    return h("button", { type: "button", "aria-pressed": String(pressed), onclick: () => this.setMode(mode) }, text);
  }

  private button(label: string, path: string, action: () => void): HTMLButtonElement {
    return h("button", { type: "button", "aria-label": label, title: label, onclick: action }, icon(path));
  }

  private controls(): HTMLElement {
    return h(
      "div",
      { class: "controls" },
      h("div", { class: "modes", role: "group", "aria-label": MAP.projection }, this.modes.globe, this.modes.flat),
      h(
        "div",
        { class: "zooms", role: "group", "aria-label": MAP.zoom },
        this.button(MAP.zoomIn, "M10 4v12M4 10h12", () => this.motion.zoomBy(1.8)),
        this.button(MAP.zoomOut, "M4 10h12", () => this.motion.zoomBy(1 / 1.8)),
        this.button(MAP.wholeEarth, "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M3 10h14M10 3c-5 4.5-5 9.5 0 14M10 3c5 4.5 5 9.5 0 14", () =>
          this.motion.flyTo([this.view.lon, this.view.lat], 1),
        ),
        this.fitButton,
      ),
    );
  }

  private setMode(mode: Mode, refit = true): void {
    const untouched = refit && this.fitted === this.whereabouts();
    this.motion.stop();
    this.view.setMode(mode);
    if (untouched) this.fit(false);
    for (const each of ["globe", "flat"] as const) this.modes[each].setAttribute("aria-pressed", String(each === mode));
    this.unhover();
    this.motion.stir();
  }

  private shade(): void {
    const { cells, photo } = this;
    const partition = !photo && cells && !this.photos.length ? byPhotos(cells) : null;
    this.shading = photo?.cells.length && cells ? byProbability(photo, this.scale) : partition;
    if (this.theme) this.legend.show(this.shading, this.theme);
    this.motion.refresh();
  }

  /** The likeliest cells, up to those that together hold most of the probability. */
  private bulk(photo: Photo): Around[] {
    if (!this.shapes) return [];
    const order = photo.cells.map((cell, i) => [photo.probabilities[i] ?? 0, cell] as const).sort((a, b) => b[0] - a[0]);
    const found: Around[] = [];
    let held = 0;
    for (const [probability, cell] of order.slice(0, 12)) {
      if (held >= 0.7) break;
      held += probability;
      found.push({ place: this.shapes.middle(cell), radius: this.shapes.radius(cell) });
    }
    return found;
  }

  private whereabouts([lon, lat]: LonLat = [this.view.lon, this.view.lat], zoom = this.view.zoom): string {
    return `${wrapped(lon).toFixed(4)} ${lat.toFixed(4)} ${zoom.toFixed(4)}`;
  }

  private go(place: LonLat, zoom: number, fly: boolean): void {
    if (fly) return this.motion.flyTo(place, zoom);
    this.view.setCentre(...place);
    this.view.setZoom(zoom);
    this.motion.refresh();
  }

  private hover(x: number, y: number): void {
    const place = this.view.place(x, y);
    this.scaleBar.point(place ? coordinates(place, 2) : "");
    const dot = this.dotAt(x, y);
    const cell = place && this.shapes ? this.shapes.at(place) : -1;
    const marked = this.shading?.kind === "photos" || this.shading?.value(cell) !== undefined;
    const shown = dot >= 0 ? -1 : marked ? cell : -1;
    if (shown !== this.hovered) {
      this.hovered = shown;
      this.motion.refresh();
    }
    if (dot >= 0) this.showTooltip(x, y, photoText(this.photos[dot]!, this.headlines[dot]!));
    else if (shown >= 0) this.showTooltip(x, y, this.cellText(shown));
    else this.tooltip.hidden = true;
    this.stage.classList.toggle("pointing", dot >= 0);
  }

  private click(x: number, y: number, touch: boolean): void {
    const place = this.picker && this.view.place(x, y);
    if (place) return this.picker!(place);
    const dot = this.dotAt(x, y);
    if (dot >= 0) this.actions.select(dot);
    else if (touch) this.hover(x, y);
  }

  /** Another photo's estimate within a finger's reach, or -1. */
  private dotAt(x: number, y: number): number {
    let best = -1;
    let reach = 9;
    this.photos.forEach((photo, index) => {
      const at = index !== this.selected && photo.estimate ? this.view.project(photo.estimate) : null;
      if (!at) return;
      const far = Math.hypot(at[0] - x, at[1] - y);
      if (far < reach) [best, reach] = [index, far];
    });
    return best;
  }

  private cellText(cell: number): Node[] {
    const cells = this.cells!;
    const lines: Node[] = [h("strong", {}, cells.labels[cell] || MAP.cell(cell))];
    const probability = this.shading?.kind === "probability" ? this.shading.value(cell) : undefined;
    if (probability !== undefined) lines.push(h("span", { class: "tooltip-share" }, percent(probability)));
    const facts = [
      cells.photos ? plural(cells.photos[cell]!, "photo") : "",
      cells.levels ? MAP.level(cells.levels[cell]!) : "",
      cells.tokens ? MAP.token(cells.tokens[cell]!) : MAP.index(cell),
    ];
    lines.push(h("span", {}, facts.filter(Boolean).join(" · ")));
    return lines;
  }

  private showTooltip(x: number, y: number, lines: Node[]): void {
    const { tooltip, view } = this;
    tooltip.replaceChildren(...lines);
    tooltip.hidden = false;
    const { offsetWidth: width, offsetHeight: high } = tooltip;
    const left = x + 16 + width > view.width - 8 ? x - 16 - width : x + 16;
    const top = Math.min(view.height - high - 8, Math.max(8, y - high / 2));
    tooltip.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
  }

  private seen(): string {
    return `${this.view.mode} ${this.whereabouts()}`;
  }

  private paint(): void {
    if (!this.theme) return;
    const dots = this.photos.flatMap((photo, index) => (index !== this.selected && photo.estimate ? [photo.estimate] : []));
    const background = getComputedStyle(this.stage).backgroundColor || "#fff";
    const picture = { shading: this.shading, hovered: this.hovered, dots, region: this.photo?.region ?? [] };
    this.painter.paint(picture, this.theme, background, this.motion.moving);
    this.markers.update();
    this.scaleBar.show(this.view.kmPerPixel(this.earthRadiusKm));
    const { dataset } = this.stage;
    dataset["mode"] = this.view.mode;
    dataset["centre"] = `${this.view.shownLat.toFixed(4)},${this.view.lon.toFixed(4)}`;
    dataset["zoom"] = this.view.zoom.toFixed(3);
    dataset["moving"] = String(this.motion.moving);
    const seen = this.seen();
    if (seen === this.lastSeen) return;
    this.lastSeen = seen;
    this.actions.moved?.();
  }
}

interface Around {
  place: LonLat;
  /** radians */
  radius: number;
}

function around(found: Around[]): { places: LonLat[]; middle: LonLat; radius: number } {
  const places = found.map(({ place }) => place);
  const middle = meanPlace(places);
  const radius = Math.max(CLOSEST_FIT, ...found.map((each) => geoDistance(middle, each.place) + each.radius));
  return { places, middle, radius };
}

function photoText(photo: Photo, { place, share }: Headline): Node[] {
  const sure = share === null ? "" : ` · ${percent(share)}`;
  return [h("strong", {}, photo.name), h("span", {}, place + sure)];
}

function meanPlace(places: LonLat[]): LonLat {
  let [x, y, z] = [0, 0, 0];
  for (const [lon, lat] of places) {
    x += Math.cos(lat * RADIANS) * Math.cos(lon * RADIANS);
    y += Math.cos(lat * RADIANS) * Math.sin(lon * RADIANS);
    z += Math.sin(lat * RADIANS);
  }
  return [Math.atan2(y, x) / RADIANS, Math.atan2(z, Math.hypot(x, y)) / RADIANS];
}
