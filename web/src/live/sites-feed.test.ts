import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keys } from '../api/keys';
import type { Site } from '../api/types';
import { replaced, SitesFeed } from './sites-feed';

const site = (id: string, name = id) => ({ id, name }) as Site;

describe('replaced', () => {
  const list = [site('a'), site('b')];

  it('changes a row in its place, adds a new one and takes a removed one away', () => {
    expect(replaced(list, 'a', site('a', 'A'))).toEqual([site('a', 'A'), site('b')]);
    expect(replaced(list, 'c', site('c'))).toEqual([...list, site('c')]);
    expect(replaced(list, 'b', undefined)).toEqual([site('a')]);
  });
});

describe('SitesFeed', () => {
  let client: QueryClient;
  let feed: SitesFeed;
  let status: number;
  const asked: string[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    asked.length = 0;
    status = 200;
    vi.stubGlobal('fetch', async (request: Request) => {
      const id = new URL(request.url).pathname.split('/').at(-1) ?? '';
      asked.push(id);
      return Response.json(status === 200 ? site(id, 'new') : { error: { code: 'x', message: 'x' } }, {
        status,
      });
    });
    client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    client.setQueryData(keys.sites, [site('a'), site('b')]);
    feed = new SitesFeed(client);
  });

  afterEach(() => {
    feed.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const names = () => client.getQueryData<Site[]>(keys.sites)?.map(({ name }) => name);

  it('reads a site that changed several times once, and no other', async () => {
    for (let i = 0; i < 5; i += 1) feed.changed('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual(['a']);
    expect(names()).toEqual(['new', 'b']);
  });

  it('takes a site from the list when it is gone, and not when the server is ill', async () => {
    status = 500;
    feed.changed('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(names()).toEqual(['a', 'b']);
    status = 404;
    feed.changed('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(names()).toEqual(['b']);
  });

  it('reads the list as a whole when very many changed, and then not again for a while', async () => {
    const stale = () => client.getQueryState(keys.sites)?.isInvalidated;
    for (let i = 0; i < 100; i += 1) feed.changed(`s${i}`);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual([]);
    expect(stale()).toBe(true);

    feed.changed('a');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(asked).toEqual(['a']);
  });

  it('asks for nothing when no page shows the list', async () => {
    client.clear();
    feed.changed('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual([]);
  });
});
