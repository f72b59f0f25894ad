// Asks for the token of a server that wants one.
import { h } from "../dom";
import { PAGE } from "../strings";

/** Shows a form before an element until a token is typed; `again`: the one before was not taken. */
export function askToken(before: HTMLElement, again: boolean): Promise<string> {
  const field = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const form = h(
    "form",
    { class: "token" },
    h("h2", {}, PAGE.token),
    again && h("p", { class: "refused", role: "alert" }, PAGE.tokenWrong),
    // for password managers, which keep a token under a name
    h("input", { type: "text", autocomplete: "username", value: PAGE.brand, readonly: true, hidden: true }),
    h("label", { for: "token" }, PAGE.tokenField),
    h("div", { class: "row" }, field, h("button", { type: "submit", class: "primary" }, PAGE.tokenSend)),
  );
  before.before(form);
  field.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.remove();
      resolve(field.value);
    });
  });
}
