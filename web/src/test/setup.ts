import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

// jsdom has neither, and component libraries look for both when they are loaded.
class NoResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= NoResizeObserver;
globalThis.matchMedia ??= (query: string) =>
  Object.assign(new EventTarget(), {
    matches: false,
    media: query,
    onchange: null,
    addListener() {},
    removeListener() {},
  });

afterEach(cleanup);
