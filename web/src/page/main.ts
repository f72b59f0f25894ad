// The page of the server: photos in, answers on the map. Everything it shows comes from the API of the same server.
import "../style.css";
import "./page.css";
import { answer, spoken } from "../details";
import { h } from "../dom";
import { EarthMap } from "../earth";
import { headline, type Headline } from "../headline";
import { footer, keysFor } from "../panel";
import { PhotoList } from "../photolist";
import type { LonLat } from "../lonlat";
import type { Candidate, Photo } from "../scene";
import { ANSWER, KEYS, MODEL, PAGE, PHOTOS, PRIVACY } from "../strings";
import { TakeAlong } from "./along";
import { Api, ApiError } from "./api";
import { choices, usualPromise } from "./choices";
import { Chooser } from "./chooser";
import { answered, isPending, photoOf, previewOf, type Entry } from "./entries";
import { modelPage } from "./modelpage";
import { loadModels, type Model, type Shown } from "./models";
import { PrivacyPage } from "./privacypage";
import { askToken } from "./token";
import { TruthForm } from "./truth";
import { Why } from "./why";

const AT_ONCE = 4; // requests; the server answers them in one batch
const FORM_BYTES = 2000; // what a request holds besides its photo
const MILLION = 1e6;

type Route = "locate" | "model" | "privacy";

const TITLES: Record<Route, string> = { locate: PAGE.question, model: MODEL.title, privacy: PRIVACY.title };

class Page {
  private readonly api = new Api((again) => askToken(this.body, again));
  private models: Model[] = [];
  private shown: Shown[] = [];
  private entries: Entry[] = [];
  private selected = -1;
  private promise: number | null = null;
  private working = 0;
  private route: Route = "locate";

  private readonly maps = h("div", { class: "maps" });
  private readonly body = h("div", { class: "detail page-body" });
  private readonly announcer = h("p", { class: "unseen", "aria-live": "polite" });
  private readonly notice = h("p", { class: "notice", role: "alert", hidden: true });
  private readonly links: Record<Route, HTMLAnchorElement>;
  private readonly chooser: Chooser;
  private readonly settings = h("div", { class: "settings" });
  private readonly list = new PhotoList((index) => this.select(index));
  private readonly progress = h("progress", { "aria-label": PAGE.asking, max: 1, value: 0 });
  private readonly progressText = h("span", {});
  private readonly progressBar = h("div", { class: "working", hidden: true }, this.progress, this.progressText);
  private readonly answers = h("div", { class: "answers" });
  private readonly why = new Why(this.api, () => this.markExplained());
  private readonly privacy = new PrivacyPage(this.api, () => this.render());
  private readonly truth: TruthForm;
  private answersShown: unknown[] = [];
  private readonly after = h("div", { class: "after", hidden: true });
  private readonly foot = h("div", { class: "page-foot" });

  constructor(private readonly root: HTMLElement) {
    this.links = {
      locate: this.link("locate", PAGE.locate),
      model: this.link("model", PAGE.model),
      privacy: this.link("privacy", PRIVACY.nav),
    };
    this.chooser = new Chooser({ add: (files) => this.add(files) });
    this.truth = new TruthForm({ set: (place) => this.setTruth(place), pick: (on) => this.pick(on) });
    const along = new TakeAlong({
      entries: () => this.entries,
      selected: () => this.entries[this.selected] ?? null,
      shown: () => this.shown,
      seen: (entry, model) => this.seen(entry, model),
      announce: (text) => (this.announcer.textContent = text),
      remove: (all) => this.remove(all),
    });
    this.after.append(this.truth.element, along.element);
    const head = h(
      "header",
      { class: "head page-head" },
      h("p", { class: "brand" }, PAGE.brand),
      h("nav", { "aria-label": PAGE.pages }, ...Object.values(this.links)),
    );
    root.append(h("div", { class: "panel" }, head, this.notice, this.body, this.foot), this.maps, this.announcer);
    window.addEventListener("hashchange", () => this.go());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  async start(): Promise<void> {
    this.body.replaceChildren(h("p", { class: "hint" }, PAGE.loading));
    this.models = await loadModels(this.api);
    const first = this.models[0]!;
    await first.load();
    if (first.info.has_test_photos) this.chooser.setRandom(() => void this.addRandom());
    this.promise = usualPromise(first);
    this.settings.append(
      ...choices(this.models, { models: (models) => void this.choose(models), promise: (share) => this.setPromise(share) }),
    );
    this.showModels([first]);
    this.shown[0]!.earth.showPartition();
    this.go();
  }

  // which page

  private link(route: Route, text: string): HTMLAnchorElement {
    return h("a", { href: `#${route}` }, text);
  }

  private go(): void {
    if (!this.models.length) return;
    const asked = location.hash.slice(1);
    this.route = asked === "model" || asked === "privacy" ? asked : "locate";
    for (const [route, link] of Object.entries(this.links)) {
      if (route === this.route) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${PAGE.brand}: ${TITLES[this.route]}`;
    for (const route of ["model", "privacy"] as const) this.root.classList.toggle(`on-${route}`, this.route === route);
    this.truth.pick(false);
    const pages = { locate: () => this.locatePage(), model: () => this.modelPage(), privacy: () => this.privacyPage() };
    this.body.replaceChildren(...pages[this.route]());
    this.render();
    this.body.scrollTop = 0;
    if (this.route === "model") this.shown[0]!.earth.showPartition();
    if (this.route === "locate") this.shown[0]!.earth.fit(false);
  }

  private modelPage(): Node[] {
    return [h("h1", {}, MODEL.title), this.settings, h("div", { class: "model-page" })];
  }

  private privacyPage(): Node[] {
    const hint = h("p", { class: "hint" }, PRIVACY.kept);
    return [h("h1", {}, PRIVACY.title), hint, this.chooser.element, this.list.element, this.privacy.element];
  }

  private locatePage(): Node[] {
    const { finest } = this.models[0]!.info;
    return [
      h("h1", {}, PAGE.question),
      this.chooser.element,
      h("p", { class: "hint kept" }, PAGE.kept),
      h("p", { class: "hint" }, [PAGE.use, PAGE.finest[finest]].join(" ").trim()),
      this.settings,
      this.progressBar,
      this.list.element,
      this.why.element,
      this.answers,
      this.after,
    ];
  }

  // which models

  private async choose(models: Model[]): Promise<void> {
    try {
      await Promise.all(models.map((model) => model.load()));
    } catch (error) {
      return this.say(error);
    }
    this.showModels(models);
    this.render();
    if (this.route === "locate") this.shown[0]!.earth.fit(false);
    void this.work();
  }

  /** One map per model, side by side, which look at the same part of the Earth. */
  private showModels(models: Model[]): void {
    this.shown = models.map((model, index) => {
      const old = this.shown[index];
      const shown = old ?? this.newMap(model, index);
      if (!old || old.model !== model) shown.earth.setCells(model.cells, model.shapes);
      shown.caption.textContent = model.label;
      return { ...shown, model };
    });
    this.maps.replaceChildren(...this.shown.map(({ earth }) => earth.element));
    this.maps.classList.toggle("two", models.length > 1);
    // before it draws anything, else the others would look where a new map looks
    if (this.shown[1]) this.shown[1].earth.adopt(this.shown[0]!.earth.view);
    for (const { earth } of this.shown) earth.resize();
  }

  private newMap(model: Model, index: number): Shown {
    const others = () => this.shown.filter((_, at) => at !== index).map(({ earth }) => earth);
    const earth: EarthMap = new EarthMap(model.info.earth_radius_km, {
      select: (photo) => this.select(photo),
      moved: () => others().forEach((other) => other.adopt(earth.view)),
      scaled: (scale) => others().forEach((other) => other.setScale(scale)),
    });
    const caption = h("p", { class: "map-name" });
    earth.element.append(caption);
    return { model, earth, caption };
  }

  private setPromise(promise: number): void {
    this.promise = promise;
    for (const entry of this.entries) entry.answers.clear();
    this.render();
    void this.work();
  }

  // photos in

  private add(files: File[]): void {
    if (!this.models.length) return;
    if (!files.length) return this.say(new ApiError(PAGE.errors.noFiles));
    this.say(null);
    this.enter(files.map((file) => this.entry(file, file.name || PAGE.inClipboard, null)));
  }

  private async addRandom(): Promise<void> {
    try {
      this.say(null);
      const { photo, name, truth } = await this.api.testPhoto();
      this.enter([this.entry(photo, name, truth)]);
    } catch (error) {
      this.say(error);
    }
  }

  private entry(file: Blob, name: string, truth: LonLat | null): Entry {
    const most = this.models[0]!.info.limits.body_bytes;
    let refused: string | null = null;
    if (file.size === 0) refused = PAGE.errors.empty;
    if (file.size > most - FORM_BYTES) refused = PAGE.errors.tooLarge(file.size / MILLION, most / MILLION);
    return { name, file, preview: null, truth, refused, answers: new Map() };
  }

  private enter(entries: Entry[]): void {
    const first = this.entries.length;
    this.entries.push(...entries);
    if (this.route === "model") location.hash = "#locate";
    this.select(first, false);
    for (const entry of entries) {
      if (entry.refused !== null) continue;
      void previewOf(entry.file).then((preview) => {
        entry.preview = preview;
        this.render();
      });
    }
    if (entries[0]?.refused) this.announce();
    void this.work();
  }

  /** Asks for what is not answered yet, a few at a time. */
  private async work(): Promise<void> {
    while (this.working < AT_ONCE) {
      const next = this.nextQuestion();
      if (!next) return;
      this.working++;
      void this.ask(...next).finally(() => {
        this.working--;
        void this.work();
      });
    }
  }

  private nextQuestion(): [Entry, Model] | null {
    const order = [this.entries[this.selected], ...this.entries];
    for (const entry of order) {
      const shown = this.shown.find(({ model }) => entry && entry.refused === null && !entry.answers.has(model.name));
      if (entry && shown) return [entry, shown.model];
    }
    return null;
  }

  private async ask(entry: Entry, model: Model): Promise<void> {
    entry.answers.set(model.name, "asking");
    const { promise } = this;
    this.renderProgress();
    try {
      const found = await this.api.predict(entry.file, entry.name, model.name, promise);
      if (promise === this.promise) entry.answers.set(model.name, found);
    } catch (error) {
      entry.answers.set(model.name, { error: (error as Error).message });
    }
    this.render();
    if (entry !== this.entries[this.selected] || this.shown[0]?.model !== model) return;
    this.announce();
    this.shown[0].earth.fit();
  }

  private remove(all: boolean): void {
    const gone = all ? this.entries : this.entries.filter((_, index) => index === this.selected);
    for (const { preview } of gone) if (preview) URL.revokeObjectURL(preview);
    this.entries = this.entries.filter((entry) => !gone.includes(entry));
    this.selected = Math.min(this.selected, this.entries.length - 1);
    if (this.entries.length) this.select(this.selected);
    else {
      this.render();
      this.shown[0]?.earth.showPartition();
      this.chooser.focus();
    }
  }

  // answers out

  private select(index: number, aloud = true): void {
    this.selected = index;
    this.render();
    this.list.select(index);
    if (!aloud) return;
    this.announce();
    this.shown[0]?.earth.fit();
  }

  private announce(): void {
    const entry = this.entries[this.selected];
    const shown = this.shown[0];
    if (!entry || !shown || isPending(entry, shown.model.name)) return;
    const [photo, head] = this.seen(entry, shown.model);
    this.announcer.textContent = spoken(photo, head);
  }

  private seen(entry: Entry, model: Model): [Photo, Headline] {
    const photo = photoOf(entry, model.name, model.info.earth_radius_km);
    if (isPending(entry, model.name)) {
      const place = entry.answers.has(model.name) ? PAGE.asking : PAGE.waiting;
      return [photo, { place, likeliest: false, share: null }];
    }
    return [photo, headline(photo, { cells: model.cells, earthRadiusKm: model.info.earth_radius_km }, model.shapes)];
  }

  /** Brings everything that depends on photos, answers and models up to date. */
  private render(): void {
    const locating = this.route === "locate";
    const count = this.entries.length;
    this.root.classList.toggle("empty", count === 0);
    for (const { model, earth } of this.shown) {
      const seen = locating ? this.entries.map((entry) => this.seen(entry, model)) : [];
      earth.setPhotos(seen.map(([photo]) => photo), seen.map(([, head]) => head), this.selected);
    }
    const first = this.shown[0]!;
    this.chooser.show(count);
    const seen = this.entries.map((entry) => this.seen(entry, first.model));
    this.list.show(seen.map(([photo]) => photo), seen.map(([, head]) => head));
    this.list.element.hidden = count < 2;
    this.list.select(this.selected);
    this.after.hidden = count === 0;
    this.renderAnswers();
    this.renderProgress();
    const keys = keysFor(this.route === "model" ? 0 : count);
    const ofLists: string[] = [KEYS.step, KEYS.filter];
    const twin = h("p", {}, PAGE.twin[this.route], " · ", h("a", { href: "openapi.json" }, PAGE.openapi));
    this.foot.replaceChildren(footer(this.route === "privacy" ? keys.filter(([, what]) => ofLists.includes(what)) : keys, twin));
    this.renderModel(first);
    if (this.route === "privacy") this.privacy.show(this.entries[this.selected] ?? null, first.model);
  }

  private renderModel({ model, earth }: Shown): void {
    const page = this.body.querySelector<HTMLElement>(".model-page");
    if (!page || page.dataset["model"] === model.name) return;
    page.dataset["model"] = model.name;
    page.replaceChildren(...modelPage(model, (cell) => earth.flyToCell(model.shapes!.middle(cell))));
  }

  private renderAnswers(): void {
    const entry = this.entries[this.selected] ?? null;
    const models = this.shown.map(({ model }) => model);
    this.why.show(entry, models);
    // what has the focus or is being read stays as it is when other photos' answers come
    const answersShown = [entry, entry?.truth, ...models.flatMap((model) => [model, entry?.answers.get(model.name)])];
    if (answersShown.length === this.answersShown.length && answersShown.every((each, at) => each === this.answersShown[at])) return;
    this.answersShown = answersShown;
    if (!entry) return this.answers.replaceChildren();
    this.truth.show(entry.truth);
    const parts: Node[] = [h("p", { class: "file", title: entry.name }, entry.name)];
    for (const { model, earth } of this.shown) {
      const [photo, head] = this.seen(entry, model);
      const pending = isPending(entry, model.name);
      const found = answered(entry, model.name);
      const actions = {
        explains: model.info.explanations.length > 0,
        fly: ({ place, token }: Candidate) => {
          earth.flyToCell(place);
          const candidate = found?.candidates.find((each) => each.token === token);
          if (candidate) this.why.explain(model, candidate.cell);
        },
        fit: () => earth.fit(),
      };
      const region =
        found?.region_cells && found.region_km2 !== null
          ? [h("p", { class: "region" }, ANSWER.region(found.region_cells.length, found.region_km2, found.region_promise))]
          : [];
      const title = this.shown.length > 1 ? [h("h2", { class: "of-model" }, model.label)] : [];
      const body = pending ? [h("p", { class: "place pending" }, head.place)] : answer(photo, head, actions, region);
      parts.push(h("section", { class: "answer", "aria-label": `${PHOTOS.selected}, ${model.label}` }, ...title, ...body));
    }
    this.answers.classList.toggle("two", this.shown.length > 1);
    this.answers.replaceChildren(...parts);
    this.markExplained();
  }

  /** Tells the candidate that the heat map is of from the others. */
  private markExplained(): void {
    const entry = this.entries[this.selected];
    const lists = [...this.answers.querySelectorAll(".answer")];
    this.shown.forEach(({ model }, index) => {
      const area = this.why.explained(model);
      const token = entry && answered(entry, model.name)?.candidates.find(({ cell }) => cell === area)?.token;
      for (const button of lists[index]?.querySelectorAll<HTMLElement>(".candidate") ?? []) {
        button.ariaCurrent = button.dataset["token"] === token ? "true" : null;
      }
    });
  }

  private renderProgress(): void {
    const model = this.shown[0]!.model.name;
    const done = this.entries.filter((entry) => !isPending(entry, model)).length;
    this.progressBar.hidden = done === this.entries.length;
    this.progress.max = Math.max(1, this.entries.length);
    this.progress.value = done;
    this.progressText.textContent = PAGE.progress(done, this.entries.length);
  }

  // truth, token, notices, keys

  private pick(on: boolean): void {
    for (const { earth } of this.shown) earth.pick(on ? (place) => this.setTruth(place) : null);
  }

  private setTruth(place: LonLat | null): void {
    const entry = this.entries[this.selected];
    if (!entry) return;
    entry.truth = place;
    this.render();
    this.announce();
    if (place) this.shown[0]?.earth.fit();
  }

  say(error: unknown): void {
    this.notice.hidden = error === null;
    this.notice.textContent = error === null ? "" : (error as Error).message;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.shown.length) return;
    if (event.key === "Escape") {
      this.truth.pick(false);
      for (const { earth } of this.shown) earth.unhover();
    }
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    const { earth } = this.shown[0]!;
    const keys: Record<string, () => void> = {
      g: () => earth.toggleMode(),
      j: () => this.list.step(1),
      k: () => this.list.step(-1),
      f: () => earth.fit(),
      "/": () => this.list.filter.focus(),
    };
    const action = keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

const page = new Page(document.getElementById("graticule")!);
page.start().catch((error: unknown) => page.say(error));
