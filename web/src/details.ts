// What is said about one photo: place, confidence, region, truth, candidates.
import { h } from "./dom";
import type { Headline } from "./headline";
import type { LonLat } from "./lonlat";
import type { Candidate, Photo } from "./scene";
import { ANSWER } from "./strings";
import { capital, coordinates, percent } from "./words";

export interface DetailActions {
  fly: (candidate: Candidate) => void;
  fit: () => void;
  /** a candidate that is flown to is explained as well */
  explains?: boolean;
}

const OSM = "https://www.openstreetmap.org/";

/** The answer for a photo, or why there is none. */
export function answer(photo: Photo, headline: Headline, actions: DetailActions, more: Node[] = []): Node[] {
  if (photo.error !== null || photo.estimate === null) {
    return [h("p", { class: "place" }, headline.place), h("p", { class: "refused" }, photo.error ?? ANSWER.noPosition)];
  }
  const parts: Node[] = [h("p", { class: "place" }, headline.place), where(photo.estimate, actions)];
  if (photo.confidence !== null) parts.push(sureness(photo.confidence, photo, headline));
  if (photo.truth) parts.push(truth(photo, photo.truth));
  parts.push(...more);
  if (photo.candidates.length) parts.push(ranking(photo.candidates, actions));
  return parts;
}

/** The same as a sentence, for those who listen. */
export function spoken(photo: Photo, headline: Headline): string {
  if (photo.error !== null || !photo.estimate) return ANSWER.aloudNone(photo.name, photo.error);
  const words = photo.confidenceInWords && capital(photo.confidenceInWords);
  return ANSWER.aloud(photo.name, headline.place, words, chance(photo, headline), photo.errorKm);
}

/** "5.9 %", and of which cell where it is not the one that the pin lies in. */
export function chance(photo: Photo, headline: Headline): string | null {
  if (photo.confidence === null) return null;
  return headline.likeliest ? percent(photo.confidence) : ANSWER.elsewhere(photo.confidence, photo.candidates[0]?.name);
}

export function thumbnail(photo: Photo, name: string): HTMLElement {
  const empty = () => h("span", { class: `${name} empty` });
  if (!photo.thumbnail) return empty();
  const image = h("img", { class: name, src: photo.thumbnail, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(empty())); // a kind that the browser cannot show
  return image;
}

function where(place: LonLat, actions: DetailActions): HTMLElement {
  return h(
    "p",
    { class: "where" },
    h("button", { type: "button", class: "coordinates", title: ANSWER.show, onclick: () => actions.fit() }, coordinates(place)),
    osmLink(place, ANSWER.osm),
  );
}

function ranking(candidates: Candidate[], actions: DetailActions): HTMLElement {
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
          {
            type: "button",
            class: "candidate",
            title: actions.explains ? ANSWER.flyAndExplain : ANSWER.fly,
            "data-token": candidate.token,
            onclick: () => actions.fly(candidate),
          },
          h("span", { class: "candidate-name" }, candidate.name),
          h("span", { class: "candidate-share" }, percent(candidate.probability)),
          bar,
          h("span", { class: "candidate-where" }, coordinates(candidate.place, 2)),
        ),
      ),
    );
  }
  return h("section", { class: "ranking" }, h("h2", {}, ANSWER.candidates), list);
}

function sureness(share: number, photo: Photo, headline: Headline): HTMLElement {
  const bar = h("span", { class: "bar" });
  bar.style.setProperty("--share", String(share));
  const told = headline.likeliest ? ANSWER.sure(share) : ANSWER.elsewhere(share, photo.candidates[0]?.name);
  const words = photo.confidenceInWords;
  const said = words ? [h("strong", {}, capital(words)), ` · ${told}`] : [told];
  return h("div", { class: "sure" }, h("p", {}, ...said), bar);
}

function truth(photo: Photo, place: LonLat): HTMLElement {
  return h("p", { class: "true-place" }, h("span", { class: "key truth-key" }), ANSWER.truth(place, photo.errorKm));
}

function osmLink([longitude, latitude]: LonLat, text: string): HTMLAnchorElement {
  const [lat, lon] = [latitude.toFixed(5), longitude.toFixed(5)];
  return h(
    "a",
    { href: `${OSM}?mlat=${lat}&mlon=${lon}#map=12/${lat}/${lon}`, target: "_blank", rel: "noopener noreferrer" },
    text,
  );
}
