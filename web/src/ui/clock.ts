import { useSyncExternalStore } from 'react';

/** One timer for every text that grows old, however many there are. */
const period = 1_000;
const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  timer ??= setInterval(tick, period);
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const reader of readers) reader();
}

/** What `read` makes of the time now; whoever asks is drawn again only when that changes. */
export function useClock<T extends string | number | boolean>(read: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => read(timer ? now : Date.now()));
}
