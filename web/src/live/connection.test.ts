import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveConnection, type LiveState } from './connection';

/** A server whose streams the test writes. */
class Server {
  urls: string[] = [];
  private open: ReadableStreamDefaultController<Uint8Array> | undefined;
  status = 200;

  fetch = async (url: string, init: { signal: AbortSignal }) => {
    this.urls.push(url);
    if (this.status === 0) throw new TypeError('no network');
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.open = controller;
        init.signal.addEventListener('abort', () => controller.error(new Error('aborted')));
      },
    });
    return new Response(body, { status: this.status });
  };

  async say(text: string) {
    this.open?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(0);
  }

  async hangUp() {
    this.open?.close();
    await vi.advanceTimersByTimeAsync(0);
  }
}

function heard() {
  const log: string[] = [];
  const states: LiveState[] = [];
  const listener = {
    reset: () => log.push('reset'),
    event: (event: { kind: string }) => log.push(event.kind),
    state: (state: LiveState) => states.push(state),
    loggedOut: () => log.push('logged out'),
  };
  return { log, states, listener };
}

describe('LiveConnection', () => {
  let server: Server;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    vi.stubGlobal('fetch', server.fetch);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('reads everything again at a snapshot and hands events on', async () => {
    const { log, states, listener } = heard();
    new LiveConnection(listener).open();
    await server.say('event: snapshot\nid: e-1\ndata: {}\n\nevent: role\nid: e-2\ndata: {"kind":"role"}\n\n');
    expect(log).toEqual(['reset', 'role']);
    expect(states.at(-1)).toEqual({ kind: 'live' });
  });

  it('says once that it is live, whatever arrives', async () => {
    const { states, listener } = heard();
    new LiveConnection(listener).open();
    for (let count = 0; count < 3; count += 1) await server.say(': here\n\n');
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'live']);
  });

  it('resumes after the last event when the stream ends, and says meanwhile that it is lost', async () => {
    const { states, listener } = heard();
    new LiveConnection(listener).open();
    await server.say('event: role\nid: e-7\ndata: {"kind":"role"}\n\n');
    await server.hangUp();
    expect(states.at(-1)?.kind).toBe('lost');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.urls).toEqual(['/api/v1/events', '/api/v1/events?after=e-7']);
    await server.say(': here\n\n');
    expect(states.at(-1)).toEqual({ kind: 'live' });
  });

  it('waits longer from failure to failure', async () => {
    const { listener } = heard();
    server.status = 0;
    new LiveConnection(listener).open();
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.urls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.urls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.urls).toHaveLength(3);
  });

  it('takes a silent stream for dead', async () => {
    const { states, listener } = heard();
    new LiveConnection(listener).open();
    await server.say(': here\n\n');
    await vi.advanceTimersByTimeAsync(39_000);
    expect(states.at(-1)?.kind).toBe('live');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(states.at(-1)?.kind).toBe('lost');
  });

  it('ends with the session', async () => {
    const { log, listener } = heard();
    server.status = 401;
    new LiveConnection(listener).open();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(log).toEqual(['logged out']);
    expect(server.urls).toHaveLength(1);
  });

  it('keeps silent while it is paused', async () => {
    const { states, listener } = heard();
    const connection = new LiveConnection(listener);
    connection.open();
    await server.say(': here\n\n');
    connection.pause();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(states.at(-1)).toEqual({ kind: 'paused' });
    expect(server.urls).toHaveLength(1);
  });
});
