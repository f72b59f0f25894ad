// From numbers to colours: which cells are drawn, how strongly, and what the legend says about it.
import type { Cells, Photo } from "./scene";

/** `opacity` is S4's: a cell is as opaque as it is probable, and below 5 % it is not drawn. */
export type Scale = "root" | "linear" | "log" | "opacity";

const BUCKETS = 40;
const DECADES = 3;
const OPAQUE_FROM = 0.05;
const FAINTEST = 0.1; // a cell with the fewest photos is still to be seen

/** Cells of about the same value, drawn with one fill; the strongest last. */
export interface Bucket {
  /** in (0, 1] */
  strength: number;
  cells: number[];
}

export interface Shading {
  kind: "probability" | "photos";
  scale: Scale;
  minimum: number;
  maximum: number;
  buckets: Bucket[];
  value: (cell: number) => number | undefined;
}

type Range = Pick<Shading, "kind" | "scale" | "minimum" | "maximum">;

export function byProbability(photo: Photo, scale: Scale): Shading {
  const values = new Map<number, number>();
  photo.cells.forEach((cell, i) => values.set(cell, photo.probabilities[i] ?? 0));
  const found = shading("probability", values, scale);
  if (scale !== "opacity") return found;
  const kept = new Map([...values].filter(([, value]) => value >= OPAQUE_FROM));
  return { ...shading("probability", kept, scale), value: found.value };
}

export function byPhotos(cells: Cells): Shading {
  const values = new Map<number, number>();
  for (let cell = 0; cell < cells.count; cell++) values.set(cell, cells.photos?.[cell] ?? 1);
  return shading("photos", values, cells.photos ? "log" : "linear");
}

/** Strength in [0, 1] of a value. */
export function strength(value: number, range: Range): number {
  if (range.scale === "opacity") return value;
  const share = value / range.maximum;
  if (!(share > 0)) return 0;
  if (range.scale === "linear") return share;
  if (range.scale === "root") return Math.sqrt(share);
  if (range.kind === "photos") {
    const span = Math.log(range.maximum / range.minimum);
    return span > 0 ? FAINTEST + ((1 - FAINTEST) * Math.log(value / range.minimum)) / span : 1;
  }
  return Math.max(0, 1 + Math.log10(share) / DECADES);
}

/** The value that is drawn with this strength: what the legend's numbers are. */
export function valueAt(at: number, range: Range): number {
  if (range.scale === "opacity") return at;
  if (range.scale === "linear") return at * range.maximum;
  if (range.scale === "root") return at * at * range.maximum;
  if (range.kind === "photos") {
    const share = Math.max(0, (at - FAINTEST) / (1 - FAINTEST));
    return range.minimum * (range.maximum / range.minimum) ** share;
  }
  return range.maximum * 10 ** (DECADES * (at - 1));
}

function shading(kind: Shading["kind"], values: Map<number, number>, scale: Scale): Shading {
  let maximum = 0;
  let minimum = Infinity;
  for (const value of values.values()) {
    if (value > maximum) maximum = value;
    if (value > 0 && value < minimum) minimum = value;
  }
  const buckets: Bucket[] = Array.from({ length: BUCKETS }, (_, i) => ({ strength: (i + 1) / BUCKETS, cells: [] }));
  for (const [cell, value] of values) {
    const at = strength(value, { kind, scale, minimum, maximum });
    if (at >= 0.5 / BUCKETS) buckets[Math.min(BUCKETS, Math.max(1, Math.round(at * BUCKETS))) - 1]!.cells.push(cell);
  }
  const used = buckets.filter((bucket) => bucket.cells.length);
  if (scale === "opacity") maximum = 1;
  return { kind, scale, minimum, maximum, buckets: used, value: (cell) => values.get(cell) };
}
