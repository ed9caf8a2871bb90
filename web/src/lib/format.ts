/** Sizes, times and numbers as people read them. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal units, as the API counts them: 57.3 MB. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "size unknown";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${trimmed(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** The two largest parts of a duration: 2 h 5 min, 41 s. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor((whole % 86_400) / 3_600), "h"],
    [Math.floor((whole % 3_600) / 60), "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

export function secondsBetween(from: string, to: string | number | Date): number {
  return (new Date(to).getTime() - new Date(from).getTime()) / 1000;
}

/** "just now", "4 min ago", "in 3 d"; beyond a month the date says more. */
export function formatAgo(instant: string, now: number): string {
  const seconds = (now - new Date(instant).getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  if (size > 30 * 86_400) return formatDate(instant);
  const [amount, unit] = size < 60 ? [size, "s"] : size < 3_600 ? [size / 60, "min"] : size < 86_400 ? [size / 3_600, "h"] : [size / 86_400, "d"];
  const phrase = `${Math.floor(amount)} ${unit}`;
  return seconds > 0 ? `${phrase} ago` : `in ${phrase}`;
}

export function formatDate(instant: string): string {
  return new Date(instant).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

export function formatDateTime(instant: string): string {
  return new Date(instant).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
}

export function formatClock(instant: string): string {
  return new Date(instant).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

/** "18:00", with the day when it is not today's: "at 18:00", "on 3 Mar at 18:00". */
export function formatMoment(instant: string | number, now: number): string {
  const moment = new Date(instant);
  const clock = moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (moment.toDateString() === new Date(now).toDateString()) return `at ${clock}`;
  return `on ${moment.toLocaleDateString(undefined, { day: "numeric", month: "short" })} at ${clock}`;
}

/** 1 → "1", 0.25 → "0.25", 3.99999 → "4". */
export function formatNumber(value: number): string {
  return trimmed(value.toFixed(2));
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** "2 cpus · 4 GB" and, where asked for, the gpus. */
export function formatResources(resources: { cpus: number; memory_gb: number; gpus?: number }): string {
  const parts = [
    `${formatNumber(resources.cpus)} ${resources.cpus === 1 ? "cpu" : "cpus"}`,
    `${formatNumber(resources.memory_gb)} GB memory`,
  ];
  if (resources.gpus) parts.push(plural(resources.gpus, "gpu"));
  return parts.join(" · ");
}

/** A refusal without the name of its site in front, where the page names the site itself. */
export function withoutSite(reason: string, site: string): string {
  for (const prefix of [`site ${site}: `, `${site}: `]) {
    if (reason.startsWith(prefix)) return reason.slice(prefix.length);
  }
  return reason;
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
