// Why there: the photo with a map over it of what speaks for a candidate, and against it or for another.
import { h } from "../dom";
import { ANSWER, WHY } from "../strings";
import { percent } from "../words";
import type { Api, ExplanationJson } from "./api";
import { answered, type Entry } from "./entries";
import { drawHeat } from "./heat";
import type { Model } from "./models";

const OPACITY = 0.75;
const QUICK = "gradcam"; // takes no longer than an answer, so it is shown unasked

/** What of which model is explained, and against what: "17" is an area, "country:FR" a country. */
interface Choice {
  model: string;
  target: string;
  against: string | null;
}

/** What can be explained: in the words of the API and in those of people, with the country that it lies in. */
interface Option {
  words: string;
  text: string;
  country: string | null;
}

const COUNTRIES = new Intl.DisplayNames(["en-GB"], { type: "region" });

/** Whether two of the options can share cells, so that the one cannot be held against the other. */
function overlap(options: Option[], words: string, others: string): boolean {
  if (words === others) return true;
  const [one, other] = [words, others].map((each) => options.find((option) => option.words === each));
  if (!one || !other) return false;
  if ([words, others].some((each) => each.startsWith("parent:"))) return true;
  const wide = [words, others].some((each) => each.startsWith("country:"));
  return wide && one.country === other.country;
}

export class Why {
  readonly element: HTMLElement;
  private readonly image = h("img", { class: "picture" });
  private readonly heat = h("canvas", { class: "heat", "aria-hidden": "true" });
  private readonly method = h("select", { id: "why-method" });
  private readonly opacity = h("input", { type: "range", min: 0, max: 100, value: 100 * OPACITY, "aria-label": WHY.opacity });
  private readonly target = h("select", { id: "why-target" });
  private readonly against = h("select", { id: "why-against" });
  private readonly said = h("p", { class: "why-said", role: "status" });
  private readonly controls: HTMLElement;
  private readonly sides: HTMLElement;
  private readonly choices = new WeakMap<Entry, Choice>();
  private readonly found = new WeakMap<Entry, Map<string, ExplanationJson | Error | "asking">>();
  private wanted: string | null = null;
  private entry: Entry | null = null;
  private models: Model[] = [];
  private offered = "";
  private drawn: ExplanationJson | null = null;

  constructor(
    private readonly api: Api,
    /** another candidate is explained now */
    private readonly changed: () => void,
  ) {
    const frame = h("div", { class: "frame" }, this.image, this.heat);
    this.sides = h(
      "div",
      { class: "why-sides" },
      h("label", { for: "why-target" }, WHY.target),
      this.target,
      h("label", { for: "why-against" }, WHY.against),
      this.against,
    );
    this.controls = h(
      "div",
      { class: "why-controls" },
      h("div", { class: "why-how" }, h("label", { for: "why-method" }, WHY.method), this.method, this.opacity),
      this.sides,
      this.said,
    );
    this.element = h("section", { class: "why", "aria-label": WHY.title }, frame, this.controls);
    this.method.addEventListener("change", () => {
      this.wanted = this.method.value;
      this.update();
      this.changed();
    });
    this.opacity.addEventListener("input", () => this.fade());
    this.target.addEventListener("change", () => this.choose({ target: this.target.value }));
    this.against.addEventListener("change", () => this.choose({ against: this.against.value || null }));
    this.fade();
  }

  /** The photo that is looked at, and the models whose answers are shown; null: there is none. */
  show(entry: Entry | null, models: Model[]): void {
    this.entry = entry;
    this.models = models;
    this.element.hidden = !entry?.preview;
    if (entry?.preview && this.image.getAttribute("src") !== entry.preview) {
      this.image.src = entry.preview;
      this.image.alt = ANSWER.photo(entry.name);
    }
    this.update();
  }

  /** Explains a candidate that somebody chose. */
  explain(model: Model, cell: number): void {
    const { model: before, against } = this.choice() ?? { model: "", against: null };
    this.choose({ model: model.name, target: String(cell), against: before === model.name ? against : null });
  }

  /** The area that is explained of a model's answer to the photo, when there is a heat map. */
  explained(model: Model): number | null {
    const choice = this.choice();
    return this.method.value && choice?.model === model.name && /^\d+$/.test(choice.target) ? Number(choice.target) : null;
  }

  private choice(): Choice | null {
    const { entry } = this;
    if (!entry) return null;
    const made = this.choices.get(entry);
    const able = this.models.filter((model) => model.info.explanations.length && answered(entry, model.name)?.candidates.length);
    if (made && able.some((model) => model.name === made.model)) return made;
    const model = able[0];
    const best = model && answered(entry, model.name)!.candidates[0]!.cell;
    return model && best !== undefined ? { model: model.name, target: String(best), against: null } : null;
  }

  private choose(change: Partial<Choice>): void {
    const choice = this.choice();
    if (!choice || !this.entry) return;
    const made = { ...choice, ...change };
    const options = this.options(this.entry, made.model);
    if (made.against && overlap(options, made.target, made.against)) made.against = null;
    this.choices.set(this.entry, made);
    this.update();
    this.changed();
  }

  private update(): void {
    const { entry } = this;
    const choice = this.choice();
    this.controls.hidden = !choice;
    if (!entry || !choice) return this.draw(null);
    this.offer(entry, choice);
    this.sides.hidden = this.opacity.hidden = !this.method.value;
    if (!this.method.value) {
      this.said.textContent = "";
      return this.draw(null);
    }
    const known = this.found.get(entry) ?? new Map<string, ExplanationJson | Error | "asking">();
    this.found.set(entry, known);
    const key = [choice.model, this.method.value, choice.target, choice.against].join("|");
    const result = known.get(key);
    if (result === undefined) {
      known.set(key, "asking");
      void this.api
        .explain(entry.file, entry.name, { ...choice, method: this.method.value })
        .catch((error: Error) => error)
        .then((answer) => {
          known.set(key, answer);
          this.update();
        });
    }
    this.tell(known.get(key)!);
  }

  /** Fills the lists with what can be chosen for this photo. */
  private offer(entry: Entry, { model: name, target, against }: Choice): void {
    const methods = this.models.find((each) => each.name === name)!.info.explanations;
    const options = this.options(entry, name);
    const offered = JSON.stringify([methods, options, name]);
    if (offered !== this.offered) {
      this.offered = offered;
      const option = (value: string, text: string) => h("option", { value }, text);
      const named = () => options.map(({ words, text }) => option(words, text));
      this.method.replaceChildren(option("", WHY.none), ...methods.map((each) => option(each.name, each.title)));
      this.target.replaceChildren(...named());
      this.against.replaceChildren(option("", WHY.everything), ...named());
      const usual = methods.some((each) => each.name === QUICK) ? QUICK : "";
      const wanted = this.wanted ?? usual;
      this.method.value = methods.some((each) => each.name === wanted) ? wanted : "";
    }
    this.target.value = target;
    this.against.value = against ?? "";
    for (const option of this.against.options) option.disabled = overlap(options, target, option.value);
  }

  /** The candidates, the countries that they lie in, and the best one with its siblings. */
  private options(entry: Entry, name: string): Option[] {
    const model = this.models.find((each) => each.name === name)!;
    const candidates = answered(entry, name)?.candidates ?? [];
    const of = (cell: number) => model.countries[cell] ?? null;
    const found = candidates.map(({ cell, name: place }, index): Option => ({ words: String(cell), text: `${index + 1} ${place}`, country: of(cell) }));
    if (model.info.finest !== "country") {
      const codes = new Set(candidates.flatMap(({ cell }) => of(cell) ?? []));
      for (const code of codes) found.push({ words: `country:${code}`, text: COUNTRIES.of(code) ?? code, country: code });
    }
    const best = candidates[0];
    if (best && model.info.finest === "cell") found.push({ words: `parent:${best.cell}`, text: WHY.around(best.name), country: null });
    return found;
  }

  private tell(result: ExplanationJson | Error | "asking"): void {
    this.element.classList.toggle("asking", result === "asking");
    if (result === "asking") {
      this.said.textContent = WHY.asking;
      return;
    }
    if (result instanceof Error) {
      this.said.textContent = result.message;
      return this.draw(null);
    }
    const { target, against, probability, meaning } = result;
    const key = (name: string) => h("span", { class: `key ${name}` });
    const words = against
      ? [WHY.speaksFor(target.name), key("against-key"), WHY.speaksForOther(against.name), WHY.ofBoth(target.name, percent(probability))]
      : [WHY.speaksFor(target.name), key("against-key"), WHY.speaksAgainst];
    this.said.replaceChildren(key("for-key"), ...words);
    this.said.title = meaning;
    this.draw(result);
  }

  private draw(found: ExplanationJson | null): void {
    this.heat.hidden = found === null;
    if (found === null || found === this.drawn) {
      this.drawn = found;
      return;
    }
    this.drawn = found;
    drawHeat(this.heat, found.values);
    const { left, top, right, bottom } = found.box;
    const style = { left, top, width: right - left, height: bottom - top };
    for (const [name, share] of Object.entries(style)) this.heat.style.setProperty(name, `${100 * share}%`);
    this.heat.dataset["target"] = found.target.words;
    this.heat.dataset["method"] = found.method;
  }

  private fade(): void {
    this.heat.style.opacity = String(Number(this.opacity.value) / 100);
  }
}
