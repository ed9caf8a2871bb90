/** Roles and classes of accounts as people choose among them. */
import type { AccountClass } from "@/api/types";

export const ROLES = [
  { value: "user", label: "user: launches, registers data, publishes tools" },
  { value: "guest", label: "guest: launches what is offered" },
  { value: "admin", label: "admin: looks after all of it" },
];

/** The class of whoever is in no other; it need not have been made. */
export const STANDARD = "standard";

export function classChoices(known: readonly AccountClass[] | undefined, current = STANDARD) {
  const titles = new Map((known ?? []).map((item) => [item.name, item.title || item.name]));
  return [...new Set([STANDARD, ...titles.keys(), current])].map((name) => ({ value: name, label: titles.get(name) ?? name }));
}
