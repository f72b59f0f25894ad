// Which model answers, which one beside it, and how often the region is to hold the truth.
import { h } from "../dom";
import { PAGE } from "../strings";
import type { Model } from "./models";

const USUAL_PROMISE = 0.9;

export interface ChoiceActions {
  /** one model, or two side by side */
  models: (models: Model[]) => void;
  promise: (share: number) => void;
}

/** The fields that there is something to choose in. */
export function choices(models: Model[], actions: ChoiceActions): HTMLElement[] {
  const found = models.length > 1 ? ofModels(models, actions.models) : [];
  const { promises } = models[0]!.info;
  if (promises.length > 1) found.push(ofPromises(promises, actions.promise));
  return found;
}

/** The promise that is asked for when nobody chooses; null where there is but one, or none. */
export function usualPromise({ info: { promises } }: Model): number | null {
  if (promises.length < 2) return null;
  return promises.includes(USUAL_PROMISE) ? USUAL_PROMISE : promises[0]!;
}

function ofModels(models: Model[], choose: (models: Model[]) => void): HTMLElement[] {
  const options = models.map((model, index): [string, string] => [String(index), model.label]);
  const chosen = { first: 0, beside: -1 };
  const notBesideItself = () => {
    if (chosen.beside === chosen.first) chosen.beside = -1;
    others.value = String(chosen.beside);
    for (const option of others.options) option.disabled = option.value === String(chosen.first);
  };
  const change = () => {
    notBesideItself();
    choose([chosen.first, chosen.beside].filter((index) => index >= 0).map((index) => models[index]!));
  };
  const [first] = field(PAGE.with, options, (value) => {
    chosen.first = Number(value);
    change();
  });
  const [beside, others] = field(PAGE.beside, [["-1", PAGE.nothingBeside], ...options], (value) => {
    chosen.beside = Number(value);
    change();
  });
  notBesideItself();
  beside.classList.add("only-locate");
  return [first, beside];
}

function ofPromises(promises: number[], choose: (share: number) => void): HTMLElement {
  const options = promises.map((share): [string, string] => [String(share), PAGE.promised(share)]);
  const [label, select] = field(PAGE.promise, options, (value) => choose(Number(value)));
  label.classList.add("only-locate");
  select.value = String(promises.includes(USUAL_PROMISE) ? USUAL_PROMISE : promises[0]);
  return label;
}

function field(label: string, options: [string, string][], choose: (value: string) => void): [HTMLElement, HTMLSelectElement] {
  const select = h("select", {}, ...options.map(([value, text]) => h("option", { value }, text)));
  select.addEventListener("change", () => choose(select.value));
  return [h("label", {}, h("span", {}, label), select), select];
}
