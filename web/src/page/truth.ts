// Where the photo really was taken, from a person who knows: typed, or clicked on the map.
import { h } from "../dom";
import type { LonLat } from "../lonlat";
import { PAGE } from "../strings";
import { readPlace } from "./entries";

export interface TruthActions {
  set: (place: LonLat | null) => void;
  /** the next click on a map says it, or no longer */
  pick: (on: boolean) => void;
}

export class TruthForm {
  readonly element: HTMLElement;
  private readonly field = h("input", {
    id: "truth",
    type: "text",
    inputmode: "text",
    placeholder: PAGE.truthHint,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "truth-said",
  });
  private readonly said = h("p", { id: "truth-said", class: "said", role: "status" });
  private readonly picker: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private picking = false;

  constructor(private readonly actions: TruthActions) {
    this.picker = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.pick(!this.picking) }, PAGE.truthPick);
    this.clear = h("button", { type: "button", onclick: () => this.set(null) }, PAGE.truthClear);
    const form = h(
      "form",
      { class: "truth-form" },
      h("label", { for: "truth" }, PAGE.truth),
      h("div", { class: "row" }, this.field, h("button", { type: "submit" }, PAGE.truthSet)),
      h("div", { class: "buttons" }, this.picker, this.clear),
      this.said,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const place = readPlace(this.field.value);
      this.field.setAttribute("aria-invalid", String(!place));
      this.said.textContent = place ? "" : PAGE.truthWrong;
      if (place) this.set(place);
    });
    this.element = form;
  }

  /** Shows what is known of the selected photo. */
  show(place: LonLat | null): void {
    this.field.value = place ? `${round(place[1])}, ${round(place[0])}` : "";
    this.field.removeAttribute("aria-invalid");
    this.clear.hidden = !place;
    this.said.textContent = "";
    if (this.picking) this.pick(false);
  }

  pick(on: boolean): void {
    this.picking = on;
    this.picker.setAttribute("aria-pressed", String(on));
    this.said.textContent = on ? PAGE.truthPicking : "";
    this.actions.pick(on);
  }

  private set(place: LonLat | null): void {
    this.actions.set(place);
  }
}

const round = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;
