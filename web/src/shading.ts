// From numbers to colours: which cells are drawn, how strongly, and what the legend says about it.
import type { Cells, Photo } from "./scene";

export type Scale = "root" | "linear" | "log";

const BUCKETS = 40;
const DECADES = 3;

/** Cells of about the same value, drawn with one fill; the strongest last. */
export interface Bucket {
  /** in (0, 1] */
  strength: number;
  cells: number[];
}

export interface Shading {
  kind: "probability" | "photos";
  scale: Scale;
  maximum: number;
  buckets: Bucket[];
  value: (cell: number) => number | undefined;
}

export function byProbability(photo: Photo, scale: Scale): Shading {
  const values = new Map<number, number>();
  photo.cells.forEach((cell, i) => values.set(cell, photo.probabilities[i] ?? 0));
  return shading("probability", values, scale);
}

export function byPhotos(cells: Cells): Shading {
  const values = new Map<number, number>();
  for (let cell = 0; cell < cells.count; cell++) values.set(cell, cells.photos?.[cell] ?? 1);
  return shading("photos", values, cells.photos ? "log" : "linear");
}

/** Strength in [0, 1] of a value. */
export function strength(value: number, shading: Pick<Shading, "kind" | "scale" | "maximum">): number {
  const share = value / shading.maximum;
  if (!(share > 0)) return 0;
  if (shading.scale === "linear") return share;
  if (shading.scale === "root") return Math.sqrt(share);
  if (shading.kind === "photos") {
    return shading.maximum <= 1 ? 1 : (1 + 9 * (Math.log(value) / Math.log(shading.maximum))) / 10;
  }
  return Math.max(0, 1 + Math.log10(share) / DECADES);
}

/** The value that is drawn with this strength: what the legend's numbers are. */
export function valueAt(at: number, shading: Pick<Shading, "kind" | "scale" | "maximum">): number {
  if (shading.scale === "linear") return at * shading.maximum;
  if (shading.scale === "root") return at * at * shading.maximum;
  if (shading.kind === "photos") return shading.maximum ** Math.max(0, (10 * at - 1) / 9);
  return shading.maximum * 10 ** (DECADES * (at - 1));
}

function shading(kind: Shading["kind"], values: Map<number, number>, scale: Scale): Shading {
  let maximum = 0;
  for (const value of values.values()) maximum = Math.max(maximum, value);
  const buckets: Bucket[] = Array.from({ length: BUCKETS }, (_, i) => ({ strength: (i + 1) / BUCKETS, cells: [] }));
  for (const [cell, value] of values) {
    const at = strength(value, { kind, scale, maximum });
    if (at >= 0.5 / BUCKETS) buckets[Math.min(BUCKETS, Math.max(1, Math.round(at * BUCKETS))) - 1]!.cells.push(cell);
  }
  return { kind, scale, maximum, buckets: buckets.filter((bucket) => bucket.cells.length), value: (cell) => values.get(cell) };
}
