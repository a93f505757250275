import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { draw } from '../test/render';
import { RenameProvider } from './RenameProvider';

/** A server that keeps the providers of its tunnels, and refuses to change some. */
function server(providers: Record<string, string>, refused: string[] = []) {
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url);
    if (request.method === 'GET') {
      const asked = url.searchParams.get('provider');
      const items = Object.keys(providers).filter((id) => providers[id] === asked);
      return Response.json({ items: items.map((id) => ({ id })) });
    }
    const id = url.pathname.split('/').at(-1) ?? '';
    if (refused.includes(id)) {
      return Response.json({ error: { code: 'internal', message: 'not this one' } }, { status: 500 });
    }
    providers[id] = (await request.json()).provider;
    return Response.json({ id });
  });
  return providers;
}

const provider = { name: 'Nothern Fibre', tunnels: 2, sites: 2, up: 2, offline: 0 };

async function renameTo(name: string) {
  await userEvent.click(screen.getByRole('button', { name: 'Rename Nothern Fibre' }));
  const field = await screen.findByLabelText(/^Name/);
  await userEvent.clear(field);
  await userEvent.type(field, name);
  await userEvent.click(screen.getByRole('button', { name: 'Rename' }));
}

afterEach(() => vi.unstubAllGlobals());

describe('RenameProvider', () => {
  it('changes every tunnel that names the provider, and no other', async () => {
    const known = server({ a: 'Nothern Fibre', b: 'City Cable', c: 'Nothern Fibre' });
    draw(<RenameProvider provider={provider} />);
    await renameTo('Northern Fibre');
    await vi.waitFor(() =>
      expect(known).toEqual({ a: 'Northern Fibre', b: 'City Cable', c: 'Northern Fibre' }),
    );
  });

  it('says what went wrong in between, and goes on with the rest when it is asked again', async () => {
    const refused = ['c'];
    const known = server({ a: 'Nothern Fibre', c: 'Nothern Fibre' }, refused);
    draw(<RenameProvider provider={provider} />);
    await renameTo('Northern Fibre');
    expect((await screen.findByRole('alert')).textContent).toContain('Not this one.');
    expect(known).toEqual({ a: 'Northern Fibre', c: 'Nothern Fibre' });
    refused.pop();
    await userEvent.click(screen.getByRole('button', { name: 'Rename' }));
    await vi.waitFor(() => expect(known.c).toBe('Northern Fibre'));
  });
});
