import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/types';
import { planInWords, routesInWords } from './preview';

const route = (network: string, prefix: number) => ({ network, prefix, gateway: '192.0.2.1', metric: 0 });

describe('the routes of a tunnel', () => {
  it('are listed while they are few, and summed up when they are many', () => {
    expect(routesInWords([])).toBe('no routes while it has no gateway');
    expect(routesInWords([route('0.0.0.0', 1), route('128.0.0.0', 1)])).toBe(
      '0.0.0.0/1, 128.0.0.0/1 by way of 192.0.2.1',
    );
    const eighths = Array.from({ length: 8 }, (_, part) => route(`${part * 32}.0.0.0`, 3));
    expect(routesInWords(eighths)).toBe('0.0.0.0/3 to 224.0.0.0/3 (8 routes) by way of 192.0.2.1');
  });
});

describe('the plan of a router', () => {
  const plan = (steps: number): Schemas['RouterPlan'] => ({
    mode: 'pushed',
    steps: Array.from({ length: steps }, (_, index) => ({ summary: '', command: `${index}` })),
    drift: false,
    text: '',
  });

  it('says how much is changed, and when nothing is', () => {
    expect(planInWords(null)).toContain('nothing is configured on the router');
    expect(planInWords(plan(0))).toContain('stays as it is');
    expect(planInWords(plan(1))).toBe('One change is made on the router.');
    expect(planInWords(plan(3))).toBe('3 changes are made on the router.');
  });
});
