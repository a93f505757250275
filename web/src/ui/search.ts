/** Reading filters from the address bar, which anybody may have edited. */
export type Search = Record<string, unknown>;

/** A word of a closed list; undefined when it is none of them. */
export function word<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((known) => known === value);
}

/** A text; undefined when there is none. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** An instant; undefined when it is none. */
export function instant(value: unknown): string | undefined {
  const at = text(value);
  return at && !Number.isNaN(Date.parse(at)) ? new Date(at).toISOString() : undefined;
}

/** Without what is undefined, so that addresses stay short. */
export function compact<T extends object>(filter: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The words of a closed list, from the labels that we have for them. */
export function wordsOf<T extends string>(labels: Record<T, unknown>): T[] {
  return Object.keys(labels) as T[];
}
