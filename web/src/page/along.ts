// Answers taken along: copied as text, saved as JSON, GeoJSON or a picture of the map; photos taken away.
import { h } from "../dom";
import type { Headline } from "../headline";
import type { Photo } from "../scene";
import { PAGE } from "../strings";
import { answered, geojsonOf, lineOf, save, stem, type Entry } from "./entries";
import type { Model, Shown } from "./models";
import { pictureOf } from "./picture";

const TOLD_MS = 2000;

/** What the page has, asked for whenever a button is pressed. */
export interface Holdings {
  entries: () => Entry[];
  selected: () => Entry | null;
  shown: () => Shown[];
  seen: (entry: Entry, model: Model) => [Photo, Headline];
  announce: (text: string) => void;
  remove: (all: boolean) => void;
}

export class TakeAlong {
  readonly element: HTMLElement;

  constructor(private readonly page: Holdings) {
    const button = (text: string, action: (pressed: HTMLButtonElement) => unknown) => {
      const made: HTMLButtonElement = h("button", { type: "button", onclick: () => action(made) }, text);
      return made;
    };
    this.element = h(
      "section",
      { class: "along", "aria-label": PAGE.answer },
      h("h2", {}, PAGE.answer),
      h(
        "div",
        { class: "buttons" },
        button(PAGE.copy, (pressed) => void this.copy(pressed)),
        button(PAGE.json, () => this.saveAnswers("json")),
        button(PAGE.geojson, () => this.saveAnswers("geojson")),
        button(PAGE.png, () => this.savePicture()),
        button(PAGE.remove, () => page.remove(false)),
        button(PAGE.removeAll, () => page.remove(true)),
      ),
    );
  }

  private async copy(pressed: HTMLButtonElement): Promise<void> {
    const entry = this.page.selected();
    if (!entry) return;
    const shown = this.page.shown();
    const lines = shown.map(({ model }) => {
      const [photo, head] = this.page.seen(entry, model);
      return lineOf(photo, head).replaceAll("\u00a0", " ") + (shown.length > 1 ? ` [${model.label}]` : "");
    });
    const said = await navigator.clipboard?.writeText(lines.join("\n")).then(
      () => PAGE.copied,
      () => PAGE.notCopied,
    );
    pressed.textContent = said ?? PAGE.notCopied;
    this.page.announce(pressed.textContent);
    setTimeout(() => (pressed.textContent = PAGE.copy), TOLD_MS);
  }

  /** All photos' answers, of all models that are shown, as the server gave them. */
  private saveAnswers(kind: "json" | "geojson"): void {
    const found = this.page.entries().flatMap((entry) =>
      this.page.shown().flatMap(({ model }) => {
        const answer = answered(entry, model.name);
        return answer ? [entry.truth ? { ...answer, true_latitude: entry.truth[1], true_longitude: entry.truth[0] } : answer] : [];
      }),
    );
    const name = this.page.selected()?.name ?? PAGE.brand;
    const content = kind === "json" ? found : geojsonOf(found);
    const type = kind === "json" ? "application/json" : "application/geo+json";
    save(new Blob([JSON.stringify(content, null, 1)], { type }), `${stem(name)}.${kind}`);
  }

  private savePicture(): void {
    const entry = this.page.selected();
    if (!entry) return;
    const shown = this.page.shown();
    for (const { model, earth } of shown) {
      const [photo, head] = this.page.seen(entry, model);
      const picture = pictureOf(earth, lineOf(photo, head));
      save(picture, shown.length > 1 ? `${stem(entry.name)}-${model.label}.png` : `${stem(entry.name)}.png`);
    }
  }
}
