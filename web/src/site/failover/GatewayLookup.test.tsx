import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { draw } from '../../test/render';
import { GatewayLookup } from './GatewayLookup';

const candidates = {
  observed_at: '2026-11-23T12:00:00Z',
  items: [
    {
      gateway: '192.0.2.1',
      source: 'dhcp',
      reachable: true,
      rtt_ms: 1.2,
      reason: 'given by DHCP',
      warnings: ['the lease ends soon'],
    },
  ],
};
const unreachable = {
  error: { code: 'router-unreachable', message: 'the router cannot be reached: no tunnel is up' },
};

function server(state: string, status: number, gateways: unknown) {
  const fetch = vi.fn(async (request: Request) => {
    const isLookUp = request.url.includes('/router/gateways?interface=ether1');
    return Response.json(isLookUp ? gateways : { state }, { status: isLookUp ? status : 200 });
  });
  vi.stubGlobal('fetch', fetch);
}

afterEach(() => vi.unstubAllGlobals());

describe('GatewayLookup', () => {
  it('shows what the router knows, and hands over what is picked', async () => {
    server('online', 200, candidates);
    const onPick = vi.fn();
    draw(<GatewayLookup site="s" through="ether1" onPick={onPick} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Look up eligible gateways' }));
    expect(await screen.findByText('answers in 1.2 ms')).toBeDefined();
    expect(screen.getByText('Mind: the lease ends soon')).toBeDefined();
    await userEvent.click(screen.getByRole('button', { name: 'Use 192.0.2.1' }));
    expect(onPick).toHaveBeenCalledExactlyOnceWith('192.0.2.1');
  });

  it('says why a router cannot be asked', async () => {
    server('away', 503, unreachable);
    draw(<GatewayLookup site="s" through="ether1" onPick={() => {}} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Look up eligible gateways' }));
    expect((await screen.findByRole('alert')).textContent).toContain('no tunnel is up');
  });
});
