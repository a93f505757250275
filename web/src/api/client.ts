import createClient from 'openapi-fetch';
import { ApiError, errorOf } from './error';
import type { paths } from './generated';

/**
 * The API, typed by openapi.json: a path, parameter or field that does not exist is a type error.
 * It is where this page came from (tests come from nowhere); cookies carry the session. `fetch` is looked up late, so
 * that tests can stand in for it.
 */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? 'http://localhost',
  fetch: (request) => globalThis.fetch(request),
});

interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** What a request is answered with; throws an ApiError when it is refused or does not arrive. */
export async function ok<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await okResponse(request)).data;
}

/** As `ok`, for who needs a header of the answer as well. */
export async function okResponse<T>(request: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await request.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw ApiError.unreachable();
  });
  if (!response.ok) throw errorOf(response.status, error);
  // An answer without a body has no data, and its type says so.
  return { data: data as T, response };
}

interface Page<T> {
  items: T[];
  next?: string | null;
}

/** The longest page that the API gives. */
export const pageLimit = 200;

/** Every item of a list, page after page. */
export async function everyPage<T>(read: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after);
  return items;
}

/** A new key for a change that must happen once, however often it is sent. */
export function onceKey(): string {
  // Browsers keep randomUUID to pages that came over HTTPS or from this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
