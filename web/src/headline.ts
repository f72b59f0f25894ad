// What one says the answer is. The estimate need not lie in the likeliest cell: the place with the least expected
// distance often lies between several. Then the estimate keeps its own name, and the likeliest cell is told apart.
import { geoDistance } from "d3-geo";
import type { CellShapes } from "./cells";
import type { Photo, Scene } from "./scene";
import { ANSWER } from "./strings";
import { coordinates } from "./words";

const SAME_PLACE_KM = 1;

export interface Headline {
  /** name of the place that the estimate stands for; "No answer" without one */
  place: string;
  /** the estimate is the answer that the confidence is about */
  likeliest: boolean;
  /** probability of the cell that gives the place its name; null where there is none */
  share: number | null;
}

/** What a headline is found from: the cells and the size of the Earth. */
export type World = Pick<Scene, "cells" | "earthRadiusKm">;

export function headline(photo: Photo, scene: World, shapes: CellShapes | null): Headline {
  const { estimate, candidates } = photo;
  if (photo.error !== null || !estimate) return { place: ANSWER.none, likeliest: false, share: null };
  const first = candidates[0];
  if (first && scene.earthRadiusKm * geoDistance(first.place, estimate) < SAME_PLACE_KM) return { place: first.name, likeliest: true, share: photo.confidence };
  const cell = shapes?.at(estimate) ?? -1;
  if (cell >= 0 && cell === likeliestCell(photo)) {
    return { place: first?.name ?? labelOf(scene, cell) ?? coordinates(estimate, 2), likeliest: true, share: photo.confidence };
  }
  const likeliest = !first && !photo.cells.length;
  return {
    place: labelOf(scene, cell) ?? coordinates(estimate, 2),
    likeliest,
    share: likeliest ? photo.confidence : (photo.probabilities[photo.cells.indexOf(cell)] ?? null),
  };
}

function likeliestCell(photo: Photo): number {
  let best = 0;
  photo.probabilities.forEach((probability, i) => {
    if (probability > photo.probabilities[best]!) best = i;
  });
  return photo.cells[best] ?? -1;
}

function labelOf(scene: World, cell: number): string | null {
  return scene.cells?.labels[cell] || null;
}
