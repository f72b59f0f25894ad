// Puts the page together: reads the scene, builds map and panel, and keeps them in step.
import "./style.css";
import { geoDistance } from "d3-geo";
import { CellShapes } from "./cells";
import { h, icon } from "./dom";
import { listen } from "./gestures";
import { headlines, type Headline } from "./headline";
import { Legend, ScaleBar } from "./legend";
import { Markers } from "./markers";
import { Motion } from "./motion";
import { Painter } from "./painter";
import { Panel } from "./panel";
import { readScene, type LonLat, type Photo, type Scene } from "./scene";
import { byPhotos, byProbability, type Scale, type Shading } from "./shading";
import { readTheme, type Theme } from "./theme";
import { RADIANS, View, wrapped, type Mode } from "./view";
import { confidence, coordinates, distance, percent, plural } from "./words";

const CLOSEST_FIT = 8 * RADIANS; // an answer is shown with this much around it, so that one sees where it is
const WIDEST_FIT = 70 * RADIANS; // further apart than this, places stand at the globe's edge or behind it

class App {
  private readonly view = new View();
  private readonly shapes: CellShapes | null;
  private readonly canvas = h("canvas", { class: "earth", "aria-hidden": "true" });
  private readonly stage: HTMLElement;
  private readonly tooltip = h("div", { class: "tooltip", role: "tooltip", hidden: true });
  private readonly announcer = h("p", { class: "unseen", "aria-live": "polite" });
  private readonly painter: Painter;
  private readonly motion: Motion;
  private readonly markers: Markers;
  private readonly headlines: Headline[];
  private readonly panel: Panel;
  private readonly legend: Legend;
  private readonly scaleBar = new ScaleBar();
  private readonly modes: Record<Mode, HTMLButtonElement>;
  private theme: Theme;
  private background = "#fff";
  private selected = -1;
  private scale: Scale = "root";
  private shading: Shading | null = null;
  private hovered = -1;
  /** where the view was put by `fit`: as long as it is there, it is fitted again when the projection changes */
  private fitted = "";

  constructor(
    private readonly scene: Scene,
    root: HTMLElement,
  ) {
    this.shapes = scene.cells && new CellShapes(scene.cells);
    this.motion = new Motion(this.view, () => this.paint());
    this.painter = new Painter(this.canvas, this.view, this.shapes, () => this.motion.refresh());
    this.markers = new Markers(this.view);
    this.headlines = headlines(scene, this.shapes);
    this.panel = new Panel(scene, this.headlines, {
      select: (index) => this.select(index),
      fly: (candidate) => this.flyToCell(candidate.place),
      fit: () => this.fit(),
    });
    this.legend = new Legend((scale) => {
      this.scale = scale;
      this.shade();
    });
    this.modes = { globe: this.modeButton("globe", "Globe"), flat: this.modeButton("flat", "Flat") };
    this.stage = h("div", {
      class: "stage",
      tabindex: 0,
      role: "application",
      "aria-label": "Map. Arrow keys move, plus and minus zoom, 0 shows the whole Earth, G changes between globe and flat map.",
    });
    this.stage.append(this.canvas, this.markers.element);
    root.classList.toggle("bare", scene.photos.length === 0);
    root.append(
      h(
        "div",
        { class: "map" },
        this.stage,
        this.controls(),
        h("div", { class: "feet" }, this.legend.element, this.scaleBar.element),
        this.tooltip,
      ),
      this.panel.element,
      this.announcer,
    );
    this.theme = readTheme(root);
    this.listen(root);
    this.resize();
    if (scene.photos.length) this.select(0, false);
    else this.showPartition();
  }

  /** Turns the side of the Earth to the viewer that most photos come from. */
  private showPartition(): void {
    const { cells } = this.scene;
    let most = 0;
    for (let lon = -180; cells && lon < 180; lon += 15) {
      for (const lat of [-20, 0, 20, 35]) {
        const held = this.shapes!.weightAround([lon, lat], cells.photos);
        if (held > most) {
          most = held;
          this.view.setCentre(lon, lat);
        }
      }
    }
    this.shade();
  }

  private listen(root: HTMLElement): void {
    listen(this.stage, this.view, this.motion, {
      hover: (x, y) => this.hover(x, y),
      leave: () => this.unhover(),
      click: (x, y, touch) => this.click(x, y, touch),
    });
    new ResizeObserver(() => this.resize()).observe(this.stage);
    const recolour = () => {
      this.theme = readTheme(root);
      this.shade();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) {
      if (event.key === "Escape" && event.target === this.panel.filter) this.stage.focus();
      if (event.key === "Enter" && event.target === this.panel.filter) this.panel.step(0);
      return;
    }
    const keys: Record<string, () => void> = {
      g: () => this.setMode(this.view.mode === "globe" ? "flat" : "globe"),
      j: () => this.panel.step(1),
      n: () => this.panel.step(1),
      k: () => this.panel.step(-1),
      p: () => this.panel.step(-1),
      f: () => this.fit(),
      "/": () => this.panel.filter.focus(),
      Escape: () => this.unhover(),
    };
    const action = keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  }

  private modeButton(mode: Mode, text: string): HTMLButtonElement {
    const pressed = this.view.mode === mode;
    return h("button", { type: "button", "aria-pressed": String(pressed), onclick: () => this.setMode(mode) }, text);
  }

  private controls(): HTMLElement {
    const button = (label: string, path: string, action: () => void) =>
      h("button", { type: "button", "aria-label": label, title: label, onclick: action }, icon(path));
    return h(
      "div",
      { class: "controls" },
      h("div", { class: "modes", role: "group", "aria-label": "Projection" }, this.modes.globe, this.modes.flat),
      h(
        "div",
        { class: "zooms", role: "group", "aria-label": "Zoom" },
        button("Zoom in", "M10 4v12M4 10h12", () => this.motion.zoomBy(1.8)),
        button("Zoom out", "M4 10h12", () => this.motion.zoomBy(1 / 1.8)),
        button("Whole Earth", "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M3 10h14M10 3c-5 4.5-5 9.5 0 14M10 3c5 4.5 5 9.5 0 14", () =>
          this.motion.flyTo([this.view.lon, this.view.lat], 1),
        ),
        this.scene.photos.length
          ? button("Show the answer (F)", "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4M10 9.2v1.6M9.2 10h1.6", () => this.fit())
          : null,
      ),
    );
  }

  private get photo(): Photo | null {
    return this.scene.photos[this.selected] ?? null;
  }

  private setMode(mode: Mode): void {
    const untouched = this.fitted === this.whereabouts();
    this.motion.stop();
    this.view.setMode(mode);
    if (untouched) this.fit(false);
    for (const each of ["globe", "flat"] as const) this.modes[each].setAttribute("aria-pressed", String(each === mode));
    this.unhover();
    this.motion.stir();
  }

  private select(index: number, aloud = true): void {
    this.selected = index;
    const photo = this.photo;
    this.panel.select(index);
    this.markers.show(photo);
    this.unhover();
    this.shade();
    if (!photo) return;
    if (aloud) this.announcer.textContent = spoken(photo, this.headlines[index]!.place);
    this.fit(aloud);
  }

  private shade(): void {
    const { cells } = this.scene;
    const photo = this.photo;
    this.shading = photo ? (photo.cells.length ? byProbability(photo, this.scale) : null) : cells && byPhotos(cells);
    this.legend.show(this.shading, this.theme);
    this.motion.refresh();
  }

  /** Shows estimate, truth and the bulk of the probability. */
  private fit(fly = true): void {
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

  private flyToCell(place: LonLat): void {
    const cell = this.shapes?.at(place) ?? -1;
    this.hovered = cell;
    const radius = cell >= 0 ? 2.2 * this.shapes!.radius(cell) : 3 * RADIANS;
    this.go(place, this.view.zoomFor(Math.max(radius, 0.4 * RADIANS)), true);
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
    const marked = this.photo === null || this.shading?.value(cell) !== undefined;
    const shown = dot >= 0 ? -1 : marked ? cell : -1;
    if (shown !== this.hovered) {
      this.hovered = shown;
      this.motion.refresh();
    }
    if (dot >= 0) this.showTooltip(x, y, photoText(this.scene.photos[dot]!, this.headlines[dot]!.place));
    else if (shown >= 0) this.showTooltip(x, y, this.cellText(shown));
    else this.tooltip.hidden = true;
    this.stage.classList.toggle("pointing", dot >= 0);
  }

  private unhover(): void {
    this.tooltip.hidden = true;
    this.scaleBar.point("");
    this.stage.classList.remove("pointing");
    if (this.hovered !== -1) this.motion.refresh();
    this.hovered = -1;
  }

  private click(x: number, y: number, touch: boolean): void {
    const dot = this.dotAt(x, y);
    if (dot >= 0) this.select(dot);
    else if (touch) this.hover(x, y);
  }

  /** Another photo's estimate within a finger's reach, or -1. */
  private dotAt(x: number, y: number): number {
    let best = -1;
    let reach = 9;
    this.scene.photos.forEach((photo, index) => {
      const at = index !== this.selected && photo.estimate ? this.view.project(photo.estimate) : null;
      if (!at) return;
      const far = Math.hypot(at[0] - x, at[1] - y);
      if (far < reach) [best, reach] = [index, far];
    });
    return best;
  }

  private cellText(cell: number): Node[] {
    const cells = this.scene.cells!;
    const lines: Node[] = [h("strong", {}, cells.labels[cell] || `Cell ${cell}`)];
    const probability = this.photo ? this.shading?.value(cell) : undefined;
    if (probability !== undefined) lines.push(h("span", { class: "tooltip-share" }, percent(probability)));
    const facts = [
      cells.photos ? plural(cells.photos[cell]!, "photo") : "",
      cells.levels ? `level ${cells.levels[cell]}` : "",
      cells.tokens ? `id ${cells.tokens[cell]}` : `cell ${cell}`,
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

  private resize(): void {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return;
    this.view.resize(clientWidth, clientHeight);
    this.painter.resize();
    this.paint();
  }

  private paint(): void {
    const dots = this.scene.photos.flatMap((photo, index) =>
      index !== this.selected && photo.estimate ? [photo.estimate] : [],
    );
    const background = getComputedStyle(this.stage).backgroundColor || this.background;
    this.painter.paint({ shading: this.shading, hovered: this.hovered, dots }, this.theme, background, this.motion.moving);
    this.markers.update();
    this.scaleBar.show(this.view.kmPerPixel(this.scene.earthRadiusKm));
    const { dataset } = this.stage;
    dataset["mode"] = this.view.mode;
    dataset["centre"] = `${this.view.shownLat.toFixed(4)},${this.view.lon.toFixed(4)}`;
    dataset["zoom"] = this.view.zoom.toFixed(3);
    dataset["moving"] = String(this.motion.moving);
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

function photoText(photo: Photo, place: string): Node[] {
  const sure = photo.confidence === null ? "" : ` · ${percent(photo.confidence)}`;
  return [h("strong", {}, photo.name), h("span", {}, place + sure)];
}

function spoken(photo: Photo, place: string): string {
  if (photo.error !== null || !photo.estimate) return `${photo.name}: no answer. ${photo.error ?? ""}`;
  const sure = photo.confidence === null ? "" : ` ${confidence(photo.confidence)}, ${percent(photo.confidence)}.`;
  const far = photo.errorKm === null ? "" : ` ${distance(photo.errorKm)} from the true place.`;
  return `${photo.name}: ${place}.${sure}${far}`;
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

const root = document.getElementById("graticule")!;
try {
  new App(readScene(document.getElementById("scene")!.textContent ?? ""), root);
} catch (error) {
  root.append(h("p", { class: "broken", role: "alert" }, `This map cannot be shown: ${(error as Error).message}`));
  throw error;
}
