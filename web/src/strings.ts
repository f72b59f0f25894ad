// Every English sentence that the viewer and the page show, in one place.
import { area, coordinates, count, distance, percent, plural } from "./words";

export const MAP = {
  label: "Map. Arrow keys move, plus and minus zoom, 0 shows the whole Earth, G changes between globe and flat map.",
  projection: "Projection",
  globe: "Globe",
  flat: "Flat",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  wholeEarth: "Whole Earth",
  fit: "Show the answer (F)",
  cell: (index: number) => `Cell ${index}`,
  level: (level: number) => `level ${level}`,
  token: (token: string) => `id ${token}`,
  index: (index: number) => `cell ${index}`,
} as const;

export const LEGEND = {
  scale: "Scale of the shading",
  root: "root scale",
  linear: "linear scale",
  log: "log scale",
  probability: "Cell probability",
  photos: "Photos per cell",
  region: (promise: number | null) => (promise === null ? "region" : `${percent(promise)} region`),
} as const;

export const ANSWER = {
  photo: (name: string) => `Photo ${name}`,
  none: "No answer",
  noPosition: "The model gave no position for this photo.",
  show: "Show on the map",
  osm: "open in OpenStreetMap",
  candidates: "Candidates",
  fly: "Fly there",
  flyAndExplain: "Fly there and show what speaks for it",
  sure: (share: number) => `${percent(share)} chance that this cell is right`,
  elsewhere: (share: number, name: string | undefined) =>
    `${percent(share)} for the likeliest cell${name ? `, ${name}` : ""}; the pin lies elsewhere`,
  truth: (place: [number, number], km: number | null) =>
    `True place ${coordinates(place)}${km === null ? "" : ` · ${distance(km)} from the estimate`}`,
  region: (cells: number, km2: number, promise: number | null) =>
    `The outlined region, ${plural(cells, "cell")} or ${area(km2)} in all, ` +
    (promise === null ? "is where the model looks." : `holds the true place for ${percent(promise)} of photos like the model's own.`),
  aloud: (name: string, place: string, words: string | null, share: number | null, km: number | null) =>
    `${name}: ${place}.` +
    (share === null ? "" : ` ${words ? `${words}, ` : ""}${percent(share)}.`) +
    (km === null ? "" : ` ${distance(km)} from the true place.`),
  aloudNone: (name: string, error: string | null) => `${name}: no answer. ${error ?? ""}`,
} as const;

export const PHOTOS = {
  panel: "Photos and answers",
  list: "Photos",
  selected: "Selected photo",
  filter: "Filter photos by name or place",
  filterHint: "Name or place",
  noMatch: "No photo matches.",
  position: (index: number, all: number) => `${count(index + 1)} of ${count(all)}`,
  previous: "Previous photo (K)",
  next: "Next photo (J)",
  failed: (number: number) => `${count(number)} without an answer`,
  median: (km: number) => `median error ${Number.isFinite(km) ? distance(km) : "infinite"}`,
} as const;

export const CELLS = {
  cells: "Cells",
  levels: "Levels",
  photos: "Photos",
  fewest: "Fewest in a cell",
  median: "Median",
  most: "Most",
  range: (low: number, high: number) => (low === high ? String(low) : `${low} to ${high}`),
} as const;

export const KEYS = {
  title: "Keyboard",
  move: "move (with Shift: a little)",
  zoom: "zoom",
  whole: "whole Earth",
  mode: "globe or flat map",
  fit: "show the answer",
  step: "next, previous photo",
  filter: "filter",
} as const;

export const FOOT = {
  made: "Made with graticule. Outlines: Natural Earth.",
  broken: (why: string) => `This map cannot be shown: ${why}`,
  version: (ours: number, theirs: number) =>
    `This page's viewer reads scenes of version ${ours}, but the scene has version ${theirs}.`,
} as const;

export const PAGE = {
  brand: "graticule",
  pages: "Pages",
  locate: "Locate",
  model: "Model",
  question: "Where was this photo taken?",
  drop: "Drop, paste or choose photos",
  dropNow: "Let go to locate",
  choose: "Choose photos",
  more: "More photos",
  camera: "Take a photo",
  random: "Random test photo",
  kept: "Photos are read in this server's memory and forgotten. A photo's own GPS position is never used.",
  use: "An answer is a guess with a number, and no proof. Not for finding people: their homes, schools or shelters.",
  finest: {
    country: "This server tells countries at the finest.",
    region: "This server tells regions of about 300 km at the finest.",
    cell: "",
  },
  waiting: "Waiting",
  asking: "Looking",
  progress: (done: number, all: number) => `${count(done)} of ${plural(all, "photo")} answered`,
  settings: "Model",
  with: "Model",
  beside: "Beside it",
  nothingBeside: "no other",
  promise: "Region",
  promised: (share: number) => `${percent(share)} region`,
  truth: "Where it really was",
  truthHint: "latitude, longitude",
  truthSet: "Set",
  truthPick: "Pick on the map",
  truthPicking: "Click the place on the map; Escape leaves it",
  truthClear: "Clear",
  truthWrong: "Type degrees as latitude, longitude: 48.8566, 2.3522",
  answer: "Take along",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Copying is not allowed here",
  json: "JSON",
  geojson: "GeoJSON",
  png: "PNG of the map",
  remove: "Remove the photo",
  removeAll: "Remove all",
  token: "This server asks for a token",
  tokenField: "Token",
  tokenSend: "Continue",
  tokenWrong: "That token is not taken. Ask the operator for another.",
  loading: "Loading the model",
  errors: {
    unreachable: "The server cannot be reached. Check that it runs, then try again.",
    tooLarge: (megabytes: number, most: number) =>
      `The file has ${count(megabytes)} MB; this server takes ${count(most)} MB at most. Scale the photo down first.`,
    empty: "The file is empty (0 bytes).",
    strange: (status: number) => `The server answered in a way this page does not understand (status ${status}).`,
    noFiles: "There was no file in that.",
  },
  inClipboard: "from the clipboard",
  picture: (name: string, model: string) => `${name} · ${model}`,
} as const;

export const WHY = {
  title: "Why there",
  method: "Heat map",
  none: "none",
  opacity: "Opacity of the heat map",
  target: "for",
  against: "against",
  everything: "all else",
  asking: "Looking at what speaks for it",
  speaksFor: (name: string) => `speaks for ${name} `,
  speaksForOther: (name: string) => `speaks for ${name}. `,
  speaksAgainst: "speaks against it",
  ofBoth: (name: string, share: string) => `Of the two, ${name} has ${share}.`,
} as const;

export const MODEL = {
  title: "What the model knows",
  hover: "Hover over a cell to see its id, its training photos and its level.",
  facts: "Model",
  name: "Name",
  revision: "Revision",
  network: "Network",
  head: "Head",
  cutBy: "Cells cut by",
  trained: "Training photos",
  licence: "Licence",
  results: "Figures",
  set: "Photos of",
  median: "Median error",
  within: (km: string) => `Within ${count(Number(km))} km`,
  geoscore: "GeoScore (0 to 5,000)",
  top: (k: string) => `Right cell among the first ${k}`,
  top1: "Right cell first",
  country: "Right country",
  ece: "Calibration error (ECE)",
  coverage: (share: string) => `Region of ${share} % holds the truth`,
  constant: "best constant guess",
  figure: "Figure",
  ours: "Model",
  theirs: "Best constant guess",
  card: "Model card",
  noFigures: "The model's card holds no figures.",
} as const;
