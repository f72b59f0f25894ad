// What a photo gives away: its metadata, the parts of it that tell the place, and a copy without both.
import { h } from "../dom";
import type { LonLat } from "../lonlat";
import { ANSWER, PRIVACY } from "../strings";
import { area, capital, coordinates, distance, percent } from "../words";
import type { Api, PrivacyJson, ToldJson } from "./api";
import { save, stem, type Entry } from "./entries";
import type { Model } from "./models";

const SHARES = [0, 0.1, 0.2, 0.3, 0.5];
const USUAL = 0.2;

interface Checked {
  report: PrivacyJson;
  copy: Blob;
}

type State = Checked | Error | "asking";

export class PrivacyPage {
  readonly element = h("div", { class: "privacy", "aria-live": "polite" });
  private readonly known = new WeakMap<Entry, Map<string, State>>();
  private readonly blur = h("select", { id: "blur" });
  private shown: unknown[] = [];
  private address = "";

  constructor(
    private readonly api: Api,
    private readonly changed: () => void,
  ) {
    const words = (share: number) => (share === 0 ? PRIVACY.nothing : percent(share));
    this.blur.append(...SHARES.map((share) => h("option", { value: share }, words(share))));
    this.blur.value = String(USUAL);
    this.blur.addEventListener("change", () => this.changed());
  }

  show(entry: Entry | null, model: Model): void {
    if (!entry || entry.refused !== null) {
      this.shown = [];
      return this.element.replaceChildren(...(entry ? [h("p", { class: "refused" }, entry.refused)] : []));
    }
    const state = this.state(entry, model);
    const shown = [entry, entry.preview, state];
    if (shown.every((each, index) => each === this.shown[index])) return;
    this.shown = shown;
    if (state === "asking") return this.element.replaceChildren(h("p", { class: "place pending" }, PRIVACY.asking));
    if (state instanceof Error) return this.element.replaceChildren(h("p", { class: "refused", role: "alert" }, state.message), this.choice());
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(state.copy);
    this.element.replaceChildren(this.pictures(entry, state), facts(state.report));
  }

  private state(entry: Entry, model: Model): State {
    const known = this.known.get(entry) ?? new Map<string, State>();
    this.known.set(entry, known);
    const key = `${model.name}|${this.blur.value}`;
    if (!known.has(key)) {
      known.set(key, "asking");
      void this.api
        .privacy(entry.file, entry.name, model.name, Number(this.blur.value))
        .then((report): State => ({ report, copy: bytesOf(report) }))
        .catch((error: Error) => error)
        .then((state) => {
          known.set(key, state);
          this.changed();
        });
    }
    return known.get(key)!;
  }

  /** The photo with the telling parts outlined, and the copy, one at a time. */
  private pictures(entry: Entry, checked: Checked): HTMLElement {
    const { report } = checked;
    const { width_px, height_px } = report.metadata;
    const boxes = report.regions.map(({ box: [left, top, right, bottom] }, index) => {
      const box = h("span", { class: "telling" }, String(index + 1));
      const style = { left: left / width_px, top: top / height_px, width: (right - left) / width_px, height: (bottom - top) / height_px };
      for (const [name, share] of Object.entries(style)) box.style.setProperty(name, `${100 * share}%`);
      return box;
    });
    const image = h("img", { class: "picture", src: entry.preview ?? this.address, alt: ANSWER.photo(entry.name) });
    const frame = h("div", { class: "frame" }, image, ...boxes);
    const button = (text: string, copy: boolean) => {
      const made: HTMLButtonElement = h("button", { type: "button", "aria-pressed": String(!copy) }, text);
      made.addEventListener("click", () => {
        image.src = copy ? this.address : (entry.preview ?? this.address);
        image.alt = copy ? PRIVACY.copyOf(entry.name) : ANSWER.photo(entry.name);
        frame.classList.toggle("of-copy", copy);
        for (const each of made.parentElement!.children) each.setAttribute("aria-pressed", String(each === made));
      });
      return made;
    };
    const switcher = h("div", { class: "modes", role: "group", "aria-label": PRIVACY.which }, button(PRIVACY.asItWas, false), button(PRIVACY.copy, true));
    const listed = report.regions.map((region) =>
      h("li", {}, `${PRIVACY.part(percent(region.area))}${region.confidence === null ? "" : PRIVACY.without(percent(region.confidence))}`),
    );
    const parts = listed.length > 0 && h("ol", { class: "parts" }, ...listed);
    return h("div", { class: "privacy-picture" }, frame, switcher, parts, this.copySection(entry, checked));
  }

  private copySection(entry: Entry, { report, copy }: Checked): HTMLElement {
    return h(
      "section",
      {},
      h("h2", {}, PRIVACY.theCopy),
      ...changes(report),
      this.choice(),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "primary", onclick: () => save(copy, `${stem(entry.name)}-clean.${ending(report)}`) }, PRIVACY.save),
        h("button", { type: "button", onclick: () => saveReport(entry, report) }, PRIVACY.json),
      ),
      h("p", { class: "hint" }, PRIVACY.limits),
    );
  }

  private choice(): HTMLElement {
    return h("div", { class: "blur" }, h("label", { for: "blur" }, PRIVACY.blur), this.blur);
  }
}

function facts(report: PrivacyJson): HTMLElement {
  const [first, second] = [h("h2", {}, PRIVACY.metadata), h("h2", {}, PRIVACY.pixels)];
  return h("div", { class: "privacy-facts" }, first, metadata(report), second, ...pixels(report));
}

function metadata({ metadata: { traces } }: PrivacyJson): HTMLElement {
  if (!traces.length) return h("p", {}, PRIVACY.tellsNothing);
  const kinds = [...new Set(traces.map(({ kind }) => kind))];
  return h(
    "dl",
    { class: "traces" },
    ...kinds.map((kind) =>
      h(
        "div",
        { class: `trace trace-${kind}` },
        h("dt", {}, PRIVACY.kinds[kind] ?? kind),
        ...traces.filter((trace) => trace.kind === kind).map((trace) => h("dd", {}, trace.words)),
      ),
    ),
  );
}

function pixels({ before, model }: PrivacyJson): Node[] {
  if (!before) return [h("p", {}, PRIVACY.notLooked)];
  const share = before.confidence ?? before.country_confidence;
  const place = before.cell ?? before.country_name ?? PRIVACY.nowhere;
  const parts: Node[] = [h("p", { class: "place" }, place)];
  if (before.cell === null && before.latitude !== null && before.longitude !== null) {
    const at: LonLat = [before.longitude, before.latitude];
    parts.push(h("p", {}, coordinates(at, 2)));
  }
  if (share !== null && before.confidence_in_words) {
    parts.push(h("p", {}, h("strong", {}, capital(before.confidence_in_words)), ` · ${PRIVACY.says(model ?? "", percent(share))}`));
  }
  if (before.error_km !== null) parts.push(h("p", {}, PRIVACY.off(distance(before.error_km))));
  return parts;
}

/** What changes from the photo to its copy, as it was measured. */
function changes(report: PrivacyJson): Node[] {
  const { before, after, copy } = report;
  const how = copy.is_lossless ? PRIVACY.lossless : report.regions.length ? PRIVACY.blurred(percent(copy.blurred_area)) : PRIVACY.anew;
  const rows: [string, string, string][] = [];
  const add = (term: string, value: (told: ToldJson) => number | null, write: (value: number) => string) => {
    const [first, last] = [before && value(before), after && value(after)];
    if (first !== null && last !== null) rows.push([term, write(first), write(last)]);
  };
  if (before?.cell) add(PRIVACY.confidenceIn(before.cell), (told) => told.confidence, percent);
  if (before?.country_name) add(PRIVACY.confidenceIn(before.country_name), (told) => told.country_confidence, percent);
  const promise = before?.region_promise;
  if (promise) add(PRIVACY.region(percent(promise)), (told) => told.region_km2, area);
  const head = ["", PRIVACY.asItWas, PRIVACY.copy];
  return [
    h("p", {}, how),
    ...(rows.length
      ? [
          h(
            "table",
            { class: "changes" },
            h("thead", {}, h("tr", {}, ...head.map((text) => (text ? h("th", { scope: "col" }, text) : h("td", {}))))),
            h("tbody", {}, ...rows.map(([term, ...values]) => h("tr", {}, h("th", { scope: "row" }, term), ...values.map((value) => h("td", {}, value))))),
          ),
        ]
      : []),
  ];
}

function bytesOf({ copy }: PrivacyJson): Blob {
  return new Blob([Uint8Array.from(atob(copy.base64 ?? ""), (letter) => letter.charCodeAt(0))], { type: copy.media_type });
}

/** "image/jpeg" -> "jpg" */
const ending = ({ copy }: PrivacyJson): string => copy.media_type.replace("image/", "").replace("jpeg", "jpg").replace("tiff", "tif");

function saveReport(entry: Entry, report: PrivacyJson): void {
  const { base64: _, ...copy } = report.copy;
  const content = JSON.stringify({ ...report, copy }, null, 1);
  save(new Blob([content], { type: "application/json" }), `${stem(entry.name)}-privacy.json`);
}
