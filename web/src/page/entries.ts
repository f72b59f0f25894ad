// The photos that a person brought, and what each model said about them.
import { geoDistance } from "d3-geo";
import { chance } from "../details";
import type { Headline } from "../headline";
import type { LonLat } from "../lonlat";
import type { Photo } from "../scene";
import { ANSWER, PAGE } from "../strings";
import { coordinates } from "../words";
import type { PredictionJson } from "./api";

const PREVIEW_PX = 720;

export interface Entry {
  name: string;
  file: Blob;
  /** a blob: address of a small picture of it; null when the browser cannot show this kind */
  preview: string | null;
  truth: LonLat | null;
  /** why it cannot be asked about at all */
  refused: string | null;
  /** by model: its answer, why there is none, or nothing yet */
  answers: Map<string, PredictionJson | { error: string } | "asking">;
}

/** What the map and the panel show of an entry for one model. */
export function photoOf(entry: Entry, model: string, earthRadiusKm: number): Photo {
  const answer = entry.answers.get(model);
  const told = answer && answer !== "asking" && !("photo_id" in answer) ? answer.error : null;
  const found = answer && answer !== "asking" && "photo_id" in answer ? answer : null;
  const estimate = found && placeOf(found.latitude, found.longitude);
  return {
    name: entry.name,
    estimate,
    confidence: found?.confidence ?? null,
    confidenceInWords: found?.confidence_in_words ?? null,
    truth: entry.truth,
    errorKm: estimate && entry.truth ? earthRadiusKm * geoDistance(estimate, entry.truth) : null,
    cells: found?.shading?.map(([cell]) => cell) ?? [],
    probabilities: found?.shading?.map(([, share]) => share) ?? [],
    region: found?.region_cells ?? [],
    candidates: (found?.candidates ?? []).map((each) => ({
      name: each.name,
      place: [each.longitude, each.latitude],
      probability: each.probability,
      token: each.token,
    })),
    thumbnail: entry.preview,
    error: entry.refused ?? told ?? found?.error ?? null,
  };
}

export function isPending(entry: Entry, model: string): boolean {
  const answer = entry.answers.get(model);
  return entry.refused === null && (answer === undefined || answer === "asking");
}

/** The answer of a model as the server sent it, or null. */
export function answered(entry: Entry, model: string): PredictionJson | null {
  const answer = entry.answers.get(model);
  return answer && answer !== "asking" && "photo_id" in answer ? answer : null;
}

/** A small picture of a photo: however large the photo is, the list stays quick. */
export async function previewOf(file: Blob): Promise<string | null> {
  try {
    const whole = await createImageBitmap(file);
    const scale = Math.min(1, PREVIEW_PX / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(scale * whole.width));
    canvas.height = Math.max(1, Math.round(scale * whole.height));
    const pen = canvas.getContext("2d")!;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return blob && URL.createObjectURL(blob);
  } catch {
    return null;
  }
}

/** "48.8566, 2.3522" as a place; null when it is none. */
export function readPlace(text: string): LonLat | null {
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*°?\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*°?\s*$/.exec(text);
  if (!found) return null;
  const [latitude, longitude] = [Number(found[1]), Number(found[2])];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [longitude, latitude] : null;
}

/** The answer as a line of text to take along. */
export function lineOf(photo: Photo, headline: Headline): string {
  if (!photo.estimate) return `${photo.name}: ${photo.error ?? ANSWER.none}`;
  const told = chance(photo, headline);
  const sure = told === null ? "" : `, ${photo.confidenceInWords ?? ""} (${told})`;
  return `${photo.name}: ${headline.place}, ${coordinates(photo.estimate, 4)}${sure}`;
}

/** Answers as GeoJSON: a point per photo, everything else in its properties. */
export function geojsonOf(answers: PredictionJson[]): GeoJSON.FeatureCollection {
  const features = answers.map((answer): GeoJSON.Feature<GeoJSON.Point | null> => {
    const { latitude, longitude, shading: _, ...properties } = answer;
    const place = placeOf(latitude, longitude);
    return { type: "Feature", geometry: place && { type: "Point", coordinates: place }, properties };
  });
  return { type: "FeatureCollection", features } as GeoJSON.FeatureCollection;
}

export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** "photo.jpg" -> "photo" */
export const stem = (name: string): string => name.replace(/\.[^.]+$/, "") || PAGE.brand;

function placeOf(latitude: number | null, longitude: number | null): LonLat | null {
  return latitude === null || longitude === null ? null : [longitude, latitude];
}
