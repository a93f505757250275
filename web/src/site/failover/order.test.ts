import { describe, expect, it } from 'vitest';
import type { Tunnel } from '../../api/types';
import { costly, draftMove, isOvertaken, moved, rebased } from './order';

const stored = { tunnels: ['a', 'b', 'c'], version: 7 };

describe('a draft of the order', () => {
  it('moves a tunnel to a place, and no further than the ends', () => {
    expect(moved(['a', 'b', 'c'], 'a', 2)).toEqual(['b', 'c', 'a']);
    expect(moved(['a', 'b', 'c'], 'c', -1)).toEqual(['c', 'a', 'b']);
    expect(moved(['a', 'b', 'c'], 'a', 9)).toEqual(['b', 'c', 'a']);
    expect(moved(['a', 'b'], 'gone', 0)).toEqual(['a', 'b']);
  });

  it('gathers several moves, and is gone when they lead back', () => {
    const one = draftMove(undefined, stored, 'c', 0);
    expect(one).toEqual({ order: ['c', 'a', 'b'], from: 7 });
    const two = draftMove(one, stored, 'b', 1);
    expect(two).toEqual({ order: ['c', 'b', 'a'], from: 7 });
    expect(draftMove(one, stored, 'c', 2)).toBeUndefined();
  });

  it('is overtaken when somebody else was faster', () => {
    const draft = { order: ['c', 'a', 'b'], from: 7 };
    expect(isOvertaken(draft, stored)).toBe(false);
    expect(isOvertaken(draft, { ...stored, version: 8 })).toBe(true);
    expect(isOvertaken(undefined, stored)).toBe(false);
  });

  it('is kept on top of what somebody else stored, with the tunnels that there are now', () => {
    const draft = { order: ['c', 'a', 'b'], from: 7 };
    expect(rebased(draft, { tunnels: ['b', 'd', 'c'], version: 8 })).toEqual({
      order: ['c', 'b', 'd'],
      from: 8,
    });
    expect(rebased(draft, { tunnels: ['c', 'a', 'b'], version: 8 })).toBeUndefined();
  });
});

describe('metered tunnels', () => {
  const tunnel = (id: string, metered: boolean, enabled = true) =>
    ({ id, metered, enabled, state: 'online' }) as Tunnel;
  const tunnels = [tunnel('fibre', false), tunnel('lte', true), tunnel('old', false, false)];
  const names = (order: string[]) => costly(order, tunnels).map(({ id }) => id);

  it('are warned of where they stand above one that costs nothing and is used', () => {
    expect(names(['lte', 'fibre', 'old'])).toEqual(['lte']);
    expect(names(['fibre', 'lte', 'old'])).toEqual([]);
  });
});
