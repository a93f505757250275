// A `holdfast serve` of its own in a scratch directory, set up with an owner, and clients that stand for routers.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const owner = {
  name: 'Ann Example',
  email: 'ann@example.org',
  password: 'correct horse battery staple',
};

export class Gallery {
  /** Starts everything. `binary` is the path of `holdfast`. */
  static async start(binary) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-gallery-'));
    const [http, routers, ...slots] = await freePorts(5);
    const gallery = new Gallery(binary, folder, { http, routers, slots });
    gallery.children.push(gallery.#spawn('serve', ['serve']));
    await until('the server answers', async () => (await fetch(`${gallery.url}/api/v1/health`)).ok);
    await gallery.#setUp();
    return gallery;
  }

  constructor(binary, folder, { http, routers, slots }) {
    this.binary = binary;
    this.folder = folder;
    this.url = `http://127.0.0.1:${http}`;
    this.slots = slots.map((port) => `127.0.0.1:${port}`);
    this.env = {
      ...process.env,
      HOLDFAST_DATA: join(folder, 'data'),
      HOLDFAST_HTTP_LISTEN: `127.0.0.1:${http}`,
      HOLDFAST_HTTP_ROUTERS_LISTEN: `127.0.0.1:${routers}`,
      HOLDFAST_CONTROLLER_SLOTS: this.slots.join(','),
    };
    this.children = [];
    this.cookie = undefined;
  }

  /** Asks the API as the owner; throws what it refuses. */
  async ask(method, path, body, headers = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      body: body && JSON.stringify(body),
      headers: {
        origin: this.url,
        cookie: this.cookie ?? '',
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    this.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? this.cookie;
    return { data: text && JSON.parse(text), etag: response.headers.get('etag') };
  }

  /** Connects tunnels of one slot, as routers would, until the answer is called. */
  connect(slot, credentials) {
    const users = join(this.folder, `users-${this.children.length}`);
    writeFileSync(users, credentials.map(({ username, password }) => `${username} ${password}\n`).join(''));
    const child = this.#spawn('load', [
      ...['load', '--target', this.slots[slot - 1], '--users', users],
      ...['--connections', String(credentials.length), '--hold', '3600', '--reconnect'],
    ]);
    this.children.push(child);
    return () => child.kill();
  }

  /** Starts a MikroTik with these settings (docs/virtual-router.md); answers the port of its API. */
  async mikrotik(settings) {
    const path = (kind) => join(this.folder, `router-${this.children.length}.${kind}`);
    const [config, ready] = [path('json'), path('ready')];
    const access = { api: '127.0.0.1:0', ready };
    // It has nothing to do with this machine's network.
    writeFileSync(config, JSON.stringify({ ...settings, kernel: 'off', access }));
    this.children.push(this.#spawn('router', ['lab', 'router', '--config', config]));
    let port;
    await until('the router listens', async () => {
      port = Number(JSON.parse(readFileSync(ready, 'utf8')).api.split(':')[1]);
      return true;
    });
    return port;
  }

  stop() {
    for (const child of this.children.reverse()) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #setUp() {
    const { stdout } = spawnSync(this.binary, ['admin', 'setup-link'], { env: this.env, encoding: 'utf8' });
    this.setUpLink = stdout.trim();
    await this.ask('POST', '/setup', {
      token: this.setUpLink.split('#')[1],
      organization: 'Example Networks',
      ...owner,
    });
  }

  #spawn(name, args) {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(this.binary, args, { env: this.env, stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }
}

/** Waits for a condition, at most a minute. */
export async function until(what, holds) {
  const deadline = Date.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
