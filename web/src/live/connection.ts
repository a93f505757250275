import type { LiveEvent } from '../api/types';
import { type Message, SseParser } from './sse';

export type LiveState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'paused' }
  | { kind: 'lost'; since: number; retryAt: number };

/** What a connection tells its listener. */
export interface Listener {
  /** Read everything again that is shown: a first message, or a gap. */
  reset(): void;
  event(event: LiveEvent): void;
  /** It is another than before. */
  state(state: LiveState): void;
  /** The session has ended; nothing more comes. */
  loggedOut(): void;
}

/** The stream says every 15 s that it lives. */
const silence = 40_000;
const firstRetry = 1_000;
const longestRetry = 15_000;

/**
 * The one stream of live events of this page. It resumes where it broke off, finds out by itself that it is dead, and
 * pauses while nobody looks: browsers allow few connections to one server, and forgotten tabs would hold them all.
 */
export class LiveConnection {
  private serial: string | undefined;
  private stop: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private lostSince: number | undefined;
  private told: LiveState['kind'] | undefined;

  constructor(private readonly listener: Listener) {}

  /** Connects, or does nothing when it is connected. */
  open(): void {
    if (this.stop) return;
    clearTimeout(this.timer);
    this.stop = new AbortController();
    if (this.lostSince === undefined) this.tell({ kind: 'connecting' });
    void this.listen(this.stop);
  }

  /** Hangs up until `open`. */
  pause(): void {
    this.close();
    this.tell({ kind: 'paused' });
  }

  close(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.stop = undefined;
  }

  private async listen(stop: AbortController): Promise<void> {
    try {
      const query = this.serial ? `?after=${encodeURIComponent(this.serial)}` : '';
      this.watch(stop);
      const response = await fetch(`/api/v1/events${query}`, { signal: stop.signal, cache: 'no-store' });
      if (response.status === 401) {
        this.close();
        this.listener.loggedOut();
        return;
      }
      if (response.ok && response.body) await this.read(response.body, stop);
    } catch {
      // Whatever broke it, the answer is the same: try again.
    }
    if (this.stop === stop) this.retry();
  }

  private async read(body: ReadableStream<Uint8Array>, stop: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.stop !== stop) return;
      this.healed();
      this.watch(stop);
      for (const message of parser.push(decoder.decode(value, { stream: true }))) this.take(message);
    }
  }

  private take({ name, id, data }: Message): void {
    if (id) this.serial = id;
    if (name === 'snapshot' || name === 'reset') this.listener.reset();
    else this.listener.event(JSON.parse(data) as LiveEvent);
  }

  /** Breaks a connection off that has been silent for too long. */
  private watch(stop: AbortController): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => stop.abort(), silence);
  }

  private healed(): void {
    this.failures = 0;
    this.lostSince = undefined;
    this.tell({ kind: 'live' });
  }

  /**
   * Tells what is new. Whatever arrives says again that the connection lives; a component that was told so each time
   * would keep every one of these calls until it is drawn again, which may be never.
   */
  private tell(state: LiveState): void {
    if (state.kind === this.told && state.kind !== 'lost') return;
    this.told = state.kind;
    this.listener.state(state);
  }

  private retry(): void {
    this.close();
    const wait = Math.min(firstRetry * 2 ** this.failures, longestRetry);
    this.failures += 1;
    this.lostSince ??= Date.now();
    this.tell({ kind: 'lost', since: this.lostSince, retryAt: Date.now() + wait });
    this.timer = setTimeout(() => this.open(), wait);
  }
}
