/** The element of an id: the page's template has it. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}: load it again`);
  return found as T;
}

export const input = (id: string) => part<HTMLInputElement>(id);

/** What an input holds, without spaces around it. */
export const text = (id: string) => input(id).value.trim();

/** Show an element, or hide it. */
export function show(id: string, shown = true): void {
  part(id).hidden = !shown;
}

/** A new element with a text. */
export function made(name: string, content: string, className = ""): HTMLElement {
  const element = document.createElement(name);
  element.textContent = content;
  if (className) element.className = className;
  return element;
}

/** A button with what it does. */
export function button(content: string, act: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = content;
  element.addEventListener("click", act);
  return element;
}
