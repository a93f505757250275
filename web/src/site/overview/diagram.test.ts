import { describe, expect, it } from 'vitest';
import type { LinkState, TunnelRole, TunnelStatus } from '../../api/types';
import { diagram, inWords } from './diagram';

function tunnel(name: string, rank: number, state: LinkState, role: TunnelRole | null): TunnelStatus {
  return {
    id: name,
    name,
    rank,
    state,
    cause: 'so it is',
    since: '2026-11-23T10:00:00Z',
    role,
    place: null,
    routes: [],
  };
}

const fibre = tunnel('Fibre', 0, 'offline', 'standby');
const lte = tunnel('LTE', 1, 'online', 'active');

describe('the diagram of a site', () => {
  it('lights the active way and breaks the dead one', () => {
    const { ways } = diagram([fibre, lte], 700);
    expect(ways.map(({ isActive, isBroken }) => [isActive, isBroken])).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it('keeps every box inside, however narrow it is and however many there are', () => {
    for (const width of [320, 700, 1200]) {
      for (const count of [0, 1, 2, 8]) {
        const tunnels = Array.from({ length: count }, (_, rank) =>
          tunnel(`WAN ${rank}`, rank, 'online', null),
        );
        const { ways, ispWidth, ispHeight, height, router, internet } = diagram(tunnels, width);
        for (const { isp } of ways) {
          expect(isp.x - ispWidth / 2).toBeGreaterThan(router.x + 20);
          expect(isp.x + ispWidth / 2).toBeLessThan(internet.x - 10);
          expect(isp.y - ispHeight / 2).toBeGreaterThan(0);
          expect(isp.y + ispHeight / 2).toBeLessThan(height);
        }
      }
    }
  });

  it('is told in words', () => {
    const status = { site_id: 's', enabled: true, active: 'LTE', tunnels: [fibre, lte] };
    expect(inWords(status)).toBe(
      'Traffic leaves through LTE, which is number 2 in the order. Fibre is offline: so it is.',
    );
    expect(inWords({ ...status, enabled: false })).toContain('off');
  });
});
