// A server in front of a server, which lets everything through and can add live events of its own to the stream.
import { createServer, request } from 'node:http';

export class Tap {
  /** Stands in front of `target`, a URL. */
  static async open(target) {
    const tap = new Tap(target);
    await new Promise((resolve, reject) => {
      tap.server.once('error', reject);
      tap.server.listen(0, '127.0.0.1', resolve);
    });
    tap.url = `http://127.0.0.1:${tap.server.address().port}`;
    return tap;
  }

  constructor(target) {
    this.target = new URL(target);
    /** Those who listen to live events. */
    this.streams = new Set();
    this.server = createServer((asked, answer) => this.#pass(asked, answer));
  }

  /** Tells every page of an event. */
  tell(event) {
    const message = `event: ${event.kind}\ndata: ${JSON.stringify({ at: new Date().toISOString(), ...event })}\n\n`;
    for (const stream of this.streams) stream.write(message);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #pass(asked, answer) {
    const { hostname, port } = this.target;
    const { method, url: path, headers } = asked;
    const inner = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      if (path.startsWith('/api/v1/events')) this.streams.add(answer);
      response.pipe(answer);
    });
    inner.once('error', () => answer.destroy());
    answer.once('close', () => {
      this.streams.delete(answer);
      inner.destroy();
    });
    asked.pipe(inner);
  }
}
