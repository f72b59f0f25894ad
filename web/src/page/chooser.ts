// How photos come in: dropped, pasted, chosen, taken, or drawn by the server.
import { h, icon } from "../dom";
import { PAGE } from "../strings";

const KINDS = "image/*,.heic,.heif,.avif,.tif,.tiff";

export interface ChooserActions {
  add: (files: File[]) => void;
}

export class Chooser {
  readonly element: HTMLElement;
  private readonly files = this.input({ multiple: true });
  private readonly camera = this.input({ capture: "environment" });
  private readonly choose = h("button", { type: "button", class: "primary", onclick: () => this.files.click() });
  private readonly random = h("button", { type: "button", hidden: true }, PAGE.random);

  constructor(private readonly actions: ChooserActions) {
    this.element = h(
      "div",
      { class: "drop" },
      icon("M3 14v2.5h14V14M10 13V3.5M6 7.5l4-4 4 4"),
      h("p", { class: "drop-text" }, PAGE.drop),
      h(
        "div",
        { class: "buttons" },
        this.choose,
        h("button", { type: "button", class: "camera", onclick: () => this.camera.click() }, PAGE.camera),
        this.random,
      ),
      this.files,
      this.camera,
    );
    this.show(0);
    this.listen();
  }

  /** Small when there are photos already. */
  show(photos: number): void {
    this.element.classList.toggle("small", photos > 0);
    this.choose.textContent = photos > 0 ? PAGE.more : PAGE.choose;
  }

  /** The server has test photos to draw from. */
  setRandom(draw: () => void): void {
    this.random.hidden = false;
    this.random.addEventListener("click", draw);
  }

  focus(): void {
    this.choose.focus();
  }

  private input(more: Record<string, string | boolean>): HTMLInputElement {
    const input = h("input", { type: "file", accept: KINDS, hidden: true, tabindex: -1, ...more });
    input.addEventListener("change", () => {
      this.actions.add([...(input.files ?? [])]);
      input.value = ""; // the same file may be chosen again
    });
    return input;
  }

  /** Anywhere on the page. */
  private listen(): void {
    const { body } = document;
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    document.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      body.classList.remove("dropping");
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.actions.add([...event.dataTransfer!.files]);
    });
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.actions.add(files);
    });
  }
}
