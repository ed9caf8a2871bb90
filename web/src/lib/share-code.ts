/** A share's code on its way from a link to the page that redeems it: never in an address that a server reads. */

const KEY = "alongside-share-code";

/** Takes the code out of `/share#code`, before anything else looks at the address. */
export function takeShareCode(location: Location = globalThis.location, history: History = globalThis.history): void {
  if (location.pathname !== "/share" || location.hash.length < 2) return;
  sessionStorage.setItem(KEY, location.hash.slice(1));
  history.replaceState(history.state, "", location.pathname);
}

export function heldShareCode(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

export function dropShareCode(): void {
  sessionStorage.removeItem(KEY);
}
