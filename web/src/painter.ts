// Everything on the canvas: sea, land, cells, borders, names. Markers lie above, in SVG.
import { geoDistance, geoGraticule, geoPath, type GeoPath, type GeoPermissibleObjects } from "d3-geo";
import type { CellShapes } from "./cells";
import { coarse, fineOutlines, near, type Outlines } from "./outlines";
import type { LonLat } from "./lonlat";
import type { Shading } from "./shading";
import type { Theme } from "./theme";
import { RADIANS, type View } from "./view";

const FINE_FROM_PX = 500; // pixels per radian from which the coarse outlines look coarse
const MANY_DOTS = 150;
const EDGED_PX = 8; // cells of this radius and more get an edge; on smaller ones it would only be noise
const REGION_PX = 1.75;
const LIVELY_POINTS = 14_000; // outline points that can be drawn in every frame of a drag

export interface Picture {
  shading: Shading | null;
  hovered: number;
  dots: LonLat[];
  /** cells of the promised region */
  region: number[];
}

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private fine: Outlines | null = null;
  private asked = false;
  private ratio = 1;
  /** milliseconds the last frame took: tests and curious people read it from the canvas */
  lastMs = 0;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly view: View,
    public shapes: CellShapes | null,
    private readonly changed: () => void,
  ) {
    this.context = canvas.getContext("2d", { alpha: false })!;
  }

  resize(): void {
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(this.view.width * this.ratio);
    this.canvas.height = Math.round(this.view.height * this.ratio);
  }

  /** `moving`: speed before beauty. */
  paint(picture: Picture, theme: Theme, background: string, moving: boolean): void {
    const started = performance.now();
    const context = this.context;
    const projection = this.view.projection();
    const path = geoPath(projection, context);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.lineJoin = "round";
    context.fillStyle = background;
    context.fillRect(0, 0, this.view.width, this.view.height);

    const centre: LonLat = [this.view.lon, this.view.shownLat];
    const reach = this.reach();
    const outlines = this.outlines(moving, centre, reach);
    this.sphere(path, theme);
    context.save();
    context.clip();
    this.graticule(path, theme, reach);
    context.fillStyle = theme.land;
    for (const polygon of near(landOf(outlines, reach), centre, reach)) {
      context.beginPath();
      path(polygon);
      context.fill();
    }
    if (this.shapes && picture.shading) this.cells(picture, theme, moving);
    if (this.shapes && picture.region.length && !moving) this.region(picture.region, theme);
    const width = this.view.scale > FINE_FROM_PX ? 0.9 : 0.6;
    for (const line of near(outlines.borders, centre, reach)) stroke(context, path, line, theme.border, width);
    if (picture.hovered >= 0) this.hovered(picture.hovered, theme);
    context.restore();
    this.outline(path, theme);
    this.names(outlines, theme);
    this.dots(picture.dots, theme);
    this.lastMs = performance.now() - started;
    this.canvas.dataset["frameMs"] = this.lastMs.toFixed(1);
  }

  private outlines(moving: boolean, centre: LonLat, reach: number): Outlines {
    const close = this.view.scale > FINE_FROM_PX;
    if ((close || !moving) && !this.asked) {
      this.asked = true;
      void fineOutlines().then((fine) => {
        this.fine = fine;
        this.changed();
      });
    }
    if (!this.fine) return coarse;
    if (!moving) return this.fine;
    if (!close) return coarse;
    let points = 0;
    for (const polygon of near(landOf(this.fine, reach), centre, reach)) points += polygon.coordinates[0]!.length;
    return points < LIVELY_POINTS ? this.fine : coarse;
  }

  /** Angle from the centre beyond which nothing is on the screen, in radians. */
  private reach(): number {
    const corner = Math.hypot(this.view.width, this.view.height) / 2 / this.view.scale;
    if (this.view.mode === "globe") return corner < 1 ? Math.asin(corner) : Math.PI / 2;
    if (corner > 1.2) return Math.PI;
    const centre: LonLat = [this.view.lon, this.view.shownLat];
    let reach = 0;
    for (let i = 0; i <= 8; i++) {
      for (let j = 0; j <= 8; j++) {
        const place = this.view.place((i / 8) * this.view.width, (j / 8) * this.view.height);
        if (place) reach = Math.max(reach, geoDistance(centre, place));
      }
    }
    return Math.min(Math.PI, 1.15 * reach + 0.01);
  }

  private sphere(path: GeoPath, theme: Theme): void {
    const context = this.context;
    context.beginPath();
    path({ type: "Sphere" });
    const [x, y, r] = [this.view.width / 2, this.view.height / 2, this.view.scale];
    if (this.view.mode === "globe" && r < 4000) {
      const shade = context.createRadialGradient(x - 0.25 * r, y - 0.3 * r, 0.1 * r, x, y, r);
      shade.addColorStop(0, theme.sea);
      shade.addColorStop(1, theme.seaEdge);
      context.fillStyle = shade;
    } else {
      context.fillStyle = theme.sea;
    }
    context.fill();
  }

  private graticule(path: GeoPath, theme: Theme, reach: number): void {
    const step = this.view.scale > 6000 ? 1 : this.view.scale > 1500 ? 5 : 15;
    const lines = geoGraticule().step([step, step]);
    if (step < 15) {
      const { lon, shownLat } = this.view;
      const half = Math.min(85, (reach / RADIANS) * 1.5 + step);
      const wide = Math.min(180, half / Math.max(0.05, Math.cos(Math.min(89, Math.abs(shownLat) + half / 2) * RADIANS)));
      const [south, north] = [Math.max(-90, shownLat - half), Math.min(90, shownLat + half)];
      const [west, east] = [Math.floor((lon - wide) / step) * step, Math.ceil((lon + wide) / step) * step];
      lines.extent([
        [west, Math.floor(south / step) * step],
        [east, Math.ceil(north / step) * step + 1e-6],
      ]);
    }
    stroke(this.context, path, lines(), theme.graticule, 0.6);
  }

  private cells(picture: Picture, theme: Theme, moving: boolean): void {
    const context = this.context;
    const shapes = this.shapes!;
    const shading = picture.shading!;
    const colour = colours(shading, theme);
    const trace = shapes.tracer(this.view, moving ? 2 : 0.6);
    const edged = EDGED_PX / this.view.scale;
    context.strokeStyle = shading.kind === "probability" ? theme.heatEdge : theme.densityEdge;
    context.lineWidth = 0.6;
    let drawn = 0;
    for (const bucket of shading.buckets) {
      context.fillStyle = colour(bucket.strength);
      for (const cell of bucket.cells) {
        // cell by cell: browsers fill many small convex paths several times faster than one path of many
        context.beginPath();
        if (!trace(context, cell)) continue;
        context.fill();
        if (!moving && shapes.radius(cell) > edged) context.stroke();
        drawn++;
      }
    }
    this.canvas.dataset["cellsDrawn"] = String(drawn);
  }

  /** One line around the cells together: a wide line around each, of which what lies on cells is taken away. */
  private region(cells: number[], theme: Theme): void {
    const layer = document.createElement("canvas");
    layer.width = this.canvas.width;
    layer.height = this.canvas.height;
    const pen = layer.getContext("2d")!;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.lineJoin = "round";
    pen.strokeStyle = theme.region;
    const trace = this.shapes!.tracer(this.view, 0.6);
    const each = (draw: () => void) => {
      for (const cell of cells) {
        pen.beginPath();
        if (trace(pen, cell)) draw();
      }
    };
    pen.lineWidth = 2 * REGION_PX;
    each(() => pen.stroke());
    pen.globalCompositeOperation = "destination-out";
    pen.lineWidth = 0.8; // also takes away the hairline between neighbours
    each(() => {
      pen.fill();
      pen.stroke();
    });
    this.context.drawImage(layer, 0, 0, this.view.width, this.view.height);
  }

  private hovered(cell: number, theme: Theme): void {
    if (!this.shapes) return;
    this.context.beginPath();
    this.shapes.tracer(this.view, 0)(this.context, cell);
    this.context.strokeStyle = theme.highlight;
    this.context.lineWidth = 1.75;
    this.context.stroke();
  }

  private outline(path: GeoPath, theme: Theme): void {
    stroke(this.context, path, { type: "Sphere" }, theme.limb, 1);
  }

  private names(outlines: Outlines, theme: Theme): void {
    const context = this.context;
    context.font = "500 11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 2.5;
    context.strokeStyle = theme.halo;
    context.fillStyle = theme.label;
    const taken: [number, number, number][] = [];
    for (const { name, place, size } of outlines.names) {
      const room = size * this.view.scale;
      if (room < 34) break;
      const at = this.view.project(place);
      if (!at || this.nearLimb(at)) continue;
      const width = context.measureText(name).width;
      if (at[0] < width / 2 || at[0] > this.view.width - width / 2 || at[1] < 8 || at[1] > this.view.height - 8) continue;
      if (width > 1.15 * room) continue;
      const half = width / 2 + 4;
      if (taken.some(([x, y, other]) => Math.abs(x - at[0]) < half + other && Math.abs(y - at[1]) < 15)) continue;
      taken.push([at[0], at[1], half]);
      context.strokeText(name, at[0], at[1]);
      context.fillText(name, at[0], at[1]);
    }
  }

  /** Where the globe turns away, names would hang over its edge. */
  private nearLimb([x, y]: LonLat): boolean {
    const { mode, width, height, scale } = this.view;
    return mode === "globe" && Math.hypot(x - width / 2, y - height / 2) > 0.92 * scale;
  }

  private dots(places: LonLat[], theme: Theme): void {
    const context = this.context;
    const size = places.length > MANY_DOTS ? 2 : 3.5;
    context.fillStyle = theme.dot;
    context.strokeStyle = theme.halo;
    context.lineWidth = 1;
    for (const place of places) {
      const at = this.view.project(place);
      if (!at) continue;
      context.beginPath();
      context.arc(at[0], at[1], size, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }
}

/** What a shading's strengths look like. */
export function colours({ kind, scale }: Shading, theme: Theme): (strength: number) => string {
  if (kind === "photos") return theme.density;
  return scale === "opacity" ? theme.opacity : theme.heat;
}

/** Far away the land as a whole is quicker to draw; close by, the countries on the screen are. */
function landOf(outlines: Outlines, reach: number): Outlines["land"] {
  return reach > 0.6 ? outlines.land : outlines.countries;
}

function stroke(
  context: CanvasRenderingContext2D,
  path: GeoPath,
  shape: GeoPermissibleObjects,
  colour: string,
  width: number,
): void {
  context.beginPath();
  path(shape);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
