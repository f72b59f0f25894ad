// The list of photos with its filter; one of them is selected.
import { thumbnail } from "./details";
import { h, icon } from "./dom";
import type { Headline } from "./headline";
import type { Photo } from "./scene";
import { PHOTOS } from "./strings";
import { percent } from "./words";

export class PhotoList {
  readonly element: HTMLElement;
  readonly filter = h("input", {
    class: "filter",
    type: "search",
    placeholder: PHOTOS.filterHint,
    "aria-label": PHOTOS.filter,
    autocomplete: "off",
    spellcheck: "false",
  });
  private readonly list = h("ol", { class: "photos" });
  private readonly items: HTMLButtonElement[] = [];
  private readonly pictures: (string | null)[] = [];
  private readonly position = h("span", { class: "position" });
  private readonly none = h("p", { class: "none", hidden: true }, PHOTOS.noMatch);
  private haystacks: string[] = [];
  private selected = -1;

  constructor(private readonly choose: (index: number) => void) {
    this.filter.addEventListener("input", () => this.applyFilter());
    this.list.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.step(by);
      this.items[this.selected]?.focus();
    });
    const step = (by: number, label: string, path: string) =>
      h("button", { type: "button", class: "step", "aria-label": label, title: label, onclick: () => this.step(by) }, icon(path));
    this.element = h(
      "section",
      { class: "chooser", "aria-label": PHOTOS.list },
      h(
        "div",
        { class: "chooser-bar" },
        this.filter,
        this.position,
        step(-1, PHOTOS.previous, "M5 12.5l5-5 5 5"),
        step(1, PHOTOS.next, "M5 7.5l5 5 5-5"),
      ),
      this.list,
      this.none,
    );
  }

  /** Shows these photos; those that were there before stay where they are. */
  show(photos: Photo[], headlines: Headline[]): void {
    const pictures = photos.some((photo) => photo.thumbnail);
    this.list.classList.toggle("without-pictures", !pictures);
    this.haystacks = photos.map((photo, index) => `${photo.name} ${headlines[index]!.place}`.toLowerCase());
    photos.forEach((photo, index) => {
      const item = this.items[index] ?? this.add(index);
      const old = this.pictures[index] === photo.thumbnail ? item.querySelector(".thumb") : null;
      this.pictures[index] = photo.thumbnail;
      item.replaceChildren(
        ...(pictures ? [old ?? thumbnail(photo, "thumb")] : []),
        h("span", { class: "photo-name" }, photo.name),
        h("span", { class: photo.estimate ? "photo-place" : "photo-place failed" }, headlines[index]!.place),
        h("span", { class: "photo-sure" }, headlines[index]!.share === null ? "" : percent(headlines[index]!.share)),
      );
    });
    for (const item of this.items.splice(photos.length)) item.parentElement!.remove();
    this.applyFilter();
  }

  select(index: number): void {
    this.items[this.selected]?.setAttribute("aria-current", "false");
    this.selected = index;
    const item = this.items[index];
    if (!item) return;
    item.setAttribute("aria-current", "true");
    item.scrollIntoView({ block: "nearest" });
    this.position.textContent = PHOTOS.position(index, this.items.length);
  }

  /** The photo so many steps on among those that the filter lets through. */
  step(by: number): void {
    const shown = this.items.flatMap((item, index) => (item.parentElement!.hidden ? [] : [index]));
    if (!shown.length) return;
    const here = shown.indexOf(this.selected);
    const next = here === -1 ? 0 : Math.min(shown.length - 1, Math.max(0, here + by));
    this.choose(shown[next]!);
  }

  private add(index: number): HTMLButtonElement {
    const item = h("button", { type: "button", class: "photo", "aria-current": "false", onclick: () => this.choose(index) });
    this.items.push(item);
    this.list.append(h("li", {}, item));
    return item;
  }

  private applyFilter(): void {
    const wanted = this.filter.value.trim().toLowerCase();
    let shown = 0;
    this.items.forEach((item, index) => {
      const fits = this.haystacks[index]!.includes(wanted);
      item.parentElement!.hidden = !fits;
      if (fits) shown++;
    });
    this.none.hidden = shown > 0 || !this.items.length;
  }
}
