import type { QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/error';
import { keys } from '../api/keys';
import type { Site } from '../api/types';
import { siteQuery } from '../sites/sites';

/** Changes are gathered for so long, and a list that is read again as a whole is left alone for so much longer. */
const gather = 150;
const rest = 3_000;

/** More changed sites than these at once, and the whole list is cheaper. */
const fewSites = 20;

/** Keeps the list of all sites true, which is thousands of rows long: only those that changed are read again. */
export class SitesFeed {
  private changedSites = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  changed(site: string): void {
    this.changedSites.add(site);
    this.timer ??= setTimeout(() => this.read(), gather);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private read(): void {
    const sites = [...this.changedSites];
    this.changedSites.clear();
    this.timer = undefined;
    if (!this.client.getQueryData(keys.sites)) return;
    if (sites.length <= fewSites) {
      for (const site of sites) void this.readOne(site);
      return;
    }
    void this.client.invalidateQueries({ queryKey: keys.sites });
    // What changes meanwhile waits.
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.changedSites.size > 0) this.read();
    }, rest);
  }

  private async readOne(id: string): Promise<void> {
    try {
      const site = await this.client.fetchQuery({ ...siteQuery(id), staleTime: 0 });
      this.client.setQueryData<Site[]>(keys.sites, (list) => list && replaced(list, id, site));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) return;
      this.client.setQueryData<Site[]>(keys.sites, (list) => list && replaced(list, id, undefined));
    }
  }
}

/** The list with one row as it is now; without it when the site is gone. */
export function replaced(list: Site[], id: string, site: Site | undefined): Site[] {
  if (!site) return list.filter((row) => row.id !== id);
  const at = list.findIndex((row) => row.id === id);
  return at < 0 ? [...list, site] : list.with(at, site);
}
