import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Suspense } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UserRole } from '../../api/types';
import { draw } from '../../test/render';
import { BreakThings } from './BreakThings';

/** A server with one line, which remembers what is done to it. */
function server(lab: boolean, role: UserRole) {
  let state = 'working';
  const fetch = vi.fn(async (request: Request) => {
    if (request.url.endsWith('/session')) return Response.json({ role });
    if (request.url.endsWith('/health')) return Response.json({ status: 'ok', lab });
    if (request.method === 'PUT') ({ state } = await request.json());
    return Response.json({ lines: [{ isp: 'fibre', interface: 'wan1', state }] });
  });
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

const drawPanel = () =>
  draw(
    <Suspense>
      <BreakThings />
    </Suspense>,
  );

afterEach(() => vi.unstubAllGlobals());

describe('BreakThings', () => {
  it('cuts a line, and shows that it is cut', async () => {
    server(true, 'operator');
    drawPanel();
    const cut = await screen.findByRole('button', { name: 'Uplink cut' });
    expect(cut.getAttribute('aria-pressed')).toBe('false');
    await userEvent.click(cut);
    expect(cut.getAttribute('aria-pressed')).toBe('true');
    expect(screen.getByRole('button', { name: 'Working' }).getAttribute('aria-pressed')).toBe('false');
  });

  it.each([
    ['on a server that is no lab', false, 'operator'],
    ['for who may change nothing', true, 'viewer'],
  ] as const)('is not there %s', async (_, lab, role) => {
    const fetch = server(lab, role);
    const { container } = drawPanel();
    await vi.waitFor(() => expect(fetch.mock.settledResults.length).toBeGreaterThanOrEqual(2));
    // Whatever the answers lead to is asked for by then.
    await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(container.querySelector('section')).toBeNull();
    expect(fetch.mock.calls.some(([request]) => request.url.endsWith('/lab'))).toBe(false);
  });
});
